"""Columns that decide each other do so in new rows, and their density stays one."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from diabolo import Generator, Recipe, Training, load
from diabolo.errors import FileError
from diabolo.estimators.generation.chain_rule import ChainRule, fits
from diabolo.files import load as read
from diabolo.files import save
from diabolo.latents import Gaussian
from diabolo.nets import MLP

pytestmark = pytest.mark.filterwarnings("ignore:.*they have collapsed")

SIZES = [(3, 0), (6, 4), (2, 0)]  # a category; four bins, elsewhere and missing; a flag


def copies(count=600, seed=0):
    """A column, itself, itself in other units, and noise."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=count)
    return pd.DataFrame({"a": a, "b": a, "t": 12.5 * a, "noise": rng.normal(size=count)})


def shop(count=1000, seed=0):
    """A city that decides the price."""
    rng = np.random.default_rng(seed)
    city = rng.choice(["Oslo", "Rome"], count, p=[0.7, 0.3])
    price = np.where(city == "Oslo", 100.0, 20.0) + 5 * rng.normal(size=count)
    return pd.DataFrame({"city": city, "price": price.round(2), "age": rng.integers(18, 91, count)})


def quick(steps=150, **knobs):
    recipe = Recipe(MLP((32,), activation="relu"), Gaussian())
    return Generator(2, recipe=recipe, training=Training(steps=steps, **knobs), random_state=0)


@pytest.fixture(scope="module")
def copier():
    return quick().fit(copies())


@pytest.fixture(scope="module")
def rule():
    torch.manual_seed(0)
    rule = ChainRule(SIZES).double()
    rule.begin(torch.tensor([0.2, 0.3, 0.5, 0.2, 0.2, 0.2, 0.3, 0.0, 0.1, 0.6, 0.4]))
    rule.weight.data = torch.randn_like(rule.weight) * rule.after
    torch.nn.init.normal_(rule.bias)
    return rule


def every():
    """All rows of the columns of the rule, (36, 14)."""
    blocks = [torch.eye(width).double() for width, _ in SIZES]
    rows = [torch.cat([b[i] for b, i in zip(blocks, at, strict=True)]) for at in np.ndindex(3, 6, 2)]
    return torch.cat([torch.stack(rows), torch.full((36, 3), 0.5).double()], 1)


def test_copies_stay_copies_and_noise_stays_noise(copier):
    new = copier.sample(2000, seed=0).corr()
    assert new.loc["a", ["b", "t"]].min() > 0.97
    assert new.loc["a":"t", "noise"].abs().max() < 0.2
    copier.columns_, kept = None, copier.columns_
    without = copier.sample(2000, seed=0).corr()
    copier.columns_ = kept
    assert without.loc["a", "b"] < 0.9


def test_a_city_decides_the_price_as_it_does():
    new = quick().fit(shop()).sample(3000, seed=0)
    swapped = (new["price"] < 60) == (new["city"] == "Oslo")
    assert swapped.mean() < 0.03
    assert not new["price"].between(45, 75).any()
    assert (new["city"] == "Rome").mean() == pytest.approx(0.3, abs=0.06)


def test_normal_columns_keep_their_covariance():
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 800)
    new = quick().fit(X).sample(4000, seed=0)
    assert np.corrcoef(new.T)[0, 1] == pytest.approx(0.9, abs=0.04)


def test_probabilities_of_all_rows_sum_to_one(rule):
    params, rows = torch.randn(1, 11).double(), every()
    logits = params + rule(rows)
    p = (-rule.likelihood.distortion(logits, rows).sum(1)).exp()
    assert p.sum().item() == pytest.approx(1)
    torch.manual_seed(0)
    drawn = rule.sample(params.expand(40_000, -1))
    which = (drawn[:, None, :11] == rows[:, :11]).all(2).double().mean(0)
    assert torch.allclose(which, p, atol=0.01)


def test_a_column_knows_those_before_it_only(rule):
    rows = every()
    found = rule(rows).view(3, 6, 2, 11)
    first, second, third = found[..., :3], found[..., 3:9], found[..., 9:]
    assert torch.allclose(first, first[:1, :1, :1].expand_as(first))
    assert torch.allclose(second, second[:, :1, :1].expand_as(second))
    assert torch.allclose(third, third[:, :, :1].expand_as(third))
    assert not torch.allclose(second[0], second[1])
    assert not torch.allclose(third[:, 0], third[:, 5])  # that a value is missing tells, too


def test_rows_that_columns_tell_of_are_more_probable(copier):
    real = copies(200, seed=1)
    broken = real.assign(b=real["b"].to_numpy()[::-1])
    assert copier.log_likelihood(real, 20).mean() > copier.log_likelihood(broken, 20).mean() + 5
    with_rule = copier.log_likelihood(real, 20).mean()
    copier.columns_, kept = None, copier.columns_
    without = copier.log_likelihood(real, 20).mean()
    copier.columns_ = kept
    assert with_rule > without + 0.5


def test_reconstructions_and_codes_are_those_of_the_model_alone(copier):
    real = copies(50, seed=1)
    rebuilt, codes = copier.reconstruct(real), copier.transform(real)
    copier.columns_, kept = None, copier.columns_
    pd.testing.assert_frame_equal(copier.reconstruct(real), rebuilt)
    np.testing.assert_array_equal(copier.transform(real), codes)
    copier.columns_ = kept


def test_where_nothing_is_held_out_columns_decide_each_other_too():
    new = quick(validation=0.0).fit(copies()).sample(1000, seed=0).corr()
    assert new.loc["a", "b"] > 0.95


def test_rows_given_a_condition_agree_too():
    frame = shop()
    generator = quick().fit(frame[["price", "age"]].assign(twice=2 * frame["price"]), frame["city"])
    new = generator.sample(500, condition="Rome", seed=0)
    assert (new["price"] < 60).mean() > 0.9
    assert new[["price", "twice"]].corr().iloc[0, 1] > 0.9


def test_a_saved_rule_is_the_same_and_older_files_have_none(copier, tmp_path):
    copier.save(tmp_path / "m")
    twin, real = load(tmp_path / "m", "cpu"), copies(20, seed=1)
    pd.testing.assert_frame_equal(twin.sample(50, seed=3), copier.sample(50, seed=3))
    np.testing.assert_array_equal(twin.log_likelihood(real, 5), copier.log_likelihood(real, 5))
    document, arrays = read(tmp_path / "m")
    own = {name: value for name, value in arrays.items() if name.startswith("job.columns.")}
    save(tmp_path / "old", document, {name: value for name, value in arrays.items() if name not in own})
    assert load(tmp_path / "old", "cpu").columns_ is None
    for i, (name, value) in enumerate(own.items()):
        backwards = [value.T.contiguous()] if value.ndim == 2 else []
        for j, wrong in enumerate([value[:-1], torch.full_like(value, torch.nan), *backwards]):
            save(tmp_path / f"edited{i}{j}", document, {**arrays, name: wrong})
            with pytest.raises(FileError, match="what it knows of columns"):
                load(tmp_path / f"edited{i}{j}", "cpu")


def test_one_column_and_too_many_have_no_rule():
    assert not fits([(4, 3)])
    assert not fits([(1, 0), (1, 0)])
    assert fits([(4, 3), (2, 0)])
    assert fits([(64, 0)] * 16)
    assert not fits([(64, 0)] * 17)
    assert quick(5).fit(np.random.default_rng(0).normal(size=(40, 1))).columns_ is None


def test_many_columns_are_told_by_fewer_waves():
    few, many = (ChainRule([(34, 33)] * count) for count in (2, 40))
    assert (few.waves, many.waves) == (31, 9)
    widths = itertools.chain((len(few.bias) / 2, len(many.bias) / 40))
    assert list(widths) == [33, 11]

"""The generator given labels and numbers: samples are what was asked for, and odd conditions are refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from tests.worlds import digit_images, digit_labels

from diabolo import Generator, Recipe, Training, load
from diabolo.errors import DataError, DataTypeError
from diabolo.estimators.generation.aspect import Aspect
from diabolo.estimators.generation.conditions import Conditions
from diabolo.latents import Gaussian
from diabolo.nets import MLP, Linear

pytestmark = pytest.mark.filterwarnings("ignore:.*they have collapsed")
TRAINING = Training(steps=500, validation=0.0)
MEANS = np.array([-4.0, 0.0, 4.0])


def quick(n=2, **knobs):
    return Generator(n, **{"training": TRAINING, "random_state": 0, "recipe": Recipe(MLP((16,)), Gaussian()), **knobs})


def world(count=900, seed=0):
    """Series (N, 4, 1) about the mean of their label: 60, 30 and 10 of a hundred are 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    label = rng.choice(3, count, p=[0.6, 0.3, 0.1])
    return MEANS[label][:, None, None] + 0.5 * rng.normal(size=(count, 4, 1)), label


def labels_of(generator):
    return generator.conditions_.aspects[0].labels


@pytest.fixture(scope="module")
def told():
    return quick().fit(*world())


def test_samples_follow_the_label(told):
    for label, mean in enumerate(MEANS):
        new = told.sample(2000, condition=label, seed=0, draw=True)
        assert new.mean() == pytest.approx(mean, abs=0.15)
        assert new.std() == pytest.approx(0.5, rel=0.3)
    each = told.sample(3, condition=[2, 0, 1], seed=0).mean((1, 2))
    np.testing.assert_allclose(each, MEANS[[2, 0, 1]], atol=0.8)


def test_without_a_condition_labels_come_as_often_as_in_training(told):
    new = told.sample(3000, seed=1).mean((1, 2))
    shares = [(np.abs(new - mean) < 2).mean() for mean in MEANS]
    np.testing.assert_allclose(shares, np.bincount(world()[1]) / 900, atol=0.03)


def test_the_likelihood_without_a_condition_is_the_mean_over_labels(told):
    x, label = world(60, seed=1)
    given = np.stack([told.log_likelihood(x, 20, condition=c) for c in range(3)])
    shares = np.bincount(world()[1]) / 900
    np.testing.assert_allclose(told.log_likelihood(x, 20), np.log(shares @ np.exp(given)))
    right = told.log_likelihood(x, 20, condition=label)
    assert (right > told.log_likelihood(x, 20, condition=(label + 1) % 3) + 5).all()
    assert told.score(x, label) == pytest.approx(told.log_likelihood(x, condition=label).mean())
    assert told.evidence(x, 20, label)["log_likelihood"] == pytest.approx(right.mean())


def test_samples_follow_a_number():
    rng = np.random.default_rng(0)
    at = rng.uniform(0, 10, 800)
    x = at[:, None, None] + 0.3 * rng.normal(size=(800, 5, 1))
    generator = quick(recipe=Recipe(Linear(), Gaussian())).fit(x, at)
    for wanted in (2, 5.5, 8.0):
        assert generator.sample(500, condition=wanted, seed=0).mean() == pytest.approx(wanted, abs=0.3)
    ramp = generator.sample(3, condition=np.array([1.0, 5.0, 9.0]), seed=0).mean((1, 2))
    np.testing.assert_allclose(ramp, [1, 5, 9], atol=0.8)
    assert np.isfinite(generator.log_likelihood(x[:5], 5)).all()  # over 64 of the numbers


def test_rows_follow_labels_and_numbers_at_once():
    rng = np.random.default_rng(0)
    y = pd.DataFrame({"kind": rng.choice(["cat", "dog"], 900), "size": rng.uniform(1, 3, 900)})
    weight = np.where(y["kind"] == "cat", 4.0, 20.0) * y["size"] + 0.5 * rng.normal(size=900)
    X = pd.DataFrame({"weight": weight, "barks": np.where(y["kind"] == "dog", "yes", "no")})
    generator = quick(recipe=Recipe(MLP((32,)), Gaussian())).fit(X, y)
    for condition, mean, barks in (
        ({"kind": "dog", "size": 3}, 60, "yes"),
        (("cat", 1.0), 4, "no"),
        (pd.DataFrame({"kind": ["dog"], "size": [1.0]}), 20, "yes"),
    ):
        new = generator.sample(400, condition=condition, seed=0)
        assert new["weight"].mean() == pytest.approx(mean, abs=2.5)
        assert (new["barks"] == barks).mean() > 0.95
    many = generator.sample(3, condition={"kind": ["dog", "cat", "dog"], "size": 2.0}, seed=0)
    assert many["barks"].tolist() == ["yes", "no", "yes"]


@pytest.mark.parametrize(
    "labels",
    [
        lambda y: y,
        lambda y: y.tolist(),
        lambda y: y.astype(np.uint8)[:, None],
        lambda y: y.astype(object),
        lambda y: torch.tensor(y),
        lambda y: pd.Series(y, name="class"),
        lambda y: pd.Series(y, dtype="Int64"),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pl.Series(y),
        lambda y: pl.DataFrame({"class": y}),
        lambda y: y.astype(str),
    ],
    ids=["int64", "list", "column", "objects", "tensor", "series", "nullable", "category", "polars", "frame", "text"],
)
def test_labels_of_every_form_are_the_same(labels):
    x, y = world(60)
    generator = quick(training=Training(steps=20)).fit(x, labels(y))
    assert labels_of(generator) == ("0", "1", "2")
    same = [generator.sample(4, condition=c, seed=0) for c in (2, "2", np.int64(2), 2.0, torch.tensor(2), [2] * 4)]
    assert all(np.array_equal(same[0], other) for other in same)


def test_booleans_and_labels_in_their_order():
    x, y = world(60)
    generator = quick(training=Training(steps=20)).fit(x, y > 0)
    assert labels_of(generator) == ("False", "True")
    many = quick(training=Training(steps=20)).fit(x, np.arange(60) % 12)
    assert labels_of(many) == tuple(map(str, range(12)))


def test_a_condition_is_told_to_everything(told):
    x, label = world(6, seed=3)
    codes = told.encode(x, label)
    np.testing.assert_allclose(told.decode(codes, label), told.reconstruct(x, label), atol=1e-5)
    assert not np.allclose(told.decode(codes, 0), told.decode(codes, 2))
    walk = told.interpolate(x[0], x[1], 3, condition=2)
    assert walk.mean() == pytest.approx(told.traverse(None, 0, [0.0], condition=2).mean(), abs=2)
    np.testing.assert_allclose(told.transform(x), told.encode(x, None))


def test_a_saved_condition_is_the_same(told, tmp_path):
    told.save(tmp_path / "m")
    twin = load(tmp_path / "m", "cpu")
    np.testing.assert_array_equal(twin.sample(5, seed=2), told.sample(5, seed=2))
    assert twin.conditions_.aspects == told.conditions_.aspects
    with pytest.raises(DataError, match="one of the labels in y at fit, '0', '1', '2'; got '7'"):
        twin.sample(1, condition=7)


def test_digits_are_those_asked_for():
    from sklearn.linear_model import LogisticRegression

    X, y = digit_images() / 16, digit_labels()
    generator = quick(6, recipe=Recipe(MLP((128,)), Gaussian()), training=Training(steps=600)).fit(X, y)
    judge = LogisticRegression(max_iter=300).fit(X.reshape(-1, 64), y)
    asked = np.arange(500) % 10
    new = generator.sample(500, condition=asked, seed=0)
    assert (judge.predict(new.reshape(-1, 64)) == asked).mean() > 0.9
    assert new.min() >= 0
    assert new.max() <= 1


@pytest.mark.parametrize(
    "condition, error, words",
    [
        (3, DataError, "'y' must be one of the labels in y at fit, '0', '1', '2'; got '3'. Fit anew"),
        ("cat", DataError, "got 'cat'"),
        (0.5, DataError, "got '0.5'"),
        (np.nan, DataError, "got 'nan'"),
        ([0, 1], DataError, "must give 'y' once, or for each of 4 samples; got"),
        (np.zeros((4, 2), int), DataError, "must give 'y' once, or for each of 4 samples"),
        (np.zeros((4, 1, 1), int), DataError, r"must be \(N,\) or \(N, K\); got shape \(4, 1, 1\)"),
        ([[0], [1, 2]], DataError, "must be rectangular: .* Give every row all its columns.$"),
    ],
    ids=str,
)
def test_conditions_of_the_wrong_kind_are_refused(told, condition, error, words):
    with pytest.raises(error, match=words):
        told.sample(4, condition=condition)


@pytest.mark.parametrize(
    "y, error, words",
    [
        (np.arange(39), DataError, "each of 40 samples; got 39 rows"),
        ([None, *["a"] * 39], DataError, "no missing value; got one in 'y'"),
        (np.where(np.arange(40) > 5, np.nan, 1.0), DataError, "no missing value"),
        (np.where(np.arange(40) > 5, np.inf, 1.0), DataError, "finite numbers; got infinity in 'y'"),
        (pd.Series(pd.date_range("2020", periods=40), name="when"), DataTypeError, "got dates in 'when'"),
        (["a", 1] * 20, DataTypeError, "values of one kind"),
        (np.zeros((40, 2, 2)), DataError, "got shape"),
    ],
    ids=str,
)
def test_labels_that_cannot_be_are_refused(y, error, words):
    with pytest.raises(error, match=words):
        quick().fit(world(40)[0], y)


def test_identifiers_are_no_labels():
    with pytest.raises(DataError, match="labels that come back; got 100 distinct ones in 100 rows of 'y'"):
        quick().fit(world(100)[0], np.arange(100))


def test_numbers_want_numbers():
    x, _ = world(40)
    generator = quick(training=Training(steps=20)).fit(x, np.linspace(0, 1, 40))
    with pytest.raises(DataTypeError, match="'y' must be numbers, as y was at fit; got 'high'"):
        generator.sample(2, condition="high")
    with pytest.raises(DataError, match="no missing value"):
        generator.sample(2, condition=np.nan)
    pair = quick(training=Training(steps=20)).fit(x, pd.DataFrame({"a": np.ones(40), "b": ["x", "y"] * 20}))
    with pytest.raises(DataError, match="must name 'a', 'b'; got 'a'"):
        pair.sample(2, condition={"a": 1})


@pytest.fixture(scope="module")
def conditions():
    frame = {"zip": ["007", "7", "x=y"], "zip=x": ["p", "q", "p"], "age": [3, 41, 3], "size": [1.5, 2.5, 3.5]}
    return Conditions.of(pd.DataFrame(frame), 3)[0]


@pytest.mark.parametrize(
    "texts, values",
    [
        (["zip=007", "zip=x=p", "age=41", "size=2.5"], ["007", "p", "41", 2.5]),
        (["size=25e-1", "age=41.0", "zip=x=q", "zip=7"], ["7", "q", "41", 2.5]),
        (["zip=07", "zip=x=p", "age=3", "size=-1"], ["7", "p", "3", -1.0]),
        (["zip=x", "zip=x=q", "age=1_0", "size=1_0"], ["x", "q", "1_0", "1_0"]),  # these say nothing that is known
    ],
    ids=str,
)
def test_text_is_read_by_the_column_that_it_is_for(conditions, texts, values):
    found = conditions.parsed(texts)
    assert [found[aspect.name] for aspect in conditions.aspects] == values


@pytest.mark.parametrize(
    "texts", [["zip=7"], ["7", "p", "3", "1"], ["zip=7", "zip=007", "zip=x=p", "age=3", "size=1"]], ids=str
)
def test_text_must_name_each_column_once(conditions, texts):
    with pytest.raises(DataError, match="must give 'zip', 'zip=x', 'age' and 1 more once, as COLUMN=VALUE; got"):
        conditions.parsed(texts)


def test_text_for_numbers_that_is_none_is_refused_by_name():
    sizes, _ = Conditions.of(np.array([1.5, 2.5]), 2)
    assert sizes.encode(sizes.parsed(["2.5"]), 1).tolist() == [[1.0]]
    for text, error, words in (
        ("high", DataTypeError, "'y' must be numbers, as y was at fit; got 'high'"),
        ("infinity", DataError, "finite numbers; got infinity"),
        ("nan", DataError, "no missing value"),
        ("1_000", DataTypeError, "got '1_000'"),
    ):
        with pytest.raises(error, match=words):
            sizes.encode(sizes.parsed([text]), 1)


def test_whole_numbers_that_no_float_tells_apart_are_labels_of_their_own():
    x, label = world(60)
    ids = np.where(label == 0, 2**53, 2**53 + 1)
    generator = quick(training=Training(steps=5)).fit(x, ids)
    assert labels_of(generator) == ("9007199254740992", "9007199254740993")
    assert generator.sample(2, condition=[2**53, 2**53 + 1]).shape == (2, 4, 1)


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.1, 0.0])
def test_a_number_that_is_always_the_same_is_told_as_one_that_is_near_it(value):
    aspect = Aspect.of("a", np.full(60, value))
    assert abs(aspect.encode(np.array([value + 0.5]))).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_of_a_condition_go_by_name_in_any_order(frame):
    label = world(60)[1]
    y = {"label": label.astype(str), "size": np.linspace(0.0, 1.0, 60)}
    conditions, _ = Conditions.of(frame(y), 60)
    told = conditions.encode(frame(y), 60)
    np.testing.assert_array_equal(conditions.encode(frame({name: y[name] for name in ("size", "label")}), 60), told)
    np.testing.assert_array_equal(conditions.encode(np.array([*zip(*y.values(), strict=True)], dtype=object), 60), told)
    with pytest.raises(DataError, match=r"must name 'label', 'size'; got 'label', 'width'. Rename or add"):
        conditions.encode(frame({"label": y["label"], "width": y["size"]}), 60)
    by_place, _ = Conditions.of(np.stack([label, label % 2], 1), 60)
    assert by_place.encode(frame({"a": label, "b": label % 2}), 60).shape == (60, 5)

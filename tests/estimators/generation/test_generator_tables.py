"""The generator on tables: rows like the user's own, distributed as they are, with densities that integrate to one."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.anomalies import orders

from diabolo import Generator, Recipe, Training, load
from diabolo.errors import DataError, DataTypeError, DiaboloWarning, FileError
from diabolo.estimators.generation.rows import Rows
from diabolo.latents import Gaussian
from diabolo.likelihoods import SquaredError
from diabolo.nets import MLP
from diabolo.priors import Mixture, Normal

pytestmark = pytest.mark.filterwarnings("ignore:.*they have collapsed")


def quick(n=2, steps=30, **knobs):
    recipe = Recipe(MLP((32,), activation="relu"), Gaussian())
    training = Training(steps=steps, validation=0.0)
    return Generator(n, **{"training": training, "random_state": 0, "recipe": recipe, **knobs})


def shop(count=2000, seed=0):
    """A city that decides the price; a whole number that is sometimes missing; a flag, few values and a day."""
    rng = np.random.default_rng(seed)
    city = rng.choice(["Oslo", "Rome"], count, p=[0.7, 0.3])
    return pd.DataFrame(
        {
            "city": city,
            "price": (np.where(city == "Oslo", 100.0, 20.0) + 5 * rng.normal(size=count)).round(2),
            "paid": rng.random(count) < 0.7,
            "age": np.where(rng.random(count) < 0.2, np.nan, rng.integers(18, 91, count)),
            "stars": rng.choice([1.0, 2.5, 5.0], count, p=[0.2, 0.3, 0.5]),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, count), "D"),
        }
    )


@pytest.fixture(scope="module")
def shopper():
    return Generator(2, random_state=0, training=Training(steps=1500)).fit(shop())


@pytest.fixture(scope="module")
def bought(shopper):
    return shopper.sample(6000, seed=0)


def spread(column):
    """The standard deviation, if it is normal but for a few."""
    return (column.quantile(0.75) - column.quantile(0.25)) / 1.349


def odd(count=3000, seed=0):
    """Two modes, one of 30 and one of 70 %; a spread that depends on a label; zeros beside a long tail; gaps."""
    rng = np.random.default_rng(seed)
    mood = rng.choice(["calm", "wild"], count)
    return pd.DataFrame(
        {
            "mood": mood,
            "price": 50 + np.where(mood == "calm", 1, 20) * rng.normal(size=count),
            "modes": np.where(rng.random(count) < 0.3, -5, 5) + rng.normal(size=count),
            "wait": np.where(rng.random(count) < 0.6, 0, rng.lognormal(0, 3, count)),
            "gaps": np.where(rng.random(count) < 0.2, np.nan, rng.normal(size=count)),
        }
    )


@pytest.fixture(scope="module")
def oddities():
    return Generator(4, random_state=0).fit(odd()).sample(6000, seed=0)


def within(found, share, more=0.0, count=6000):
    """Whether a frequency is what binomial error allows, of training rows and of new ones, or a little more."""
    return abs(found - share) < 4 * np.sqrt(share * (1 - share) * (1 / 2000 + 1 / count)) + more


def test_categories_alone_are_as_frequent_as_they_are():
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c", "d"], 2000, p=[0.4, 0.3, 0.2, 0.1])
    new = quick(2, 300).fit(pd.DataFrame({"kind": kind, "flag": rng.random(2000) < 0.25})).sample(6000, seed=0)
    for value, share in zip("abcd", (0.4, 0.3, 0.2, 0.1), strict=True):
        assert within((new["kind"] == value).mean(), share)
    assert within(new["flag"].mean(), 0.25)


def test_categories_beside_others_are_as_frequent_as_they_are(bought):
    real = shop()
    for column in ("city", "paid", "stars"):
        for value, share in real[column].value_counts(normalize=True).items():
            assert within((bought[column] == value).mean(), share, 0.02), (column, value)
        assert set(bought[column]) == set(real[column])


def test_values_are_missing_as_often_as_they_are(bought):
    assert within(bought["age"].isna().mean(), 0.2, 0.02)
    assert bought.drop(columns="age").notna().all(axis=None)


def test_what_goes_together_goes_together(bought):
    for city, price in (("Oslo", 100), ("Rome", 20)):
        own = bought.loc[bought["city"] == city, "price"]
        assert own.median() == pytest.approx(price, abs=4)
        assert spread(own) == pytest.approx(5, abs=1.5)


def test_both_modes_come_back_in_their_shares(oddities):
    modes, real = oddities["modes"], odd()["modes"]
    assert (modes < 0).mean() == pytest.approx((real < 0).mean(), abs=0.03)
    for own in (modes[modes < 0] + 5, modes[modes > 0] - 5):
        assert own.mean() == pytest.approx(0, abs=0.15)
        assert own.std() == pytest.approx(1, abs=0.15)
    assert (modes.abs() < 1.5).mean() < 0.01


def test_a_spread_depends_on_what_it_depends_on(oddities):
    for mood, deviation in (("calm", 1), ("wild", 20)):
        assert spread(oddities.loc[oddities["mood"] == mood, "price"]) == pytest.approx(deviation, rel=0.25)


def test_zeros_stay_zeros_beside_a_long_tail(oddities):
    """The tail is that of two fits: of one alone its quantiles are off by as much as the bound, to either side."""
    wait, real = oddities["wait"], odd()["wait"]
    assert (wait == 0).mean() == pytest.approx((real == 0).mean(), abs=0.03)
    share = [0.7, 0.8, 0.9, 0.97, 0.99]
    other = Generator(4, random_state=1).fit(odd()).sample(6000, seed=0)["wait"]
    logs = (np.log(wait.quantile(share)) + np.log(other.quantile(share))) / 2
    np.testing.assert_allclose(logs, np.log(real.quantile(share)), atol=0.5)
    assert wait.between(0, real.max()).all()


def test_a_fifth_is_missing_within_two_in_a_hundred(oddities, bought):
    assert oddities["gaps"].isna().mean() == pytest.approx(odd()["gaps"].isna().mean(), abs=0.02)
    assert bought["age"].isna().mean() == pytest.approx(shop()["age"].isna().mean(), abs=0.02)


def test_codes_of_rows_are_drawn_from_a_mixture_unless_another_prior_was_named(shopper):
    assert shopper.density_part_ == Mixture(50)
    assert quick().fit(shop(100)).density_part_ == Mixture(5)
    learned = Recipe(MLP((8,)), Gaussian(prior=Mixture(3)))
    assert quick(recipe=learned).fit(shop(100)).density_part_ is None
    assert quick(density=Normal()).fit(shop(100)).density_part_ == Normal()


def test_rows_are_of_their_types_and_within_their_range(bought):
    real = shop()
    pd.testing.assert_series_equal(bought.dtypes, real.dtypes)
    for column in ("price", "age", "day"):
        assert bought[column].dropna().between(real[column].min(), real[column].max()).all()
    assert (bought["day"] == bought["day"].dt.normalize()).all()
    assert (bought["price"] == bought["price"].round(2)).all()
    assert (bought["age"].dropna() % 1 == 0).all()


def test_expected_rows_scatter_less_than_drawn_ones(shopper, bought):
    still = shopper.sample(2000, seed=0, draw=False)
    assert still["age"].std() < 0.5 * bought["age"].std()
    pd.testing.assert_series_equal(still.dtypes, bought.dtypes)


def test_reconstructions_walks_and_codes(shopper):
    real = shop(60)
    rebuilt = shopper.reconstruct(real)
    assert (rebuilt["city"] == real["city"]).mean() > 0.9
    assert rebuilt["age"].dropna().between(18, 90).all()
    pd.testing.assert_frame_equal(
        shopper.interpolate(real[:1], real.iloc[1], 4), shopper.interpolate(real[:1], real[1:2], 4)
    )
    assert list(shopper.traverse(real[:1], 1).columns) == list(real.columns)
    assert shopper.transform(real).shape == (60, 2)
    pd.testing.assert_frame_equal(shopper.decode(shopper.encode(real)), rebuilt)


def test_a_saved_generator_writes_the_same_rows(shopper, tmp_path):
    shopper.save(tmp_path / "m")
    twin = load(tmp_path / "m", "cpu")
    pd.testing.assert_frame_equal(twin.sample(50, seed=3), shopper.sample(50, seed=3))
    np.testing.assert_array_equal(twin.log_likelihood(shop(20), 5), shopper.log_likelihood(shop(20), 5))


@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "with tails"])
def test_the_density_of_a_column_integrates_to_one(heavy):
    rng = np.random.default_rng(0)
    x = 1000 + 50 * (rng.standard_t(2, 500) if heavy else rng.normal(size=500))
    generator = quick(2, 300).fit(x[:, None])
    grid = np.concatenate([1000 + 50 * np.sign(s) * np.geomspace(1e-2, 1e5, 6000)[::s] for s in (-1, 1)])
    density = np.exp(generator.log_likelihood(grid[:, None], 100))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=0.03)


def test_a_density_and_what_is_missing_add_up_to_one():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(500) < 0.3, np.nan, 5 * rng.normal(size=500))
    generator = quick(2, 300).fit(x[:, None])
    grid = np.linspace(-60, 60, 1500)
    missing = float(np.exp(generator.log_likelihood([[np.nan]], 2000))[0])
    assert missing == pytest.approx(0.3, abs=0.07)
    density = np.exp(generator.log_likelihood(grid[:, None], 300))
    assert np.trapezoid(density, grid) + missing == pytest.approx(1, abs=0.03)


def test_probabilities_of_categories_sum_to_one():
    frame = pd.DataFrame({"a": ["x", "y", "y", "z"] * 50, "b": [True, False, False, True] * 50})
    generator = quick(2, 1000).fit(frame)
    every = pd.DataFrame([(a, b) for a in "xyz" for b in (True, False)], columns=["a", "b"])
    found = np.exp(generator.log_likelihood(every, 2000))
    assert found.sum() == pytest.approx(1, abs=0.03)
    known = np.array([0.25, 0, 0, 0.5, 0.25, 0])
    np.testing.assert_allclose(found, known, atol=0.1)


def test_rare_categories_are_written_out():
    rng = np.random.default_rng(0)
    names = np.array([f"street {i}" for i in range(90)])
    street = rng.choice(names, 3000, p=np.arange(1, 91) / np.arange(1, 91).sum())
    new = quick(2, 200).fit(pd.DataFrame({"street": street})).sample(5000, seed=0)["street"]
    assert set(new) <= set(street)
    rare = pd.Series(street).value_counts().index[64:]
    assert within(new.isin(rare).mean(), pd.Series(street).isin(rare).mean(), 0.02)
    assert len(set(new) & set(rare)) > 15


@pytest.mark.parametrize(
    "make",
    [
        lambda f: f.to_numpy(),
        lambda f: pl.from_pandas(f),
        lambda f: f[["age", "price"]].to_numpy(),
        lambda f: f[["age"]].fillna(1).to_numpy().astype(int),
        lambda f: torch.tensor(f[["price", "stars"]].to_numpy()),
        lambda f: f.to_numpy().tolist(),
        lambda f: f.rename(columns=str.upper).astype({"CITY": "category", "AGE": "Int64", "PAID": "boolean"}),
    ],
    ids=["objects", "polars", "floats", "integers", "tensor", "lists", "pandas types"],
)
def test_every_form_comes_back(make):
    X = make(shop(80))
    new = quick().fit(X).sample(15, seed=0)
    if isinstance(X, pd.DataFrame):
        assert [d.name for d in new.dtypes] == [d.name for d in X.dtypes]
        assert list(new.columns) == list(X.columns)
    elif isinstance(X, pl.DataFrame):
        assert new.schema == X.schema
    else:
        X = np.array(X, dtype=object) if isinstance(X, list) else X
        assert type(new) is type(X)
        assert new.dtype == X.dtype
        assert new.shape == (15, X.shape[1])


def test_a_number_of_few_values_is_one_of_them():
    new = quick(2, 200).fit(np.column_stack([np.arange(300) % 3, np.linspace(0, 1, 300)])).sample(500, seed=0)
    assert set(new[:, 0]) == {0, 1, 2}
    assert len(np.unique(new[:, 1])) > 100


def test_a_named_likelihood_makes_a_table_plain_numbers():
    frame = shop(100)[["price", "stars"]]
    recipe = Recipe(MLP((8,)), Gaussian(), SquaredError(0.3))
    generator = quick(recipe=recipe).fit(frame)
    new = generator.sample(10, seed=0)
    assert list(new.columns) == ["price", "stars"]
    polar = quick(recipe=recipe).fit(pl.from_pandas(frame)).sample(10, seed=0)
    assert polar.columns == ["price", "stars"]
    with pytest.raises(DataTypeError, match="Or leave the likelihood of the recipe out: each column has its own"):
        quick(recipe=recipe).fit(shop(100))


@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda f: f.assign(price="dear"), DataTypeError, "'price' must hold numbers, as in training; got text"),
        (lambda f: f.assign(city=1.5), DataTypeError, "'city' must hold text or booleans, as in training; got numbers"),
        (lambda f: f.assign(day="Monday"), DataTypeError, "'day' must hold dates, as in training; got text"),
        (lambda f: f.drop(columns="city"), DataError, "feature names"),
        (lambda f: f.assign(price=np.inf), DataError, "'price' must hold finite numbers"),
    ],
)
def test_rows_of_another_kind_are_refused(shopper, change, error, words):
    with pytest.raises(error, match=words):
        shopper.log_likelihood(change(shop(5)), 2)


def test_infinity_among_few_values_is_refused():
    frame = pd.DataFrame({"a": [4.0, 1.0, 2.0, 3.0] * 10})
    endless = frame.assign(a=[np.inf, 1.0, 2.0, 3.0] * 10)
    with pytest.raises(DataError, match="'a' must hold finite numbers; got infinity"):
        quick().fit(endless)
    with pytest.raises(DataError, match="'a' must hold finite numbers; got infinity"):
        quick().fit(frame).log_likelihood(endless[:3], 2)


@pytest.mark.parametrize("known", [None, np.arange(10) % 2], ids=["free", "conditioned"])
@pytest.mark.parametrize("count, n", [(2, 4), (3, 4), (10, 16)])
def test_few_rows_have_a_density_of_codes_with_spread(count, n, known):
    """Fewer codes than dimensions have no spread in some of these."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(count, 3)), None if known is None else known[:count]
    generator = quick(n, 60).fit(X, y)
    assert generator.log_likelihood(X).min() > -20
    assert generator.log_likelihood(rng.normal(size=(50, 3))).min() > -200


def test_series_are_no_rows():
    generator = quick().fit(np.random.default_rng(0).normal(size=(30, 3)))
    with pytest.raises(DataError, match=r"was fitted on samples of shape \(3,\)"):
        generator.log_likelihood(np.zeros((4, 3, 2)), 2)


def test_what_is_new_or_missing_where_none_was_has_a_likelihood(shopper):
    odd, usual = shop(3), shopper.log_likelihood(shop(3), 50)
    odd.loc[0, "price"], odd.loc[1, "city"], odd.loc[2, "stars"] = np.nan, "Paris", 4.0
    found = shopper.log_likelihood(odd, 50)
    assert np.isfinite(found).all()
    assert (found[1:] < usual[1:] - 5).all()


def test_a_column_that_is_empty_stays_empty():
    frame, generator = shop(50).assign(nothing=np.nan, one=7), quick()
    with pytest.warns(DiaboloWarning, match="All values are missing in column 'nothing'"):
        generator.fit(frame)
    new = generator.sample(20, seed=0)
    assert new["nothing"].isna().all()
    assert (new["one"] == 7).all()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(12, 60))
def test_rows_go_through_numbers_and_back(seed, count):
    frame = orders(count, seed)
    rows, numbers = Rows.of(frame)
    again = Rows.from_json(rows.to_json()).back(numbers, np.random.default_rng(0))
    pd.testing.assert_frame_equal(again, frame.reset_index(drop=True), rtol=1e-6)
    np.testing.assert_allclose(rows.numbers(frame), numbers)


def test_an_edited_description_is_refused(shopper, tmp_path):
    import json

    from diabolo.files import load as read
    from diabolo.files import save

    shopper.save(tmp_path / "m")
    document, arrays = read(tmp_path / "m")
    edits = [
        lambda s: s.update(form="sheet"),
        lambda s: s["dtypes"].pop(),
        lambda s: s["columns"].pop(),
        lambda s: s["columns"][0].update(texts=[]),
        lambda s: s["columns"][0].update(counts=[-1, 1]),
        lambda s: s["columns"][1].update(parts=7),
        lambda s: s["columns"][1].update(low=1e9),
        lambda s: s["columns"][1].update(missing=1),
        lambda s: s["columns"][1].update(bins=None),
        lambda s: s["columns"][0]["field"].update(missing=True),
        lambda s: s["columns"][1]["bins"]["knots"][0].pop(),
        lambda s: s["columns"][1]["bins"]["shares"].pop(),
        lambda s: s["columns"][1]["bins"]["knots"][1].reverse(),
        lambda s: s["columns"][1]["bins"].update(knots=[]),
    ]
    for i, edit in enumerate(edits):
        changed = json.loads(json.dumps(document))
        edit(changed["job"]["samples"])
        save(tmp_path / f"edited{i}", changed, dict(arrays))
        with pytest.raises(FileError):
            load(tmp_path / f"edited{i}", "cpu")


def test_a_report_of_rows(shopper):
    pytest.importorskip("matplotlib")
    page = shopper.report(shop(200), shop(200)["city"]).html()
    assert "Oslo" in page
    assert "dimension" in page
    arrays = quick().fit(np.random.default_rng(0).normal(size=(40, 3)))
    assert "New samples" in arrays.report(np.random.default_rng(0).normal(size=(40, 3))).html()
    frame = pl.from_pandas(shop(60))
    assert "Rome" in quick().fit(frame).report(frame).html()


def test_categorical_types_and_the_index_come_back():
    size = pd.Categorical(["S", "L", "M"] * 20, ["S", "M", "L", "XL"], ordered=True)
    frame = pd.DataFrame({"size": size, "x": np.arange(60.0)}, index=np.arange(60) + 1000)
    generator = Generator(2, training=Training(steps=2), random_state=0).fit(frame)
    for rows in generator.sample(5, seed=0), generator.reconstruct(frame[:5]):
        assert rows["size"].dtype == frame["size"].dtype
    assert generator.reconstruct(frame[:5]).index.tolist() == [1000, 1001, 1002, 1003, 1004]
    with pytest.warns(UserWarning, match="feature names"):
        assert generator.reconstruct([["S", 1.0], ["M", 2.0]]).index.tolist() == [0, 1]  # lists have an `index`, too


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical(["S", "L"] * 10, ["S", "M", "L"]),
        pd.cut(np.arange(20), [-1, 5, 10, 30]),
        pd.qcut(np.arange(20.0), 3),
        pd.cut(np.arange(20.0), [-np.inf, 5, np.inf]),
        pd.cut(pd.date_range("2020-01-01", periods=20), pd.to_datetime(["2019-01-01", "2020-01-05", "2021-01-01"])),
        pd.Categorical(pd.date_range("2020-01-01", periods=2).repeat(10)),
    ],
    ids=["text", "cut", "qcut", "endless", "cut dates", "dates"],
)
def test_categorical_types_come_back_from_a_file(values, tmp_path):
    frame = pd.DataFrame({"size": values, "x": np.arange(20.0)})
    Generator(2, training=Training(steps=2), random_state=0).fit(frame).save(tmp_path / "model")
    drawn = load(tmp_path / "model").sample(3, seed=0)["size"]
    assert drawn.dtype == frame["size"].dtype
    assert drawn.isin(frame["size"]).all()


def test_a_row_of_a_frame_has_the_categories_of_training():
    frame = pd.DataFrame({"c": pd.Categorical([1, 2] * 20), "x": np.arange(40.0)})
    generator = Generator(2, training=Training(steps=2), random_state=0).fit(frame)
    way = generator.interpolate(frame.iloc[0], frame.iloc[1], steps=3)
    pd.testing.assert_frame_equal(way, generator.interpolate(frame[:1], frame[1:2], steps=3))


def test_a_row_of_a_frame_is_a_condition_of_several_columns():
    y = pd.DataFrame({"kind": ["a", "b"] * 20, "price": np.arange(40.0)})
    generator = Generator(2, training=Training(steps=2), random_state=0).fit(np.arange(80.0).reshape(40, 2), y)
    found = generator.sample(2, y.iloc[0], seed=0)
    np.testing.assert_array_equal(found, generator.sample(2, {"kind": "a", "price": 0.0}, seed=0))


def test_moments_within_a_second_are_drawn_within_it():
    begin = pd.Timestamp("2024-01-01 00:00:00")
    frame = pd.DataFrame({"t": begin + pd.to_timedelta(np.linspace(105, 994, 200), unit="ms"), "x": np.arange(200.0)})
    drawn = Generator(2, training=Training(steps=2), random_state=0).fit(frame).sample(100, seed=0)
    assert drawn["t"].between(frame["t"].min(), frame["t"].max()).all()
    assert drawn["t"].nunique() > 50


def test_whole_numbers_of_128_bits_are_numbers():
    frame = pl.DataFrame({"a": pl.Series(range(40), dtype=pl.Int128), "b": ["x", "y"] * 20})
    assert Generator(2, training=Training(steps=2), random_state=0).fit(frame).sample(3, seed=0).height == 3

"""The imputer: what it fills, how sure it is, and in which form it gives it back."""

import warnings
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import diabolo
from diabolo import Imputer, Recipe, Training
from diabolo.corruptions import Masking
from diabolo.errors import DataError, DataTypeError, DiaboloWarning, FileError, ParameterError
from diabolo.estimators.imputation.usertable import UserTable
from diabolo.likelihoods import Laplace

QUICK = Training(steps=60, batch_size=128)


@parametrize_with_checks(
    [Imputer(2, training=Training(steps=10)), Imputer(strategy="median", training=Training(steps=10))]
)
def test_common_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiaboloWarning)
        check(estimator)


def world(count: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return rows of every kind, each column known from another."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=count)
    town = np.where(a > 0, "Oslo", "Rome")
    day = np.datetime64("2024-01-01") + np.round(100 + 30 * a).astype("m8[D]")
    return pd.DataFrame(
        {
            "a": a,
            "b": (3 - 2 * a).astype(np.float32),
            "whole": pd.array(np.round(10 * a).astype(int), dtype="Int64"),
            "town": town,
            "level": pd.Categorical(np.where(a > 0, "high", "low")),
            "yes": pd.array(a > 0, dtype="boolean"),
            "day": day.astype("M8[ns]"),
        }
    )


def gapped(frame: pd.DataFrame, share: float = 0.2, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    hidden = np.random.default_rng(seed).random(frame.shape) < share
    hidden[hidden.all(1), 0] = False
    return frame.mask(hidden), hidden


@pytest.fixture(scope="module")
def mixed():
    frame = world()
    with_gaps, hidden = gapped(frame)
    return (
        frame,
        with_gaps,
        hidden,
        Imputer(training=Training(steps=250, batch_size=128), random_state=0).fit(with_gaps),
    )


def test_cells_that_are_there_stay_and_types_do(mixed):
    _, with_gaps, hidden, imputer = mixed
    filled = imputer.transform(with_gaps)
    assert (filled.dtypes == with_gaps.dtypes).all() and filled.index.equals(with_gaps.index)
    assert not filled.isna().any(axis=None)
    for i, name in enumerate(filled.columns):
        here = ~hidden[:, i]
        pd.testing.assert_series_equal(filled[name][here], with_gaps[name][here], check_exact=True)


def test_what_follows_from_other_columns_is_found(mixed):
    frame, with_gaps, hidden, imputer = mixed
    filled = imputer.transform(with_gaps)
    for name, within in (("b", 0.5), ("whole", 3.0)):
        gone = hidden[:, list(frame.columns).index(name)]
        off = (filled[name] - frame[name])[gone].astype(float)
        assert np.sqrt(np.square(off).mean()) < within < 0.6 * frame[name].astype(float).std()
    for name in ("town", "level", "yes"):
        gone = hidden[:, list(frame.columns).index(name)]
        assert (filled[name] == frame[name])[gone].mean() > 0.9
    gone = hidden[:, 6]
    assert np.abs((filled["day"] - frame["day"])[gone].dt.days).median() < 8


def test_polars_comes_back_as_polars(mixed):
    _, with_gaps, _, imputer = mixed
    theirs = pl.from_pandas(with_gaps)
    filled = imputer.transform(theirs)
    assert filled.schema == theirs.schema and sum(filled.null_count().row(0)) == 0
    ours = imputer.transform(with_gaps)
    assert filled["whole"].to_list() == ours["whole"].tolist()
    assert filled["town"].to_list() == ours["town"].tolist()
    np.testing.assert_allclose(filled["a"].to_numpy(), ours["a"].to_numpy())


def test_draws_differ_where_cells_are_missing_alone_and_fit_each_other(mixed):
    frame, with_gaps, hidden, imputer = mixed
    one, other = imputer.sample(with_gaps, 2, seed=0)
    assert (one["a"] != other["a"])[hidden[:, 0]].mean() > 0.9
    assert (one["a"] == other["a"])[~hidden[:, 0]].all()
    again = imputer.sample(with_gaps, 1, seed=0)[0]
    pd.testing.assert_frame_equal(one, again)
    blank = frame.copy()
    blank[["a", "b"]] = np.nan
    drawn = imputer.sample(blank, 1, seed=0)[0]
    assert np.corrcoef(drawn["a"], drawn["b"])[0, 1] < -0.8
    assert set(drawn["whole"] % 1) == {0}


def test_uncertainty_is_zero_where_nothing_is_missing_and_grows_with_what_is(mixed):
    frame, with_gaps, hidden, imputer = mixed
    found = imputer.uncertainty(with_gaps)
    assert list(found.columns) == list(frame.columns)
    assert (found.to_numpy()[~hidden] == 0).all() and (found.to_numpy()[hidden] >= 0).all()
    some = frame.assign(b=np.float32(np.nan))
    nothing = frame.reindex(frame.index + len(frame)).set_axis(frame.index)
    assert imputer.uncertainty(nothing)["b"].mean() > 2 * imputer.uncertainty(some)["b"].mean()
    assert imputer.uncertainty(nothing)["town"].mean() > 0.6  # nearly log 2


def test_intervals_hold_what_they_promise():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3)) @ rng.normal(size=(3, 5)) + 0.3 * rng.standard_exponential((3000, 5))
    hidden = rng.random(X.shape) < 0.2
    imputer = Imputer(training=QUICK, random_state=0).fit(np.where(hidden, np.nan, X)[:2000])
    new = np.where(hidden, np.nan, X)[2000:]
    widths = []
    for coverage in (0.5, 0.9):
        low, high = imputer.intervals(new, coverage)
        inside = ((low <= X[2000:]) & (X[2000:] <= high))[hidden[2000:]].mean()
        assert abs(inside - coverage) < 0.05
        assert np.array_equal(low[~hidden[2000:]], X[2000:][~hidden[2000:]])
        widths.append((high - low)[hidden[2000:]].mean())
    assert widths[1] > 1.5 * widths[0]


def test_the_median_has_less_absolute_error_and_the_mean_less_squared():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.exp(2 * rng.normal(size=2000)), rng.normal(size=2000)])
    gaps = X.copy()
    gaps[::3, 0] = np.nan
    filled = {s: Imputer(strategy=s, training=QUICK, random_state=0).fit_transform(gaps) for s in ("mean", "median")}
    off = {s: (table - X)[::3, 0] for s, table in filled.items()}
    assert np.abs(off["median"]).mean() < np.abs(off["mean"]).mean()
    assert np.square(off["mean"]).mean() < np.square(off["median"]).mean()


def test_it_is_linear_where_that_is_all_there_is():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 1)) @ rng.normal(size=(1, 6)) * 50 + 1000
    hidden = rng.random(X.shape) < 0.2
    filled = Imputer(training=QUICK, random_state=0).fit_transform(np.where(hidden, np.nan, X))
    assert np.abs((filled - X) / X.std(0))[hidden].mean() < 0.05


@pytest.mark.parametrize("form", ["list", "float32", "object", "tensor", "masked", "fortran"])
def test_forms_of_arrays_come_back(form):
    X = np.random.default_rng(0).normal(size=(60, 3))
    X[::4, 1] = np.nan
    given = {
        "list": X.tolist(),
        "float32": X.astype(np.float32),
        "object": X.astype(object),
        "tensor": torch.from_numpy(X).float(),
        "masked": np.ma.masked_invalid(X),
        "fortran": np.asfortranarray(X),
    }[form]
    filled = Imputer(training=QUICK, random_state=0).fit_transform(given)
    assert type(filled) is (torch.Tensor if form == "tensor" else np.ndarray)
    assert filled.dtype == {"float32": np.float32, "object": object, "tensor": torch.float32}.get(form, np.float64)
    array = np.asarray(filled, dtype=float)
    assert np.isfinite(array).all() and np.array_equal(array[:, 0], np.asarray(given, dtype=float)[:, 0])
    assert np.isnan(X[::4, 1]).all()  # the user's own is not touched


def test_lists_of_rows_are_tables_whatever_comes_first():
    for first in (["Oslo", 1.0], ["", 1.0], [None, 1.0]):
        rows = [first, ["Rome", None], ["Oslo", 2.0]] * 20
        filled = Imputer(training=QUICK, random_state=0).fit_transform(rows)
        assert filled.shape == (60, 2) and filled[1][0] == "Rome" and 0.9 < filled[1][1] < 2.1


def test_columns_go_by_name_in_any_order(mixed):
    _, with_gaps, _, imputer = mixed
    turned = list(with_gaps.columns[::-1])
    expected = imputer.transform(with_gaps)
    pd.testing.assert_frame_equal(imputer.transform(with_gaps[turned]), expected)
    assert imputer.transform(pl.from_pandas(with_gaps[turned])).columns == list(with_gaps.columns)
    pd.testing.assert_frame_equal(imputer.intervals(with_gaps[turned])[0], imputer.intervals(with_gaps)[0])
    pd.testing.assert_frame_equal(
        imputer.sample(with_gaps[turned], 1, seed=0)[0], imputer.sample(with_gaps, 1, seed=0)[0]
    )
    pd.testing.assert_frame_equal(imputer.uncertainty(with_gaps[turned]), imputer.uncertainty(with_gaps))
    with pytest.raises(
        DataError, match=r"missing: 'town', not known: 'city'\. Rename or add columns, take those"
    ) as told:
        imputer.transform(with_gaps.rename(columns={"town": "city"}))
    assert "\n" not in str(told.value)
    numbered = pd.DataFrame(np.random.default_rng(0).normal((0, 100), size=(60, 2)))
    numbered.iloc[::4, 1] = np.nan
    by_number = Imputer(training=QUICK, random_state=0).fit(numbered)
    pd.testing.assert_frame_equal(by_number.transform(numbered[[1, 0]]), by_number.transform(numbered))


@pytest.mark.parametrize("make", [np.asarray, list, torch.tensor, pd.Series], ids=["array", "list", "tensor", "series"])
def test_one_line_of_numbers_is_a_series_or_a_column(mixed, make):
    line = make(np.sin(np.arange(500.0)))
    for ask in (Imputer().fit, mixed[3].transform, mixed[3].sample, mixed[3].intervals, mixed[3].report):
        with pytest.raises(DataError, match=r"got 1 axes. Reshape your data: .*X\[None, :, None\] a single series"):
            ask(line)


def test_a_column_of_nothing_is_told_of_and_stays():
    X = np.random.default_rng(0).normal(size=(50, 3))
    X[:, 1] = np.nan
    X[3, 0] = np.nan
    with pytest.warns(DiaboloWarning, match="All values are missing in column '1'"):
        imputer = Imputer(training=QUICK, random_state=0).fit(X)
    filled = imputer.transform(X)
    assert np.isnan(filled[:, 1]).all() and np.isfinite(filled[:, [0, 2]]).all()
    assert np.isnan(imputer.uncertainty(X)[:, 1]).all()
    assert np.isnan(imputer.sample(X, 1, seed=0)[0][:, 1]).all()
    with pytest.raises(DataError, match="all cells are missing"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DiaboloWarning)
        Imputer().fit(np.full((5, 2), np.nan))


def test_indicators_say_where_it_was_missing():
    frame = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0)})
    frame.loc[::5, "b"] = np.nan
    imputer = Imputer(training=QUICK, random_state=0, add_indicator=True).fit(frame)
    filled = imputer.transform(frame)
    assert list(filled.columns) == list(imputer.get_feature_names_out()) == ["a", "b", "missingindicator_b"]
    assert filled["missingindicator_b"].tolist() == frame["b"].isna().tolist()
    array = Imputer(training=QUICK, random_state=0, add_indicator=True).fit_transform(frame.to_numpy())
    assert array.shape == (40, 3) and array[:, 2].sum() == 8
    theirs = Imputer(training=QUICK, random_state=0, add_indicator=True).fit_transform(
        pl.from_pandas(frame, nan_to_null=True)
    )
    assert theirs["missingindicator_b"].sum() == 8


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_it_is_the_same_once_loaded(mixed, tmp_path, suffix):
    _, with_gaps, _, imputer = mixed
    imputer.save(tmp_path / f"model{suffix}")
    again = diabolo.load(tmp_path / f"model{suffix}")
    pd.testing.assert_frame_equal(again.transform(with_gaps), imputer.transform(with_gaps))
    pd.testing.assert_frame_equal(again.sample(with_gaps, 1, seed=3)[0], imputer.sample(with_gaps, 1, seed=3)[0])
    for ours, theirs in zip(imputer.intervals(with_gaps), again.intervals(with_gaps), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    assert again.errors_ == imputer.errors_


def test_a_file_whose_columns_do_not_fit_is_refused(tmp_path):
    X = np.random.default_rng(0).normal(size=(50, 2))
    imputer = Imputer(training=QUICK, random_state=0).fit(X)
    imputer.filler_ = replace(imputer.filler_, coverage=imputer.coverage_[:1])
    imputer.save(tmp_path / "model")
    with pytest.raises(FileError, match="does not fit its model"):
        diabolo.load(tmp_path / "model")


def test_what_is_learned_besides_the_model_is_one_value(mixed):
    _, _, _, imputer = mixed
    learned = {name for name in vars(imputer) if name.endswith("_")}
    names = {"n_features_in_", "feature_names_in_"}
    assert learned - names == {"model_", "scaling_", "history_", "filler_", "errors_"}
    for name in ("coverage_", "trust_", "gapped_", "factors_", "spreads_"):
        assert getattr(imputer, name) is getattr(imputer.filler_, name.removesuffix("_"))
        with pytest.raises(AttributeError):
            setattr(imputer, name, None)
    with pytest.raises(FrozenInstanceError):
        imputer.filler_.trust = None


def test_a_pipeline_goes_on_from_what_is_filled():
    X = np.random.default_rng(0).normal(size=(80, 4))
    X[::3, 2] = np.nan
    pipeline = make_pipeline(Imputer(training=QUICK, random_state=0), StandardScaler()).set_output(transform="pandas")
    found = pipeline.fit_transform(X)
    assert found.shape == (80, 4) and not found.isna().any(axis=None)


def test_the_report_marks_what_was_missing(mixed):
    _, with_gaps, _, imputer = mixed
    html = imputer.report(with_gaps).html()
    assert "7 columns" in html and "2 categories" in html and "% of the cells missing" in html
    assert "[Oslo]" in html or "[Rome]" in html
    assert "[" not in imputer.report(with_gaps.dropna()).html().partition("Rows, filled")[2].partition("Loss")[0]


def test_errors_say_what_to_do(mixed):
    _, with_gaps, _, imputer = mixed
    with pytest.raises(ParameterError, match="'strategy' of Imputer must be 'mean' or 'median'; got 'mode'"):
        Imputer(strategy="mode").fit(with_gaps)
    with pytest.raises(ParameterError, match="'add_indicator'"):
        Imputer(add_indicator=cast(Any, 1)).fit(with_gaps)
    for recipe in (Recipe(likelihood=Laplace()), Recipe(corruption=Masking())):
        with pytest.raises(ParameterError, match="must leave likelihood and corruption open for tables"):
            Imputer(recipe=recipe).fit(with_gaps)
    with pytest.raises(ParameterError, match="'n' of sample"):
        imputer.sample(with_gaps, 0)
    with pytest.raises(ParameterError, match="'coverage' of intervals"):
        imputer.intervals(with_gaps, 1.0)
    with pytest.raises(DataTypeError, match="Column 'town' must hold text"):
        imputer.transform(with_gaps.assign(town=1.0))
    with pytest.raises(DataError, match="infinity"):
        imputer.transform(with_gaps.assign(a=np.inf))


def test_filled_times_that_summer_time_leaves_out_are_times():
    when = pd.Series(pd.to_datetime(["2024-03-31 01:30", None])).dt.tz_localize("Europe/Oslo")
    gaps, values = [np.array([1])], [np.array(["2024-03-31T02:30"], dtype="M8[us]")]
    zoned = pl.Series([datetime(2024, 3, 31, 0, 30, tzinfo=UTC), None], dtype=pl.Datetime("us", "Europe/Oslo"))
    for frame in (pd.DataFrame({"when": when}), pl.DataFrame({"when": zoned})):
        filled = UserTable(frame, [np.zeros(2)]).completed(gaps, values)["when"]
        assert str(filled[1]).startswith("2024-03-31 03:")
        assert filled[0] == frame["when"][0]

"""The column that tells the time: found by what it holds, and left out."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.anomalies import hours, quick, turns

from diabolo.errors import DataError, DiaboloWarning
from diabolo.estimators.detection.clock import clock_of, warn_of_disorder, without


@pytest.mark.parametrize("form", [lambda frame: frame, pl.from_pandas], ids=["pandas", "polars"])
def test_dates_that_never_fall_tell_the_time(form):
    X = hours(50)
    assert clock_of(form(X)) == "time"
    assert clock_of(form(X.assign(time=X["time"].dt.floor("D")))) == "time"  # repeated
    assert clock_of(form(X[::-1])) is None
    assert clock_of(form(X.assign(time=X["time"].mask(X["time"] == X["time"].iloc[9])))) is None  # one is missing
    assert clock_of(form(X.drop(columns="time"))) is None
    assert clock_of(form(X.assign(load=range(50)))) == "time"
    assert clock_of(form(X.assign(end=X["time"] + pd.Timedelta("1h")))) == "time"  # the first


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Europe/Rome"])
@pytest.mark.parametrize("form", [lambda frame: frame, pl.from_pandas], ids=["pandas", "polars"])
def test_the_hour_that_comes_twice_in_autumn_does_not_fall(zone, form):
    X = pd.DataFrame({"time": pd.date_range("2026-10-20", periods=800, freq="30min", tz=zone), "x": 1.0})
    assert clock_of(form(X)) == "time"


def test_columns_may_have_numbers_for_names():
    X = pd.DataFrame({0: pd.date_range("2026-10-20", periods=300, freq="h", tz="Europe/Oslo"), 1: np.arange(300.0)})
    assert clock_of(X) in (0, "0")
    assert clock_of(X.assign(**{"2": 1.0})) in (0, "0")
    arrow = X.astype({0: pd.ArrowDtype(pa.timestamp("us", "Europe/Oslo"))})
    assert clock_of(arrow) in (0, "0")  # though an hour comes twice


def test_times_of_arrow_and_dates_of_python_tell_the_time():
    pytest.importorskip("pyarrow")
    X = hours(50)
    assert clock_of(X.convert_dtypes(dtype_backend="pyarrow")) == "time"
    assert clock_of(X.assign(time=pd.Series([at.date() for at in X["time"]], dtype=object, index=X.index))) == "time"


@pytest.mark.parametrize(
    "X", [np.ones((5, 2)), [[1, 2]], pd.Series([1.0]), np.arange("2026-01", "2026-03", dtype="M8[D]")]
)
def test_what_has_no_columns_has_no_clock(X):
    assert clock_of(X) is None
    assert without(X, "time") is X


@pytest.mark.parametrize("form", [lambda frame: frame, pl.from_pandas], ids=["pandas", "polars"])
def test_the_rest_is_left_as_it_is(form):
    X: Any = form(hours(50))
    assert list(without(X, "time").columns) == ["load", "heat", "shift"]
    for name in (None, "day"):
        assert without(X, name) is X
    with pytest.raises(DataError, match="distinct names"):
        clock_of(pd.concat([hours(5), hours(5)], axis=1))


def shuffled(X):
    return X.sample(frac=1, random_state=0)


def with_hole(X):
    """The frame without 60 of its rows."""
    return pd.concat([X[:20], X[80:]])


DISORDER: dict[str, tuple[Any, str]] = {
    "shuffled": (shuffled(hours(100)), r"column 'time' goes back at row \d+.*sort X"),
    "a hole": (with_hole(hours(120)), r"column 'time' jumps by 61 steps at row 20.*several series"),
    "one is missing": (hours(50).assign(time=hours(50)["time"].mask(np.arange(50) == 9)), "is missing in row 9"),
    "a shuffled index": (shuffled(hours(100).set_index("time")), r"the index goes back at row \d+.*sort X"),
    "an index with a hole": (with_hole(hours(120).set_index("time")), "the index jumps by 61 steps"),
}
ORDER: dict[str, Any] = {
    "by column": hours(100),
    "by index": hours(100).set_index("time"),
    "with a zone": hours(100).set_index("time").tz_localize("Europe/Rome"),
    "a few left out": hours(100).drop(index=[110, 140, 141]),
    "at random": hours(100).assign(time=pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(100) ** 3, "s")),
    "working days": hours(100).assign(time=pd.bdate_range("2026-01-01", periods=100)),
    "another column of dates": hours(100).assign(due=shuffled(hours(100))["time"].to_numpy()),
    "no time": hours(100).drop(columns="time"),
    "an array": turns(100),
}


@pytest.mark.parametrize("form", [lambda frame: frame, pl.from_pandas], ids=["pandas", "polars"])
@pytest.mark.parametrize("name", DISORDER)
def test_rows_that_are_not_in_the_order_of_time_are_told(name, form):
    X, words = DISORDER[name]
    if form is pl.from_pandas and "index" in name:
        pytest.skip("frames of polars have no index")
    with pytest.warns(DiaboloWarning, match=words) as caught:
        warn_of_disorder([form(hours(50)), form(X), form(X)], clock_of(form(X)))
    assert len(caught) == 1


@pytest.mark.parametrize("name", ORDER)
def test_rows_in_the_order_of_time_are_taken_as_they_are(name):
    warn_of_disorder([ORDER[name]], clock_of(ORDER[name]))  # warnings are errors


def test_fits_and_scores_tell_of_it():
    for X in (shuffled(hours(100)), [hours(100), with_hole(hours(120))]):
        with pytest.warns(DiaboloWarning, match="The time in column 'time'"):
            quick(window=10).fit(X)
    detector = quick(window=10).fit(hours(100))
    with pytest.warns(DiaboloWarning, match="goes back"):
        detector.score_samples(shuffled(hours(100)))

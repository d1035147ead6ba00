"""The column that tells the time: found by what it holds, and left out."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.anomalies import hours

from diabolo.errors import DataError
from diabolo.estimators.detection.clock import clock_of, without


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

"""An imputer gives back cells of the types that a table has, whatever these are."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from diabolo import Imputer, Training
from diabolo.data import Stored
from diabolo.errors import DataError, DataTypeError

COUNT = 120


def quick(**settings):
    return Imputer(training=Training(steps=10), random_state=0, device="cpu", **settings)


def numbers(seed=0):
    return np.random.default_rng(seed).normal(size=COUNT)


def every(step):
    return np.arange(COUNT) % step == 0


def test_deviations_of_small_integers_are_those_of_the_same_numbers():
    ages = np.random.default_rng(0).integers(0, 100, COUNT)
    table = np.stack([ages, ages + 100], 1)
    asked = [[np.nan, 150], [40, np.nan]]
    expected = quick().fit(table.astype(np.float64)).uncertainty(asked)
    assert expected.max() > 5
    for dtype in (np.uint8, np.int16, np.int64):
        assert quick().fit(table.astype(dtype)).uncertainty(asked) == pytest.approx(expected, rel=1e-6), dtype
    large = table.astype(np.int64) * 10**10  # whose squares are beyond 64 bits
    assert quick().fit(large).uncertainty(np.array(asked) * 1e10) == pytest.approx(expected * 1e10, rel=0.3)


def test_intervals_that_numbers_were_cut_into_stay_these():
    ages = np.random.default_rng(0).integers(0, 100, COUNT)
    frame = pd.DataFrame({"age": ages, "group": pd.cut(ages, [-1, 30, 60, 100])})
    frame.loc[every(7), "group"] = None
    filled = quick().fit(frame).transform(frame)
    assert filled["group"].dtype == frame["group"].dtype
    assert not filled["group"].isna().any()


def test_dates_and_decimals_that_are_objects_stay_these():
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(COUNT)]
    frame = pd.DataFrame({"day": days, "cost": [Decimal(i) / 100 for i in range(COUNT)], "x": numbers()})
    frame.loc[every(7), "day"] = None
    frame.loc[every(5), "cost"] = None
    imputer = quick().fit(frame)
    for filled in (imputer.transform(frame), *imputer.intervals(frame), *imputer.sample(frame, 2, seed=0)):
        assert {type(day) for day in filled["day"]} == {date}
        assert {type(cost) for cost in filled["cost"]} == {Decimal}
        assert all(cost == round(cost, 2) for cost in filled["cost"])  # to the place that others have
        assert filled.loc[~every(7), "day"].equals(frame.loc[~every(7), "day"])
        filled.sort_values(["day", "cost"])  # which needs one type


def test_sparse_columns_come_back_dense():
    values = np.where(every(6), np.nan, numbers() > 0.5)
    frame = pd.DataFrame({"a": pd.arrays.SparseArray(values), "x": numbers(1)})
    filled = quick().fit(frame).transform(frame)
    assert filled["a"].dtype == np.float64
    assert np.array_equal(filled["a"][~every(6)], values[~every(6)])
    assert not filled.isna().any(axis=None)


def test_indicators_take_no_name_that_is_there():
    frame = pd.DataFrame({"a": np.where(every(5), np.nan, numbers()), "missingindicator_a": numbers(1)})
    for taken in (frame, pl.from_pandas(frame)):
        with pytest.raises(DataError, match="names of indicators free; it has a column 'missingindicator_a'"):
            quick(add_indicator=True).fit(taken).transform(taken)


def test_indicators_of_every_form():
    values = np.stack([np.where(every(5), np.nan, numbers()), numbers(1)], 1)
    deep = pd.DataFrame(values, columns=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y")]))
    filled = quick(add_indicator=True).fit(deep).transform(deep)
    assert list(filled.columns) == [("a", "x"), ("b", "y"), ("missingindicator_a", "x")]
    assert np.array_equal(filled[("missingindicator_a", "x")], every(5))
    objects = values.astype(object)
    objects[every(5), 0] = None
    objects[:, 1] = np.where(numbers() > 0, "yes", "no")
    assert quick(add_indicator=True).fit(objects).transform(objects)[:, 2].tolist() == every(5).astype(float).tolist()
    times = np.arange(2 * COUNT).reshape(COUNT, 2).astype("M8[D]")
    times[every(5), 0] = "NaT"
    with pytest.raises(DataTypeError, match="array of dates has no place for indicators; pass a data frame"):
        quick(add_indicator=True).fit(times).transform(times)


def test_a_list_of_series_comes_back_each_in_its_own_form():
    rng = np.random.default_rng(0)
    series = [np.where(rng.random((40, 2)) < 0.1, np.nan, rng.normal(size=(40, 2)).cumsum(0)) for _ in range(6)]
    days = pd.date_range("2020", periods=40)
    frames = [pd.DataFrame(each, columns=["u", "v"], index=days) for each in series]
    imputer = quick().fit(frames)
    for made in (imputer.transform(frames), imputer.uncertainty(frames), imputer.intervals(frames)[0]):
        assert all(isinstance(each, pd.DataFrame) and each.index.equals(days) for each in made)
        assert [list(each.columns) for each in made] == [["u", "v"]] * 6
    tensors = imputer.transform([torch.from_numpy(each).float() for each in series])
    assert all(isinstance(each, torch.Tensor) and each.dtype == torch.float32 for each in tensors)
    assert imputer.report(frames)


def test_files_may_have_gaps(tmp_path):
    rows = np.where(
        np.random.default_rng(1).random((COUNT, 3)) < 0.1, np.nan, np.stack([numbers(i) for i in range(3)], 1)
    )
    np.save(tmp_path / "x.npy", rows)
    stored = Stored.open(tmp_path / "x.npy")
    filled = quick().fit(stored).transform(stored)
    assert np.array_equal(filled, quick().fit(rows).transform(rows))
    assert not np.isnan(filled).any()
    rows[3, 1] = np.inf
    np.save(tmp_path / "x.npy", rows)
    with pytest.raises(DataError, match=r"infinity: column 1 of row 3 in 'x.npy'"):
        quick().fit(Stored.open(tmp_path / "x.npy"))

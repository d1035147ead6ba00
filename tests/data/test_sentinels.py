"""Numbers that stand for unknown are told of; numbers that only look so are not."""

import warnings

import numpy as np
import pandas as pd
import pytest

from diabolo import Detector, Reducer, Training
from diabolo.data.field import number_fields
from diabolo.data.sentinels import warn_of_sentinels
from diabolo.errors import DiaboloWarning


def ages(*more, count=200):
    draw = np.random.default_rng(0)
    return np.concatenate([draw.normal(40, 10, count), np.array(more, dtype=float)])


def told(*columns):
    table = np.stack(columns, 1)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warn_of_sentinels([f"c{i}" for i in range(len(columns))], table, np.nanmin(table, 0), np.nanmax(table, 0))
    return [str(each.message) for each in found]


@pytest.mark.parametrize("number", [999.0, -999.0, 9999.0, -99999.0, 9999999.0])
def test_numbers_of_nines_are_told_of(number):
    (message,) = told(ages(number, number, number))
    assert message.startswith(f"Column 'c0' has {number:.0f} 3 times, all else is from ")
    assert message.endswith("put NaN where such a number stands for unknown.")


@pytest.mark.parametrize(
    "column",
    [
        ages(999.0),  # once: an anomaly
        ages(1000.0, 1000.0),  # no nines
        ages(99.0, 99.0),  # not far: people are as old as that
        np.full(50, 999.0),  # all of them
        np.concatenate([ages(), np.linspace(100, 999, 30), [999.0]]),  # a long tail
        np.where(np.arange(60) % 2, np.nan, 999.0),
        np.concatenate([np.full(50, 100.0), [99.0, 99.0]]),  # beside a constant anything is far
        np.concatenate([ages(), [1e16, 1e16]]),
    ],
)
def test_others_are_not(column):
    assert told(column) == []


def test_at_both_ends_both_are():
    (message,) = told(ages(999.0, 999.0, -999.0, -999.0))
    assert "has 999 2 times" in message
    assert "has -999 2 times" in message


def test_of_many_columns_three_are_named():
    (message,) = told(*[ages(999.0, 999.0)] * 5, ages(0.0, 0.0))
    assert "'c2' has" in message and "'c3'" not in message and "(and 2 more)" in message


def test_those_who_fit_a_table_are_told():
    frame = pd.DataFrame({"age": ages(999, 999), "height": ages(170, 170)})
    with pytest.warns(DiaboloWarning, match="Column 'age' has 999 2 times"):
        Detector(training=Training(steps=2), random_state=0).fit(frame)
    with pytest.warns(DiaboloWarning, match="Column '0' has 999 2 times"):
        Reducer(1, recipe="linear").fit(frame.to_numpy())
    with pytest.warns(DiaboloWarning, match="Column 'age' has 999 2 times"):
        Reducer(1, recipe="linear").fit(frame.round().astype(int))
    with pytest.warns(DiaboloWarning, match="Column 'age' has 999 2 times"):
        number_fields(("age",), frame.to_numpy()[:, :1])

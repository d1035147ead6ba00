"""Drift: the level is counted over every way in which samples could have been old and new; what drifts is named."""

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import fisher_exact, ks_2samp

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import Drift, drift
from diabolo.metrics.drift import compared

TIED = st.integers(-2, 2).map(float)
HOSTILE = TIED | st.floats(width=32) | st.just(np.nan) | st.sampled_from([0.0, 1.0])


def mixed(count, rng):
    """Six columns (N, 6): normal, of few values, of two, constant, with missing values, and all but always zero."""
    x = rng.normal(size=(count, 6))
    x[:, 1], x[:, 2], x[:, 3] = rng.integers(0, 4, count), rng.random(count) < 0.3, 5.0
    x[rng.random(count) < 0.2, 4] = np.nan
    x[:, 5] = rng.random(count) < 0.02
    return x


@given(arrays(np.float64, st.tuples(st.just(7), st.integers(1, 3)), elements=HOSTILE), st.integers(1, 6), st.data())
def test_whichever_samples_are_the_new_ones_small_p_values_are_as_rare_as_they_say(pool, count, data):
    names = data.draw(st.lists(st.sampled_from("ab"), min_size=pool.shape[1], max_size=pool.shape[1]))
    p = [drift(np.delete(pool, new, 0), pool[list(new)], names).p_value for new in combinations(range(7), count)]
    for level in {*p, 0.05}:
        assert np.mean(np.array(p) <= level) <= level + 1e-9


@pytest.mark.parametrize(("old", "new"), [(400, 150), (60, 5), (200, 1)])
def test_without_drift_few_p_values_are_small(old, new):
    rng = np.random.default_rng(old)
    p = np.array([drift(mixed(old, rng), mixed(new, rng)).p_value for _ in range(400)])
    for level in (0.01, 0.05, 0.2):
        assert (p < level).mean() <= level + 3 * np.sqrt(level / 400)


def test_p_values_of_a_column_are_uniform():
    rng = np.random.default_rng(0)
    p = [drift(rng.normal(size=(300, 1)), rng.normal(size=(200, 1))).p_value for _ in range(500)]
    assert ks_2samp(p, np.linspace(0, 1, 10_000)).pvalue > 0.01  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("kind", ["mean", "spread", "share", "missing"])
def test_of_many_columns_the_one_that_drifts_is_named_first(kind):
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(600, 30)), rng.normal(size=(300, 30))
    if kind == "share":
        old[:, 17], new[:, 17] = rng.random(600) < 0.1, rng.random(300) < 0.4
    new[:, 17] = {"mean": new[:, 17] + 1, "spread": 3 * new[:, 17]}.get(kind, new[:, 17])
    if kind == "missing":
        new[rng.random(300) < 0.2, 17] = np.nan
    found = drift(old, new)
    assert found.p_value < 1e-6
    assert [name for name, p in found.parts if p < 0.05] == ["17 missing" if kind == "missing" else "17"]


def test_the_tests_are_those_of_kolmogorov_and_smirnov_and_of_fisher():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(50, 3)), rng.normal(size=(20, 3)) + 0.3
    old[:, 1], new[:, 1] = rng.random(50) < 0.3, rng.random(20) < 0.6
    old[:7, 2] = np.nan
    known, expected = dict(compared(old, new)), ks_2samp(old[:, 0], new[:, 0], method="exact")
    assert known["0"] == pytest.approx(expected.pvalue)  # pyright: ignore[reportAttributeAccessIssue]
    table = [[(each[:, 1] == value).sum() for value in (0, 1)] for each in (old, new)]
    assert known["1"] == pytest.approx(fisher_exact(table)[1])
    expected = ks_2samp(old[7:, 2], new[:, 2], method="exact")
    assert known["2"] == pytest.approx(expected.pvalue)  # pyright: ignore[reportAttributeAccessIssue]
    assert known["2 missing"] == pytest.approx(fisher_exact([[7, 43], [0, 20]])[1])
    assert list(known) == ["0", "1", "2", "2 missing"]


def test_holms_correction():
    found = Drift.of([("a", 0.04), ("b", 0.01), ("c", 0.9), ("d", 0.03)])
    assert [name for name, _ in found.parts] == ["b", "d", "a", "c"]
    assert [p for _, p in found.parts] == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert found.p_value == pytest.approx(0.04)
    assert Drift.of([("a", 0.6), ("b", 0.7)]).parts == (("a", 1.0), ("b", 1.0))


def test_columns_of_one_name_are_one_part_and_constant_ones_cost_nothing():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(200, 3)), rng.normal(size=(100, 3))
    new[:, 2] += 0.4
    smallest = min(p for _, p in compared(old, new))
    assert compared(old, new, ["a", "a", "a"]) == [("a", pytest.approx(3 * smallest))]
    old[:, 0] = new[:, 0] = 7.0
    assert compared(old, new, ["a", "a", "a"]) == [("a", pytest.approx(2 * smallest))]
    named = drift(old, new, ["a", "b", "a"])
    assert [name for name, _ in named.parts] == ["a", "b"]


@given(
    arrays(np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=HOSTILE),
    arrays(np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=HOSTILE),
)
def test_hostile_columns_have_p_values(old, new):
    found = drift(old, new)
    values = [p for _, p in found.parts]
    assert all(0 <= p <= 1 for p in values)
    assert values == sorted(values)
    assert {"0", "1", "2"} <= {name for name, _ in found.parts}
    assert dict(drift(new, old).parts) == pytest.approx(dict(found.parts))
    assert dict(drift(old[::-1], new[::-1]).parts) == pytest.approx(dict(found.parts))


def test_nothing_that_differs_is_no_drift():
    x = mixed(300, np.random.default_rng(0))
    assert drift(x, x).p_value == 1
    assert drift(np.full((9, 2), np.nan), np.full((4, 2), np.nan)).p_value == 1
    assert drift([[np.inf], [1.0]], [[1.0]]).p_value == 1


def test_large_samples_are_compared_too():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(9000, 1)), rng.normal(size=(8000, 1))
    assert drift(old, new).p_value > 1e-3
    assert drift(old, new + 0.1).p_value < 1e-6


WRONG = {
    "one axis": ([1.0, 2.0], [[1.0]], DataError, r"reference.*\(N, K\).*\(2,\)"),
    "no samples": (np.ones((3, 2)), np.ones((0, 2)), DataError, "new.*at least one sample"),
    "no columns": (np.ones((3, 0)), np.ones((3, 0)), DataError, "at least one column"),
    "other columns": (np.ones((3, 2)), np.ones((3, 1)), DataError, "same columns; got 2 and 1"),
    "text": ([["a"]], [[1.0]], DataTypeError, "reference must be an array of real numbers"),
    "ragged": ([[1.0]], [[1.0], [1.0, 2.0]], DataTypeError, "new must be an array"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_samples_give_one_sentence(name):
    old, new, error, words = WRONG[name]
    with pytest.raises(error, match=words):
        drift(old, new)


def test_names_must_be_as_many_as_the_columns():
    with pytest.raises(ParameterError, match=r"names.*2 names.*\['a'\]"):
        drift(np.ones((3, 2)), np.ones((3, 2)), ["a"])


def test_columns_of_frames_go_by_their_names():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"age": draw.normal(40, 9, 300), "price": draw.lognormal(3, 1, 300)})
    found = drift(frame, frame.sample(100, random_state=0)[["price", "age"]])
    assert [name for name, _ in found.parts] == ["age", "price"]
    assert found.p_value > 0.1
    assert drift(pl.from_pandas(frame), pl.from_pandas(frame[["price", "age"]])).p_value > 0.9
    with pytest.raises(DataError, match="new lacks 'age', and has 'years' besides"):
        drift(frame, frame.rename(columns={"age": "years"}))

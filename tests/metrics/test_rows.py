"""Tables side by side: columns, pairs of them, and rows, in worlds where the measures are known."""

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from diabolo.errors import DataError, DataTypeError
from diabolo.metrics import closest, column_shapes, pair_trends
from diabolo.metrics.columns import columns


def people(count, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, count)
    city = np.where(age + rng.normal(0, 5, count) > 45, "Rome", rng.choice(["Oslo", "Lima"], count))
    income = 100 * age + rng.normal(0, 200, count)
    since = np.datetime64("2020-01-01") + (age * 10).astype(int)
    return pd.DataFrame({"age": age, "city": city, "income": income, "since": since, "own": age > 50})


@st.composite
def tables(draw):
    """Two tables of the same kinds of columns, with ties and missing values."""
    kinds = draw(st.lists(st.sampled_from(["number", "text"]), min_size=1, max_size=4))
    number = st.none() | st.integers(-2, 2).map(float)
    text = st.none() | st.sampled_from("abc")

    def table():
        count = draw(st.integers(1, 8))
        cells = {"number": number, "text": text}
        return pd.DataFrame(
            {
                str(i): pd.Series(
                    draw(st.lists(cells[kind], min_size=count, max_size=count)),
                    dtype="float64" if kind == "number" else object,
                )
                for i, kind in enumerate(kinds)
            }
        )

    return table(), table()


@given(tables())
def test_all_measures_are_shares_and_one_for_the_same_table(pair):
    a, b = pair
    for measure in (column_shapes, pair_trends):
        found = measure(a, b)
        assert all(type(value) is float and 0 <= value <= 1 for value in found.values())
        assert all(value == pytest.approx(1) for value in measure(a, a).values())
        assert found == pytest.approx(measure(a.iloc[::-1], b.iloc[::-1]))
        assert found == pytest.approx(measure(a, b.iloc[:, ::-1]))  # columns of frames go by name
    assert column_shapes(b, a) == pytest.approx(column_shapes(a, b))


def test_columns_of_numbers_are_compared_by_kolmogorov_and_smirnov():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(60, 1)), rng.normal(0.5, 2, size=(45, 1))
    expected = 1 - ks_2samp(a[:, 0], b[:, 0]).statistic  # pyright: ignore[reportAttributeAccessIssue]
    assert column_shapes(a, b)["0"] == pytest.approx(expected)


def test_columns_of_classes_are_compared_by_total_variation():
    a = pd.DataFrame({"c": ["x"] * 5 + ["y"] * 5})
    b = pd.DataFrame({"c": ["x"] * 2 + ["z"] * 2})
    assert column_shapes(a, b) == {"c": 0.5}
    assert column_shapes(a, pd.DataFrame({"c": ["z"]})) == {"c": 0}


def test_missing_values_are_a_value():
    full = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0], "c": list("abab")})
    half = pd.DataFrame({"n": [1.0, 2.0, np.nan, np.nan], "c": ["a", "b", None, None]})
    assert column_shapes(full, half) == {"n": 0.5, "c": 0.5}
    nothing = pd.DataFrame({"n": [np.nan], "c": pd.Series([None], dtype=object)})
    assert column_shapes(full, nothing) == {"n": 0, "c": 0}
    assert column_shapes(nothing, nothing) == {"n": 1, "c": 1}


def test_dates_and_booleans_are_compared():
    a, b = people(300), people(300, 1)
    assert set(column_shapes(a, b)) == set(a.columns)
    assert min(column_shapes(a, b).values()) > 0.85
    b["since"] += np.timedelta64(5000, "D")
    assert column_shapes(a, b)["since"] < 0.01


def test_a_table_whose_columns_are_shuffled_keeps_its_shapes_and_loses_its_trends():
    a = people(2000)
    b = pd.DataFrame({name: a[name].sample(frac=1, random_state=i).to_numpy() for i, name in enumerate(a)})
    assert min(column_shapes(a, b).values()) == 1
    trends = pair_trends(a, b)
    assert len(trends) == 10
    assert trends["age", "income"] == pytest.approx(0.5, abs=0.03)  # correlation of almost 1 against one of 0
    assert max(trends.values()) < 0.85
    fresh = pair_trends(a, people(2000, 1))
    assert min(fresh.values()) > 0.9


def test_pairs_of_numbers_are_compared_by_correlations():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 3)), rng.normal(size=(30, 3)) @ rng.normal(size=(3, 3))
    expected = 1 - np.abs(np.corrcoef(a.T) - np.corrcoef(b.T)) / 2
    found = pair_trends(a, b)
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        assert found[str(i), str(j)] == pytest.approx(expected[i, j])


def test_correlations_are_those_of_the_rows_that_have_both():
    rng = np.random.default_rng(0)
    a, b = (pd.DataFrame(rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3)) + 1e6, columns=list("xyz")) for _ in "ab")
    for frame in (a, b):
        frame.iloc[rng.choice(50, 15, replace=False), rng.integers(3)] = np.nan
    for pair, value in pair_trends(a, b).items():
        r, s = (np.corrcoef(frame[list(pair)].dropna().to_numpy().T)[0, 1] for frame in (a, b))
        assert value == pytest.approx(1 - abs(r - s) / 2, abs=1e-6)


def test_pairs_with_a_class_are_compared_by_their_combinations():
    a = pd.DataFrame({"c": list("aabb"), "d": list("xyxy")})
    b = pd.DataFrame({"c": list("aabb"), "d": list("xxyy")})
    assert pair_trends(a, b) == {("c", "d"): 0.5}
    assert column_shapes(a, b) == {"c": 1, "d": 1}


def test_beside_a_class_numbers_are_put_into_ten_bins_of_the_real_range():
    a = pd.DataFrame({"n": np.arange(11.0), "c": ["a"] * 11})
    for value, share in [(0.0, 1), (0.99, 1), (1.0, 1), (9.5, 2), (10.0, 2), (10.1, 0), (-0.1, 0), (np.nan, 0)]:
        found = pair_trends(a, pd.DataFrame({"n": [value], "c": ["a"]}))
        assert found["n", "c"] == pytest.approx(share / 11), value


def test_a_constant_has_no_trend_to_keep():
    a = np.random.default_rng(0).normal(size=(30, 3))
    a[:, 2] = 0.1
    assert set(pair_trends(a, a)) == {("0", "1")}
    flat = a.copy()
    flat[:, 0] = 7.0
    r = np.corrcoef(a[:, 0], a[:, 1])[0, 1]
    assert pair_trends(a, flat) == {("0", "1"): pytest.approx(1 - abs(r) / 2)}


def test_scales_do_not_count():
    a, b = np.random.default_rng(0).normal(size=(2, 30, 2))
    huge = pair_trends(a * [1e150, 1e-150], b * [1e150, 1e-150])
    assert huge == pytest.approx(pair_trends(a, b))


def test_frames_of_pandas_and_polars_and_arrays_are_read_alike():
    a, b = people(50), people(40, 1)
    for measure in (column_shapes, pair_trends):
        assert measure(pl.from_pandas(a), pl.from_pandas(b)) == pytest.approx(measure(a, b))
    mixed = [frame[["age", "city"]].to_numpy() for frame in (a, b)]
    assert list(column_shapes(*mixed).values()) == list(column_shapes(a, b).values())[:2]


def test_copied_rows_are_closest_and_fresh_ones_are_not():
    train, held_out, fresh = (people(200, seed) for seed in range(3))
    copied, drawn = closest(train, held_out, train.iloc[:80]), closest(train, held_out, fresh)
    assert copied.nearer == 1
    assert copied.samples.max() == 0
    assert copied.p_value < 1e-20
    assert 0.001 < drawn.p_value < 0.999
    assert drawn.nearer == pytest.approx(0.5, abs=0.1)


def test_the_distance_to_the_closest_row_is_in_standard_deviations():
    train = pd.DataFrame({"x": [0.0, 2.0], "c": ["a", "b"]})
    found = closest(train, pd.DataFrame({"x": [0.5], "c": ["a"]}), pd.DataFrame({"x": [2.0], "c": ["a"]}))
    assert found.held_out == pytest.approx([0.5])
    assert found.samples == pytest.approx([2**0.5])  # another class, or two deviations


FRAME = pd.DataFrame({"x": [1.0, 2.0], "c": ["a", "b"]})
WRONG = {
    "no rows": (FRAME, FRAME.iloc[:0], DataError, r"other must hold at least one row.* got shape \(0, 2\)"),
    "other names": (
        FRAME,
        FRAME.rename(columns={"x": "y"}),
        DataError,
        r"only in real: 'x', only in other: 'y'\. Rename",
    ),
    "fewer columns": (FRAME, [[1.0]], DataError, "real and other must have the same columns; got 2 and 1"),
    "other kinds": (FRAME, FRAME.assign(x=["p", "q"]), DataTypeError, "'x' must hold values of one kind in all tables"),
    "dates": (FRAME, FRAME.assign(x=[date(2020, 1, 1)] * 2), DataTypeError, "got dates and numbers. Convert"),
    "infinity": (FRAME, FRAME.assign(x=np.inf), DataError, "'x' must hold finite numbers"),
    "mixed": (FRAME, FRAME.assign(c=["a", 3]), DataTypeError, "'c' must hold values of one kind; got"),
    "one axis": (FRAME, [1.0, 2.0], DataError, "must be a table"),
}


@pytest.mark.parametrize("measure", [column_shapes, pair_trends])
@pytest.mark.parametrize("wrong", WRONG)
def test_tables_that_cannot_be_compared_give_one_sentence(measure, wrong):
    real, other, error, words = WRONG[wrong]
    with pytest.raises(error, match=words):
        measure(real, other)


def test_any_number_of_tables_is_read_with_the_same_classes():
    one, two, three = (pd.DataFrame({"c": list(text)}) for text in ("ba", "c", "ab"))
    (column,) = columns({"one": one, "two": two, "three": three})
    assert column.classes == ("a", "b", "c")
    assert [side.tolist() for side in column.sides] == [[1, 0], [2], [0, 1]]
    with pytest.raises(DataError, match="one and third must have the same columns"):
        columns({"one": one, "second": two, "third": FRAME})

"""The reservoir: who is kept, counted over many streams."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.errors import FileError
from diabolo.estimators.detection.reservoir import Reservoir


def followed(batches, memory, most, seed=0, start=20):
    """Return the numbers kept of a stream 0, 1, 2, ..., and the reservoir."""
    rng, kept, end = np.random.default_rng(seed), Reservoir(np.arange(float(start))[:, None], float(start)), start
    for count in batches:
        kept = kept.joined(np.arange(end, end + count, dtype=float)[:, None], memory, most, rng)
        end += count
    return kept.x[:, 0], kept


def test_while_there_is_memory_all_that_went_by_are_kept_equally_often():
    often = np.zeros(140)
    for seed in range(600):
        numbers, kept = followed([30, 1, 1, 8, 80], memory=10**9, most=20, seed=seed)
        assert len(numbers) == 20
        assert kept.weight == 140
        often[numbers.astype(int)] += 1
    expected = 600 * 20 / 140
    assert np.abs(often - expected).max() < 4.5 * np.sqrt(expected)
    for part in (slice(20), slice(20, 60), slice(60, 140)):
        assert often[part].mean() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("count", [1, 7, 50])
def test_beyond_its_memory_older_ones_fade(count):
    end = 20 + 400 // count * count * 10
    ages = np.concatenate(
        [end - followed([count] * (400 // count * 10), memory=400, most=100, seed=s)[0] for s in range(10)]
    )
    assert np.mean(ages) == pytest.approx(400, rel=0.15)
    for age in (200, 400, 800):
        assert np.mean(ages > age) == pytest.approx(np.exp(-age / 400), abs=0.05)


def test_there_is_room_for_all_while_they_are_few():
    numbers, kept = followed([5, 1, 10], memory=1000, most=100)
    assert numbers.tolist() == list(range(36))
    assert kept.weight == 36


@given(
    st.lists(st.integers(0, 40), max_size=12),
    st.floats(2, 500),
    st.integers(2, 60),
    st.integers(0, 99),
    st.integers(2, 30),
)
def test_none_is_kept_twice_they_stay_in_order_and_within_bounds(batches, memory, most, seed, start):
    numbers, kept = followed(batches, memory, most, seed, start)
    assert (np.diff(numbers) > 0).all()
    assert 2 <= len(numbers) <= max(most, start)
    assert 0 < kept.weight <= max(memory, start)
    assert kept.weight == pytest.approx(start + sum(batches)) or kept.weight == pytest.approx(memory)


@given(st.integers(1, 1000), st.integers(1, 1000), st.floats(1, 2000), st.floats(2, 2000))
def test_two_batches_count_as_much_as_one(first, second, weight, memory):
    none = np.zeros((0, 1))
    start = Reservoir(none, weight)
    middle = Reservoir(none, min(min(weight, memory) + first, memory))
    assert start.share(first, memory) * middle.share(second, memory) == pytest.approx(
        start.share(first + second, memory)
    )


def test_nothing_new_changes_nothing():
    kept = Reservoir(np.ones((3, 2)), 3.0)
    assert kept.joined(np.ones((0, 2)), 10, 5, np.random.default_rng(0)) is kept


def test_samples_come_one_by_one_and_are_kept_as_often_as_they_count():
    rng, entered = np.random.default_rng(0), 0
    for _ in range(400):
        kept = Reservoir(np.zeros((50, 1)), 500.0).joined(np.ones((1, 1)), 10**6, 50, rng)
        entered += kept.x.sum()
    assert entered == pytest.approx(400 * 50 / 501, rel=0.3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_round_trip(dtype):
    kept = Reservoir(np.arange(6).reshape(3, 2).astype(dtype), 7.5)
    again = Reservoir.from_arrays(kept.arrays(), (2,))
    assert (again.weight, again.x.dtype) == (7.5, dtype)
    np.testing.assert_array_equal(again.x, kept.x)


HOSTILE = {
    "a lost array": lambda a: a.pop("x"),
    "no weight": lambda a: a.pop("weight"),
    "two weights": lambda a: a.update(weight=torch.ones(2)),
    "a weight of 0": lambda a: a["weight"].zero_(),
    "a weight of NaN": lambda a: a["weight"].fill_(float("nan")),
    "infinity": lambda a: a["x"].fill_(float("inf")),
    "another width": lambda a: a.update(x=torch.ones(3, 4)),
    "no axis": lambda a: a.update(x=torch.tensor(1.0)),
    "complex numbers": lambda a: a.update(x=torch.ones(3, 2, dtype=torch.complex64)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arrays_are_refused(name):
    arrays = Reservoir(np.ones((3, 2)), 3.0).arrays()
    HOSTILE[name](arrays)
    with pytest.raises(FileError, match=r"kept samples.*save them anew"):
        Reservoir.from_arrays(arrays, (2,))

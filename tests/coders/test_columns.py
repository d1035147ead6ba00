"""Columns by themselves: each costs its own entropy, whatever the others are."""

import numpy as np
import pytest

from diabolo.coders import Columns, Setting
from diabolo.coders.columns import Counted
from diabolo.errors import FileError


def entropy(levels):
    many = np.unique(levels, return_counts=True)[1]
    return float(-(many * np.log2(many / len(levels))).sum())


def test_bytes_are_the_sum_of_entropies():
    draw = np.random.default_rng(0)
    levels = np.stack([draw.binomial(20, 0.4, 30_000), draw.geometric(0.3, 30_000), draw.integers(0, 2, 30_000)], 1)
    levels = levels.astype(np.uint64)
    data = Columns().learn(levels, Setting()).encode(levels)
    ideal = sum(map(entropy, levels.T))
    assert 0.999 * ideal < 8 * len(data) < 1.01 * ideal + 64


def test_columns_know_nothing_of_each_other():
    draw = np.random.default_rng(0)
    column = draw.integers(0, 9, 5000).astype(np.uint64)
    same = np.stack([column, column], 1)
    other = np.stack([column, draw.permutation(column)], 1)
    sizes = [len(Columns().learn(levels, Setting()).encode(levels)) for levels in (same, other)]
    assert abs(sizes[0] - sizes[1]) <= 8
    assert sizes[0] == pytest.approx(2 * len(Columns().learn(same[:, :1], Setting()).encode(same[:, :1])), abs=8)


def test_what_was_counted_elsewhere_costs_more():
    draw = np.random.default_rng(0)
    levels, others = (draw.choice(4, (5000, 1), p=p).astype(np.uint64) for p in ([0.9, 0.05, 0.04, 0.01], [0.25] * 4))
    right, wrong = (Columns().learn(each, Setting()) for each in (levels, others))
    assert len(right.encode(levels)) < 0.4 * len(wrong.encode(levels))
    np.testing.assert_array_equal(wrong.decode(wrong.encode(levels), levels.shape), levels)


def test_a_stream_that_was_cut_is_told_or_other():
    levels = np.random.default_rng(0).integers(0, 1000, (2000, 2)).astype(np.uint64)
    coding = Columns().learn(levels, Setting())
    data = coding.encode(levels)
    with pytest.raises(FileError, match="4 bytes"):
        coding.decode(data[:-1], levels.shape)
    for cut in (data[: len(data) // 8 * 4], b"", data[4:]):
        try:
            got = coding.decode(cut, levels.shape)
        except FileError:
            continue
        assert (got != levels).any()


@pytest.mark.parametrize("count", [1, 30, 5000])
def test_bits_are_told_without_writing(count):
    draw = np.random.default_rng(0)
    several = draw.integers(0, 2**40, 5000), draw.integers(0, 999, 5000), draw.geometric(0.3, 5000), np.full(5000, 7)
    levels = np.stack(several, 1).astype(np.uint64)
    coding = Columns().learn(levels, Setting())
    assert isinstance(coding, Counted)
    some = levels[:count]
    assert coding.bits(some) == pytest.approx(8 * len(coding.encode(some)), rel=0.002, abs=64)

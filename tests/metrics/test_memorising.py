"""Memorising: copies are found, fresh samples are not, and the p-value is what it says."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, mannwhitneyu

from diabolo.errors import DataError, ParameterError
from diabolo.metrics import memorising


def worlds(count, seed):
    return np.random.default_rng(seed).normal(size=(3, count, 4))


def test_copies_are_nearer_than_anything():
    train, held_out, _ = worlds(100, 0)
    found = memorising(train, held_out, train[:60])
    assert (found.samples == 0).all()
    assert found.nearer == 1
    assert found.p_value < 1e-20


def test_near_copies_are_found_and_samples_that_stray_are_not():
    train, held_out, fresh = worlds(150, 0)
    assert memorising(train, held_out, train + 0.1 * fresh).p_value < 1e-20
    assert memorising(train, held_out, 2 * fresh).p_value > 0.999


def test_distances_are_to_the_nearest_training_sample():
    found = memorising([[0.0], [10.0]], [[4.0], [7.0]], [[11.0], [-2.0], [3.0]])
    assert found.held_out.tolist() == [4, 3]
    assert found.samples.tolist() == [1, 2, 3]
    assert found.nearer == pytest.approx((2 + 2 + 1.5) / 6)
    assert str(found).startswith("nearer than held-out ones: 0.917 (p = 0.1")
    assert str(found).endswith("nearest to a training sample: 0.667 of them (0.500 by chance)")


def test_the_share_is_of_those_nearest_to_a_training_sample_and_halves_where_both_are_as_near():
    found = memorising([[0.0], [10.0], [20.0]], [[4.0]], [[11.0], [3.0], [2.0], [7.0]])
    assert found.expected == 0.75
    assert found.share == pytest.approx((1 + 0 + 0.75 + 0.75) / 4)


def test_samples_far_from_everything_hide_memory_from_the_distance_but_not_from_the_share():
    far, copied = [], []
    for seed in range(20):  # the outermost few decide for all that are far, so that one world tells little
        train, held_out, fresh = worlds(300, seed)
        far.append(memorising(train, held_out, 3 * fresh))
        copied.append(memorising(train, held_out, train + 0.6 * fresh))
    nearer, share = (
        [np.mean([getattr(one, name) for one in each]) for each in (far, copied)] for name in ("nearer", "share")
    )
    assert max(nearer) < 0.5
    assert share[0] == pytest.approx(0.5, abs=0.03)
    assert share[1] > 0.55


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_the_test_is_that_of_mann_and_whitney(samples, held_out):
    found = memorising([[0.0]], np.array(held_out, float)[:, None], np.array(samples, float)[:, None])
    expected = mannwhitneyu(samples, held_out, alternative="less", method="asymptotic")
    assert found.nearer == pytest.approx(1 - expected.statistic / (len(samples) * len(held_out)))
    if len({*samples, *held_out}) > 1:
        assert found.p_value == pytest.approx(expected.pvalue)
    else:
        assert found.nearer == 0.5
        assert found.p_value > 0.5


def test_whichever_samples_are_the_model_s_own_small_p_values_are_as_rare_as_they_say():
    pool = np.random.default_rng(0).normal(size=(10, 2))
    train = np.random.default_rng(1).normal(size=(6, 2))
    p = [memorising(train, np.delete(pool, own, 0), pool[list(own)]).p_value for own in combinations(range(10), 5)]
    for level in (0.01, 0.05, 0.1, 0.3):
        assert np.mean(np.array(p) <= level) <= level + 0.01


@pytest.mark.parametrize("cells", [1, 4])
def test_without_memorising_p_values_are_uniform(cells):
    rng = np.random.default_rng(0)
    p = [memorising(*rng.normal(size=(3, 80, 2)), cells=cells).p_value for _ in range(60)]
    assert kstest(p, "uniform").pvalue > 0.01  # pyright: ignore[reportAttributeAccessIssue]


def test_copies_in_one_place_that_straying_elsewhere_hides_are_found_in_cells():
    rng = np.random.default_rng(0)
    train, held_out = rng.normal(size=(2, 600, 2)) + np.repeat([[0.0], [30.0]], [400, 200], axis=0)
    copying = np.concatenate([train[:200], 30 + 3 * rng.normal(size=(400, 2))])
    assert memorising(train, held_out, copying).p_value > 0.5
    assert memorising(train, held_out, copying, cells=2).p_value < 0.05


def test_a_cell_with_too_few_samples_does_not_count():
    train = np.concatenate([np.zeros((20, 1)), np.full((20, 1), 9.0)]) + np.linspace(0, 1, 40)[:, None]
    held_out = train + 0.01
    found = memorising(train, held_out[:20], train[36:], cells=2)
    assert found.nearer == 1
    assert found.p_value == 0.5


@given(st.integers(0, 99), st.floats(-5, 5), st.integers(-6, 6))
def test_place_and_scale_do_not_count(seed, place, power):
    train, held_out, fresh = worlds(20, seed)
    one = memorising(train, held_out, fresh)
    other = memorising(*(2.0**power * (x[::-1] + place) for x in (train, held_out, fresh)))
    assert (other.nearer, other.p_value) == pytest.approx((one.nearer, one.p_value))


def test_bad_input_is_refused():
    train, held_out, fresh = worlds(10, 0)
    with pytest.raises(DataError, match=r"train and samples must have samples of one shape; got \(4,\) and \(2,\)"):
        memorising(train, held_out, fresh[:, :2])
    for cells in (0, 11, 1.5):
        with pytest.raises(ParameterError, match=r"'cells' of memorising must be an integer in \[1, 10\]"):
            memorising(train, held_out, fresh, cells)  # pyright: ignore[reportArgumentType]

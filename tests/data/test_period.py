"""The period: that of a known wave, and something sensible where nothing repeats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diabolo.data.period import HIGH, USUAL, period


def wave(length, turn, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(length) * 2 * np.pi / turn + 1)[:, None] + noise * rng.normal(size=(length, 1))


@pytest.mark.parametrize("turn", [12, 24, 50, 100])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_wave_is_as_long_as_it_is(turn, noise):
    assert abs(period(wave(2000, turn, noise)) - turn) <= 1


@pytest.mark.parametrize("turn", [12, 24, 50, 100])
def test_in_noise_it_holds_whole_turns(turn):
    for seed in range(5):
        found = period(wave(2000, turn, 0.5, seed))
        assert abs(found - turn * round(found / turn)) <= 1 + 0.03 * turn


def test_in_noise_it_is_one_turn():
    assert [abs(period(wave(2000, 12, 0.3, seed)) - 12) <= 1 for seed in range(5)] == [True] * 5


def test_a_pulse_repeats_too():
    pulse = np.tile(np.r_[np.ones(4), np.zeros(36)], 30)[:, None]
    assert period(pulse + 0.1 * np.random.default_rng(0).normal(size=pulse.shape)) == 40


def test_channels_that_do_not_change_have_no_say():
    still, noise = np.full((2000, 1), 7.0), np.random.default_rng(1).normal(size=(2000, 1))
    alone = period(wave(2000, 30))
    assert period(np.hstack([still, wave(2000, 30), np.zeros((2000, 2))])) == alone
    assert period(np.hstack([wave(2000, 30), noise, wave(2000, 30, seed=1)])) % 30 in (29, 0, 1)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6, 1e-7])
def test_units_do_not_matter(scale):
    assert abs(period(scale * wave(1000, 40) + 3 * scale) - 40) <= 1


@pytest.mark.parametrize("x", [np.full((1000, 2), 3.5), np.arange(1000.0)[:, None]], ids=["constant", "line"])
def test_where_nothing_repeats_it_is_the_usual(x):
    assert period(x) == USUAL
    assert period(x[:100]) == 25  # a quarter


@pytest.mark.parametrize("length", [1, 2, 3, 4, 9, 31])
def test_of_a_short_series_it_is_a_quarter(length):
    assert 1 <= period(wave(length, 5)) <= max(1, length // 4)


def test_of_noise_it_is_anything_that_is_allowed():
    for seed in range(5):
        assert 8 <= period(np.random.default_rng(seed).normal(size=(1000, 2))) <= 250


@given(x=arrays(np.float64, st.tuples(st.integers(1, 70), st.integers(1, 2)), elements=st.floats(-1e6, 1e6)))
def test_it_is_never_more_than_a_quarter_whatever_the_series(x):
    assert 1 <= period(x) <= max(1, min(HIGH, len(x) // 4))

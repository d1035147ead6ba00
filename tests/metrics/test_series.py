"""Distances between sets of series whose autocorrelations and spectra are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diabolo.errors import ParameterError
from diabolo.metrics import autocorrelation_distance, spectrum_distance

DISTANCES = [autocorrelation_distance, spectrum_distance]
SETS = st.tuples(st.integers(2, 9), st.integers(1, 2)).flatmap(
    lambda shape: st.tuples(
        *(
            arrays(
                np.float64,
                st.tuples(st.integers(1, 5), *map(st.just, shape)),
                elements=st.integers(-40, 40).map(lambda eighths: eighths / 8),
            )
            for _ in range(2)
        )
    )
)


def written_out(x, lag):
    """Autocorrelation of a set of series of one channel at a lag."""
    x = x[..., 0] - x[..., 0].mean(1, keepdims=True)
    return (x[:, lag:] * x[:, : x.shape[1] - lag]).sum() / np.square(x).sum()


def waves(period, steps=48, count=3):
    phase = np.linspace(0, 6, count)[:, None]
    return np.sin(2 * np.pi * np.arange(steps) / period + phase)[:, :, None]


def test_autocorrelations_are_their_definition():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 11, 1)), rng.normal(size=(7, 11, 1)).cumsum(1)
    expected = np.mean([abs(written_out(a, lag) - written_out(b, lag)) for lag in range(1, 8)])
    assert autocorrelation_distance(a, b, lags=7) == pytest.approx(expected)
    assert autocorrelation_distance(a, b) == autocorrelation_distance(a, b, lags=5)


def test_of_an_autoregression_it_is_the_difference_of_its_powers():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 600, 1))
    walk = noise.copy()
    for t in range(1, 600):
        walk[:, t] += 0.8 * walk[:, t - 1]
    expected = np.mean(0.8 ** np.arange(1, 5))
    assert autocorrelation_distance(noise, walk, lags=4) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("steps", [24, 25])
def test_the_spectrum_is_that_of_parseval(steps):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2000, steps, 1))
    constant = np.ones((1, steps, 1))
    assert spectrum_distance(noise, constant) == pytest.approx(1)
    weights = np.full(steps // 2, 2 / (steps - 1))  # white noise: as much at each frequency, of which most are two
    weights[-1] /= 2 - steps % 2
    tone = waves(steps, steps)
    assert spectrum_distance(noise, tone) == pytest.approx(1 - weights[0], abs=0.01)
    swing = np.resize([1.0, -1.0], (1, steps, 1))
    if steps % 2 == 0:
        assert spectrum_distance(noise, swing) == pytest.approx(1 - weights[-1], abs=0.01)


def test_other_periods_have_no_frequency_in_common():
    assert spectrum_distance(waves(12), waves(6)) == pytest.approx(1)
    assert spectrum_distance(waves(12), waves(12) + 2 * waves(6)) == pytest.approx(0.8)


def test_channels_are_averaged():
    one, two = waves(12), waves(6)
    assert spectrum_distance(np.concatenate([one, one], 2), np.concatenate([one, two], 2)) == pytest.approx(0.5)
    same, mixed = (np.concatenate(pair, 2) for pair in ((one, one), (one, two)))
    assert autocorrelation_distance(same, mixed) == pytest.approx(autocorrelation_distance(one, two) / 2)


@pytest.mark.parametrize("distance", DISTANCES)
@given(SETS, st.integers(-9, 9), st.integers(-4, 4))
def test_what_does_not_count(distance, sets, place, power):
    a, b = sets
    value = distance(a, b)
    assert 0 <= value <= (1 if distance is spectrum_distance else 2) + 1e-9
    assert distance(b, a) == pytest.approx(value)
    assert distance(a, a) == 0
    assert distance(a[::-1], b[:, ::-1]) == pytest.approx(value, abs=1e-9)
    assert distance(2.0**power * a + place, b) == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize("distance", DISTANCES)
def test_constant_series_are_alike_whatever_they_are(distance):
    assert distance(np.full((2, 9, 1), 0.1), np.full((3, 9, 1), 7.3)) == 0
    assert distance(np.full((2, 9, 1), 0.1), waves(3, 9)) > 0.2


@pytest.mark.parametrize("lags", [0, 6, 2.0])
def test_lags_are_fewer_than_steps(lags):
    with pytest.raises(
        ParameterError, match=r"'lags' of autocorrelation_distance must be an integer in \[1, 5\] or None"
    ):
        autocorrelation_distance(np.ones((1, 6, 1)), np.ones((1, 6, 1)), lags)

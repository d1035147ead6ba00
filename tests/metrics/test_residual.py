"""What was removed: what is wrong with it is found in worlds where it is known, and nothing where nothing is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from diabolo.errors import DataError, DataTypeError
from diabolo.metrics import residual_of
from diabolo.metrics.residual import Measured


def rng(seed=0):
    return np.random.default_rng(seed)


def scene(seed=0, count=4, channels=1):
    """Images (count, channels, 64, 64) with edges and slopes, from 0.1 to 1."""
    blocks = np.kron(rng(seed).random((count, channels, 8, 8)), np.ones((8, 8)))
    return 0.1 + 0.6 * blocks + 0.3 * gaussian_filter(blocks, (0, 0, 6, 6))


def beats(count=20, channels=1):
    """Series (count, 200, channels) of narrow waves at random places."""
    at = rng(3).uniform(0, 40, size=(count, 1, channels))
    return np.exp(-0.5 * (((np.arange(200)[None, :, None] + at) % 40 - 20) / 1.5) ** 2)


def measured(residual):
    return [*residual.autocorrelation.values(), residual.kurtosis, residual.brightness, residual.structure]


@pytest.mark.parametrize("truth", [scene(), scene(channels=3), beats(), beats(channels=2)], ids=lambda x: str(x.shape))
@pytest.mark.parametrize("seed", range(3))
def test_noise_that_is_removed_exactly_shows_nothing(truth, seed):
    noise = 0.1 * rng(seed).normal(size=truth.shape)
    residual = residual_of(truth + noise, truth)
    assert all(abs(each.value) < 4 * each.error for each in measured(residual))
    assert all(each.error < 4 / np.sqrt(truth.size) * np.sqrt(24) for each in measured(residual))
    others = (0, 2, 3) if truth.ndim == 4 else (0, 1)
    np.testing.assert_allclose(residual.mean, noise.mean(others), atol=1e-12)
    np.testing.assert_allclose(residual.deviation, noise.std(others))
    np.testing.assert_allclose(residual.level, 0.1, rtol=0.1)
    (sentence,) = residual.verdict()
    assert sentence.startswith("What was removed looks like independent noise of standard deviation 0.")
    assert str(residual).endswith(sentence)


def test_errors_are_those_of_chance():
    """Of 400 worlds without order but with noise of two levels, z-values spread as standard normal ones do."""
    truth = scene(count=1)[:, :, :32, :32]
    level = np.where(truth > np.median(truth), 0.3, 0.05)
    found = [residual_of(truth + level * rng(i).normal(size=truth.shape), truth) for i in range(400)]
    for name in ("vertical", "horizontal"):
        z = [r.autocorrelation[name].value / r.autocorrelation[name].error for r in found]
        assert abs(np.std(z) - 1) < 0.15
        assert abs(np.mean(z)) < 0.2


@pytest.mark.parametrize("width", [1.5, 3.0])
@pytest.mark.parametrize("truth", [scene(), beats()], ids=lambda x: str(x.shape))
def test_structure_that_was_smoothed_away_is_found(truth, width):
    noisy = truth + 0.1 * rng().normal(size=truth.shape)
    axes = (2, 3) if truth.ndim == 4 else (1,)
    residual = residual_of(noisy, gaussian_filter(noisy, width, axes=axes))
    assert residual.structure.beyond(0.05)
    (sentence,) = residual.verdict()  # nothing is said of noise while there is more than noise
    assert sentence.startswith(
        "Structure is left in what was removed: more was removed where the denoised signal varies"
    )


def test_more_smoothing_leaves_more_structure():
    noisy = scene() + 0.1 * rng().normal(size=scene().shape)
    tied = [residual_of(noisy, gaussian_filter(noisy, (0, 0, w, w))) for w in (1.0, 2.0, 4.0)]
    values = [[r.autocorrelation["vertical"].value, r.autocorrelation["horizontal"].value] for r in tied]
    assert (np.diff(values, axis=0) > 0.03).all()


def test_noise_that_goes_on_along_the_rows_is_found_there_alone():
    noise = rng().normal(size=(4, 1, 64, 65))
    noise = noise[..., 1:] + noise[..., :-1]  # a correlation of one half
    residual = residual_of(scene() + 0.1 * noise, scene())
    across, down = residual.autocorrelation["horizontal"], residual.autocorrelation["vertical"]
    assert abs(across.value - 0.5) < 0.03
    assert abs(down.value) < 4 * down.error
    assert abs(residual.structure.value) < 0.05
    (sentence,) = residual.verdict()
    assert sentence.startswith(
        "What was removed is not independent from point to point; neighbours in it correlate: 0."
    )
    assert "(horizontal)" in sentence
    assert "(vertical)" not in sentence


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_the_correlation_in_time_is_that_of_the_noise(share):
    noise = rng().normal(size=(20, 201, 1))
    noise = noise[:, 1:] + share * noise[:, :-1]
    residual = residual_of(beats() + 0.1 * noise, beats())
    assert abs(residual.autocorrelation["time"].value - share / (1 + share**2)) < 0.04
    assert "neighbours in it correlate" in residual.verdict()[0]


def test_slow_noise_that_was_left_is_found():
    noise = 0.1 * rng().normal(size=scene().shape)
    residual = residual_of(scene() + noise, scene() + gaussian_filter(noise, (0, 0, 0.7, 0.7)))
    sentences = residual.verdict()
    assert any(each.startswith("The slow part of the noise is left") for each in sentences)
    assert any(each.startswith("Noise may be left: what was removed has standard deviation 0.07") for each in sentences)


def test_noise_that_was_left_at_edges_is_found():
    noise = 0.1 * rng().normal(size=scene().shape)
    steep = np.abs(np.diff(scene(), axis=3, prepend=0)) > 0.1
    near = gaussian_filter(steep.astype(float), (0, 0, 1, 1)) > 0.05
    residual = residual_of(scene() + noise, scene() + noise * near)
    assert any(each.startswith("Noise is left at edges and texture") for each in residual.verdict())


def test_photon_noise_is_found_by_brightness():
    noisy = rng().poisson(30 * scene()) / 30
    residual = residual_of(noisy, scene())
    assert residual.brightness.value > 0.2
    (sentence,) = residual.verdict()
    assert sentence.startswith("There is more noise where the signal is large")
    negative = residual_of(-noisy, -scene())
    assert negative.verdict()[0].startswith("There is less noise where the signal is large")


def test_dead_pixels_are_found_by_kurtosis():
    dead = rng().random(scene().shape) < 0.01
    residual = residual_of(np.where(dead, 0.0, scene()) + 0.02 * rng(1).normal(size=scene().shape), scene())
    assert residual.kurtosis.value > 10
    assert any(each.startswith("A few large values were removed") for each in residual.verdict())


def test_a_level_that_differs_between_samples_is_no_sign_of_dead_pixels():
    levels = np.array([0.01, 0.05, 0.2, 0.5]).reshape(4, 1, 1, 1)
    residual = residual_of(scene() + levels * rng().normal(size=scene().shape), scene())
    assert abs(residual.kurtosis.value) < 4 * residual.kurtosis.error


def test_a_shift_is_found_in_the_channel_that_has_it():
    truth = scene(channels=3)
    shift = np.array([0.0, 0.02, 0.0]).reshape(3, 1, 1)
    residual = residual_of(truth + 0.1 * rng().normal(size=truth.shape), truth + shift)
    assert np.abs(residual.mean).argmax() == 1
    (sentence,) = residual.verdict()
    assert sentence.startswith("The denoised data are shifted: the mean of what was removed is ")
    assert "-0.02" in sentence


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_nothing_but_a_constant_is_nothing(shift):
    residual = residual_of(scene(), scene() - shift)
    assert [each.value for each in measured(residual)] == [0] * 5
    assert residual.verdict() == (
        "Nothing was removed but a constant: the denoised data are as noisy as the noisy ones.",
    )


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-100, 100))
def test_neither_units_nor_origin_matter(scale, shift):
    noisy = beats(5) + 0.1 * rng().normal(size=(5, 200, 1))
    smooth = gaussian_filter(noisy, (0, 1, 0))
    one, other = residual_of(noisy, smooth), residual_of(scale * (noisy + shift), scale * (smooth + shift))
    np.testing.assert_allclose(
        [each.value for each in measured(one)], [each.value for each in measured(other)], rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(other.deviation, scale * one.deviation, rtol=1e-6)
    np.testing.assert_allclose(other.level, scale * one.level, rtol=1e-6)


@pytest.mark.parametrize(
    ("noisy", "denoised", "error", "sentence"),
    [
        (np.ones((1, 5, 1)), np.ones((1, 6, 1)), DataError, "noisy and denoised must have the same shape"),
        (
            np.ones((4, 5)),
            np.ones((4, 5)),
            DataError,
            r"noisy must have shape \(N, C, H, W\) .* at least 3 long and wide",
        ),
        (
            np.ones((1, 1, 2, 9)),
            np.ones((1, 1, 2, 9)),
            DataError,
            r"at least 3 long and wide; got shape \(1, 1, 2, 9\)",
        ),
        (np.ones((1, 5, 1)), np.full((1, 5, 1), np.nan), DataError, "denoised must hold finite numbers"),
        ("what", np.ones((1, 5, 1)), DataTypeError, "noisy must be an array of real numbers"),
    ],
)
def test_what_cannot_be_looked_at(noisy, denoised, error, sentence):
    with pytest.raises(error, match=sentence):
        residual_of(noisy, denoised)


def test_beyond_is_on_the_side_of_the_bound_and_no_chance():
    assert Measured(0.3, 0.01).beyond(0.2)
    assert Measured(-0.3, 0.01).beyond(-0.2)
    for value, error, bound in ((0.3, 0.01, 0.4), (0.3, 0.1, 0.2), (0.3, 0.01, -0.2), (-0.3, 0.01, 0.2)):
        assert not Measured(value, error).beyond(bound)

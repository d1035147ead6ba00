"""How near an estimate comes to the truth, and the level of noise that nobody knows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import noise_level, psnr, snr, ssim


def rng(seed=0):
    return np.random.default_rng(seed)


def test_psnr_of_known_errors():
    truth = rng().random((3, 2, 4, 5))
    error = np.array([0.1, 0.01, 0.0]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(psnr(truth, truth + error, 1.0), [20, 40, np.inf])
    np.testing.assert_allclose(psnr(255 * truth, 255 * (truth - error), 255), [20, 40, np.inf])


def test_psnr_is_of_each_sample():
    truth, estimate = rng().random((2, 6, 7))
    one_by_one = [psnr(truth[i : i + 1], estimate[i : i + 1], 2.0)[0] for i in range(6)]
    np.testing.assert_array_equal(psnr(truth, estimate, 2.0), one_by_one)


@settings(max_examples=50, deadline=None)
@given(st.floats(-20, 60), st.floats(1e-3, 1e3), st.integers(1, 4))
def test_snr_is_what_the_noise_was_made_for(decibels, scale, channels):
    truth, noise = rng(channels).normal(size=(2, 3, 50, channels))
    wanted = np.linalg.norm(truth.reshape(3, -1), axis=1) / 10 ** (decibels / 20)
    noise *= (wanted / np.linalg.norm(noise.reshape(3, -1), axis=1))[:, None, None]
    np.testing.assert_allclose(snr(scale * truth, scale * (truth + noise)), decibels, atol=1e-6)


def test_snr_at_its_ends():
    np.testing.assert_array_equal(
        snr([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [1, 0], [0, 0]]), [1, -1, 1] * np.array(np.inf)
    )


def test_ssim_is_that_of_its_formula_for_constant_images():
    a, b = np.full((1, 3, 11, 12), 0.2), np.full((1, 3, 11, 12), 0.6)
    means = (2 * 0.12 + 1e-4) / (0.04 + 0.36 + 1e-4)
    np.testing.assert_allclose(ssim(a, b, 1.0), [means])
    np.testing.assert_allclose(ssim(255 * a, 255 * b, 255), [means])


def test_ssim_sees_structure_where_psnr_sees_none():
    truth = gaussian_filter(rng().random((4, 1, 40, 40)), (0, 0, 2, 2)) * 4
    noise = 0.1 * rng(1).normal(size=truth.shape)
    shift = np.full_like(truth, 1) * np.sqrt((noise**2).mean((1, 2, 3), keepdims=True))
    np.testing.assert_allclose(psnr(truth, truth + noise, 1.0), psnr(truth, truth + shift, 1.0))
    assert (ssim(truth, truth + noise, 1.0) < ssim(truth, truth + shift, 1.0) - 0.1).all()
    np.testing.assert_allclose(ssim(truth, truth, 1.0), 1)


@pytest.mark.parametrize("level", [0.01, 0.1, 2.0])
@pytest.mark.parametrize("shape", [(3, 5000, 2), (3, 2, 80, 80)])
def test_level_of_noise_alone(shape, level):
    found = noise_level(level * rng().normal(size=shape) + 7)
    assert found.shape == (3, 2)
    np.testing.assert_allclose(found, level, rtol=0.06)


def test_level_of_each_sample_and_channel():
    levels = np.array([[0.1, 0.5, 1.0], [3.0, 0.0, 0.2]])
    found = noise_level(levels[:, :, None, None] * rng().normal(size=(2, 3, 90, 90)))
    np.testing.assert_allclose(found, levels, rtol=0.06)


def test_signal_does_not_hide_the_level():
    steps = np.sign(np.sin(np.arange(6000) / 30))[None, :, None] * 5
    np.testing.assert_allclose(noise_level(steps + 0.1 * rng().normal(size=steps.shape)), 0.1, rtol=0.1)
    board = np.kron(rng(2).random((10, 10)), np.ones((12, 12)))[None, None]
    np.testing.assert_allclose(noise_level(board + 0.05 * rng().normal(size=board.shape)), 0.05, rtol=0.1)
    slope = np.add.outer(np.arange(60.0), 3 * np.arange(60.0))[None, None]
    np.testing.assert_allclose(noise_level(slope), 0, atol=1e-9)


def test_what_is_cut_off_or_empty_does_not_count():
    noisy = np.zeros((1, 1, 100, 100))
    noisy[..., :40] = 0.1 * rng().normal(size=(100, 40))
    np.testing.assert_allclose(noise_level(noisy), 0.1, rtol=0.06)
    np.testing.assert_allclose(noise_level(noisy[:, 0]), np.where(np.arange(100) < 40, 0.1, 0)[None], rtol=0.5)
    assert noise_level(np.ones((2, 5, 1))).tolist() == [[0], [0]]


def test_noise_that_goes_on_is_not_seen():
    slow = gaussian_filter(rng().normal(size=(1, 1, 100, 100)), (0, 0, 2, 2))
    assert noise_level(slow / slow.std())[0, 0] < 0.3


@pytest.mark.parametrize("measure", [lambda a, b: psnr(a, b, 1.0), snr, lambda a, b: ssim(a, b, 1.0)])
@pytest.mark.parametrize(
    ("truth", "estimate", "error", "sentence"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), DataError, r"same shape \(N, ...\), .* got \(2, 3\) and \(3, 2\)"),
        (np.ones(3), np.ones(3), DataError, r"x\[None\]"),
        (np.ones((0, 3)), np.ones((0, 3)), DataError, "at least one sample"),
        (np.full((1, 3), np.nan), np.ones((1, 3)), DataError, "truth must hold finite numbers"),
        (np.ones((1, 3)), np.full((1, 3), np.inf), DataError, "estimate must hold finite numbers"),
        (np.array([["a"]]), np.ones((1, 1)), DataTypeError, "truth must be an array of real numbers"),
    ],
)
def test_what_cannot_be_compared(measure, truth, estimate, error, sentence):
    with pytest.raises(error, match=sentence):
        measure(truth, estimate)


@pytest.mark.parametrize("shape", [(2, 30, 3), (2, 1, 10, 30), (2, 40)])
def test_ssim_is_for_images_of_the_size_of_its_windows(shape):
    with pytest.raises(DataError, match=r"images \(N, C, H, W\) of 11 x 11 pixels or more; got shape"):
        ssim(np.ones(shape), np.ones(shape), 1.0)


@pytest.mark.parametrize("data_range", [0, -1.0, math.inf, None])
@pytest.mark.parametrize("measure", [psnr, ssim])
def test_a_range_is_above_0(measure, data_range):
    with pytest.raises(ParameterError, match=f"'data_range' of {measure.__name__} must be a number > 0; got"):
        measure(np.ones((1, 1, 16, 16)), np.ones((1, 1, 16, 16)), data_range)


@pytest.mark.parametrize("shape", [(5,), (5, 5), (1, 2, 1), (1, 1, 1, 9), (1, 0, 9, 9), (0, 9, 1), (1, 1, 1, 9, 9)])
def test_a_level_is_that_of_series_and_images(shape):
    with pytest.raises(
        DataError, match=r"x must have shape \(N, C, H, W\) of images or \(N, T, C\) of series, at least"
    ):
        noise_level(np.ones(shape))


def test_a_level_needs_numbers():
    with pytest.raises(DataError, match="x must hold finite numbers"):
        noise_level(np.full((1, 9, 1), np.nan))

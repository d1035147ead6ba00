"""The gain that a rate or a quality asks for: what trying all would find, by looking at few."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.codec import PSNR, Rate
from diabolo.codec.entropy import Reader, Writer
from diabolo.coders.transform import scales
from diabolo.coders.transform.draft import Draft
from diabolo.coders.transform.edges import take_levels
from diabolo.errors import DataError
from diabolo.estimators.compression import gains
from diabolo.metrics import psnr

ALL = range(gains.GAINS + 1)


class Rounding:
    """A transform that transforms nothing: pixels are rounded to steps, from 32 levels down to 2."""

    def draft(self, samples, gain):
        return Draft(self, samples, gain)

    def analysed(self, samples, gain):
        return np.rint((samples.astype(np.float64) - 128) / self.step(gain)).astype(np.int64)

    def synthesised(self, code, gain, shape):
        return code.reshape(-1) * self.step(gain) + 128.0

    def written(self, code, gain):
        writer = Writer()
        scales.put(writer, code.ravel(), *self.guess(code.shape, gain))
        return writer

    def bits(self, code, gain):
        return scales.bits(code.ravel(), *self.guess(code.shape, gain))

    def encode(self, samples, gain):
        return self.draft(samples, gain).data

    def decode(self, data, shape, draft=None):
        reader = Reader(data[1:])
        code = scales.take(reader, *self.guess(shape, data[0])).reshape(shape)
        assert draft is None or np.array_equal(code, draft.code)
        return take_levels(reader, self.synthesised(code, data[0], shape)).reshape(shape)

    def step(self, gain):
        return 32 * 2 ** (-gain / 8)

    def guess(self, shape, gain):
        scale = round((np.log(6 / self.step(gain)) - scales.LOWEST) * 8)
        return np.zeros(np.prod(shape), np.int64), np.full(np.prod(shape), scale)


@pytest.fixture(scope="module")
def coding():
    return cast(Any, Rounding())


@pytest.fixture(scope="module")
def image():
    """Noise, with a corner of more of it, so that no part of it is like all."""
    draw = np.random.default_rng(0)
    spread = np.full((144, 176), 5.0)
    spread[:60, :50] = 20
    return (128 + draw.laplace(size=(3, 144, 176)) * spread).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def every(coding, image):
    """Bits a pixel and decibels at each gain: both grow."""
    codes = [coding.encode(image, gain) for gain in ALL]
    back = [coding.decode(code, image.shape) for code in codes]
    rates = np.array([gains.bits(len(code), image) for code in codes])
    decibels = np.array([psnr(image[None], each[None], 255.0)[0] for each in back])
    assert (np.diff(rates) > 0).all()
    assert (np.diff(decibels) > 0).all()
    return rates, decibels


@pytest.fixture(params=[64, 24], ids=["seen whole", "seen in part"])
def side(request, monkeypatch):
    monkeypatch.setattr(gains, "_SIDE", request.param)
    return request.param


@pytest.mark.parametrize("gain", [0, 3, 17, 31, 32])
@pytest.mark.parametrize("more", [0.0, 0.03, 0.5])
def test_the_largest_gain_that_a_rate_allows(side, coding, image, every, gain, more):
    rates = [*every[0], every[0][-1] * 1.1]
    wanted = rates[gain] + more * (rates[gain + 1] - rates[gain])
    found = gains.search(coding, image, Rate(wanted))
    assert found is not None
    assert found.code == coding.encode(image, gain)
    assert gains.bits(len(found.code), image) <= wanted
    assert np.array_equal(found.image, coding.decode(found.code, image.shape))


@pytest.mark.parametrize("gain", [0, 4, 16, 32])
@pytest.mark.parametrize("less", [0.0, 0.01])
def test_the_smallest_gain_that_is_near_enough(side, coding, image, every, gain, less):
    found = gains.search(coding, image, PSNR(every[1][gain] - less))
    assert found is not None
    assert found.code == coding.encode(image, gain)
    assert np.array_equal(found.image, coding.decode(found.code, image.shape))


def test_what_no_gain_is_enough_for(side, coding, image, every):
    rates, decibels = every
    assert gains.search(coding, image, PSNR(decibels[-1] + 0.01)) is None
    with pytest.raises(DataError, match=f"176x144 pixels takes {rates[0]:.3g} bits"):
        gains.search(coding, image, Rate(rates.min() * 0.99))


def test_few_gains_are_computed_of_the_whole_image(coding, image, every, monkeypatch):
    monkeypatch.setattr(gains, "_SIDE", 24)
    rates, _ = every
    seen, analysed = [], type(coding).analysed

    def counted(self, samples, gain):
        seen.append(samples.shape)
        return analysed(self, samples, gain)

    monkeypatch.setattr(type(coding), "analysed", counted)
    for gain in range(4, 30, 5):
        gains.search(coding, image, Rate((rates[gain] + rates[gain + 1]) / 2))
    assert seen.count(image.shape) <= 3 * 6
    assert len(seen) > seen.count(image.shape)


@given(st.floats(-2, 35), st.floats(-6, 6), st.floats(0.8, 1.25), st.floats(0.97, 1.03))
def test_the_largest_gain_is_found_by_a_guess_that_is_off(edge, off, slope, stretch):
    expected = [gain for gain in ALL if slope * (gain - edge) <= 0]
    seen = []
    found = gains.largest(
        lambda gain: seen.append(gain) or slope * (gain - edge), lambda gain: stretch * slope * (gain - edge) + off
    )
    assert found == (expected[-1] if expected else None)
    assert found is None or found in seen
    assert len(seen) <= 4


def test_a_guess_that_knows_nothing_costs_looks_but_not_the_answer():
    for edge in np.arange(-0.5, 33, 1.0):
        found = gains.largest(lambda gain, edge=edge: gain - edge, lambda gain: -3.0)
        assert found == (int(np.floor(edge)) if edge > 0 else None)

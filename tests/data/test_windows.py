"""Windows: what is cut comes back whole, whatever the lengths, sizes and strides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.data.windows import Windows
from diabolo.errors import DataError


@st.composite
def cuts(draw, axes=None):
    """Series or images of random numbers, of several lengths, cut anyhow."""
    size = draw(st.integers(1, 6))
    axes, channels = draw(st.integers(1, 2)) if axes is None else axes, draw(st.integers(1, 3))
    lengths = st.tuples(*(st.integers(size, size + 9) for _ in range(axes)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shapes = [(*each, channels) if axes == 1 else (channels, *each) for each in draw(st.lists(lengths, min_size=1))]
    return Windows(size, draw(st.integers(1, size))).of([rng.normal(size=shape) for shape in shapes])


def every(cut):
    return cut.take(np.arange(len(cut)))


@given(cut=cuts())
def test_what_was_cut_comes_back(cut):
    merged = cut.merged([every(cut)])
    assert len(merged) == len(cut.samples)
    for sample, whole in zip(cut.samples, merged, strict=True):
        np.testing.assert_allclose(whole, sample, rtol=1e-12, atol=1e-12)


@given(cut=cuts(), step=st.integers(1, 9))
def test_blocks_do_not_matter(cut, step):
    blocks = (cut.take(np.arange(start, min(start + step, len(cut)))) for start in range(0, len(cut), step))
    for one, other in zip(cut.merged(blocks), cut.merged([every(cut)]), strict=True):
        np.testing.assert_array_equal(one, other)


@given(cut=cuts())
def test_a_window_is_what_lies_at_its_place_and_the_last_ends_with_the_sample(cut):
    windows, size = every(cut), cut.windows.size
    assert windows.shape == (len(cut), *cut.shape)
    for window, (number, *start) in zip(windows, cut.places, strict=True):
        place = tuple(slice(at, at + size) for at in start)
        sample = cut.samples[number]
        np.testing.assert_array_equal(window, sample[place] if len(place) == 1 else sample[(slice(None), *place)])
    for number, sample in enumerate(cut.samples):
        extent = sample.shape[:1] if sample.ndim == 2 else sample.shape[1:]
        ends = cut.places[cut.places[:, 0] == number, 1:].max(0) + size
        assert tuple(ends) == extent


@given(cut=cuts(), value=st.floats(-1e3, 1e3))
def test_windows_that_say_the_same_say_it_of_every_point(cut, value):
    maps = cut.spread(np.full(len(cut), value))
    for sample, each in zip(cut.samples, maps, strict=True):
        assert each.shape == (sample.shape[:1] if sample.ndim == 2 else sample.shape[1:])
        np.testing.assert_allclose(each, value, rtol=1e-12)


@given(cut=cuts(axes=1))
def test_a_point_is_the_mean_of_the_windows_that_cover_it(cut):
    values = np.random.default_rng(0).normal(size=len(cut))
    for number, each in enumerate(cut.spread(values)):
        for point, value in enumerate(each):
            begin = cut.places[:, 1]
            covering = (cut.places[:, 0] == number) & (begin <= point) & (point < begin + cut.windows.size)
            np.testing.assert_allclose(value, values[covering].mean(), rtol=1e-9, atol=1e-12)


@given(cut=cuts(), data=st.data())
def test_windows_are_taken_in_any_order_and_any_number(cut, data):
    index = np.array(data.draw(st.lists(st.integers(0, len(cut) - 1))), dtype=np.int64)
    np.testing.assert_array_equal(cut.take(index), every(cut)[index])


def test_a_pixel_is_the_mean_of_the_squares_that_cover_it():
    cut = Windows(2, 1).of([np.zeros((1, 3, 3))])
    (image,) = cut.spread(np.array([1.0, 2.0, 3.0, 4.0]))
    assert image.tolist() == [[1, 1.5, 2], [2, 2.5, 3], [3, 3.5, 4]]


def test_the_kind_of_number_stays():
    for dtype in (np.uint8, np.float32, np.float64, bool):
        cut = Windows(2, 2).of([np.ones((3, 4, 4), dtype)])
        assert every(cut).dtype == dtype
        assert cut.merged([every(cut)])[0].dtype == np.float64


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(5, 1), (4, 1)], "at least 5 points .* sample 1 has 4"),
        ([(1, 9, 4)], "at least 5 points along each axis.* sample 0 has 9 x 4"),
        ([(0, 2)], "sample 0 has 0"),
    ],
)
def test_a_sample_smaller_than_a_window_is_named(shapes, words):
    with pytest.raises(DataError, match=words):
        Windows(5, 2).of([np.zeros(shape) for shape in shapes])

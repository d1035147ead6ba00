"""Where something is unusual: each image above its map, and a series above its energy, shaded where it is flagged."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from diabolo.errors import CapabilityError, DataError
from diabolo.report import course, heat
from diabolo.report.places import _thinned

IMAGE, MAP = np.arange(24.0).reshape(1, 4, 6), np.arange(24.0).reshape(4, 6)


def drawn(figure) -> list[Any]:
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    return cast(Any, figure.axes)


def shown(axes) -> np.ndarray:
    return np.asarray(axes.images[0].get_array())


def shaded(axes):
    """The stretches that are shaded."""
    patches = [cast(Rectangle, patch) for patch in axes.patches]
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in patches]


def test_each_image_stands_above_its_map_and_all_maps_share_a_scale():
    first, second = IMAGE, np.random.default_rng(0).random((3, 5, 2))
    one, two, low, high, scale = drawn(heat([first, second], [MAP, 100 + np.ones((5, 2))], 50.0))
    np.testing.assert_allclose(shown(one), MAP / 23)
    np.testing.assert_array_equal(shown(low), MAP)
    assert shown(two).shape == (5, 2, 3)
    assert shown(high).tolist() == [[101, 101]] * 5
    assert low.images[0].get_clim() == high.images[0].get_clim() == (0, 101)
    assert "energy, in nats" in (scale.get_xlabel(), scale.get_ylabel())


@pytest.mark.parametrize("threshold", [-1.0, 10.5, 23.0, 1e9])
def test_a_line_is_drawn_around_what_is_above_the_threshold(threshold):
    _, axes, _ = drawn(heat([IMAGE], [MAP], threshold))
    assert bool(axes.collections) == (threshold == 10.5)
    assert axes.images[0].get_clim() == (0, max(23, threshold))


def test_two_channels_are_shown_as_their_mean_and_bytes_as_they_are():
    pixels = np.stack([np.zeros((2, 3)), np.arange(6.0).reshape(2, 3)])
    np.testing.assert_allclose(shown(drawn(heat([pixels], [np.ones((2, 3))], 1.0))[0]), pixels.mean(0) / 5)
    white = np.full((3, 2, 3), 255, np.uint8)
    assert shown(drawn(heat([white], [np.zeros((2, 3))], 0.0))[0]).tolist() == np.zeros((2, 3, 3)).tolist()


def test_of_many_images_some_are_shown():
    axes = drawn(heat(np.zeros((30, 1, 4, 6)), np.ones((30, 4, 6)), 0.5))  # pyright: ignore[reportArgumentType]
    assert 4 < len(axes) < 30


@pytest.mark.parametrize("shape", [(1, 5), (5, 1)])
def test_a_line_of_pixels_is_an_image_too(shape):
    assert drawn(heat([np.zeros((1, *shape))], [np.arange(5.0).reshape(shape)], 2.5))


@pytest.mark.parametrize(
    ("images", "maps"),
    [([], []), ([IMAGE], []), ([IMAGE], [MAP.T]), ([IMAGE[0]], [MAP]), ([IMAGE, IMAGE], [MAP, MAP[:3]])],
)
def test_images_without_a_map_of_their_size_are_refused(images, maps):
    with pytest.raises(DataError, match=r"heat needs images \(C, H, W\) and a map \(H, W\) of each; got shapes"):
        heat(images, maps, 1.0)


def test_a_series_above_its_energy_is_shaded_where_that_is_above_the_threshold():
    x = np.random.default_rng(0).normal(size=(10, 2))
    energies = np.array([9.0, 1, 1, 5, 6, 5, 1, 1, 1, 7])
    first, second, last = drawn(course(x, energies, 4.0, ["load", "heat"]))
    for axes, line in ((first, x[:, 0]), (second, x[:, 1]), (last, energies)):
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), np.arange(10))
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), line)
        assert shaded(axes) == [(-0.5, 0.5), (2.5, 5.5), (8.5, 9.5)]
    assert [axes.get_ylabel() for axes in (first, second, last)] == ["load", "heat", "energy, in nats"]
    assert list(last.lines[1].get_ydata()) == [4, 4]
    assert last.get_xlabel() == "point"


def test_what_is_as_high_as_the_threshold_is_not_flagged():
    assert shaded(drawn(course(np.zeros((5, 1)), np.ones(5), 1.0, ["a"]))[0]) == []
    assert shaded(drawn(course(np.zeros((5, 1)), np.ones(5), 0.5, ["a"]))[0]) == [(-0.5, 4.5)]


def test_of_many_channels_some_are_shown():
    assert 3 < len(drawn(course(np.zeros((9, 40)), np.ones(9), 2.0, [str(i) for i in range(40)]))) < 15


def test_of_a_long_series_the_extremes_are_drawn():
    x = np.random.default_rng(0).normal(size=(50_000, 1))
    x[12_345], x[33_333] = 50, -60
    axes, _ = drawn(course(x, np.ones(50_000), 2.0, ["a"]))
    points, values = axes.lines[0].get_xdata(), axes.lines[0].get_ydata()
    assert len(points) < 10_000
    assert (np.diff(points) > 0).all()
    np.testing.assert_array_equal(values, x[points.astype(int), 0])
    assert (values.max(), points[values.argmax()]) == (50, 12_345)
    assert (values.min(), points[values.argmin()]) == (-60, 33_333)


def test_missing_values_do_not_hide_the_others():
    line = np.random.default_rng(0).normal(size=50_000)
    line[::10] = np.nan
    assert np.isfinite(_thinned(line)[1]).mean() > 0.9


@settings(max_examples=10)
@given(
    x=arrays(
        np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.floats(-1e9, 1e9) | st.just(np.nan)
    ),
    threshold=st.sampled_from([0.0, 1e-9, 1.0, 1e15]),
    data=st.data(),
)
def test_any_series_can_be_drawn(x, threshold, data):
    energies = data.draw(arrays(np.float64, len(x), elements=st.floats(0, 1e12)))
    axes = drawn(course(x, energies, threshold, ["$a_{", "b", "c"][: x.shape[1]]))
    inside = [sum(low < point < high for low, high in shaded(axes[0])) for point in range(len(x))]
    assert inside == (energies > threshold).astype(int).tolist()


@pytest.mark.parametrize(
    ("x", "energies", "names"),
    [
        (np.zeros(5), np.ones(5), ["a"]),
        (np.zeros((5, 2)), np.ones(4), ["a", "b"]),
        (np.zeros((5, 2)), np.ones((5, 2)), ["a", "b"]),
        (np.zeros((5, 2)), np.ones(5), ["a"]),
    ],
)
def test_a_series_without_its_energies_and_names_is_refused(x, energies, names):
    with pytest.raises(DataError, match=r"course needs a series \(T, C\), energies \(T,\) and a name for each channel"):
        course(x, energies, 1.0, names)


def test_missing_matplotlib_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    for draw in (lambda: heat([IMAGE], [MAP], 1.0), lambda: course(np.zeros((3, 1)), np.ones(3), 1.0, ["a"])):
        with pytest.raises(CapabilityError, match=r'pip install "diabolo\[report\]"'):
            draw()

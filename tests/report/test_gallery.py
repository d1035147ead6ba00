"""Galleries, walks and the costs of units: what is drawn is what was given."""

from typing import Any

import numpy as np
import pytest

from diabolo.errors import DataError

pytest.importorskip("matplotlib")

from diabolo.report import gallery, units, walks


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_images_are_shown_as_they_are_in_one_range(channels):
    images = np.random.default_rng(0).uniform(-3, 5, (14, channels, 4, 6))
    axes = gallery(images, "images").axes
    shown = [np.asarray(each.images[0].get_array()) for each in axes if each.images]
    assert len(shown) == 14
    expected = (images[13] - images.min()) / (images.max() - images.min())
    expected = np.moveaxis(expected, 0, -1) if channels == 3 else expected.mean(0)
    np.testing.assert_allclose(shown[13], expected)
    assert sum(bool(each.axison) for each in axes) == 0


def test_many_are_cut_off():
    assert len(gallery(np.zeros((200, 1, 4, 4)), "images").axes) == 72
    assert len(gallery(np.zeros((50, 9, 2)), "series").axes) == 12


def test_series_are_lines_for_each_channel():
    series = np.random.default_rng(0).normal(size=(3, 9, 2))
    axes = [each for each in gallery(series, "series").axes if each.lines]
    assert len(axes) == 3
    np.testing.assert_allclose(np.asarray(axes[1].lines[1].get_ydata()), series[1, :, 1])


def test_walks_of_images_are_named_rows():
    figure = walks(np.random.default_rng(0).random((3, 5, 1, 4, 4)), "images", ["a", "b", "c"])
    assert len(figure.axes) == 15
    assert [axes.texts[0].get_text() for axes in figure.axes[::5]] == ["a", "b", "c"]


def test_walks_of_series_are_bundles():
    walked = np.random.default_rng(0).normal(size=(4, 7, 20, 2))
    axes = walks(walked, "series", list("abcd")).axes
    assert [len(each.lines) for each in axes] == [7, 7, 7, 7, 0, 0]
    np.testing.assert_allclose(np.asarray(axes[3].lines[6].get_ydata()), walked[3, 6, :, 0])
    assert axes[2].get_title(loc="left") == "c"
    assert len(walks(walked[:, :1], "series", list("abcd")).axes[0].lines) == 1


def test_units_are_ranked_and_idle_ones_grey():
    axes: Any = units(np.array([0.5, 0.001, 2.0])).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [2.0, 0.5, 0.001]
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert colours[0] == colours[1] != colours[2]
    assert axes.get_title(loc="left") == "2 of 3 dimensions in use, 2.501 nats"


@pytest.mark.parametrize(
    "call",
    [
        lambda: gallery(np.zeros((3, 4)), "series"),
        lambda: gallery(np.zeros((3, 1, 4, 4)), "series"),
        lambda: gallery(np.zeros((0, 1, 4, 4)), "images"),
        lambda: gallery(np.zeros((3, 4)), "table"),  # pyright: ignore[reportArgumentType]
        lambda: walks(np.zeros((3, 1, 4, 4)), "images", ["a"] * 3),
        lambda: walks(np.zeros((3, 7, 4, 1)), "series", ["a"]),
        lambda: units(np.array([np.nan])),
        lambda: units(np.zeros((2, 2))),
        lambda: units(np.zeros(0)),
    ],
)
def test_what_cannot_be_drawn_is_refused(call):
    with pytest.raises(DataError):
        call()

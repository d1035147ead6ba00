"""Galleries, walks and the costs of units: what is drawn is what was given."""

from typing import Any

import numpy as np
import pytest

from diabolo.errors import DataError

pytest.importorskip("matplotlib")

from diabolo.report import gallery, units, walks


def tiles(figure, count, across, height, width):
    """The pictures of the one sheet of a figure (N, H, W, 3), after a look at what is between them."""
    (axes,) = figure.axes
    sheet, down = np.asarray(axes.images[0].get_array()), -(-count // across)
    gap = (sheet.shape[1] - across * width) // (across - 1)
    assert sheet.shape == (down * (height + gap) - gap, across * (width + gap) - gap, 3)
    assert (sheet[:, width : width + gap] == 1).all()
    places = [divmod(i, across) for i in range(count)]
    return np.stack(
        [sheet[r * (height + gap) :, c * (width + gap) :][:height, :width] for r, c in places], dtype=np.float64
    )


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_images_are_shown_as_they_are_in_one_range(channels):
    images = np.random.default_rng(0).uniform(-3, 5, (14, channels, 4, 6))
    figure = gallery(images, "images")
    expected = (images - images.min()) / (images.max() - images.min())
    expected = np.moveaxis(expected if channels == 3 else expected.mean(1, keepdims=True).repeat(3, 1), 1, -1)
    np.testing.assert_allclose(tiles(figure, 14, 12, 4, 6), expected, atol=1e-6)
    assert not figure.axes[0].axison


def test_many_are_cut_off():
    assert tiles(gallery(np.zeros((200, 1, 4, 4)), "images"), 72, 12, 4, 4).max() == 0
    assert len(gallery(np.zeros((50, 9, 2)), "series").axes) == 12


def test_missing_pixels_are_white_and_large_pictures_are_thinned_out():
    images = np.zeros((2, 1, 600, 300))
    images[1, 0, :, 30:] = 1
    images[0, 0, :, :30] = np.nan
    first, second = tiles(gallery(images, "images"), 2, 12, 200, 100)
    assert (first[:, :10] == 1).all()
    assert (first[:, 10:] == 0).all()
    assert (second[:, :10] == 0).all()
    assert (second[:, 10:] == 1).all()


def test_series_are_lines_for_each_channel():
    series = np.random.default_rng(0).normal(size=(3, 9, 2))
    axes = [each for each in gallery(series, "series").axes if each.lines]
    assert len(axes) == 3
    np.testing.assert_allclose(np.asarray(axes[1].lines[1].get_ydata()), series[1, :, 1])


def test_walks_of_images_are_named_rows():
    walked = np.random.default_rng(0).random((3, 5, 1, 4, 4))
    figure = walks(walked, "images", ["a", "b", "c"])
    shown = tiles(figure, 15, 5, 4, 4)[:, :, :, 0].reshape(3, 5, 4, 4)
    np.testing.assert_allclose(shown, (walked[:, :, 0] - walked.min()) / np.ptp(walked), atol=1e-6)
    names = figure.axes[0].get_yticklabels()
    assert [name.get_text() for name in names] == ["a", "b", "c"]
    assert figure.axes[0].get_yticks().tolist() == [2, 7, 12]  # the middle of each row, a gap of 1 between them


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

"""Measures of colour: known answers, and what grey and one colour get."""

import numpy as np
import pytest

from diabolo.errors import DataError
from diabolo.metrics import ab_rmse, colourfulness, colourfulness_ratio


def images(seed=0, count=4):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 9, 7), np.uint8)


def test_colourfulness_by_hand():
    image = np.zeros((1, 3, 1, 2))
    image[0, 0] = [1.0, 0.0]  # a red pixel beside a black one
    rg, yb = np.array([255.0, 0.0]), np.array([127.5, 0.0])
    wanted = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    np.testing.assert_allclose(colourfulness(image), [wanted])


def test_colourfulness_does_not_depend_on_the_type_of_numbers():
    x = images()
    wanted = colourfulness(x)
    assert wanted.shape == (4,)
    np.testing.assert_allclose(colourfulness(x / 255.0), wanted)
    np.testing.assert_allclose(colourfulness(x.astype(np.uint16) * 257), wanted, rtol=1e-5)
    np.testing.assert_allclose(colourfulness(list(x)), wanted)


def test_grey_has_no_colour_and_half_the_chroma_is_half_as_colourful():
    x = images() / 255.0
    grey = np.broadcast_to(x.mean(1, keepdims=True), x.shape)
    np.testing.assert_allclose(colourfulness(grey), 0, atol=1e-4)
    assert colourfulness_ratio(x, grey) == pytest.approx(0, abs=1e-5)
    assert colourfulness_ratio(x, (x + grey) / 2) == pytest.approx(0.5, abs=1e-5)
    assert colourfulness_ratio(x, x) == 1


def test_the_ratio_is_of_means_over_all_images():
    x, y = images() / 255.0, images(1) / 255.0
    wanted = colourfulness(y).mean() / colourfulness(x).mean()
    assert colourfulness_ratio(list(x), list(y)) == pytest.approx(wanted)


def test_ab_rmse_is_that_of_scikit_image():
    color = pytest.importorskip("skimage.color")
    x, y = images(), images(1)
    a, b = (color.rgb2lab(each, channel_axis=1)[:, 1:] for each in (x, y))
    assert ab_rmse(x, y) == pytest.approx(np.sqrt(((a - b) ** 2).mean()), rel=1e-4)
    assert ab_rmse(list(x), list(y)) == pytest.approx(ab_rmse(x, y))


def test_ab_rmse_is_blind_to_lightness():
    dark, light = np.full((1, 3, 2, 2), 0.2), np.full((1, 3, 2, 2), 0.9)
    assert ab_rmse(dark, light) < 0.01


@pytest.mark.parametrize("measure", [ab_rmse, colourfulness_ratio])
def test_hostile_images_are_refused(measure):
    with pytest.raises(DataError, match=r"truth must hold images in colour, .* got \(4, 1, 9, 7\)"):
        measure(images()[:, :1], images())
    with pytest.raises(DataError, match="the same images; got 4 and 3"):
        measure(images(), images()[:3])
    with pytest.raises(DataError, match="of the same sizes"):
        measure(images(), images()[..., :5])
    with pytest.raises(DataError, match="estimate must hold images of floating point numbers"):
        measure(images(), images() * 1.0)
    with pytest.raises(DataError, match="at least one image"):
        measure([], [])


def test_a_grey_truth_has_no_ratio():
    with pytest.raises(DataError, match="all are grey"):
        colourfulness_ratio(np.full((1, 3, 4, 4), 0.5), images(count=1)[:, :, :4, :4])

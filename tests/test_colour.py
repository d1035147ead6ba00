"""Lab is that of scikit-image, and lightness survives colours that cannot be shown."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diabolo.colour import full, shown, to_lab, to_rgb, unit
from diabolo.errors import DataError


def anything(seed=0, size=60):
    """Colours of Lab, most of which sRGB does not have, (3, size, size)."""
    draw = np.random.default_rng(seed)
    return np.concatenate([draw.uniform(0, 100, (1, size, size)), draw.uniform(-128, 128, (2, size, size))])


def test_lab_is_that_of_scikit_image():
    color = pytest.importorskip("skimage.color")
    rgb = np.random.default_rng(0).random((3, 40, 50))
    rgb[:, 0] = np.linspace(0, 0.05, 50)  # where sRGB and Lab are linear
    np.testing.assert_allclose(to_lab(torch.from_numpy(rgb)), color.rgb2lab(rgb, channel_axis=0), atol=1e-10)


def test_rgb_is_that_of_scikit_image_also_where_there_is_none():
    color = pytest.importorskip("skimage.color")
    lab = anything()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says which colours it cut off
        theirs = color.lab2rgb(lab, channel_axis=0)
    np.testing.assert_allclose(to_rgb(torch.from_numpy(lab)), theirs, atol=1e-10)


def test_there_and_back_every_byte_is_itself():
    rgb = np.random.default_rng(0).integers(0, 256, (3, 100, 100), np.uint8)
    back = 255 * to_rgb(to_lab(unit(rgb)))
    np.testing.assert_array_equal(back.round().numpy(), rgb)


def test_white_grey_and_black_have_no_colour():
    greys = torch.linspace(0, 1, 50, dtype=torch.float64).expand(3, 1, 50)
    lab = to_lab(greys)
    assert lab[1:].abs().max() < 0.01  # the constants are rounded
    assert lab[0].diff().min() > 0
    torch.testing.assert_close(lab[0, 0, [0, -1]], torch.tensor([0.0, 100.0], dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lightness_is_kept_where_colours_cannot_be_shown(dtype):
    lab = torch.from_numpy(anything()).to(dtype)
    made = to_lab(to_rgb(shown(lab)))
    assert (to_lab(to_rgb(lab))[0] - lab[0]).abs().max() > 30  # cutting channels off does not
    assert (made[0] - lab[0]).abs().max() < 2e-3


def test_what_can_be_shown_is_left_alone():
    lab = to_lab(torch.rand(3, 50, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    torch.testing.assert_close(shown(lab), lab, rtol=0, atol=0)


def test_hue_is_kept_and_chroma_as_large_as_can_be():
    lab = torch.from_numpy(anything())
    near, chroma = shown(lab), lab[1:].norm(dim=0)
    cross = near[1] * lab[2] - near[2] * lab[1]
    assert (cross.abs() / chroma.square()).max() < 1e-12
    less = near[1:].norm(dim=0) < chroma - 1e-6
    assert less.float().mean() > 0.5
    more = shown(torch.cat([near[:1], 1.01 * near[1:]]))
    torch.testing.assert_close(more[:, less], near[:, less], rtol=0, atol=1e-3)  # there is no more to be shown


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (3, 2, 3), elements=st.floats(-1e4, 1e4, width=32)))
def test_no_lab_gives_nan(lab):
    for made in (to_rgb(torch.from_numpy(lab)), to_rgb(shown(torch.from_numpy(lab)))):
        assert made.isfinite().all()
        assert made.min() >= 0
        assert made.max() <= 1


@pytest.mark.parametrize("dtype", [np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(">u2")])
def test_whole_numbers_are_shares_of_white(dtype):
    white = int(np.iinfo(dtype).max)
    torch.testing.assert_close(unit(np.array([[0, white]], dtype)), torch.tensor([[0.0, 1.0]]))
    assert full(np.dtype(dtype)) == white


def test_precision_is_that_of_the_numbers():
    assert [unit(np.ones((1, 1), dtype)).dtype for dtype in (np.float16, np.float32, np.float64)] == [
        torch.float32,
        torch.float32,
        torch.float64,
    ]


@pytest.mark.parametrize("wrong", [[[np.nan]], [[-0.1]], [[1.5]], [[np.inf]]])
def test_what_is_no_share_of_white_is_refused(wrong):
    with pytest.raises(DataError, match=r"numbers in \[0, 1\], without NaN; got values from"):
        unit(np.array(wrong))


def test_other_types_are_refused():
    with pytest.raises(DataError, match=r"uint16\) or floating point numbers in \[0, 1\]; got int64"):
        unit(np.array([[3]]))

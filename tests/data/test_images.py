from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from diabolo.data import Form, read
from diabolo.errors import DataError, FileError

COLOUR = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10  # (H, W, C)
GREY = COLOUR[..., 0]


def pixels(source, dtype: type = np.uint8):
    got = read(source)
    assert isinstance(got, np.ndarray)
    assert got.dtype == dtype
    return got


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm", "PNG"])
def test_colour_images_have_three_channels(tmp_path, suffix):
    Image.fromarray(COLOUR).save(tmp_path / f"a.{suffix}")
    assert (pixels(tmp_path / f"a.{suffix}") == np.moveaxis(COLOUR, -1, 0)).all()
    assert pixels(tmp_path / f"a.{suffix}").shape == (1, 3, 2, 4)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_grey_images_have_one_channel(tmp_path, mode):
    Image.new("L", (4, 2), 255).convert(mode).save(tmp_path / "a.png")
    assert pixels(tmp_path / "a.png", np.uint16 if mode == "I;16" else np.uint8).shape == (1, 1, 2, 4)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_stay_sixteen(tmp_path, suffix):
    deep = np.array([[0, 255, 256], [32768, 65279, 65535]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / f"deep.{suffix}")
    assert pixels(tmp_path / f"deep.{suffix}", np.uint16)[0, 0].tolist() == deep.tolist()


def test_bytes_among_sixteen_bits_fill_them(tmp_path):
    Image.new("L", (4, 2), 255).save(tmp_path / "a.png")
    Image.fromarray(np.full((2, 4), 65535, np.uint16)).save(tmp_path / "b.png")
    assert (pixels(tmp_path, np.uint16) == 65535).all()
    Image.new("RGB", (4, 2), (1, 2, 3)).save(tmp_path / "c.png")
    got = pixels(tmp_path, np.uint16)
    assert got.shape == (3, 3, 2, 4)
    assert got[2, :, 0, 0].tolist() == [257, 514, 771]


def test_floating_point_numbers_are_read_and_not_mixed_with_whole_ones(tmp_path):
    floats = np.linspace(-1, 3, 8, dtype=np.float32).reshape(2, 4)
    Image.fromarray(floats).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(pixels(tmp_path / "a.tif", np.float32)[0, 0], floats)
    Image.new("L", (4, 2)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match=r"one type of numbers; 'a\.tif' has float32 and 'b\.png' has uint8: convert"):
        read(tmp_path)


def test_pages_of_a_stack_are_images(tmp_path):
    stack = np.arange(24, dtype=np.uint16).reshape(3, 2, 4)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    Image.fromarray(stack[0] + 100).save(tmp_path / "b.png")
    got = pixels(tmp_path, np.uint16)
    assert got.shape == (4, 1, 2, 4)
    assert (got[:3, 0] == stack).all()


def test_other_numbers_of_channels_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 4, 5), np.uint8), photometric="minisblack", planarconfig="contig")
    assert pixels(tmp_path).shape == (1, 5, 2, 4)
    Image.fromarray(COLOUR).save(tmp_path / "b.png")
    with pytest.raises(DataError, match=r"one number of channels; 'a\.tif' has 5 and 'b\.png' has 3"):
        read(tmp_path)


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "YCbCr"])
def test_other_colours_become_three_channels(tmp_path, mode):
    image = Image.new("RGB", (4, 2), (255, 0, 0)).convert(mode)
    path = tmp_path / ("a.png" if mode in ("RGBA", "P") else "a.tif")
    image.save(path)
    got = pixels(path)
    assert got.shape == (1, 3, 2, 4)
    assert np.abs(got[0, :, 0, 0].astype(int) - [255, 0, 0]).max() <= 1


def test_transparency_is_dropped_not_blended(tmp_path):
    Image.new("RGBA", (4, 2), (10, 20, 30, 0)).save(tmp_path / "a.png")
    assert pixels(tmp_path / "a.png")[0, :, 0, 0].tolist() == [10, 20, 30]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path):
    for name, value in [("b.png", 2), ("a.png", 1), ("c.bmp", 3)]:
        Image.new("L", (4, 2), value).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_text("not an image")
    (tmp_path / "folder.png").mkdir()
    got = pixels(tmp_path)
    assert got.shape == (3, 1, 2, 4)
    assert got[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_grey_among_colours_becomes_colour(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    Image.fromarray(COLOUR).save(tmp_path / "b.png")
    got = pixels(tmp_path)
    assert got.shape == (2, 3, 2, 4)
    assert (got[0] == GREY).all()


def test_the_orientation_of_a_camera_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(COLOUR).save(tmp_path / "a.jpg", exif=exif)
    assert pixels(tmp_path / "a.jpg").shape == (1, 3, 4, 2)


def test_mixed_sizes_come_as_a_list_and_are_refused_where_one_is_needed(tmp_path):
    Image.new("L", (4, 2)).save(tmp_path / "a.png")
    Image.new("L", (4, 2)).save(tmp_path / "b.png")
    Image.new("L", (5, 3)).save(tmp_path / "c.png")
    images: Any = read(tmp_path)
    assert [image.shape for image in images] == [(1, 2, 4), (1, 2, 4), (1, 3, 5)]
    with pytest.raises(DataError, match=r"'a\.png' is 4x2 and 'c\.png' is 5x3 .*Resize"):
        Form.of(images).array(images)


def test_an_unreadable_image_is_named(tmp_path):
    Image.new("L", (64, 64), 3).save(tmp_path / "a.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(tmp_path / "b.png")
    data = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(FileError, match=r"'b\.png'"):
        read(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no images .*subfolders"):
        read(tmp_path)


def test_all_that_cannot_be_read_are_named_at_once(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    for name in ("b.png", "c.png"):
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(FileError, match=r"2 images of .* cannot be read: \['b\.png', 'c\.png'\]; remove them"):
        read(tmp_path)
    (tmp_path / "c.png").unlink()
    with pytest.raises(FileError, match=r"'b\.png'"):
        read(tmp_path)

"""Pictures come back with the depth, name, alpha and metadata that they had."""

import struct
import zlib
from operator import attrgetter

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from diabolo.data import open_picture, picture_files, write_picture
from diabolo.data.png import SIGNATURE
from diabolo.errors import DataError, FileError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (13, 17, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (13, 17, 4), dtype=np.uint16)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREYS = bytes(16) + b"GRAY" + bytes(108)


def pages(path):
    with open_picture(path) as picture:
        return list(picture)


def aside(path):
    with open_picture(path) as picture:
        return [picture.planes(i)[1] for i in range(len(picture))]


def again(path, change=lambda page: page):
    with open_picture(path) as picture:
        return write_picture(picture, (change(page) for page in picture), path.parent / "out")


def unchanged(path):
    written = again(path, lambda page: page.astype(np.float64))
    assert written.name == path.name
    for before, after in ((pages(path), pages(written)), (aside(path), aside(written))):
        assert len(before) == len(after)
        for one, two in zip(before, after, strict=True):
            assert one.dtype == two.dtype
            np.testing.assert_array_equal(one, two)
    return written


def png(pixels, colour, *chunks):
    """A PNG of 16 bits, which Pillow cannot write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour, 0, 0, 0)
    every = ((b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in every
    )


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "bmp"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bytes_come_back_byte_by_byte(tmp_path, suffix, channels):
    pixels = BYTES[..., 0] if channels == 1 else np.ascontiguousarray(BYTES[..., :channels])
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", lossless=True, exact=True)
    unchanged(tmp_path / f"a.{suffix}")
    if suffix in ("png", "tif"):
        assert len(pages(tmp_path / f"a.{suffix}")[0]) == min(channels, 3)
        assert len(aside(tmp_path / f"a.{suffix}")[0]) == (channels == 4)
    np.testing.assert_array_equal(pages(tmp_path / f"a.{suffix}")[0][0], BYTES[..., 0])


@pytest.mark.parametrize(("colour", "planes"), [(0, 1), (4, 2), (2, 3), (6, 4)])
def test_sixteen_bit_png_of_every_colour(tmp_path, colour, planes):
    (tmp_path / "a.png").write_bytes(png(DEEP[..., :planes], colour))
    channels = 1 if planes < 3 else 3
    (page,) = pages(tmp_path / "a.png")
    np.testing.assert_array_equal(np.moveaxis(page, 0, -1), DEEP[..., :channels])
    (alpha,) = aside(tmp_path / "a.png")
    np.testing.assert_array_equal(np.moveaxis(alpha, 0, -1), DEEP[..., channels:planes])
    written = unchanged(tmp_path / "a.png")
    assert written.read_bytes()[24:26] == bytes([16, colour])
    if planes == 1:  # the one that Pillow reads in full
        with Image.open(written) as image:
            np.testing.assert_array_equal(np.asarray(image), DEEP[..., 0])


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 2**32 - 1))
def test_png_of_any_size_is_what_pillow_reads(tmp_path_factory, height, width, channels, seed):
    path = tmp_path_factory.mktemp("png") / "a.png"
    smooth = np.random.default_rng(seed).integers(-3, 4, (height, width, 3)).cumsum(0).cumsum(1).astype(np.uint8)
    Image.fromarray(np.zeros_like(smooth[..., 0]) if channels == 1 else np.zeros_like(smooth)).save(path)
    with Image.open(again(path, lambda page: np.moveaxis(smooth, -1, 0)[:channels])) as image:
        np.testing.assert_array_equal(np.asarray(image).reshape(height, width, -1), smooth[..., :channels])


def test_png_is_about_as_small_as_that_of_pillow(tmp_path):
    smooth = (np.add.outer(np.arange(300), np.arange(300))[..., None] // [3, 4, 5] + BYTES[0, 0, :3] % 3).astype(
        np.uint8
    )
    noisy = (smooth + RNG.integers(0, 4, smooth.shape)).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "a.png")
    assert again(tmp_path / "a.png").stat().st_size < 1.1 * (tmp_path / "a.png").stat().st_size


def test_everything_a_png_says_is_kept(tmp_path):
    notes, exif = PngImagePlugin.PngInfo(), Image.Exif()
    notes.add_text("Author", "Zoë")
    notes.add_itxt("Title", "Straße", zip=True)
    exif[271] = "Maker"
    Image.fromarray(BYTES[..., :3].copy()).save(
        tmp_path / "a.png", pnginfo=notes, dpi=(300, 150), exif=exif, icc_profile=SRGB
    )
    with Image.open(tmp_path / "a.png") as before, Image.open(again(tmp_path / "a.png")) as after:
        after.load()
        assert before.info == after.info
        assert after.info["icc_profile"] == SRGB
        assert after.getexif()[271] == "Maker"


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_written_upright_and_say_so(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", orientation
    Image.fromarray(BYTES[..., :3].copy()).save(tmp_path / f"a.{suffix}", exif=exif)
    with Image.open(tmp_path / f"a.{suffix}") as image:
        turned = __import__("PIL.ImageOps").ImageOps.exif_transpose(image)
        np.testing.assert_array_equal(pages(tmp_path / f"a.{suffix}")[0], np.moveaxis(np.asarray(turned), -1, 0))
    with Image.open(again(tmp_path / f"a.{suffix}")) as image:
        assert image.getexif().get(274, 1) == 1
        assert image.getexif()[271] == "Maker"
        assert image.size == turned.size


def test_jpeg_keeps_its_quality_and_its_notes(tmp_path):
    exif = Image.Exif()
    exif[271] = "Maker"
    smooth = np.add.outer(np.arange(48), np.arange(64))[..., None] + [0, 20, 40]
    Image.fromarray(smooth.astype(np.uint8)).save(
        tmp_path / "a.jpg", quality=83, subsampling=1, progressive=True, exif=exif, icc_profile=SRGB, comment=b"seen"
    )
    with Image.open(tmp_path / "a.jpg") as before, Image.open(again(tmp_path / "a.jpg")) as after:
        assert attrgetter("quantization", "layer")(before) == attrgetter("quantization", "layer")(after)
        assert after.info["progressive"]
        assert after.info["icc_profile"] == SRGB
        assert after.info["comment"] == b"seen"
        assert after.getexif()[271] == "Maker"


@pytest.mark.parametrize(
    ("stack", "how"),
    [
        (DEEP[..., 0], {}),
        (np.moveaxis(DEEP, -1, 0), {"compression": "zlib", "predictor": 2, "photometric": "minisblack"}),
        (RNG.normal(size=(5, 13, 17)).astype(np.float32), {}),
        (RNG.normal(size=(13, 17)), {"compression": "zlib"}),
        (RNG.integers(-999, 999, (3, 13, 17)).astype(np.int16), {"photometric": "minisblack"}),
        (RNG.integers(0, 2**32, (13, 17)).astype(np.uint32), {}),
        (DEEP, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        (np.moveaxis(DEEP, -1, 0)[:3], {"photometric": "rgb", "planarconfig": "separate"}),
        (np.moveaxis(DEEP, -1, 0)[None], {"photometric": "minisblack", "planarconfig": "separate"}),
        (BYTES[..., 0], {"photometric": "miniswhite"}),
        (BYTES[..., 0], {"bigtiff": True, "byteorder": ">"}),
    ],
    ids=["grey", "stack", "floats", "doubles", "signed", "long", "alpha", "planar", "channels", "white", "big"],
)
def test_tiff_of_every_kind(tmp_path, stack, how):
    tags = [(315, 2, 0, "Zoë".encode(), True), (65000, 4, 2, (1, 2), True), (700, 1, 4, b"<x/>", True)]
    notes = {"description": "a cell", "metadata": None, "resolution": (7, 8), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", stack, extratags=tags, software="scope", **notes, **how)
    laid_out = {259, 262, 273, 278, 279}
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(unchanged(tmp_path / "a.tif")) as after:
        assert len(before.pages) == len(after.pages)
        assert (before.byteorder, before.is_bigtiff) == (after.byteorder, after.is_bigtiff)
        for one, two in zip(before.pages, after.pages, strict=True):
            one, two = ({tag.code: tag.value for tag in page.tags if tag.code not in laid_out} for page in (one, two))
            assert one == two
        assert after.pages.first.description == "a cell"


def test_channels_of_a_tiff_that_are_no_colours_are_all_channels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.repeat(DEEP, 2, 2), photometric="minisblack", planarconfig="contig")
    assert pages(tmp_path / "a.tif")[0].shape == (8, 13, 17)
    unchanged(tmp_path / "a.tif")


def test_a_stack_of_imagej_stays_one(tmp_path):
    stack = RNG.integers(0, 65536, (3, 2, 13, 17)).astype(np.uint16)
    notes = {"axes": "TCYX", "unit": "um", "Labels": list("abcdef"), "Info": "seen"}
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, resolution=(2.5, 2.5), metadata=notes)
    written = unchanged(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(written) as after:
        assert before.imagej_metadata == after.imagej_metadata
        assert after.series[0].axes == "TCYX"
    with tifffile.TiffFile(again(tmp_path / "a.tif", lambda page: page.repeat(3, 0))) as coloured:
        assert not coloured.is_imagej
        assert attrgetter("photometric")(coloured.pages[5]).name == "RGB"
        np.testing.assert_array_equal(coloured.pages[5].asarray()[..., 2], stack[2, 1])


def test_a_large_stack_of_imagej_that_describes_its_first_page_only(tmp_path):
    stack = RNG.integers(0, 65536, (6, 13, 17)).astype(np.uint16)
    notes = b"ImageJ=1.54f\nimages=6\nslices=6\n"
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(stack[0], description=notes, metadata=None)
    with (tmp_path / "a.tif").open("ab") as file, tifffile.TiffFile(tmp_path / "a.tif") as first:
        assert first.pages[0].dataoffsets[0] + stack[0].nbytes == (tmp_path / "a.tif").stat().st_size
        file.write(stack[1:].tobytes())
    np.testing.assert_array_equal(np.concatenate(pages(tmp_path / "a.tif")), stack)
    unchanged(tmp_path / "a.tif")


def test_ome_keeps_its_axes(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif", np.moveaxis(DEEP, -1, 0), photometric="minisblack", metadata={"axes": "ZYX"}
    )
    with tifffile.TiffFile(unchanged(tmp_path / "a.ome.tif")) as after:
        assert after.is_ome
        assert after.series[0].axes == "ZYX"


def test_smaller_versions_of_a_page_are_passed_over(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(BYTES[..., 0], metadata=None)
        file.write(BYTES[::2, ::2, 0], metadata=None, subfiletype=1)
    assert [page.shape for page in pages(tmp_path / "a.tif")] == [(1, 13, 17)]
    unchanged(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg", "packbits"])
def test_tiff_that_needs_another_decoder(tmp_path, compression):
    Image.fromarray(BYTES[..., :3].copy()).save(tmp_path / "a.tif", compression=compression)
    with Image.open(tmp_path / "a.tif") as image:
        np.testing.assert_array_equal(pages(tmp_path / "a.tif")[0], np.moveaxis(np.asarray(image), -1, 0))
    unchanged(tmp_path / "a.tif")


def test_palettes_become_colours_and_stay_so(tmp_path):
    image = Image.fromarray(BYTES[..., :3].copy()).quantize(8)
    for name in ("a.png", "a.tif"):
        image.save(tmp_path / name)
        np.testing.assert_array_equal(pages(tmp_path / name)[0], np.moveaxis(np.asarray(image.convert("RGB")), -1, 0))
        with Image.open(unchanged(tmp_path / name)) as written:
            assert written.mode == "RGB"
    image.save(tmp_path / "b.png", transparency=3)
    unchanged(tmp_path / "b.png")
    assert (aside(tmp_path / "b.png")[0][0] == np.where(np.asarray(image) == 3, 0, 255)).all()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_two_levels_are_black_and_white(tmp_path, name):
    Image.fromarray(BYTES[..., 0]).convert("1").save(tmp_path / name)
    assert set(np.unique(pages(tmp_path / name)[0])) == {0, 255}
    unchanged(tmp_path / name)


def test_sixteen_bit_pgm(tmp_path):
    Image.fromarray(DEEP[..., 0].copy()).save(tmp_path / "a.pgm")
    np.testing.assert_array_equal(pages(tmp_path / "a.pgm")[0][0], DEEP[..., 0])
    unchanged(tmp_path / "a.pgm")


def test_numbers_are_rounded_and_clipped_to_the_depth(tmp_path):
    Image.fromarray(BYTES[:1, :4, 0]).save(tmp_path / "a.png")
    written = again(tmp_path / "a.png", lambda page: np.array([[[-7.0, 1.5, 99.6, 300.0]]]))
    assert pages(written)[0].tolist() == [[[0, 2, 100, 255]]]
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((1, 4), np.float32))
    written = again(tmp_path / "a.tif", lambda page: np.array([[[-7.0, 1.5, 99.6, 300.0]]]))
    np.testing.assert_array_equal(pages(written)[0], np.array([[[-7.0, 1.5, 99.6, 300.0]]], np.float32))
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((1, 2), np.uint32))
    assert pages(again(tmp_path / "b.tif", lambda page: np.array([[[1e12, -1]]], np.float32)))[0].tolist() == [
        [[2**32 - 1, 0]]
    ]
    with pytest.raises(DataError, match="NaN"):
        again(tmp_path / "a.png", lambda page: page * np.nan)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp", "a.jpg"])
def test_grey_becomes_colour_where_it_is_wanted(tmp_path, name):
    Image.fromarray(BYTES[..., 0]).convert("LA" if name == "a.png" else "L").save(tmp_path / name, icc_profile=GREYS)
    colours = np.stack([np.full((13, 17), value, np.uint8) for value in (200, 100, 50)])
    written = again(tmp_path / name, lambda page: colours)
    assert np.abs(pages(written)[0].astype(int) - colours).max() <= (2 if name == "a.jpg" else 0)
    assert len(aside(written)[0]) == (name == "a.png")
    with Image.open(written) as image:
        assert "icc_profile" not in image.info


def test_what_a_format_cannot_hold_is_refused(tmp_path):
    frames = [Image.fromarray(BYTES[i:, :, :3].copy()).resize((8, 8)) for i in range(3)]
    for name in ("a.gif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    frames[0].quantize(8).save(tmp_path / "b.gif")
    clear = struct.pack(">HHH", *DEEP[0, 0, :3].tolist())
    (tmp_path / "c.png").write_bytes(png(DEEP[..., :3], 2, (b"tRNS", clear)))
    (tmp_path / "c.ppm").write_bytes(b"P6\n17 13\n65535\n" + DEEP[..., :3].astype(">u2").tobytes())
    for name, word in (
        ("a.gif", "GIF, which cannot hold every colour; save it as PNG"),
        ("b.gif", "save it as PNG"),
        ("a.webp", "animation"),
        ("a.png", "animation"),
        ("c.png", "alpha channel"),
        ("c.ppm", "more than 8 bits; save it as PNG or TIFF"),
    ):
        with pytest.raises(DataError, match=word) as error:
            again(tmp_path / name)
        assert repr(name) in str(error.value)
        assert not (tmp_path / "out" / name).exists()


def test_what_does_not_fit_is_refused(tmp_path):
    Image.fromarray(BYTES).save(tmp_path / "a.png")
    Image.fromarray(BYTES[..., :3].copy()).save(tmp_path / "a.jpg")
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(DEEP, -1, 0), photometric="minisblack")
    with pytest.raises(DataError, match="1 or 3 channels; got 2"):
        again(tmp_path / "a.png", lambda page: page[:2])
    with pytest.raises(DataError, match="1 or 3 channels; got 2"):
        again(tmp_path / "a.jpg", lambda page: page[:2])
    with pytest.raises(DataError, match="Alpha of 17x13 pixels does not fit a picture of 17x6"):
        again(tmp_path / "a.png", lambda page: page[:, :6])
    for kept in (0, 3, 5):
        with (
            open_picture(tmp_path / "a.tif") as picture,
            pytest.raises(DataError, match=f"4 pages; got {kept} to write"),
        ):
            write_picture(picture, [DEEP[None, ..., 0]] * kept, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_picture_is_not_written_over_itself_or_in_another_format(tmp_path):
    Image.fromarray(BYTES).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    with open_picture(tmp_path / "a.png") as picture:
        for path in (tmp_path, tmp_path / "a.png", tmp_path / "link.png"):
            with pytest.raises(FileError, match="over itself"):
                write_picture(picture, picture, path)
        with pytest.raises(FileError, match=r"'b\.jpg': name a folder, or a file that ends in '\.png'"):
            write_picture(picture, picture, tmp_path / "b.jpg")
        assert write_picture(picture, picture, tmp_path / "b.png") == tmp_path / "b.png"
    assert (tmp_path / "a.png").read_bytes() == before


def test_what_fails_half_way_leaves_what_was_there(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(DEEP, -1, 0), photometric="minisblack")
    before = again(tmp_path / "a.tif").read_bytes()

    def failing(page):
        if page[0, 0, 0] == DEEP[0, 0, 2]:
            raise DataError("enough")
        return page

    with pytest.raises(DataError, match="enough"):
        again(tmp_path / "a.tif", failing)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.tif"]
    assert (tmp_path / "out" / "a.tif").read_bytes() == before


@given(st.data())
def test_broken_files_are_named(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("broken")
    name = data.draw(st.sampled_from(["a.png", "a.jpg", "a.tif", "a.webp", "a.bmp", "a.pgm"]))
    Image.fromarray(BYTES[..., 0]).save(folder / name)
    content = bytearray((folder / name).read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / name).write_bytes(content)
    try:
        got = pages(folder / name)
    except FileError as error:
        assert repr(name) in str(error)
    else:
        assert all(page.ndim == 3 for page in got)


def test_the_content_tells_the_format_not_the_suffix(tmp_path):
    Image.fromarray(BYTES).save(tmp_path / "a.jpg", "PNG")
    assert unchanged(tmp_path / "a.jpg").read_bytes().startswith(SIGNATURE)


def test_pages_are_read_and_written_one_at_a_time(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(DEEP, -1, 0), photometric="minisblack", metadata=None)
    events = []

    def each(picture):
        for i, page in enumerate(picture):
            events.append(i)
            yield page
            events.append(f"written {i}")

    with open_picture(tmp_path / "a.tif") as picture:
        write_picture(picture, each(picture), tmp_path / "out")
    assert events == [0, "written 0", 1, "written 1", 2, "written 2", 3, "written 3"]


def test_files_of_a_folder_are_named_in_order(tmp_path):
    for name in ("b.png", "a.TIF", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in picture_files(tmp_path)] == ["a.TIF", "b.png"]
    assert picture_files(tmp_path / "b.png") == [tmp_path / "b.png"]

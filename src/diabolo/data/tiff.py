"""TIFF: pages of any depth and number of channels, stacks, and the tags that describe them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.data.package import package
from diabolo.data.picture import Picture, beside, in_depth, suits
from diabolo.data.upright import ORIENTATION, reset_xmp, upright
from diabolo.errors import DataError

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = range(4)  # photometric interpretations
_SEPARATE = 2  # of planar configurations
_UNSPECIFIED = 0  # of extra samples
_INCH = 2  # of resolution, where none is named

_DESCRIPTION, _SOFTWARE, _TIME, _UNIT, _ICC, _XMP = 270, 305, 306, 296, 34675, 700
_RESOLUTION = (282, 283)
_LAID_OUT = {
    *range(254, 269),  # size, depth, colours
    *(_DESCRIPTION, 273, ORIENTATION, 277, 278, 279, 280, 281, *_RESOLUTION, 284, _UNIT, _SOFTWARE, _TIME),
    *(288, 289, 290, 291, 292, 293, 301, *range(317, 326), 330, *range(332, 348)),
    *range(512, 533),
    *(34665, 34853, 40965, 50838, 50839),  # other directories, which lie elsewhere in the file
}
"""Tags of how pixels are laid out, which are written anew, and those that have parameters of their own."""

_LARGE = 2**32 - 2**25  # bytes from which offsets need 64 bits


class TiffPicture(Picture):
    """A TIFF, of one page or many; smaller versions of pages that it holds besides are passed over.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     package("tifffile").imwrite(f"{folder}/a.tif", np.zeros((5, 32, 48), np.float32))
    ...     with TiffPicture(Path(folder, "a.tif")) as picture:
    ...         len(picture), next(iter(picture)).shape, next(iter(picture)).dtype
    (5, (1, 32, 48), dtype('float32'))
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = package("tifffile").TiffFile(path)
        try:
            self._pages = [page for page in self._file.pages if not page.is_reduced]
            self._stack = self._contiguous()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._pages) if self._stack is None else len(self._stack)

    def planes(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels (C, H, W) of page i, and alpha and the like (A, H, W)."""
        page = self._page(i)
        try:
            pixels = page.asarray() if self._stack is None else np.array(self._stack[i])
        except (KeyError, ValueError, ImportError) as error:  # no codec: Pillow has others
            return _by_pillow(self.path, page, error)
        if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE):
            return _by_pillow(self.path, page, ValueError(f"colours are {page.photometric.name}"))
        planes = upright(_planes(page, pixels), _tag(page, ORIENTATION))
        channels = len(planes) - len(_aside(page))
        return planes[:channels], planes[channels:]

    def demand_kept(self) -> None:
        """Do nothing: a TIFF holds it."""

    def save(self, file: Path, pages: Iterable[np.ndarray]) -> None:
        """Write other pages (C, H, W) in place of these; compressed ones are compressed without loss.

        What ImageJ and OME note of the axes is kept if the number of channels is.
        """
        pages = iter(pages)
        first = list(islice(pages, 1))
        pages = chain(first, pages)
        large = self._file.is_bigtiff or self._bytes() > _LARGE
        mine = self._file.is_imagej and [*map(len, first)] == [len(self.planes(0)[0])]
        whole = "imagej" if mine else "bigtiff"
        with package("tifffile").TiffWriter(file, byteorder=self._file.byteorder, **{whole: mine or large}) as out:
            written = self._write_stack(out, pages) if mine else self._write_pages(out, pages)
        if written != len(self):
            raise DataError(f"{self.name!r} has {len(self)} pages; got {written} to write. Give one for each.")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _page(self, i: int) -> Any:
        return self._pages[i if self._stack is None else 0]

    def _contiguous(self) -> np.ndarray | None:
        """Return the pages (N, H, W) of a large file of ImageJ, which describes the first one only."""
        series = self._file.series[0] if self._file.is_imagej and len(self._pages) == 1 else None
        if series is None or series.size == self._pages[0].size:
            return None
        return package("tifffile").memmap(self.path, mode="r").reshape(-1, *self._pages[0].shape)

    def _bytes(self) -> int:
        return sum(page.nbytes for page in self._pages) if self._stack is None else self._stack.nbytes

    def _write_stack(self, out: Any, pages: Iterator[np.ndarray]) -> int:
        """Write pages as ImageJ reads them: one after the other, described once."""
        series, page, count = self._file.series[0], self._pages[0], 0

        def each() -> Iterator[np.ndarray]:
            nonlocal count
            for array in pages:
                yield _as_in(page, in_depth(array, page.dtype))
                count += 1

        notes = {**(self._file.imagej_metadata or {}), "axes": series.axes}
        colours = "rgb" if page.photometric == _RGB else "minisblack"
        out.write(
            each(), shape=series.shape, dtype=page.dtype, photometric=colours, metadata=notes, **_resolution(page)
        )
        return count

    def _write_pages(self, out: Any, pages: Iterator[np.ndarray]) -> int:
        count = 0
        for count, array in enumerate(pages, 1):
            if count > len(self):
                break
            page = self._page(count - 1)
            aside = self.planes(count - 1)[1] if _aside(page) else np.empty((0, 0, 0))
            planes = beside(in_depth(array, _depth(page)), aside)
            same = len(planes) == page.samplesperpixel
            described = same and not self._file.is_imagej
            out.write(_as_in(page, planes), **_layout(page, planes, len(array)), **_tags(page, described, len(array)))
        return count


def _planes(page: Any, pixels: np.ndarray) -> np.ndarray:
    """Return the samples of a page, channels first (S, H, W), as they are seen."""
    if page.axes not in ("YX", "YXS", "SYX"):
        raise DataError(f"A page of a TIFF must be a picture; got axes {page.axes!r}. Save its slices as pages.")
    if pixels.ndim != len(page.axes) or pixels.dtype.kind not in "buif":
        raise ValueError(f"a page holds {pixels.dtype} numbers of shape {pixels.shape}")
    planes = pixels[None] if page.axes == "YX" else np.moveaxis(pixels, -1, 0) if page.axes == "YXS" else pixels
    if page.photometric == _PALETTE:
        return (page.colormap[:, planes[0]] >> 8).astype(np.uint8)
    planes = planes * np.uint8(255) if planes.dtype == bool else planes
    inverted = page.photometric == _WHITE_IS_ZERO and planes.dtype.kind == "u"
    return np.iinfo(planes.dtype).max - planes if inverted else planes


def _aside(page: Any) -> tuple[int, ...]:
    """Return the kinds of the samples that are not pixels: what follows three colours, and alpha after grey."""
    extra = tuple(int(kind) for kind in page.extrasamples or ())
    colours = page.photometric == _RGB
    return (
        extra if colours or (page.photometric <= _BLACK_IS_ZERO and any(kind != _UNSPECIFIED for kind in extra)) else ()
    )


def _depth(page: Any) -> np.dtype:
    shallow = page.dtype is None or page.dtype == bool or page.photometric == _PALETTE
    return np.dtype(np.uint8 if shallow else page.dtype)


def _by_pillow(path: Path, page: Any, error: Exception) -> tuple[np.ndarray, np.ndarray]:
    """Return the planes of a page that needs a decoder which Pillow has: those of LZW and JPEG, for one."""
    if page.bitspersample > 8 and page.samplesperpixel > 1:  # Pillow would keep 8 of them
        raise ValueError(f"{error}; pip install imagecodecs, or save it without compression") from error
    with package("PIL.Image").open(path) as image:
        image.seek(page.index)
        known = image.mode in ("L", "LA", "RGB", "RGBA", "F", "I;16", "I;16B", "I;16L")
        image = image if known else image.convert("L" if image.mode == "1" else "RGB")
        pixels = np.asarray(package("PIL.ImageOps").exif_transpose(image))
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    planes = planes.astype(_depth(page), copy=False)
    channels = len(planes) - len(_aside(page))
    return planes[:channels], planes[channels:]


def _as_in(page: Any, planes: np.ndarray) -> np.ndarray:
    """Return planes (S, H, W) with the axes of pages in a file."""
    if len(planes) == 1:
        return planes[0]
    return planes if page.planarconfig == _SEPARATE else np.ascontiguousarray(np.moveaxis(planes, 0, -1))


def _layout(page: Any, planes: np.ndarray, channels: int) -> dict[str, Any]:
    """Return how planes of so many channels are to lie in a file."""
    no_colours = page.photometric <= _BLACK_IS_ZERO and page.samplesperpixel - len(_aside(page)) == channels
    extra = {"extrasamples": _aside(page)} if _aside(page) else {}
    several = {"planarconfig": "separate" if page.planarconfig == _SEPARATE else "contig"} if len(planes) > 1 else {}
    squeezed = {"compression": "zlib", "predictor": 2 if planes.dtype.kind in "iu" else None}
    return {
        "photometric": "rgb" if channels == 3 and not no_colours else "minisblack",
        **(squeezed if page.compression != 1 else {}),
        **several,
        **extra,
    }


def _tags(page: Any, described: bool, channels: int) -> dict[str, Any]:
    """Return the tags that describe a page."""
    description, software, time = (_tag(page, code) for code in (_DESCRIPTION, _SOFTWARE, _TIME))
    return {
        "metadata": None,
        "contiguous": False,
        "description": _bytes(description) if described and description else None,
        "software": _bytes(software) if software else False,
        "datetime": str(time) if time else None,
        "extratags": [tag for tag in _others(page) if tag[0] != _ICC or suits(tag[3], channels)],
        **_resolution(page),
    }


def _others(page: Any) -> Iterator[tuple[int, int, int, Any, bool]]:
    for tag in page.tags:
        value = reset_xmp(tag.value) if tag.code == _XMP and isinstance(tag.value, bytes) else tag.value
        plain = isinstance(value, str | bytes | int | float | tuple)
        if tag.code not in _LAID_OUT and plain:
            yield tag.code, int(tag.dtype), tag.count, _bytes(value) if isinstance(value, str) else value, False


def _resolution(page: Any) -> dict[str, Any]:
    pair, unit = [_tag(page, code) for code in _RESOLUTION], _tag(page, _UNIT)
    return {"resolution": pair, "resolutionunit": _INCH if unit is None else int(unit)} if all(pair) else {}


def _tag(page: Any, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else int(tag.value) if code == ORIENTATION else tag.value


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text

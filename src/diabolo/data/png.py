"""PNG: 8 and 16 bits, grey and colour, every piece of metadata as it was.

Pillow decodes; it knows no 16-bit colours, so it is asked twice, for the high bytes and for the low ones. It cannot
write them at all, so PNG is written here: the chunks that describe the picture are copied byte by byte.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from diabolo.data.package import package
from diabolo.data.picture import Picture, beside, in_depth, suits
from diabolo.data.upright import ORIENTATION, reset_exif, reset_xmp, upright
from diabolo.errors import DataError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""What a PNG begins with."""

_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # planes → colour type
_KEPT = {
    *(b"cHRM", b"gAMA", b"iCCP", b"sRGB", b"cICP", b"mDCV", b"cLLI"),  # what colours mean
    *(b"pHYs", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf"),
}
_ROWS = 256  # filtered at a time


class PngPicture(Picture):
    """A PNG.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     package("PIL.Image").fromarray(np.array([[0, 65535]], np.uint16)).save(f"{folder}/a.png")
    ...     next(iter(PngPicture(Path(folder, "a.png")))).tolist()
    [[[0, 65535]]]
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._chunks = list(_chunks(path))
        self._depth, self._colour = struct.unpack_from(">8xBB", self._chunks[0][1])
        self._read: tuple[np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return 1

    def planes(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels (C, H, W), and alpha (1, H, W) or nothing (0, H, W)."""
        if self._read is None:
            planes = upright(*_decoded(self.path, self._colour if self._depth == 16 else None))
            self._read = planes[: (len(planes) - 1) | 1], planes[(len(planes) - 1) | 1 :]
        return self._read

    def demand_kept(self) -> None:
        """Raise unless this is one picture whose transparency, if any, is a channel."""
        kinds = {kind for kind, _ in self._chunks}
        if b"acTL" in kinds:
            raise DataError(f"{self.name!r} is an animation; save its frames as single pictures, or as a TIFF stack.")
        if self._depth == 16 and b"tRNS" in kinds:
            raise DataError(
                f"{self.name!r} has a transparent colour in 16 bits; save it with an alpha channel instead."
            )

    def save(self, file: Path, pages: Iterable[np.ndarray]) -> None:
        """Write another page (1 or 3, H, W) in place of this one."""
        (page,) = pages
        pixels, aside = self.planes(0)
        if len(page) not in (1, 3):
            raise DataError(f"A PNG holds 1 or 3 channels; got {len(page)}. Give a TIFF instead.")
        planes = beside(in_depth(page, pixels.dtype), aside)
        with file.open("wb") as out:
            out.write(SIGNATURE)
            _, height, width = planes.shape
            depth, colour = 8 * planes.itemsize, _COLOURS[len(planes)]
            _put(out, b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
            for kind, data in self._chunks:
                if kind in _KEPT and (kind != b"iCCP" or suits(_profile(data), len(page))):
                    _put(out, kind, _upright(kind, data))
            for data in _compressed(planes):
                _put(out, b"IDAT", data)
            _put(out, b"IEND", b"")

    def close(self) -> None:
        """Forget the pixels: no file is held open."""
        self._read = None


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of each chunk that holds no pixels, IHDR first."""
    with path.open("rb") as file:
        file.seek(len(SIGNATURE))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind in (b"IDAT", b"fdAT"):
                file.seek(length, 1)
            else:
                yield kind, file.read(length)
            file.seek(4, 1)


def _decoded(path: Path, deep: int | None) -> tuple[np.ndarray, object]:
    """Return the planes (C, H, W), alpha the last if they are two or four, and the orientation.

    `deep` is the colour type of 16 bits, None for fewer.
    """
    with package("PIL.Image").open(path) as image:
        if deep is None:
            pixels = np.asarray(image.convert(_mode(image)))
        elif deep == _COLOURS[1]:
            pixels = np.asarray(image).astype(np.uint16)
        elif deep == _COLOURS[2]:
            pixels = np.asarray(_as(image, "RGBA"))  # four bytes a pixel, as if they were colours
            pixels = _wide(pixels[..., ::2], pixels[..., 1::2])
        else:
            pixels = _wide(np.asarray(image), _low(path))
        orientation = image.getexif().get(ORIENTATION)
    return (pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)), orientation


def _low(path: Path) -> np.ndarray:
    with package("PIL.Image").open(path) as image:
        return np.asarray(_as(image, f"{image.mode};16L"))  # of two bytes, takes the second as the high one


def _as(image: Any, layout: str) -> Any:
    """Return an image that is about to be decoded, of pixels that lie in the file as `layout` says."""
    image.tile = [(*tile[:3], layout) for tile in image.tile]
    return image


def _wide(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    return high.astype(np.uint16) << 8 | low


def _mode(image: Any) -> str:
    """Return grey or colour, with alpha if there is transparency of any kind."""
    clear = "A" if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info else ""
    return ("L" if image.mode in ("1", "L", "LA") else "RGB") + clear


def _profile(data: bytes) -> bytes:
    """Return the beginning of the profile in a chunk iCCP: name, 0, method, and the compressed profile."""
    try:
        return zlib.decompressobj().decompress(data[data.index(b"\0") + 2 :], 128)
    except (ValueError, zlib.error):
        return b""


def _upright(kind: bytes, data: bytes) -> bytes:
    if kind == b"iTXt" and data.startswith(b"XML:com.adobe.xmp"):
        return reset_xmp(data)
    return reset_exif(data) if kind == b"eXIf" else data


def _put(out: IO[bytes], kind: bytes, data: bytes) -> None:
    out.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def _compressed(planes: np.ndarray) -> Iterator[bytes]:
    """Yield the compressed rows of planes (C, H, W), each by the filter that leaves the least."""
    deflate, above = zlib.compressobj(), None
    step = len(planes) * planes.itemsize
    for start in range(0, planes.shape[1], _ROWS):
        part = np.moveaxis(planes[:, start : start + _ROWS], 0, -1)
        rows = np.ascontiguousarray(part.astype(part.dtype.newbyteorder(">"))).view(np.uint8)
        rows = rows.reshape(len(part), -1)  # (R, W * step)
        above = np.zeros_like(rows[:1]) if above is None else above
        yield deflate.compress(_filtered(rows, np.concatenate([above, rows[:-1]]), step).tobytes())
        above = rows[-1:]
    yield deflate.flush()


def _filtered(rows: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """Return rows (R, B) less what their neighbours foretell, each after the number of its filter (R, 1 + B)."""
    left, corner = (np.pad(x, ((0, 0), (step, 0)))[:, : x.shape[1]] for x in (rows, above))
    a, b, c = (x.astype(np.int16) for x in (left, above, corner))
    by_a, by_b, by_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)  # the filter of Alan W. Paeth
    paeth = np.where((by_a <= by_b) & (by_a <= by_c), left, np.where(by_b <= by_c, above, corner))
    rests = np.stack([rows - left, rows - above, rows - paeth])  # bytes, modulo 256
    best = np.abs(rests.view(np.int8).astype(np.int16)).sum(-1, dtype=np.int64).argmin(0)  # (R,)
    numbers = np.array([1, 2, 4], np.uint8)[best]
    return np.concatenate([numbers[:, None], rests[best, np.arange(len(rows))]], 1)

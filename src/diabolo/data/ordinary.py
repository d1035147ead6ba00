"""Ordinary picture formats, by Pillow: JPEG, WebP, BMP, PGM and PPM; GIF is read only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.data.package import package
from diabolo.data.picture import Picture, beside, in_depth, suits
from diabolo.data.upright import ORIENTATION, reset_exif, reset_xmp, upright
from diabolo.errors import DataError

_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_DEEPEST = 65535


class OrdinaryPicture(Picture):
    """A picture of a format that Pillow reads and, if it holds every colour, writes.

    JPEG is written with the quantisation that it had, WebP without loss. Of an animation the first frame is read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     package("PIL.Image").new("RGB", (4, 2)).save(f"{folder}/a.jpg")
    ...     next(iter(OrdinaryPicture(Path(folder, "a.jpg")))).shape
    (3, 2, 4)
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._image = package("PIL.Image").open(path)
        self._tile = self._image.tile[:1]  # which decoding forgets
        self._read: tuple[np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return 1

    def planes(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels (C, H, W), and alpha (1, H, W) or nothing (0, H, W)."""
        if self._read is None:
            pixels = _pixels(self._image)
            planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
            planes = upright(planes, self._image.getexif().get(ORIENTATION))
            self._read = planes[: (len(planes) - 1) | 1], planes[(len(planes) - 1) | 1 :]
        return self._read

    def demand_kept(self) -> None:
        """Raise for animations, 16-bit PPM, and formats that are only read."""
        form, frames = self._image.format, getattr(self._image, "n_frames", 1)
        if form not in _SAVED:
            raise DataError(f"{self.name!r} is {form}, which cannot hold every colour; save it as PNG first.")
        if frames > 1 and form != "MPO":
            raise DataError(f"{self.name!r} is an animation; save its frames as single pictures, or as a TIFF stack.")
        if form == "PPM" and self._image.mode == "RGB" and _most(self._tile) > 255:
            raise DataError(f"{self.name!r} has colours of more than 8 bits; save it as PNG or TIFF first.")

    def save(self, file: Path, pages: Iterable[np.ndarray]) -> None:
        """Write another page (1 or 3, H, W) in place of this one."""
        (page,) = pages
        pixels, aside = self.planes(0)
        if len(page) not in (1, 3):
            raise DataError(f"{self.name!r} can hold 1 or 3 channels; got {len(page)}. Give a TIFF instead.")
        planes = beside(in_depth(page, pixels.dtype), aside)
        image = package("PIL.Image").fromarray(
            planes[0] if len(planes) == 1 else np.ascontiguousarray(np.moveaxis(planes, 0, -1))
        )
        info = self._image.info
        notes = {
            "exif": reset_exif(info.get("exif", b"")),
            "icc_profile": info["icc_profile"] if suits(info.get("icc_profile", b""), len(page)) else None,
            "xmp": reset_xmp(xmp) if isinstance(xmp := info.get("xmp", b""), bytes) else b"",
            "dpi": info.get("dpi"),
            "comment": info.get("comment"),
        }
        form, settings, kept = _SAVED[self._image.format]
        image.save(file, form, **settings(self._image), **{key: notes[key] for key in kept if notes[key]})

    def close(self) -> None:
        """Close the file, and forget its pixels."""
        self._read = None
        self._image.close()


def _pixels(image: Any) -> np.ndarray:
    """Return the pixels (H, W) or (H, W, C), alpha the last."""
    if image.mode in _DEEP:
        pixels = np.asarray(image)
        if pixels.min(initial=0) < 0 or pixels.max(initial=0) > _DEEPEST:
            raise ValueError("its pixels have more than 16 bits: load them as an array and save that as .npy")
        return pixels.astype(np.uint16)
    if image.mode == "F":
        return np.asarray(image)
    grey, clear = image.mode in ("1", "L", "LA", "La"), image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    clear = clear or "transparency" in image.info
    return np.asarray(image.convert(("L" if grey else "RGB") + ("A" if clear else "")))


def _most(tile: Any) -> int:
    """Return the largest number of a PPM, which its decoder is told last."""
    args = tile[0][3] if tile else 255
    most = args[-1] if isinstance(args, tuple | list) and len(args) else args
    return most if isinstance(most, int) else 255


def _as_jpeg(image: Any) -> dict[str, Any]:
    sampling = package("PIL.JpegImagePlugin").get_sampling(image)
    return {
        "qtables": image.quantization,
        "progressive": bool(image.info.get("progressive")),
        **({"subsampling": sampling} if sampling >= 0 else {}),
    }


_JPEG = ("JPEG", _as_jpeg, ("exif", "icc_profile", "xmp", "dpi", "comment"))
_SAVED: dict[str, tuple[str, Callable[[Any], dict[str, Any]], tuple[str, ...]]] = {
    "JPEG": _JPEG,
    "MPO": _JPEG,  # of the several pictures that some cameras write, the first
    "WEBP": ("WEBP", lambda image: {"lossless": True, "exact": True}, ("exif", "icc_profile", "xmp")),
    "BMP": ("BMP", lambda image: {}, ("dpi",)),
    "PPM": ("PPM", lambda image: {}, ()),
}

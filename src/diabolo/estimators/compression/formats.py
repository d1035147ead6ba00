"""What the formats of images make of the same images: real bytes of whole files, of those that are installed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data.package import package
from diabolo.errors import CapabilityError
from diabolo.estimators.compression.others import Other
from diabolo.metrics import psnr

Image = NDArray[np.uint8]
"""Pixels (C, H, W), of one channel or three."""

Point = tuple[float, float]
"""Bits a pixel, and decibels."""

QUALITIES = (5, 15, 30, 50, 70, 85, 95)
"""The settings of the curve of a format."""

_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"optimize": True, "progressive": True},
    "WebP": {"method": 6},
    "AVIF": {"speed": 6},
}
"""What is asked of each format besides."""

DISTANCES = (12.0, 6.0, 3.0, 1.5, 1.0, 0.5)
"""Those of JPEG XL."""


def are_images(X: Any) -> bool:
    """Tell whether samples are images (N, C, H, W), or a list of them, that formats of images can hold.

    Examples
    --------
    >>> are_images(np.zeros((2, 3, 4, 4), np.uint8)), are_images(np.zeros((2, 3)))
    (True, False)
    """
    every = X if isinstance(X, list) else [X[0]] if getattr(X, "ndim", 0) == 4 and len(X) else []
    return bool(every) and all(x.ndim == 3 and len(x) in (1, 3) and x.dtype == np.uint8 and x.size for x in every)


def exact(images: Sequence[Image]) -> Iterator[Other]:
    """Yield what formats that lose nothing make of images, a file each."""
    yield Other("PNG", sum(len(_file(image, "PNG", {"optimize": True})) for image in images))
    yield Other("WebP, lossless", sum(len(_file(image, "WebP", {"lossless": True, "quality": 90})) for image in images))
    try:
        codecs = package("imagecodecs")
    except CapabilityError:
        return
    yield Other("JPEG XL, lossless", sum(len(codecs.jpegxl_encode(_pixels(each), lossless=True)) for each in images))


def curves(images: Sequence[Image]) -> dict[str, list[Point]]:
    """Return bits a pixel and decibels of images (C, H, W), for each setting of each format that is installed."""
    check = package("PIL.features").check
    there = [name for name in _OPTIONS if name == "JPEG" or check(name.lower())]
    found = {name: [_point(name, quality, images) for quality in QUALITIES] for name in there}
    with suppress(CapabilityError):
        codecs = package("imagecodecs")
        found["JPEG XL"] = [_of_jpeg_xl(codecs, distance, images) for distance in DISTANCES]
    return found


def bits(size: int, images: Sequence[Image]) -> float:
    """Return how many bits a pixel of images takes in so many bytes."""
    return 8 * size / sum(image[0].size for image in images)


def distortion(images: Sequence[Image], back: Sequence[Image]) -> float:
    """Return the mean PSNR of images that came back, in decibels; infinite if one is as it was."""
    return float(np.mean([psnr(was[None], now[None], 255.0)[0] for was, now in zip(images, back, strict=True)]))


def _point(name: str, quality: int, images: Sequence[Image]) -> Point:
    files = [_file(image, name, {**_OPTIONS[name], "quality": quality}) for image in images]
    back = [_opened(file, image) for file, image in zip(files, images, strict=True)]
    return bits(sum(map(len, files)), images), distortion(images, back)


def _of_jpeg_xl(codecs: Any, distance: float, images: Sequence[Image]) -> Point:
    files = [codecs.jpegxl_encode(_pixels(image), distance=distance) for image in images]
    back = [np.asarray(codecs.jpegxl_decode(file)) for file in files]
    planes = [pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0) for pixels in back]
    return bits(sum(map(len, files)), images), distortion(images, planes)


def _pixels(image: Image) -> Image:
    return np.ascontiguousarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1))


def _file(image: Image, form: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    package("PIL.Image").fromarray(_pixels(image)).save(file, form, **options)
    return file.getvalue()


def _opened(file: bytes, like: Image) -> Image:
    pixels = np.asarray(package("PIL.Image").open(io.BytesIO(file)).convert("L" if len(like) == 1 else "RGB"))
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)

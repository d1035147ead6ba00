"""Reading images: one file, or a folder of them, as bytes (N, C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.data.package import package
from diabolo.errors import DataError, FileError

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes of the images that are read."""

_GREY = {"1", "L", "LA", "La"}
_DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}


def read_images(path: Path) -> np.ndarray:
    """Read an image, or the images of a folder in the order of their names, as uint8 (N, C, H, W).

    C is 1 if all are grey, else 3. Transparency is dropped, 16 bits become 8, the orientation that a camera noted is
    applied, and of an animation the first frame is taken. Subfolders, hidden files and other suffixes are passed over.

    Raises
    ------
    FileError
        If an image cannot be read; it is named.
    DataError
        If a folder holds no image, or images of several sizes.
    CapabilityError
        If Pillow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (4, 2)).save(f"{folder}/a.png")
    ...     read_images(Path(folder)).shape
    (1, 3, 2, 4)
    """
    paths = _inside(path) if path.is_dir() else [path]
    images = [_read(each) for each in paths]  # each (C, H, W)
    _demand_one_size(paths, images)
    channels = max(len(image) for image in images)
    out = np.empty((len(images), channels, *images[0].shape[1:]), dtype=np.uint8)
    for i, image in enumerate(images):
        out[i] = image  # a grey one among colours is spread over the channels
    return out


def _inside(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    paths = sorted(path for path in files if path.suffix.lower() in IMAGES)
    if not paths:
        raise DataError(
            f"Folder {folder.name!r} holds no images ({', '.join(IMAGES)}); "
            "name the folder that holds the files themselves: subfolders are not read."
        )
    return paths


def _read(path: Path) -> np.ndarray:
    pillow, ops = package("PIL.Image"), package("PIL.ImageOps")
    try:
        with pillow.open(path) as image:
            pixels = _pixels(ops.exif_transpose(image))
    except Exception as error:  # decoders of broken files raise whatever they like
        raise FileError(f"Cannot read the image {path.name!r} ({error}); remove it, or save it anew.") from error
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)


def _pixels(image: Any) -> np.ndarray:
    if image.mode in _DEEP:
        return _shallow(np.asarray(image))  # (H, W)
    if image.mode == "F":
        raise ValueError("its pixels are floating point numbers: load them as an array and save that as .npy")
    return np.asarray(image.convert("L" if image.mode in _GREY else "RGB"))  # (H, W) or (H, W, 3)


def _shallow(pixels: np.ndarray) -> np.ndarray:
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError("its pixels have more than 16 bits: load them as an array and save that as .npy")
    return (pixels >> 8).astype(np.uint8)


def _demand_one_size(paths: Sequence[Path], images: Sequence[np.ndarray]) -> None:
    first = images[0].shape[1:]
    for path, image in zip(paths, images, strict=True):
        if image.shape[1:] != first:
            raise DataError(
                f"Images must have one size; {paths[0].name!r} is {first[1]}x{first[0]} and {path.name!r} is "
                f"{image.shape[2]}x{image.shape[1]} (width x height). Resize or crop them to one size first."
            )

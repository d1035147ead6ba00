"""Reading images: one file, or a folder of them, as bytes (N, C, H, W), or a list of them where sizes differ."""

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


class Assorted(list[np.ndarray]):
    """Images (C, H, W) of several sizes, and the names of their files.

    Examples
    --------
    >>> images = Assorted([np.zeros((1, 4, 6)), np.zeros((1, 5, 6))], ["a.png", "b.png"])
    >>> images.names, images[1].shape
    (('a.png', 'b.png'), (1, 5, 6))
    """

    def __init__(self, images: Sequence[np.ndarray], names: Sequence[str]) -> None:
        super().__init__(images)
        self.names = tuple(names)

    def refusal(self) -> DataError:
        """Return the error for where one size is needed."""
        first = self[0].shape
        other = next(i for i, image in enumerate(self) if image.shape != first)
        sizes = [f"{self.names[i]!r} is {self[i].shape[2]}x{self[i].shape[1]}" for i in (0, other)]
        return DataError(
            f"Images must have one size; {sizes[0]} and {sizes[1]} (width x height). Resize or crop them to one size "
            "first, or take a job that has windows, such as Detector(window=16)."
        )


def read_images(path: Path) -> np.ndarray | Assorted:
    """Read an image, or the images of a folder in the order of their names, as uint8 (N, C, H, W).

    Images of several sizes come as a list of (C, H, W). C is 1 if all are grey, else 3. Transparency is dropped, 16
    bits become 8, the orientation that a camera noted is applied, and of an animation the first frame is taken.
    Subfolders, hidden files and other suffixes are passed over.

    Raises
    ------
    FileError
        If an image cannot be read; it is named.
    DataError
        If a folder holds no image.
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
    channels = max(len(image) for image in images)
    same = [np.broadcast_to(image, (channels, *image.shape[1:])) for image in images]  # grey is spread over colours
    if len({image.shape for image in same}) > 1:
        return Assorted(same, [path.name for path in paths])
    return np.stack(same)


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

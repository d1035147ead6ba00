"""Reading images: one file, or a folder of them, as an array (N, C, H, W), or a list of them where sizes differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from diabolo.check import shorten
from diabolo.data.pictures import open_picture, picture_files
from diabolo.errors import DataError, FileError


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
    """Read an image, or the images of a folder in the order of their names, in their depth, as (N, C, H, W).

    Images of several sizes come as a list of (C, H, W). C is 1 if all are grey, else 3, or what a TIFF holds; each page
    of a TIFF is an image. Numbers are uint8, or uint16 if an image has 16 bits, which the bytes of others, times 257,
    fill as well; or all are of another type that a TIFF has, such as float32. Transparency is dropped, the orientation
    that a camera noted is applied, and of an animation the first frame is taken. Subfolders, hidden files and other
    suffixes are passed over.

    Raises
    ------
    FileError
        If images cannot be read; all of them are named.
    DataError
        If a folder holds no image, or images of which types or channels do not go together.
    CapabilityError
        If Pillow or tifffile is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (4, 2)).save(f"{folder}/a.png")
    ...     read_images(Path(folder)).shape
    (1, 3, 2, 4)
    """
    images, names, broken = [], [], dict[str, FileError]()
    for file in picture_files(path):
        try:
            with open_picture(file) as picture:
                for page in picture:
                    images.append(page)  # (C, H, W)
                    names.append(file.name)
        except FileError as error:
            broken[file.name] = error
    if len(broken) > 1:
        files = shorten(list(broken), 1000)
        raise FileError(f"{len(broken)} images of {path.name!r} cannot be read: {files}; remove them.")
    if broken:
        raise next(iter(broken.values()))
    same = _alike(images, names)
    return np.stack(same) if len({image.shape for image in same}) == 1 else Assorted(same, names)


def _alike(images: Sequence[np.ndarray], names: Sequence[str]) -> list[np.ndarray]:
    """Return images (C, H, W) of one kind: grey is spread over colours, bytes over 16 bits."""
    colours = [i for i, image in enumerate(images) if len(image) > 1]
    _demand_one("number of channels", {i: len(images[i]) for i in colours}, names, "convert them to one")
    channels = len(images[colours[0]]) if colours else 1
    kinds = {i: image.dtype for i, image in enumerate(images)}
    if set(kinds.values()) == {np.dtype(np.uint8), np.dtype(np.uint16)}:
        images = [_widened(image) for image in images]
    else:
        _demand_one("type of numbers", kinds, names, "convert them to one, or read them from folders of their own")
    return [np.broadcast_to(image, (channels, *image.shape[1:])) for image in images]


def _widened(image: np.ndarray) -> np.ndarray:
    return image.astype(np.uint16) * 257 if image.dtype == np.uint8 else image  # 255 becomes 65535


def _demand_one(what: str, found: Mapping[int, object], names: Sequence[str], remedy: str) -> None:
    """Raise unless images have one of something, which is given by their number."""
    different = [i for i in found if found[i] != next(iter(found.values()))]
    if different:
        pair = [f"{names[i]!r} has {found[i]}" for i in (next(iter(found)), different[0])]
        raise DataError(f"Images must have one {what}; {pair[0]} and {pair[1]}: {remedy}.")

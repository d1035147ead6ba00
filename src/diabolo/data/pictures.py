"""Pictures in and out: a file, or the files of a folder, with depth, name and metadata."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.data.ordinary import OrdinaryPicture
from diabolo.data.picture import Picture, decoding
from diabolo.data.png import SIGNATURE, PngPicture
from diabolo.data.tiff import TiffPicture
from diabolo.errors import DataError, DiaboloError, FileError
from diabolo.files import replacing

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes of the images that are read."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def picture_files(path: Path) -> list[Path]:
    """Return the pictures of a folder in the order of their names, or the one picture that a path names.

    Subfolders, hidden files and other suffixes are passed over.

    Raises
    ------
    DataError
        If a folder holds none.

    Examples
    --------
    >>> picture_files(Path("photo.png"))
    [PosixPath('photo.png')]
    """
    if not path.is_dir():
        return [path]
    found = _files(path)
    if not found:
        raise DataError(
            f"Folder {path.name!r} holds no images ({', '.join(IMAGES)}); "
            "name the folder that holds the files themselves: subfolders are not read."
        )
    return found


def _files(folder: Path) -> list[Path]:
    files = (file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    return sorted(file for file in files if file.suffix.lower() in IMAGES)


def open_picture(path: str | os.PathLike[str]) -> Picture:
    """Return the picture of a file, of which the content tells the format; use it as ``with open_picture(...)``.

    Nothing but the head of the file is read until pages are asked for.

    Raises
    ------
    FileError
        If the file cannot be read, at once or when pages are; it is named.
    CapabilityError
        If Pillow or tifffile is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (4, 2)).save(f"{folder}/a.png")
    ...     with open_picture(f"{folder}/a.png") as picture:
    ...         [page.shape for page in picture]
    [(3, 2, 4)]
    """
    path = Path(path)
    with decoding(path):
        with path.open("rb") as file:
            head = file.read(len(SIGNATURE))
        if head == SIGNATURE:
            return PngPicture(path)
        return TiffPicture(path) if head.startswith(_TIFF) else OrdinaryPicture(path)


def write_picture(picture: Picture, pages: Iterable[np.ndarray], path: str | os.PathLike[str]) -> Path:
    """Write other pages in place of those of a picture, which stays as it is, and return where they are.

    Format, depth, alpha and metadata are those of the picture. Floating point numbers are rounded and clipped to whole
    ones where the picture has such. The file takes its place whole or not at all.

    Parameters
    ----------
    picture : Picture
        Open; see `open_picture`.
    pages : iterable of ndarray (C, H, W)
        As many as `picture` has, taken one at a time; C may be another.
    path : str or path
        A folder, in which the file has the name that it had, or a file with the same ending.

    Raises
    ------
    DataError
        If the pages do not fit, or the format cannot hold them.
    FileError
        If `path` is the picture itself, has another ending, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (4, 2), 100).save(f"{folder}/a.png")
    ...     with open_picture(f"{folder}/a.png") as picture:
    ...         write_picture(picture, (1.5 * page for page in picture), f"{folder}/brighter").name
    ...     next(iter(open_picture(f"{folder}/brighter/a.png"))).max()
    'a.png'
    np.uint8(150)
    """
    target = placed(picture.path, Path(path))
    picture.demand_kept()
    try:
        with replacing(target) as temporary:
            picture.save(temporary, pages)
    except OSError as error:
        if isinstance(error, DiaboloError):
            raise
        reason = error.strerror or error
        raise FileError(f"Cannot write {target.name!r} ({reason}); check the folder and the space left.") from error
    return target


def placed(source: Path, path: Path) -> Path:
    """Return where a picture of a file is written, in a folder or as another file.

    Raises
    ------
    FileError
        If that is the file itself, or a file with another ending.

    Examples
    --------
    >>> placed(Path("a.png"), Path("clean")).as_posix()
    'clean/a.png'
    """
    target = path / source.name if path.is_dir() or not path.suffix else path
    if target.suffix.lower() != source.suffix.lower():
        raise FileError(
            f"{source.name!r} is written in its own format; got {target.name!r}: name a folder, or a file "
            f"that ends in {source.suffix!r}."
        )
    if target.resolve() == source.resolve():
        raise FileError(f"{source.name!r} would be written over itself; name another folder.")
    return target


def by_file(found: Any, source: Any) -> Any:
    """Return a frame of pandas, of one row for each picture, with the names of the files of a folder as index.

    Whatever comes from another source, or has other rows, stays as it is.

    Examples
    --------
    >>> by_file("one row", "nowhere")
    'one row'
    """
    folder = Path(source).expanduser() if isinstance(source, str | os.PathLike) else None
    if folder is None or not folder.is_dir():
        return found
    names = [file.name for file in _files(folder)]
    if len(names) != len(found):  # a file of pages holds more than one
        return found
    return found.set_axis(names).rename_axis("file")

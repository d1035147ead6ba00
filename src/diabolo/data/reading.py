"""Reading: a file or folder as what pandas, numpy and Pillow make of it."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.check import shorten
from diabolo.data.broken import readable
from diabolo.data.delimited import read_delimited
from diabolo.data.delimiters import suffix_of
from diabolo.data.images import read_images
from diabolo.data.package import package
from diabolo.data.parquet import decoded_bytes, parquet_files
from diabolo.data.pictures import IMAGES
from diabolo.data.stored import Stored, joined
from diabolo.errors import DataError, FileError, MissingFileError

LARGE = 2**28
"""Bytes, when decoded, above which ``.npy`` and ``.parquet`` files stay on disk: 256 MB."""


def read(source: object) -> object:
    """Read a file or a folder of images; return anything else unchanged.

    ============================  ==================================================================
    ``.npy``                      the array; Python objects are never unpickled
    ``.npz``                      its one array, or the one named "X" or "x"
    ``file.npz:key``              the array of that name
    ``.csv``, ``.tsv``            a pandas data frame, also of ``.csv.gz``; for what texts become, see `read_delimited`
    ``.parquet``                  a pandas data frame
    a folder of ``.parquet``      one pandas data frame, the files in the order of their names
    an image, a folder of images  (N, C, H, W) in their depth, or a list where sizes differ, by name; see `read_images`
    ============================  ==================================================================

    ``.npy`` and ``.parquet`` of more than 256 MB when decoded are not read but given as a `Stored`, which estimators
    read block by block.

    Raises
    ------
    MissingFileError
        If there is no such file.
    FileError
        If its suffix is unknown, or it is cut, broken or foreign.
    DataError
        If it is not clear which array of an ``.npz`` is meant, or a folder holds nothing to read.
    CapabilityError
        If an optional package is needed and not installed.

    Examples
    --------
    >>> read([[1, 2]])
    [[1, 2]]
    >>> read("nowhere.csv")
    Traceback (most recent call last):
    ...
    diabolo.errors.MissingFileError: There is no file or folder 'nowhere.csv'; check the path.
    """
    if not isinstance(source, str | os.PathLike):
        return source
    path, key = split_key(Path(source).expanduser())
    if not path.exists():
        raise MissingFileError(f"There is no file or folder {shorten(str(path), 200)}; check the path.")
    if path.is_dir():
        return _folder(path)
    suffix = suffix_of(path)
    if suffix not in _READERS:
        known = ", ".join(sorted(_READERS))
        raise FileError(f"Cannot tell what {path.name!r} holds from its suffix; known: {known}. Rename or convert it.")
    return _READERS[suffix](path, key)


def mapped(source: object) -> object:
    """Return the rows on disk that a large array maps, if they are a whole ``.npy`` file; anything else as it is.

    Such an array is what ``np.load(path, mmap_mode="r")`` gives.

    Examples
    --------
    >>> mapped([[1, 2]])
    [[1, 2]]
    """
    if not isinstance(source, np.memmap) or source.nbytes <= LARGE or not source.flags.c_contiguous:
        return source
    path = Path(str(source.filename))
    if path.suffix.lower() != ".npy" or not path.exists():
        return source
    stored = Stored.open(path)
    whole = stored.shape == source.shape and path.stat().st_size == source.offset + source.nbytes
    return stored if whole and stored.dtype == source.dtype else source


def split_key(path: Path) -> tuple[Path, str]:
    """Return the path of a file, and which array of an ``.npz`` is meant, "" if none is named.

    Examples
    --------
    >>> split_key(Path("rows.npz:X"))
    (PosixPath('rows.npz'), 'X')
    """
    match = re.fullmatch(r"(.*\.npz):([^/\\]+)", str(path), re.IGNORECASE | re.DOTALL)
    return (Path(match[1]), match[2]) if match and not path.exists() else (path, "")


def holds_images(path: Path) -> bool:
    """Tell whether a path is a folder of images, whatever else is in it."""
    files = path.iterdir() if path.is_dir() else ()
    return any(file.suffix.lower() in IMAGES and not file.name.startswith(".") for file in files)


def _folder(path: Path) -> Any:
    return read_images(path) if holds_images(path) or not parquet_files(path) else _parquet(path, "")


def _npy(path: Path, key: str) -> Any:
    if path.stat().st_size > LARGE:
        return Stored.open(path)
    with readable(path), path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _npz(path: Path, key: str) -> np.ndarray:
    with readable(path), zipfile.ZipFile(path) as archive:
        name = _choose([n.removesuffix(".npy") for n in archive.namelist()], key, path)
        with archive.open(f"{name}.npy") as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def _choose(names: list[str], key: str, path: Path) -> str:
    meant = [key] if key else names if len(names) == 1 else [name for name in ("X", "x") if name in names]
    if not meant or meant[0] not in names:
        raise DataError(
            f"{path.name!r} holds the arrays {shorten(sorted(names), 200)}, and none named {key or 'X'!r}; "
            f"choose one as '{path.name}:{names[0] if names else 'X'}'."
        )
    return meant[0]


def _csv(path: Path, key: str) -> Any:
    return read_delimited(path)


def _parquet(path: Path, key: str) -> Any:
    pandas, files = package("pandas"), parquet_files(path)
    if decoded_bytes(files) > LARGE:
        return Stored.open(path)
    if path.is_dir():
        return joined(Stored.open(path).parts())
    with readable(path):
        return pandas.read_parquet(path, engine="pyarrow")


def _image(path: Path, key: str) -> Any:
    return read_images(path)


_READERS: dict[str, Callable[[Path, str], Any]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    **dict.fromkeys(IMAGES, _image),
}

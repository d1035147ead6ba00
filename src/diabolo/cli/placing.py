"""What was decompressed, as files: each under its own name in a folder, or all as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.check import listed
from diabolo.cli.members import TABLES, Member, digest, piece
from diabolo.data import write
from diabolo.data.package import package
from diabolo.errors import DataError, FileError
from diabolo.files import replacing

PICTURES = (".png", ".tif", ".tiff")
"""Suffixes of pictures that are written: nothing is lost in these."""

_PNG = {np.dtype(np.uint8): 4, np.dtype(np.uint16): 1}
"""The types that a PNG is written of here, and how many channels it has at most."""


def is_one(output: Path) -> bool:
    """Tell whether an output is one file, by its ending, or a folder.

    Raises
    ------
    FileError
        If it looks like a file of another ending.

    Examples
    --------
    >>> is_one(Path("rows.csv")), is_one(Path("restored"))
    (True, False)
    """
    ending = output.suffix.lower()
    if output.is_dir() or not ending[1:].isalpha():
        return False
    if ending not in (*TABLES, *PICTURES):
        known = ", ".join((*TABLES, *PICTURES))
        raise FileError(f"Cannot write {output.name!r}; known endings: {known}. Choose one, or a folder without.")
    return True


def place(output: Path, X: Any, members: Sequence[Member]) -> None:
    """Write all samples as one file."""
    if len(members) == 1:
        _put(output, piece(X, members[0], 0))
    else:
        _put(output, X[:, 0] if all(member.axes == 1 for member in members) else X)


def place_all(folder: Path, X: Any, members: Sequence[Member]) -> int:
    """Write each file into a folder, and return how many are, byte by byte, what they were.

    Raises
    ------
    FileError
        If one of the name is there already, or cannot be written.
    """
    parts = [piece(X, member, start) for member, start in zip(members, _starts(members), strict=True)]
    targets = [folder / name for name in _names(parts, members)]
    there = [target.name for target in targets if target.exists()]
    if there:
        raise FileError(f"{str(folder)!r} holds {listed(there)} already; name another folder.")
    for target, part in zip(targets, parts, strict=True):
        _put(target, part)
    return sum(digest(target) == member.sha256 for target, member in zip(targets, members, strict=True))


def unnamed(path: Path, X: Any) -> Member:
    """Return a file for what has none, since it was compressed in Python: named as the compressed one."""
    return Member(path.stem + (".parquet" if hasattr(X, "columns") else ".npy"), len(X), 0, "")


def _starts(members: Sequence[Member]) -> list[int]:
    ends = np.cumsum([member.rows for member in members]).tolist()
    return [0, *ends[:-1]]


def _names(parts: Sequence[Any], members: Sequence[Member]) -> list[str]:
    """Return the names that files get: pictures those of a format that keeps every bit."""
    stems = [Path(member.name).stem for member in members]
    names = []
    for part, stem, member in zip(parts, stems, members, strict=True):
        if not member.channels:
            names.append(member.name)
            continue
        simple = len(part) == 1 and len(part[0]) <= _PNG.get(part[0].dtype, 0)
        names.append((stem if stems.count(stem) == 1 else member.name) + (".png" if simple else ".tif"))
    return names


def _put(path: Path, part: Any) -> None:
    """Write a table, an array, or the pages (C, H, W) of a picture."""
    if path.suffix.lower() not in PICTURES:
        write(path, _one(part, path) if isinstance(part, list) else part)
        return
    pages = list(part) if isinstance(part, list) or np.ndim(part) == 4 else []
    if not pages:
        raise DataError(f"{path.name!r} is to be a picture, but what was compressed is none; write it as .npy.")
    with replacing(path) as temporary:
        (_write_png if path.suffix.lower() == ".png" else _write_tiff)(temporary, pages)


def _write_png(path: Path, pages: Sequence[np.ndarray]) -> None:
    first = pages[0]
    if len(pages) > 1 or len(first) > _PNG.get(first.dtype, 0):
        raise DataError(
            f"A PNG holds one picture of 8 bits, or a grey one of 16; got {len(pages)} of {len(first)} channels of "
            f"{first.dtype}. Name a .tif, or a folder."
        )
    pixels = first[0] if len(first) == 1 else np.moveaxis(first, 0, -1)
    package("PIL.Image").fromarray(np.ascontiguousarray(pixels)).save(path, "PNG")


def _write_tiff(path: Path, pages: Sequence[np.ndarray]) -> None:
    stack = _one(pages, path)
    coloured = stack.shape[1] in (3, 4)
    package("tifffile").imwrite(
        path,
        stack[:, 0] if stack.shape[1] == 1 else stack,
        photometric="rgb" if coloured else "minisblack",
        planarconfig=None if stack.shape[1] == 1 else "separate",
        extrasamples=("unassalpha",) if stack.shape[1] == 4 else None,
        compression="zlib",
    )


def _one(pages: Sequence[np.ndarray], path: Path) -> np.ndarray:
    """Return pages of one size as an array (N, C, H, W)."""
    if len({page.shape for page in pages}) != 1:
        raise DataError(f"{path.name!r} would hold images of several sizes; name a folder to write them to.")
    return np.stack(pages)

"""The files that become one compressed file, and what is noted of each so that it can be put back under its name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, cast

import numpy as np

from diabolo.check import listed, shorten
from diabolo.data import IMAGES, Picture, Stored, open_picture, read
from diabolo.data.broken import readable
from diabolo.data.package import package
from diabolo.data.picture import decoding
from diabolo.errors import DataError, FileError, MissingFileError
from diabolo.estimators.compression.pieces import Pieces, taken

TABLES = (".csv", ".npy", ".npz", ".parquet")
"""Suffixes of files of tables and arrays."""

_SIZES = ("rows", "bytes", "channels", "axes")


@dataclass(frozen=True)
class Member:
    """A file that is compressed, alone or among others.

    Parameters
    ----------
    name : str
        Its name, without a folder.
    rows : int
        The rows of its table, the samples of its array, or the pages of its picture.
    bytes : int
        Its size on disk.
    sha256 : str
        Of its bytes, in hexadecimal digits.
    channels : int
        Of a picture: grey ones become coloured among coloured ones. 0 if it is none.
    axes : int
        Of an array: one of 1 axis becomes a column. 0 if it is none.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    channels: int = 0
    axes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def members_of(head: Mapping[str, Any]) -> list[Member]:
    """Return the files that are noted in the head of a compressed one; none if Python wrote it.

    Raises
    ------
    FileError
        If what is noted is no such thing, or a name would leave the folder that is written to.

    Examples
    --------
    >>> members_of({"beside": {"files": [{"name": "../x.csv", "rows": 1, "bytes": 9, "sha256": ""}]}})
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: The file notes '../x.csv', which is no plain name; it was edited or is foreign.
    """
    noted = head.get("beside")
    try:
        rows = noted.get("files", []) if isinstance(noted, dict) else []
        members = [Member(**row) for row in rows]
    except TypeError as error:
        raise FileError("The file notes files that it cannot be made of; it was edited or is foreign.") from error
    for member in members:
        _demand_plain(member)
    if len({member.name.lower() for member in members}) < len(members):
        raise FileError("The file notes two files of one name; it was edited or is foreign.")
    return members


def _demand_plain(member: Member) -> None:
    name, sizes = member.name, [getattr(member, size) for size in _SIZES]
    if not all(type(size) is int and 0 <= size < 2**62 for size in sizes) or not isinstance(member.sha256, str):
        raise FileError("The file notes files of impossible sizes; it was edited or is foreign.")
    if (
        not isinstance(name, str)
        or not name.isprintable()
        or name in ("", ".", "..")
        or not PurePosixPath(name).name == PureWindowsPath(name).name == name
        or len(name.encode()) > 255
    ):
        raise FileError(f"The file notes {shorten(name)}, which is no plain name; it was edited or is foreign.")


def demand_fitting(members: Sequence[Member], X: Any) -> None:
    """Raise unless what is noted of files fits the samples.

    Raises
    ------
    FileError
        If it does not.
    """
    axes = 4 if isinstance(X, list) else 0 if hasattr(X, "columns") else X.ndim
    pictures, column = axes == 4, axes == 2
    wrong = any((member.channels and not pictures) or (member.axes == 1 and not column) for member in members)
    if wrong or sum(member.rows for member in members) != len(X):
        raise FileError("The file notes other files than it holds; it was edited or is foreign.")


def gathered(sources: Sequence[str]) -> tuple[Any, list[Path], list[Member]]:
    """Return all samples of files and folders together, the files, and what is noted of each.

    Raises
    ------
    MissingFileError
        If there is no such file or folder.
    FileError
        If one cannot be read.
    DataError
        If they do not go together.
    """
    named = [named for source in sources for named in _files(source)]
    files = [_on_disk(source) for source in named]
    _demand_names(files)
    pictures = [file for file in files if file.suffix.lower() in IMAGES]
    if pictures and len(pictures) < len(files):
        raise DataError(
            f"Pictures and tables are compressed apart; got {pictures[0].name!r} and others. Name one kind of file."
        )
    X, facts = _of_pictures(files) if pictures else _of_tables(named)
    noted = [
        Member(file.name, bytes=file.stat().st_size, sha256=digest(file), **about)
        for file, about in zip(files, facts, strict=True)
    ]
    return X, files, noted


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def piece(X: Any, member: Member, start: int) -> Any:
    """Return what a member is of all samples, where it starts."""
    stop = start + member.rows
    if hasattr(X, "iloc"):
        rows = X.iloc[start:stop]
        return rows.reset_index(drop=True) if isinstance(X.index, package("pandas").RangeIndex) else rows
    if member.channels:
        return [page[: member.channels] for page in X[start:stop]]
    return X[start:stop, 0] if member.axes == 1 else X[start:stop]


def _files(source: str) -> list[str]:
    """Return the files that are meant: one, or those of a folder in the order of their names."""
    path = Path(source).expanduser()
    if not path.is_dir():
        return [source]
    known = (*TABLES, *IMAGES)
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in known and not file.name.startswith("."))
    if not found:
        raise DataError(
            f"Folder {path.name!r} holds none of {', '.join(known)}; name the folder of the files themselves."
        )
    return [str(file) for file in found]


def _on_disk(source: str) -> Path:
    """Return the file of a source, which may name an array in it."""
    path = Path(source).expanduser()
    file = path if path.exists() else Path(str(path).rpartition(":")[0])
    if not file.is_file():
        raise MissingFileError(f"There is no file or folder {shorten(str(path), 200)}; check the path.")
    return file


def _demand_names(files: Sequence[Path]) -> None:
    names = [file.name.lower() for file in files]
    twice = [file.name for file in files if names.count(file.name.lower()) > 1]
    if twice:
        raise DataError(f"Files that are compressed together must differ in name; got {listed(twice)}. Rename one.")


def _of_tables(sources: Sequence[str]) -> tuple[Any, list[dict[str, int]]]:
    """Return tables or arrays as one, and how many rows each has; a large table that is alone stays on disk."""
    alone = taken(sources[0]) if len(sources) == 1 and Path(sources[0]).suffix.lower() == ".parquet" else None
    if isinstance(alone, Pieces):
        return alone, [{"rows": cast(int, alone.rows)}]
    parts = [_whole(source) if alone is None else alone for source in sources]
    framed = [hasattr(part, "columns") for part in parts]
    _demand_same([_kind(part) for part in parts], sources)
    facts = [
        {"rows": len(part) if np.ndim(part) else 1, "axes": 0 if hasattr(part, "columns") else np.ndim(part)}
        for part in parts
    ]
    if framed[0]:
        pandas = package("pandas")
        numbered = all(isinstance(part.index, pandas.RangeIndex) for part in parts)
        return (parts[0] if len(parts) == 1 else pandas.concat(parts, ignore_index=numbered)), facts
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return (whole[:, None] if np.ndim(whole) == 1 else whole), facts


def _whole(source: str) -> Any:
    """Return all of a file; what is large and of numbers stays on disk until it is read."""
    path = Path(source).expanduser()
    if path.suffix.lower() == ".parquet":  # `read` leaves large ones on disk, and takes numbers alone of these
        with readable(path):
            return package("pandas").read_parquet(path, engine="pyarrow")
    found = read(source)
    return np.lib.format.open_memmap(path, mode="r") if isinstance(found, Stored) else found


def _kind(part: Any) -> dict[str, str]:
    """Return what tables must share to be one."""
    if hasattr(part, "columns"):
        return {repr(name): str(dtype) for name, dtype in part.dtypes.items()}
    return {"the shape of a sample": str(np.shape(part)[1:]), "the type": str(np.asarray(part).dtype)}


def _demand_same(kinds: Sequence[Mapping[str, str]], sources: Sequence[str]) -> None:
    for kind, source in zip(kinds, sources, strict=True):
        if kind != kinds[0] or list(kind) != list(kinds[0]):
            wrong = [name for name in {**kinds[0], **kind} if kinds[0].get(name) != kind.get(name)] or ["the order"]
            told = [each.get(wrong[0], "missing") for each in (kinds[0], kind)]
            raise DataError(
                f"Files that are compressed together must have the same columns of the same types: {wrong[0]} is "
                f"{told[0]} in {Path(sources[0]).name!r} and {told[1]} in {Path(source).name!r}; compress them apart."
            )


def _of_pictures(files: Sequence[Path]) -> tuple[Any, list[dict[str, int]]]:
    """Return images (N, C, H, W), or a list of them where sizes differ, and what is noted of each file."""
    pages, facts, kinds = [], [], []
    for file in files:
        with open_picture(file) as picture:
            own = _pages(picture)
        facts.append({"rows": len(own), "channels": len(own[0])})
        kinds.append({"the type": str(own[0].dtype), "colour": str(len(own[0])) if len(own[0]) > 1 else ""})
        pages += own
    coloured = next((kind["colour"] for kind in kinds if kind["colour"]), "1")
    _demand_same([{**kind, "colour": kind["colour"] or coloured} for kind in kinds], list(map(str, files)))
    images = [np.ascontiguousarray(np.broadcast_to(page, (int(coloured), *page.shape[1:]))) for page in pages]
    return (np.stack(images) if len({image.shape for image in images}) == 1 else images), facts


def _pages(picture: Picture) -> list[np.ndarray]:
    """Return the pages (C, H, W) of a picture, transparency as the last channel, all of one kind."""
    with decoding(picture.path):
        pages = [np.concatenate(picture.planes(i)) for i in range(len(picture))]
    if len({(len(page), page.dtype) for page in pages}) != 1:
        raise DataError(f"{picture.name!r} has pages of several kinds; save each kind in a file of its own.")
    return pages

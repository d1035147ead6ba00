"""How a table is laid out as text: between which separators, and whether its first line names the columns."""

from __future__ import annotations

import csv
import gzip
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import IO, Any

from diabolo.check import shorten
from diabolo.errors import FileError

_SEPARATORS = (";", "\t", "|", ",")
_LOOKED_AT = 20  # lines that tell how a file is laid out
_COMMA, _POINT = re.compile(r"[+-]?\d*,\d+"), re.compile(r"[+-]?\d*\.\d+")
_WHOLE = re.compile(r"\s*[+-]?\d+\s*")
_DATE = re.compile(r"\d{4}-\d\d")


@dataclass(frozen=True)
class Delimiters:
    """What separates columns, and the part of numbers that is not whole.

    Parameters
    ----------
    separator : str
        What is between columns: a comma, a semicolon, a tab or a bar.
    decimal : {".", ","}
        What most numbers have before their fractions.

    Examples
    --------
    >>> Delimiters.of(["a;b", "1,5;2"])
    Delimiters(separator=';', decimal=',')
    """

    separator: str = ","
    decimal: str = "."

    @staticmethod
    def of(lines: list[str]) -> Delimiters:
        """Return what the first lines of a file are separated by.

        The separator is the one that cuts all of them into equally many, or, if none does, the first one into most.
        """
        cut = {separator: _cut(lines, separator) for separator in _SEPARATORS}
        even = [each for each, rows in cut.items() if rows and len(rows[0]) > 1 and _even(rows)]
        others = [each for each in even if each != ","]  # between which numbers may have commas
        among = others or even or _SEPARATORS
        separator = max(among, key=lambda each: len(cut[each][0]) if cut[each] else 0)
        if not cut[separator] or len(cut[separator][0]) < 2:
            separator = ","
        cells = [cell.strip() for row in cut[separator][1:] for cell in row]
        commas = separator != "," and any(map(_COMMA.fullmatch, cells)) and not any(map(_POINT.fullmatch, cells))
        return Delimiters(separator, "," if commas else ".")

    @property
    def manner(self) -> dict[str, Any]:
        """What pandas is to be told."""
        return {"sep": self.separator, "decimal": self.decimal, "low_memory": False}


def delimiters_of(path: Path) -> Delimiters:
    """Return what separates the columns of a text file.

    Raises
    ------
    FileError
        If it is no text in UTF-8, or its first line is not the names of the columns.
    """
    try:
        with opened(path) as file:
            text = [line.decode("utf-8-sig") for line in islice(file, _LOOKED_AT)]
    except UnicodeDecodeError as error:
        raise FileError(f"{path.name!r} is not text in UTF-8; save it anew in that encoding.") from error
    lines = [line.rstrip("\r\n") for line in text]
    found = Delimiters.of(lines)
    _demand_names(path, lines, found)
    return found


def opened(path: Path) -> IO[bytes]:
    """Open a text file, which may be packed by gzip, for its bytes."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # pyright: ignore[reportReturnType]


def too_many(path: Path) -> FileError:
    """Return the error of a file whose lines have more entries than the first one has names."""
    return FileError(
        f"{path.name!r} has lines of more entries than its first line, which must name the columns, has names. Give "
        "each column a name, and leave out what stands above the names."
    )


def _demand_names(path: Path, lines: list[str], by: Delimiters) -> None:
    rows = _cut(lines, by.separator)
    if not rows:
        return
    below = [_cut(lines[1:], each) for each in _SEPARATORS]
    if len(rows[0]) == 1 and any(_even(cut) and len(cut[0]) > 1 for cut in below if len(cut) > 1):
        raise too_many(path)
    if _data(rows[0], by.separator):
        raise FileError(
            f"The first line of {path.name!r} must name the columns; it holds {shorten(', '.join(rows[0]), 60)}, which "
            "looks like data. Add a line of names above it, or save numbers as .npy."
        )


def _data(names: list[str], separator: str) -> bool:
    """Tell whether names are rather data: equal numbers, or fractions that do not rise or fall as a scale does."""
    dates = [name for name in names if _DATE.match(name.strip())]
    numbers = []
    for name in names:
        if name not in dates:
            try:
                numbers.append(float(name.replace(",", ".") if separator != "," else name))
            except ValueError:
                return False
    if dates or not numbers:
        return bool(numbers)
    scale = len(numbers) > 2 and len({(a > b) - (a < b) for a, b in pairwise(numbers)} - {0}) == 1
    return len(set(numbers)) < len(numbers) or (not scale and not all(map(_WHOLE.fullmatch, names)))


def _even(rows: list[list[str]]) -> bool:
    return len({len(row) for row in rows}) == 1


def _cut(lines: list[str], separator: str) -> list[list[str]]:
    """Return the entries of lines, blank ones left out; the last one, if it may be cut within quotes, too."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows = [row for row in csv.reader(lines, delimiter=separator) if row]
    return rows[:-1] if len(rows) > 2 and len(lines) == _LOOKED_AT else rows

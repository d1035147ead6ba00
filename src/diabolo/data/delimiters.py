"""How a table is laid out as text: between which separators, and whether its first line names the columns."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from diabolo.check import shorten
from diabolo.errors import FileError

_SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT, _SIZE = 20, 2**20  # lines that tell how a file is laid out, and bytes that are read for them at most
_COMMA, _POINT = re.compile(r"[+-]?[0-9]*,[0-9]+"), re.compile(r"[+-]?[0-9]*\.[0-9]+")
_INNER = re.compile(r'[,;\t|] *"')
_WHOLE = re.compile(r"\s*[+-]?\d+\s*")
_DATE = re.compile(r"\d{4}-\d\d")


@dataclass(frozen=True)
class Delimiters:
    """What separates columns, and what is before the fractions of numbers.

    Parameters
    ----------
    separator : str
        What is between columns: a comma, a semicolon, a tab or a bar.
    decimal : {".", ","}
        What most numbers have before their fractions; a comma between semicolons only.
    trailing : bool
        Whether all lines but the first one end with a separator.

    Examples
    --------
    >>> Delimiters.of(["a;b", "1,5;2"])
    Delimiters(separator=';', decimal=',', trailing=False)
    """

    separator: str = ","
    decimal: str = "."
    trailing: bool = False

    @staticmethod
    def of(lines: list[str], known: Sequence[str] = _SEPARATORS) -> Delimiters:
        """Return what the first lines of a file are separated by, of `known` separators.

        It is the one that cuts all of them into equally many, the most, or, if none does, the first one into most; but
        commas that are all within numbers separate nothing where another one may.
        """
        cut = {separator: _cut(lines, separator) for separator in known}
        even = [each for each, rows in cut.items() if rows and len(rows[0]) > 1 and _even(rows)]
        others = [each for each in even if each != "," and _decimals(cut[each])]
        separator = max(others or even or known, key=lambda each: len(cut[each][0]) if cut[each] else 0)
        if not cut[separator] or len(cut[separator][0]) < 2:
            separator = ","
        below = [cell.strip() for row in cut.get(separator, ())[1:] for cell in row]
        commas, points = (any(map(sign.fullmatch, below)) for sign in (_COMMA, _POINT))
        ends = [line.rstrip(" ").endswith(separator) for line in lines[1:] if line.strip()]
        decimal = "," if separator == ";" and commas and not points else "."
        return Delimiters(separator, decimal, bool(ends) and all(ends))

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
    with opened(path) as file:
        begin = file.read(_SIZE)
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(begin)
    except UnicodeDecodeError as error:
        raise no_text(path) from error
    lines = re.split(r"\r\n|\r|\n", text)
    lines = lines[:-1] if len(begin) == _SIZE and len(lines) > 1 else lines  # of which the last one is cut
    found = Delimiters.of(lines[:_LOOKED_AT], ("\t",) if suffix_of(path) == ".tsv" else _SEPARATORS)
    _demand_names(path, lines[:_LOOKED_AT], found)
    return found


def suffix_of(path: Path) -> str:
    """Return the suffix that tells what a file holds, whether or not it is packed by gzip.

    Examples
    --------
    >>> suffix_of(Path("x.CSV.gz")), suffix_of(Path("x.1.npy"))
    ('.csv', '.npy')
    """
    packed = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else ""
    return packed if packed in (".csv", ".tsv") else path.suffix.lower()


def opened(path: Path) -> IO[bytes]:
    """Open a text file, which may be packed by gzip, for its bytes."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # pyright: ignore[reportReturnType]


def no_text(path: Path) -> FileError:
    """Return the error of a file in another encoding."""
    return FileError(f"{path.name!r} is not text in UTF-8; save it anew in that encoding.")


def too_many(path: Path) -> FileError:
    """Return the error of a file whose lines have more entries than the first one has names."""
    return FileError(
        f"{path.name!r} has lines of more entries than its first line, which must name the columns, has names. Give "
        "each column a name, that of row names too (in R by col.names=NA), leave out what stands above the names, and "
        "put entries that hold the separator into quotes."
    )


def _demand_names(path: Path, lines: list[str], by: Delimiters) -> None:
    rows = _cut(lines, by.separator)
    if not rows:
        return
    gap = any(not line.strip() for line in lines[1:3])  # above which there is a title
    below = [_cut(lines[1:], each) for each in (_SEPARATORS if gap else ",")]
    under = len(rows[0]) == 1 and any(len(cut) > 1 and _even(cut) and len(cut[0]) > 1 for cut in below)
    if under or (max(map(len, rows)) > len(rows[0]) and not by.trailing):
        raise too_many(path)
    if _data(rows, by.separator):
        raise FileError(
            f"The first line of {path.name!r} must name the columns; it holds {shorten(', '.join(rows[0]), 60)}, which "
            "looks like data. Add a line of names above it, or save numbers as .npy."
        )


def _data(rows: list[list[str]], separator: str) -> bool:
    """Tell whether names are rather data: equal numbers, or fractions above others that do not rise or fall."""
    names, numbers = rows[0], []
    dates = [name for name in names if _DATE.match(name.strip())]
    for name in names:
        if name not in dates:
            try:
                numbers.append(float(name.replace(",", ".") if separator != "," else name))
            except ValueError:
                return False
    if dates or not numbers:
        return bool(numbers)
    scale = len(numbers) > 1 and len({(a > b) - (a < b) for a, b in pairwise(numbers)} - {0}) == 1
    whole = all(map(_WHOLE.fullmatch, names)) or all(_WHOLE.fullmatch(cell) for row in rows[1:] for cell in row)
    return len(set(numbers)) < len(numbers) or not (scale or whole)


def _decimals(rows: list[list[str]]) -> bool:
    """Tell whether commas are in numbers alone, names included."""
    return all(_COMMA.fullmatch(cell.strip()) for row in rows for cell in row if "," in cell)


def _even(rows: list[list[str]]) -> bool:
    return len({len(row) for row in rows}) == 1


def _cut(lines: list[str], separator: str) -> list[list[str]]:
    """Return the entries of lines, but for blank ones and a last one that may be cut; none if quotes are cut."""
    rows: list[list[str]] = []
    before = csv.field_size_limit(_SIZE)
    try:
        rows = [row for row in csv.reader(lines, delimiter=separator) if any(cell.strip() for cell in row)]
    except csv.Error:
        return []
    finally:
        csv.field_size_limit(before)
    rows = rows[:-1] if len(rows) > 2 and len(lines) == _LOOKED_AT else rows
    return [] if any(cell.count('"') % 2 and _INNER.search(cell) for row in rows for cell in row) else rows

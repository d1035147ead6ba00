"""Tables as text: what numbers, codes and dates the columns of a ``.csv`` hold."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from diabolo.data.broken import readable
from diabolo.data.package import package
from diabolo.errors import FileError

_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d")
_CODE = re.compile(r"0\d+")
_SOME_CODE = re.compile(rb'(?:^|[,;\t"\n])\s*0\d', re.MULTILINE)
_COMMA_IN_NUMBER, _POINT_IN_NUMBER = re.compile(r"(?:^|;)-?\d*,\d+(?=;|$)"), re.compile(r"(?:^|;)-?\d*\.\d+(?=;|$)")
_SEPARATORS = (",", ";", "\t")
_LOOKED_AT = 20  # lines that tell how a file is laid out


def read_delimited(path: Path) -> Any:
    """Return the table of a text file as a pandas data frame.

    Columns are separated by what the first line has most of, comma, semicolon or tab; between semicolons numbers may
    have decimal commas. Digits that no number keeps stay text: codes such as ``007``, and integers beyond 64 bits. Text
    that holds ISO dates becomes dates.

    Raises
    ------
    FileError
        If it is cut or broken, or no text in UTF-8.
    CapabilityError
        If pandas is not installed.
    """
    pandas = package("pandas")
    with readable(path):
        manner = _manner(path)
        frame = pandas.read_csv(path, **manner)
        for name, texts in _codes(path, frame, manner).items():
            frame[name] = texts
    for name, column in frame.items():
        if pandas.api.types.is_numeric_dtype(column):
            continue
        texts = column.dropna()
        if len(texts) and not isinstance(texts.iloc[0], str) and pandas.api.types.is_integer(texts.iloc[0]):
            frame[name] = column.map(str, na_action="ignore")
        elif len(texts) and isinstance(texts.iloc[0], str) and _DATE.match(texts.iloc[0]):
            with suppress(ValueError):  # not all are dates: text it stays
                frame[name] = pandas.to_datetime(column, format="ISO8601")
    return frame


def _manner(path: Path) -> dict[str, Any]:
    """Return what pandas must be told of the layout."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = [line.rstrip("\r\n") for line in islice(file, _LOOKED_AT)]
    except UnicodeDecodeError as error:
        raise FileError(f"{path.name!r} is not text in UTF-8; save it anew in that encoding.") from error
    separator = max(_SEPARATORS, key=lines[0].count) if lines else ","
    if separator != ";" or any(map(_POINT_IN_NUMBER.search, lines)):
        return {"sep": separator}
    return {"sep": separator, "decimal": "," if any(map(_COMMA_IN_NUMBER.search, lines[1:])) else "."}


def _codes(path: Path, frame: Any, manner: dict[str, Any]) -> dict[str, Any]:
    """Return as text the columns that were read as integers though some begin with a nought, which would be lost."""
    pandas = package("pandas")
    whole = [i for i, kind in enumerate(frame.dtypes) if kind.kind in "iuf"]
    if not whole or not _any_code(path):
        return {}
    texts = pandas.read_csv(path, **manner, usecols=whole, dtype=str)
    coded = [name for name in texts if texts[name].str.fullmatch(_CODE).any()]
    return {name: texts[name] for name in coded}


def _any_code(path: Path, size: int = 2**22) -> bool:
    """Tell whether some entry of a file may begin with a nought and a digit, which costs little to know."""
    with path.open("rb") as file:
        before = b"\n"
        while block := file.read(size):
            if _SOME_CODE.search(before + block):
                return True
            before = block[-2:]
    return False

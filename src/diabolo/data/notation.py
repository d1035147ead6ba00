"""What the texts of a column stand for: numbers with decimal commas, dates in the ways that people write them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from diabolo.data.package import package

_ISO = re.compile(r"\s*\d{4}-\d\d-\d\d")
_ZONED = r".*(?:Z|[+-]\d\d:?\d\d)\s*"
_DAYS, _TIMES = ("%d.%m.%Y", "%Y/%m/%d"), ("", " %H:%M", " %H:%M:%S")
_NUMBERED = re.compile(r"\s*(?:\d{1,2}\.\d{1,2}\.\d{4}|\d{4}/\d{1,2}/\d{1,2})")
_PLAIN = r" *[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)? *"
_DECIMALS = r" *[+-]?(?:[0-9]*|[1-9][0-9]{0,2}(?:\.[0-9]{3})+),[0-9]+(?:[eE][+-]?[0-9]+)? *"
_WHOLE = r" *[+-]?(?:[0-9]{1,15}|[1-9][0-9]{0,2}(?:\.[0-9]{3}){1,4}) *"
_CODE = r" *0[0-9][0-9.,]* *"
_ANY = re.compile(r" *[+-]?[0-9.,]*[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)? *")
_FEW = 20  # texts that show what is worth a look at all


def meant(column: Any, commas: bool) -> Any:
    """Return a column of texts, as pandas has it, as numbers or dates if all of its texts are such; else as it is.

    With `commas` they may stand before the fractions of numbers; in a column that has such, points part thousands.

    Examples
    --------
    >>> import pandas
    >>> meant(pandas.Series(["1.234,5", "7"]), commas=True).tolist()
    [1234.5, 7.0]
    >>> meant(pandas.Series(["03.02.2024"]), commas=True).dt.month.tolist()
    [2]
    """
    texts = column.dropna()
    some = texts.iloc[:_FEW].tolist()
    if not some or not all(isinstance(text, str) for text in some):
        return column
    if _ISO.match(some[0]):
        return _iso(column, texts)
    if all(map(_NUMBERED.match, some)):
        return _dates(column)
    plain = _without_commas(texts) if commas and all(map(_ANY.fullmatch, some)) else None
    if plain is None:
        return column
    pandas = package("pandas")
    return pandas.to_numeric(column.where(column.isna(), plain.reindex(column.index)))


def _without_commas(texts: Any) -> Any:
    """Return the texts of numbers as Python writes them, or None if some are none."""
    if texts.str.fullmatch(_CODE).any():
        return None
    if not texts.str.contains(",", regex=False).any():  # where others have commas, pandas takes no points
        pointed = texts.str.contains(".", regex=False).any()
        return texts if pointed and texts.str.fullmatch(_PLAIN).all() else None
    if not texts.str.fullmatch(f"{_WHOLE}|{_DECIMALS}").all():
        return None
    return texts.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)


def _iso(column: Any, texts: Any) -> Any:
    """Return ISO dates, in universal time where their zones differ, as summer and winter do; else what was there."""
    pandas = package("pandas")
    with suppress(ValueError):
        return pandas.to_datetime(column, format="ISO8601")
    with suppress(ValueError):  # not all are dates: text it stays
        if texts.str.fullmatch(_ZONED).all():
            return pandas.to_datetime(column, format="ISO8601", utc=True)
    return column


def _dates(column: Any) -> Any:
    """Return dates written with points, days first, or with strokes, years first; else what was there."""
    pandas = package("pandas")
    for manner in (day + time for time in _TIMES for day in _DAYS):
        with suppress(ValueError):
            return pandas.to_datetime(column, format=manner)
    return column

"""What the texts of a column stand for: numbers with commas, dates in the ways that people write them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from diabolo.data.package import package

_ISO = re.compile(r"\s*\d{4}-\d\d-\d\d")
_ZONED = r".*(?:Z|[+-]\d\d:?\d\d)\s*"
_DAYS, _TIMES = ("%d.%m.%Y", "%Y/%m/%d"), ("", " %H:%M", " %H:%M:%S")
_NUMBERED = re.compile(r"\s*(?:\d{1,2}\.\d{1,2}\.\d{4}|\d{4}/\d{1,2}/\d{1,2})")
_PLAIN = r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*"
_THOUSANDS = r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?\s*"
_DECIMALS = r"\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*"
_POINTED = r"\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?\s*"
_WHOLE = r"\s*[+-]?\d+\s*"
_CODE = r"\s*0\d[\d.,]*\s*"
_ANY = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?\s*")
_FEW = 20  # texts that show what is worth a look at all


def meant(column: Any, decimal: str) -> Any:
    """Return a column of texts, as pandas has it, as numbers or dates if all of its texts are such; else as it is.

    `decimal` is what numbers of the file have before their fractions: after a point, commas part thousands; after a
    comma, points do. Where it is not known, "", commas are before fractions, but where all could part thousands.

    Examples
    --------
    >>> import pandas
    >>> meant(pandas.Series(["1.234,5", "7"]), ",").tolist()
    [1234.5, 7.0]
    >>> meant(pandas.Series(["1,234.5", "7"]), ".").tolist()
    [1234.5, 7.0]
    """
    texts = column.dropna()
    some = texts.iloc[:_FEW].tolist()
    if not some or not all(isinstance(text, str) for text in some):
        return column
    if _ISO.match(some[0]):
        return _iso(column, texts)
    if all(map(_NUMBERED.match, some)):
        return _dates(column)
    plain = _without_commas(texts, decimal) if all(map(_ANY.fullmatch, some)) else None
    if plain is None:
        return column
    pandas = package("pandas")
    return pandas.to_numeric(column.where(column.isna(), plain.reindex(column.index)))


def _without_commas(texts: Any, decimal: str) -> Any:
    """Return the texts of numbers as Python writes them, or None if some are none, or may be others."""

    def all_are(*kinds: str) -> bool:
        return bool(texts.str.fullmatch("|".join(kinds)).all())

    commas = texts.str.contains(",", regex=False)
    if not (commas | texts.str.contains(".", regex=False)).any() or texts.str.fullmatch(_CODE).any():
        return None
    if decimal == ".":  # "100,200" alone may be a pair: some must show that commas part thousands
        shown = not commas.all() or texts.str.fullmatch(r".*(?:,.*,|\.).*").any()
        return texts.str.replace(",", "", regex=False) if shown and all_are(_PLAIN, _THOUSANDS) else None
    if not decimal and commas.any() and texts[commas].str.fullmatch(_THOUSANDS).all():
        return None
    if all_are(_WHOLE, _DECIMALS, _POINTED) and (decimal or commas.any()):
        return texts.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return texts if all_are(_PLAIN) else None


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

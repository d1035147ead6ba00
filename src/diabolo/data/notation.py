"""What the texts of a column stand for: numbers with commas, dates in the ways that people write them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from diabolo.data.package import package

_ISO = re.compile(r"\s*\d{4}-\d\d-\d\d")
_ZONED = r".*(?:Z|[+-]\d\d:?\d\d)\s*"
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d")
_TIMES = ("", " %H:%M", " %H:%M:%S")
_NUMBERED = re.compile(r"\s*\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_PLAIN = r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*"
_THOUSANDS = r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?\s*"
_DECIMALS = r"\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*"
_BOTH = r"\s*[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?\s*"
_SIGN, _CODE = r"[.,]", r"\s*0\d+"
_WHOLE = r"\s*[+-]?\d+\s*"
_FEW = 20  # texts that show what is worth a look at all


def meant(column: Any, separator: str) -> Any:
    """Return a column of texts, as pandas has it, as numbers or dates if all of its texts are such; else as it is.

    Between semicolons, tabs or bars a comma begins the fraction of a number, and points part its thousands; between
    commas it is the other way round. Days and months that are numbers are dates if only one order of them is possible.

    Examples
    --------
    >>> import pandas
    >>> meant(pandas.Series(["1.234,5", "7"]), ";").tolist()
    [1234.5, 7.0]
    >>> meant(pandas.Series(["13/02/2024", "01/03/2024"]), ",").dt.month.tolist()
    [2, 3]
    """
    texts = column.dropna()
    if not len(texts) or not all(isinstance(text, str) for text in texts.iloc[:_FEW]):
        return column
    if _ISO.match(texts.iloc[0]):
        return _iso(column, texts)
    if all(map(_NUMBERED.match, texts.iloc[:_FEW])):
        return _dates(column)
    plain = _without_commas(texts, separator)
    if plain is None:
        return column
    pandas = package("pandas")
    return pandas.to_numeric(column.where(column.isna(), plain.reindex(column.index)))


def _without_commas(texts: Any, separator: str) -> Any:
    """Return the texts of numbers as Python writes them, or None if some are no numbers."""
    if not texts.str.contains(_SIGN).any() or texts.str.fullmatch(_CODE).any():
        return None
    if separator == ",":
        kinds, mended = (_PLAIN, _THOUSANDS, _DECIMALS), {",": ""}
        if not texts.str.fullmatch(f"{_PLAIN}|{_THOUSANDS}").all():
            kinds, mended = (_WHOLE, _DECIMALS), {",": "."}
    elif texts.str.fullmatch(_PLAIN).all():
        return texts
    else:
        kinds, mended = (_WHOLE, _DECIMALS, _BOTH), {".": "", ",": "."}
    if not texts.str.fullmatch("|".join(kinds)).all():
        return None
    for sign, other in mended.items():
        texts = texts.str.replace(sign, other, regex=False)
    return texts


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
    """Return dates if they can be read in one way alone, else what was there."""
    pandas, found = package("pandas"), []
    for manner in (day + time for time in _TIMES for day in _DAYS):
        with suppress(ValueError):
            found.append(pandas.to_datetime(column, format=manner))
    return found[0] if len(found) == 1 else column

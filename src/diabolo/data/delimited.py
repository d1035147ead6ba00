"""Tables as text: what numbers, codes and dates the columns of a ``.csv`` hold."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.data.broken import readable
from diabolo.data.delimiters import Delimiters, delimiters_of, no_text, opened, too_many
from diabolo.data.notation import meant
from diabolo.data.package import package

_CODE = re.compile(r"\s*0\d+\s*")


def read_delimited(path: Path) -> Any:
    """Return the table of a text file as a pandas data frame.

    The first line names the columns. They are separated by the sign, of comma, semicolon, tab and bar, that cuts all
    lines alike. Digits that no number keeps stay text: codes such as ``007``, and integers beyond 64 bits. For numbers
    with commas, and dates, see `diabolo.data.notation.meant`.

    Raises
    ------
    FileError
        If it is cut or broken, no text in UTF-8, or its first line does not name all columns.
    CapabilityError
        If pandas is not installed.
    """
    pandas = package("pandas")
    with readable(path):
        by = delimiters_of(path)
        try:
            frame = _frame(path, by)
        except UnicodeDecodeError as error:
            raise no_text(path) from error
        except pandas.errors.ParserError as error:
            if re.search(r"Expected \d+ fields", str(error)):
                raise too_many(path) from error
            raise
        for name, texts in _codes(path, frame, by).items():
            frame[name] = texts
    for name, column in frame.items():
        if pandas.api.types.is_numeric_dtype(column):
            continue
        texts = column.dropna()
        if len(texts) and not isinstance(texts.iloc[0], str) and pandas.api.types.is_integer(texts.iloc[0]):
            frame[name] = column.map(str, na_action="ignore")
        else:
            frame[name] = meant(column, commas=by.separator == ";")
    return frame


def _frame(path: Path, by: Delimiters) -> Any:
    """Return what pandas reads, a separator at the end of each line but the first one taken for none."""
    pandas = package("pandas")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", pandas.errors.ParserWarning)
        frame = pandas.read_csv(path, **by.manner, index_col=False)
    if any(issubclass(each.category, pandas.errors.ParserWarning) for each in told):  # it has left something out
        shifted = pandas.read_csv(path, **by.manner)
        if not by.trailing or shifted.index.nlevels > 1 or not shifted.iloc[:, -1].isna().all():
            raise too_many(path)
    return frame


def _codes(path: Path, frame: Any, by: Delimiters) -> dict[str, Any]:
    """Return as text the columns that were read as numbers though some begin with a nought, which would be lost."""
    pandas = package("pandas")
    whole = [i for i, kind in enumerate(frame.dtypes) if kind.kind in "iuf"]
    if not whole or not _any_code(path, by.separator):
        return {}
    texts = pandas.read_csv(path, **by.manner, usecols=whole, dtype=str, index_col=False)
    coded = [name for name in texts if texts[name].str.fullmatch(_CODE).any()]
    return {name: texts[name] for name in coded}


def _any_code(path: Path, separator: str, size: int = 2**24) -> bool:
    """Tell whether some entry of a file may begin with a nought and a digit, which costs little to know."""
    before, begins = b"\n", [ord(sign) for sign in (separator, '"', "\n", "\r")]
    with opened(path) as file:
        while block := file.read(size):
            block = before + block
            found = np.frombuffer(block, np.uint8)
            at = np.flatnonzero((found[1:-1] == ord("0")) & (found[2:] - ord("0") < 10)) + 1
            apart = np.where(found[at - 1] == ord(" "), found[np.maximum(at - 2, 0)], found[at - 1])  # "1, 007"
            if np.isin(apart, begins).any():
                return True
            before = block[-4:]
    return False

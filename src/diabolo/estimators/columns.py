"""Columns of the user's table beyond what a schema knows of them: what it takes to write rows like his own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.data import Field
from diabolo.data.cells import WORDS, Content, expected, present, told
from diabolo.errors import FileError

Array = NDArray[Any]

_FEW = 10
"""Different numbers up to which a column is drawn as one of them, if each comes as often on average."""

_PARTS: dict[Content, tuple[int, ...]] = {"number": (1, 10, 100, 1000, 10_000), "date": (1, 24, 1440, 86_400)}
"""Parts of one, or of a day, of which all values of a column may be multiples: four decimal places, or seconds."""

_RARE = 1000
"""Values of a category that are remembered, at most; a schema tells the 64 most frequent apart."""

_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class Column:
    """What is remembered of one column.

    A date is modelled as the number of days since 1970. A number of few values is modelled as a category.

    Parameters
    ----------
    name : str
        Its name.
    content : {"number", "category", "date"}
        What it holds.
    low, high : float
        The least and the greatest number, or date in days.
    parts : int, optional
        Of how many equal parts of one the numbers are multiples, 100 for two decimal places; of dates, parts of a day.
    empty : bool
        Whether all values were missing.
    texts, values, counts : tuple
        Of categories and of numbers of few values, the most frequent first: how the schema calls each, what the user
        has, and how often.

    Examples
    --------
    >>> column, cells = Column.of("age", np.array([30.0, 41.0, np.nan] * 5))
    >>> column.low, column.high, column.parts
    (30.0, 41.0, 1)
    >>> column.field(cells).kind
    'number'
    """

    name: str
    content: Content
    low: float = 0.0
    high: float = 0.0
    parts: int | None = None
    empty: bool = False
    texts: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    counts: tuple[int, ...] = ()

    @staticmethod
    def of(name: str, column: Array, levels: Mapping[str, Any] | None = None) -> tuple[Column, Array]:
        """Return what is to be remembered of a training column (N,), and its cells; see `cells`.

        `levels` says what the user has for the texts of a categorical type.
        """
        content, cells = told(name, column)
        if content == "category":
            return _of_texts(name, cells, levels or {}, column.dtype.kind == "b" or _booleans(column)), cells
        numbers = _days(cells) if content == "date" else cells
        here = numbers[np.isfinite(numbers)].astype(np.float64)
        listed = _listed(name, here) if content == "number" else None
        if listed is not None:
            return listed, listed.cells(cells)
        low, high = (float(here.min()), float(here.max())) if len(here) else (0.0, 0.0)
        few = (parts for parts in _PARTS[content] if _multiples(here[:1000], parts))
        parts = next((parts for parts in few if _multiples(here, parts)), None)
        return Column(name, content, low, high, parts, not len(here)), numbers

    def field(self, cells: Array) -> Field:
        """Return what a schema knows of the training cells."""
        return Field.of(self.name, "category" if self.texts else "number", cells)

    def cells(self, column: Array) -> Array:
        """Return a column (N,) as numbers or texts, for the field.

        Raises
        ------
        DataTypeError
            If it holds something else than in training.
        """
        cells = expected(self.name, self.content, column)
        if self.content == "number" and self.texts:
            each, place = np.unique(cells, return_inverse=True)
            return np.array([None if np.isnan(v) else _text(v) for v in each], dtype=object)[place]
        return _days(cells) if self.content == "date" else cells

    def back(self, field: Field, encoded: Array, knee: float, rng: np.random.Generator) -> Array:
        """Return encoded cells (N, width), drawn or expected, as the user has them: numbers, objects or dates."""
        gone = encoded[:, -1] > 0.5 if field.missing and not self.empty else np.full(len(encoded), self.empty)
        if self.texts:
            values = self._chosen(field, encoded, rng)
            if self.content == "number":
                values = values.astype(np.float64)
            values[gone] = np.nan if self.content == "number" else None
            return values
        numbers = field.decode(encoded, knee).clip(self.low, self.high)
        if self.parts is not None:
            numbers = np.round(numbers * self.parts) / self.parts + 0.0  # without negative zeros
        numbers[gone] = np.nan
        return numbers if self.content == "number" else _dates(numbers)

    def _chosen(self, field: Field, encoded: Array, rng: np.random.Generator) -> Array:
        """Return the categories that lead; what stands for others is drawn from the rare ones, if there are any."""
        known = len(field.categories)
        leading = encoded[:, : known + 1].argmax(1)
        place = {text: i for i, text in enumerate(self.texts)}
        at = np.array([*(place[text] for text in field.categories), -1])[leading]
        rare = [i for i, text in enumerate(self.texts) if text not in field.categories] or list(place.values())
        shares = np.array([self.counts[i] for i in rare], dtype=np.float64)
        other = at < 0
        at[other] = rng.choice(rare, int(other.sum()), p=shares / shares.sum())
        values = np.empty(len(self.values), dtype=object)
        values[:] = self.values
        return values[at]

    def to_json(self) -> dict[str, Any]:
        """Return the column as plain JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @staticmethod
    def from_json(plain: dict[str, Any], field: Field) -> Column:
        """Return the column that `to_json` described, for its field.

        Raises
        ------
        FileError
            If they do not fit each other.
        """
        lists = {key: tuple(plain[key]) for key in ("texts", "values", "counts")}
        column = Column(**{**plain, **lists})
        listed = field.kind == "category"
        sound = column.content in WORDS and listed == bool(column.texts) and column.name == field.name
        sound &= len({len(each) for each in lists.values()}) == 1 and set(field.categories) <= set(column.texts)
        sound &= all(isinstance(count, int) and count > 0 for count in column.counts) and column.low <= column.high
        if not sound or column.parts not in (None, *_PARTS.get(column.content, ())):
            raise FileError(f"it does not describe the column {shorten(column.name)}")
        return column


def _of_texts(name: str, cells: Array, levels: Mapping[str, Any], booleans: bool) -> Column:
    common = Counter(cells[present(cells)].tolist()).most_common()
    ranked = sorted(common, key=lambda each: (-each[1], each[0]))[:_RARE]
    known = {"True": True, "False": False} if booleans else levels
    texts, counts = zip(*ranked, strict=True)
    return Column(name, "category", texts=texts, values=tuple(known.get(t, t) for t in texts), counts=counts)


def _listed(name: str, here: Array) -> Column | None:
    """Return the column of numbers that are few, or None."""
    if not len(here) or len(np.unique(here[:1000])) > _FEW:
        return None
    values, counts = np.unique(here, return_counts=True)
    if len(values) > _FEW or len(values) * _FEW > len(here):
        return None
    order = np.argsort(-counts, kind="stable")
    texts = tuple(_text(value) for value in values[order])
    return Column(
        name, "number", texts=texts, values=tuple(values[order].tolist()), counts=tuple(counts[order].tolist())
    )


def _multiples(numbers: Array, parts: int) -> bool:
    return np.array_equal(np.round(numbers * parts) / parts, numbers)


def _booleans(column: Array) -> bool:
    return column.dtype.kind == "O" and any(isinstance(value, bool | np.bool_) for value in column)


def _text(value: float) -> str:
    return repr(float(value) + 0.0)


def _days(dates: Array) -> Array:
    days = dates.astype("M8[us]").astype(np.int64) / _DAY
    return np.where(np.isnat(dates), np.nan, days)


def _dates(days: Array) -> Array:
    gone = np.isnan(days)
    seconds = np.round(np.where(gone, 0, days) * 86_400).astype(np.int64)
    dates = seconds.astype("M8[s]").astype("M8[us]")
    dates[gone] = "NaT"
    return dates

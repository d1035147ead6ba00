"""Columns of the user's table beyond what a schema knows of them: what it takes to write rows like his own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.data import Field
from diabolo.data.cells import WORDS, Content, endless, expected, present, read_column
from diabolo.errors import FileError
from diabolo.estimators.bins import Bins

Array = NDArray[Any]

_FEW = 10
"""Different numbers up to which a column is drawn as one of them, if each comes as often on average."""

_PARTS: dict[Content, tuple[int, ...]] = {"number": (1, 10, 100, 1000, 10_000), "date": (1, 24, 1440, 86_400)}
"""Parts of one, or of a day, of which all values of a column may be multiples: four decimal places, or seconds."""

_RARE = 1000
"""Values of a category that are remembered, at most; a schema tells the 64 most frequent apart."""

_DAY = 86_400_000_000  # microseconds

_NO_BINS = Bins((), ())


@dataclass(frozen=True)
class Column:
    """What is remembered of one column.

    A date is modelled as the number of days since 1970. A number of few values is modelled as a category, all others by
    the bin that they lie in, and that a value is missing by a bin of its own.

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
    field : Field, optional
        How categories, and numbers of few values, are encoded.
    bins : Bins
        How all other numbers are; none at all beside a field.
    missing : bool
        Whether values were missing.

    Examples
    --------
    >>> column, cells = Column.of("age", np.array([30.0, 41.0, np.nan] * 5))
    >>> column.low, column.high, column.parts, column.missing
    (30.0, 41.0, 1, True)
    >>> indicators, place = column.encode(cells[:3])
    >>> column.back(indicators, place, np.random.default_rng(0)).tolist()
    [30.0, 41.0, nan]
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
    field: Field | None = None
    bins: Bins = _NO_BINS
    missing: bool = False

    @staticmethod
    def of(name: str, column: Array, levels: Mapping[str, Any] | None = None) -> tuple[Column, Array]:
        """Return what is to be remembered of a training column (N,), and its cells; see `cells`.

        `levels` says what the user has for the texts of a categorical type.

        Raises
        ------
        DataError
            If numbers are infinite, or too far apart.
        """
        content, cells = read_column(name, column)
        if content == "category":
            texts = _of_texts(name, cells, levels or {}, column.dtype.kind == "b" or _booleans(column))
            return texts._with_field(cells), cells
        numbers = _days(cells) if content == "date" else cells
        if np.isinf(numbers).any():
            raise endless(name)
        here = numbers[np.isfinite(numbers)].astype(np.float64)
        listed = _listed(name, here) if content == "number" else None
        if listed is not None:
            texts = listed.cells(cells)
            return listed._with_field(texts), texts
        missing = Field.of(name, "number", numbers).missing  # which looks for numbers too far apart, too
        low, high = (float(here.min()), float(here.max())) if len(here) else (0.0, 0.0)
        few = (parts for parts in _PARTS[content] if _multiples(here[:1000], parts))
        parts = next((parts for parts in few if _multiples(here, parts)), None)
        bins = Bins.of(here, parts)
        return Column(name, content, low, high, parts, not len(here), bins=bins, missing=missing), numbers

    @property
    def width(self) -> int:
        """How many indicators tell of it."""
        return self.field.width if self.field is not None else self.bins.width + self.missing

    def cells(self, column: Array) -> Array:
        """Return a column (N,) as numbers or texts, for the field.

        Raises
        ------
        DataTypeError
            If it holds something else than in training.
        DataError
            If it holds infinity where numbers were few.
        """
        cells = expected(self.name, self.content, column)
        if self.content == "number" and self.texts:
            each, place = np.unique(cells, return_inverse=True)
            if np.isinf(each).any():
                raise endless(self.name)
            return np.array([None if np.isnan(v) else _text(v) for v in each], dtype=object)[place]
        return _days(cells) if self.content == "date" else cells

    def encode(self, cells: Array) -> tuple[Array, Array]:
        """Return the indicators (N, width) of cells (N,), and at which place in their bin they lie (N,), 0 to 1.

        What is missing but never was in training has no indicator.

        Raises
        ------
        DataError
            If numbers are infinite.
        """
        indicators, place = np.zeros((len(cells), self.width)), np.full(len(cells), 0.5)
        if self.field is not None:
            self.field.encode(cells, indicators)
            return indicators, place
        if np.isinf(cells).any():
            raise endless(self.name)
        here = np.flatnonzero(present(cells))
        which, place[here] = self.bins.encode(cells[here].astype(np.float64))
        indicators[here, which] = 1
        if self.missing:
            indicators[:, -1] = ~present(cells)
        return indicators, place

    def back(self, indicators: Array, place: Array, rng: np.random.Generator) -> Array:
        """Return what `encode` gives, drawn or expected, as the user has cells (N,): numbers, objects or dates."""
        gone = indicators[:, -1] > 0.5 if self.missing and not self.empty else np.full(len(indicators), self.empty)
        if self.field is not None:
            values = self._chosen(self.field, indicators, rng)
            if self.content == "number":
                values = values.astype(np.float64)
            values[gone] = np.nan if self.content == "number" else None
            return values
        numbers = self.bins.decode(indicators[:, : self.bins.width], place)
        if self.parts is not None:
            numbers = _floored(numbers * self.parts) / self.parts + 0.0  # without negative zeros
        numbers = numbers.clip(self.low, self.high)
        numbers[gone] = np.nan
        return numbers if self.content == "number" else _dates(numbers)

    def log_density(self, indicators: Array, place: Array) -> Array:
        """Return how dense cells are within their bins (N,), in nats and units of the user."""
        found = np.zeros(len(place))
        if self.field is None:
            here = indicators[:, : self.bins.width].any(1)
            found[here] = self.bins.log_density(indicators[here].argmax(1), place[here])
        return found

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
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        field = None if self.field is None else self.field.to_json()
        return plain | {"field": field, "bins": self.bins.to_json()}

    @staticmethod
    def from_json(plain: dict[str, Any]) -> Column:
        """Return the column that `to_json` described.

        Raises
        ------
        FileError
            If its parts do not fit each other.
        """
        field = None if plain["field"] is None else Field.from_json(plain["field"])
        lists = {key: tuple(plain[key]) for key in ("texts", "values", "counts")}
        column = Column(**{**plain, **lists, "field": field, "bins": Bins.from_json(plain["bins"])})
        categories = () if field is None else field.categories
        sound = column.content in WORDS and isinstance(column.missing, bool)
        sound &= (field is None) == (not column.texts) and isinstance(column.name, str)
        sound &= field is None or (field.kind == "category" and field.missing == column.missing)
        sound &= len({len(each) for each in lists.values()}) == 1 and set(categories) <= set(column.texts)
        sound &= all(isinstance(count, int) and count > 0 for count in column.counts) and column.low <= column.high
        if not sound or column.parts not in (None, *_PARTS.get(column.content, ())):
            raise FileError(f"it does not describe the column {shorten(column.name)}")
        return column

    def _with_field(self, cells: Array) -> Column:
        field = Field.of(self.name, "category", cells)
        return replace(self, field=field, missing=field.missing)


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


def _floored(numbers: Array) -> Array:
    """Return the whole numbers that these are, but for rounding, or lie above: a bin ends where the next one begins."""
    return np.floor(numbers + 1e-3)


def _booleans(column: Array) -> bool:
    return column.dtype.kind == "O" and any(isinstance(value, bool | np.bool_) for value in column)


def _text(value: float) -> str:
    return repr(float(value) + 0.0)


def _days(dates: Array) -> Array:
    days = dates.astype("M8[us]").astype(np.int64) / _DAY
    return np.where(np.isnat(dates), np.nan, days)


def _dates(days: Array) -> Array:
    gone = np.isnan(days)
    dates = np.round(np.where(gone, 0, days) * _DAY).astype(np.int64).astype("M8[us]")
    dates[gone] = "NaT"
    return dates

"""Field: one column of a table of mixed columns, as numbers for a net and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from diabolo.check import Allowed, Flag, Number, OneOf, listed, shorten
from diabolo.data.categories import MOST, frequent
from diabolo.data.cells import Content, endless, present
from diabolo.data.moments import Moments
from diabolo.data.sentinels import warn_of_sentinels
from diabolo.data.standard import KNEE, restored, standardised
from diabolo.data.strays import without_strays
from diabolo.errors import DataError, FileError, warn

_OTHER = "other"  # stands for rarer categories, and for those never seen in training
_ROUNDING = 1e-14  # of the largest value: a spread below it is rounding, the column constant
_DAY, _YEAR = 86_400_000_000, 366  # microseconds, days
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Field:
    """What is known of one column since training.

    Numbers are standardised, and compressed beyond 3 standard deviations: ``sign(z)·(3 + log1p(|z| − 3))``. Categories
    are one-hot. Dates are cyclic, for absolute time is always new: √2 times sine and cosine of the time of day, the
    weekday and the day of the year. A missing value is 0 throughout, and 1 in the indicator, the last column.

    Parameters
    ----------
    name : str
        The column's name, as text.
    kind : {"number", "category", "date"}
        What it holds.
    shift, scale : float
        Of numbers: mean and standard deviation, of those that are no strays where there are such (see `number_fields`);
        of a constant: itself, and its magnitude or 1 if that is larger.
    categories : tuple of str
        The most frequent, at most 64, the most frequent first, then by name.
    missing : bool
        Whether some were missing in training, so that there is an indicator.
    clock : bool
        Of dates: whether one had a time other than midnight, so that there is a time of day.

    Examples
    --------
    >>> field = Field.of("city", "category", np.array(["Rome", "Oslo", "Rome", None], dtype=object))
    >>> field.parts
    ('city=Rome', 'city=Oslo', 'city=other', 'city missing')
    >>> Field.from_json(field.to_json()) == field
    True
    """

    name: str
    kind: Content
    shift: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()
    missing: bool = False
    clock: bool = False

    @staticmethod
    def of(name: str, kind: Content, values: np.ndarray, of_constants: float = 1.0) -> Field:
        """Return the field of a column (N,): numbers or NaN, str or None (as objects), or datetime64[us] or NaT.

        A constant is measured in `of_constants` times its magnitude; see `number_fields`.

        Raises
        ------
        DataError
            If numbers are infinite, or categories are as many as those of an identifier.

        Warns
        -----
        DiaboloWarning
            If all values are missing, or categories are numbers but for a few, or most rows have a rare one.
        """
        if kind == "number":
            return number_fields((name,), values[:, None], of_constants)[0]
        here = present(values)
        missing, seen = not here.all(), values[here]
        _warn_of_empty([] if seen.size else [name])
        if kind == "category":
            return Field(name, kind, categories=frequent(name, seen), missing=missing)
        return Field(name, kind, missing=missing, clock=bool((seen != seen.astype("M8[D]")).any()))

    @property
    def width(self) -> int:
        """The number of encoded columns."""
        return len(self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the encoded columns, for messages."""
        if self.kind == "number":
            names = [self.name]
        elif self.kind == "category":
            names = [f"{self.name}={category}" for category in (*self.categories, _OTHER)]
        else:
            cycles = (*(["time of day"] if self.clock else []), "weekday", "day of year")
            names = [f"{self.name} {cycle} {wave}" for cycle in cycles for wave in ("sine", "cosine")]
        return (*names, f"{self.name} missing") if self.missing else tuple(names)

    def encode(self, values: np.ndarray, out: np.ndarray, knee: float = KNEE) -> np.ndarray:
        """Write values (N,), as `of` takes them, into `out` (N, width), and return which are not missing (N,).

        Numbers are compressed beyond `knee` standard deviations.

        Raises
        ------
        DataError
            If numbers are infinite.

        Examples
        --------
        >>> out = np.empty((3, 1))
        >>> Field("age", "number", 40.0, 10.0).encode(np.array([30.0, np.nan, 45.0]), out).tolist(), out[:, 0].tolist()
        ([True, False, True], [-1.0, 0.0, 0.5])
        """
        here = present(values)
        out[:] = 0
        if self.kind == "number":
            out[:, :1] = standardised((self.name,), values[:, None], self.shift, self.scale, knee)[0]
        elif self.kind == "category":
            slots = {category: i for i, category in enumerate(self.categories)}
            out[np.flatnonzero(here), [slots.get(value, len(slots)) for value in values[here]]] = 1
        else:
            out[here, : self.width - self.missing] = _circles(values[here], self.clock)
        if self.missing:
            out[:, -1] = ~here
        return here

    def decode(self, encoded: np.ndarray, knee: float = KNEE) -> np.ndarray:
        """Return encoded columns (N, width), or a net's guess of them, in the user's terms (N,).

        Numbers are float64 in the user's units, categories are str, rare and unknown ones "other". Dates are not
        decoded, for their year is not encoded: they are texts such as "Tue 14:05, 12 Mar", or "Tue, 12 Mar" without a
        time of day. What the indicator says is missing is NaN or None.

        Examples
        --------
        >>> field = Field("city", "category", categories=("Rome", "Oslo"))
        >>> field.decode(np.array([[0.1, 0.7, 0.2], [0.0, 0.1, 0.9]])).tolist()
        ['Oslo', 'other']
        """
        if self.kind == "number":
            values = restored(encoded[:, 0], self.shift, self.scale, knee)
        elif self.kind == "category":
            names = np.array([*self.categories, _OTHER], dtype=object)
            values = names[encoded[:, : len(names)].argmax(1)]
        else:
            values = _when(encoded[:, : self.width - self.missing], self.clock)
        if self.missing:
            values[encoded[:, -1] > 0.5] = np.nan if self.kind == "number" else None
        return values

    def to_json(self) -> dict[str, Any]:
        """Return the field as plain JSON values."""
        return asdict(self) | {"categories": list(self.categories)}

    @staticmethod
    def from_json(plain: object) -> Field:
        """Return the field that `to_json` described.

        Raises
        ------
        FileError
            If it is no description of a field, or a value is outside what is allowed.
        """
        if not isinstance(plain, Mapping) or set(plain) != {"name", *_ALLOWED} or not isinstance(plain["name"], str):
            raise foreign(f"a field must have a name and {', '.join(_ALLOWED)}", plain)
        for key, allowed in _ALLOWED.items():
            if plain[key] not in allowed:
                raise foreign(f"{key!r} of a field must be {allowed}", plain[key])
        return Field(**{**plain, "categories": tuple(plain["categories"])})


class _Texts:
    def __contains__(self, value: Any) -> bool:
        texts = isinstance(value, list) and all(isinstance(text, str) for text in value)
        return texts and len(set(value)) == len(value) <= MOST

    def __str__(self) -> str:
        return f"at most {MOST} distinct texts"


_ALLOWED: dict[str, Allowed] = {
    "kind": OneOf("number", "category", "date"),
    "shift": Number(),
    "scale": Number(0, open_low=True),
    "categories": _Texts(),
    **dict.fromkeys(("missing", "clock"), Flag()),
}


def foreign(wanted: str, given: object) -> FileError:
    """Return the error for a description that is not as `wanted`."""
    text = shorten(given) if isinstance(given, str | int | float | None) else f"a {type(given).__name__}"
    return FileError(f"In the file, {wanted}; got {text}. It was edited or is foreign: save it anew.")


def number_fields(names: Sequence[str], array: np.ndarray, of_constants: float = 1.0) -> tuple[Field, ...]:
    """Return the fields of columns of numbers (N, F), NaN where missing.

    A constant is measured in `of_constants` times its magnitude, or in that itself if the magnitude is below 1. Where
    some values are so large that no net could tell the others apart, such as 99999999999 for unknown, mean and
    deviation are those of the others.

    Raises
    ------
    DataError
        If a column holds infinity, or numbers too far apart.

    Warns
    -----
    DiaboloWarning
        If a column is empty, or has numbers such as 999 that may stand for unknown.

    Examples
    --------
    >>> [(field.shift, field.scale) for field in number_fields(("a", "b"), np.array([[2.0, -5.0], [4.0, -5.0]]))]
    [(3.0, 1.0), (-5.0, 5.0)]
    """
    try:
        moments = Moments.of([array], ("real",))
    except DataError as error:
        raise endless(names[int(np.nanargmax(np.fmax.reduce(np.abs(array))))]) from error
    _warn_of_empty([name for name, count in zip(names, moments.count, strict=True) if not count])
    warn_of_sentinels(names, array, moments.low, moments.high)
    most = np.maximum(np.abs(moments.low), np.abs(moments.high))
    constant = moments.std <= _ROUNDING * most
    mean, std = without_strays(array, moments.mean, moments.std)
    shift = np.where(constant, moments.low, mean)  # not the mean: a constant comes back exactly
    scale = np.where(constant, of_constants * np.maximum(most, 1), std)  # a little beside a constant stays little
    each = zip(names, shift.tolist(), scale.tolist(), (moments.count < len(array)).tolist(), strict=True)
    return tuple(Field(name, "number", at, by, missing=missing) for name, at, by, missing in each)


def _warn_of_empty(names: list[str]) -> None:
    if names:
        message = f"All values are missing in column {listed(names)}; drop it, if that is not meant."
        warn(message)


def _circles(dates: np.ndarray, clock: bool) -> np.ndarray:
    days, years = dates.astype("M8[D]"), dates.astype("M8[Y]")
    since = (days - years).astype(np.int64)
    common = ((years + 1).astype("M8[D]") - years).astype(np.int64) < _YEAR
    since += common & (since >= 59)  # every year has a place for 29 Feb, so that each date has its own
    turns = [(days.astype(np.int64) + 3) % 7 / 7, since / _YEAR]
    if clock:
        turns.insert(0, (dates - days).astype(np.float64) / _DAY)
    angles = 2 * np.pi * np.stack(turns, 1)  # (N, 3) or (N, 2)
    return np.sqrt(2) * np.stack([np.sin(angles), np.cos(angles)], 2).reshape(len(dates), 2 * len(turns))


def _when(circles: np.ndarray, clock: bool) -> np.ndarray:
    turns = np.nan_to_num(np.arctan2(circles[:, 0::2], circles[:, 1::2])) / (2 * np.pi) % 1
    weekdays, days = np.rint(turns[:, -2] * 7).astype(int) % 7, np.rint(turns[:, -1] * _YEAR).astype(int) % _YEAR
    dates = np.arange("2000", "2001", dtype="M8[D]").astype(object)[days]  # of a leap year
    minutes = np.rint(turns[:, 0] * 1440).astype(int) % 1440
    times = [f" {minute // 60:02}:{minute % 60:02}" if clock else "" for minute in minutes]
    each = zip(weekdays, times, dates, strict=True)
    return np.array([f"{_DAYS[w]}{time}, {d.day} {_MONTHS[d.month - 1]}" for w, time, d in each], dtype=object)

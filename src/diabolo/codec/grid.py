"""From the values of a column to levels, whole numbers from 1 on, and back: exactly, or within an error."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.codec.alphabet import Levels
from diabolo.errors import FileError

_ONE = np.uint64(1)
_DIGITS = 12  # of decimals that are looked for
_MARGIN = 1 - 2.0**-12  # of a step, for rounding when a value is cast to its type
_FINEST = 2.0**40  # steps in a range beyond which they are finer than what is worth it
_WORDS = 2**11


class Grid(ABC):
    """What the levels of a column stand for. Level 0 is a missing value, whatever that is to the user."""

    kinds: ClassVar[dict[str, type[Grid]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Grid.kinds[cls.__name__] = cls

    @abstractmethod
    def levels(self, values: NDArray[Any]) -> Levels:
        """Return the level, 1 or more, of each value (N,); of those that have none, some level."""

    @abstractmethod
    def values(self, levels: Levels, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the value of each level (N,), in its type."""

    @abstractmethod
    def sound(self) -> bool:
        """Tell whether its fields are such as a column gives."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"grid": type(self).__name__, **asdict(self)}  # pyright: ignore[reportArgumentType]: each is a dataclass

    @staticmethod
    def from_json(plain: Any) -> Grid:
        """Return the grid that `to_json` described.

        Raises
        ------
        FileError
            If it is none.
        """
        try:
            kind = Grid.kinds[plain["grid"]]
            grid = kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in plain.items() if name != "grid"})
            if not grid.sound():
                raise ValueError("fields that no column gives")
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise FileError(f"The file describes a column that is none: {shorten(plain)}; it was edited.") from error
        return grid


@dataclass(frozen=True)
class Steps(Grid):
    """Multiples of a step from the lowest value on: within half a step of what was there.

    Examples
    --------
    >>> grid = Steps(0.0, 0.5)
    >>> grid.values(grid.levels(np.array([0.1, 0.9])), np.dtype(np.float64)).tolist()
    [0.0, 1.0]
    """

    low: float
    step: float

    def sound(self) -> bool:
        """Tell whether they are a number, and one above 0."""
        return type(self.low) is type(self.step) is float and math.isfinite(self.low) and 0 < self.step < math.inf

    def levels(self, values: NDArray[Any]) -> Levels:
        """Return the nearest step of each value."""
        with np.errstate(invalid="ignore", over="ignore"):
            steps = np.rint((values.astype(np.float64) - self.low) / self.step)
        return np.fmin(np.fmax(steps, 0.0), 2.0**52).astype(np.uint64) + _ONE  # what is not a number is 0

    def values(self, levels: Levels, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the steps."""
        with np.errstate(over="ignore"):
            return (self.low + _before(levels).astype(np.float64) * self.step).astype(dtype)


@dataclass(frozen=True)
class Whole(Grid):
    """Whole numbers: the multiples of a unit from the lowest value on.

    Examples
    --------
    >>> grid = Whole(-4, 2)
    >>> grid.levels(np.array([-4, 0])).tolist()
    [1, 3]
    """

    low: int
    unit: int

    def sound(self) -> bool:
        """Tell whether they are whole, of 64 bits, and one above 0."""
        return type(self.low) is type(self.unit) is int and -(2**63) <= self.low < 2**63 and 0 < self.unit < 2**64

    def levels(self, values: NDArray[Any]) -> Levels:
        """Return how many units each value lies above the lowest."""
        return (values.astype(np.int64) - np.int64(self.low)).view(np.uint64) // np.uint64(self.unit) + _ONE

    def values(self, levels: Levels, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the whole numbers."""
        return ((_before(levels) * np.uint64(self.unit)).view(np.int64) + np.int64(self.low)).astype(dtype)


@dataclass(frozen=True)
class Decimals(Grid):
    """Decimal fractions of so many digits, as prices are: whole numbers of their last digit.

    Examples
    --------
    >>> grid = Decimals(110, 2)
    >>> grid.levels(np.array([1.1, 1.25])).tolist(), grid.values(np.array([16], np.uint64), np.dtype(float)).tolist()
    ([1, 16], [1.25])
    """

    low: int
    digits: int

    def sound(self) -> bool:
        """Tell whether they are whole, and few digits."""
        return type(self.low) is type(self.digits) is int and abs(self.low) <= 2**53 and 0 <= self.digits <= _DIGITS

    def levels(self, values: NDArray[Any]) -> Levels:
        """Return how many last digits each value lies above the lowest."""
        with np.errstate(over="ignore"):
            return Steps(float(self.low), 1.0).levels(values.astype(np.float64) * 10.0**self.digits)

    def values(self, levels: Levels, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the fractions."""
        with np.errstate(over="ignore"):
            return ((_before(levels).astype(np.float64) + self.low) / 10.0**self.digits).astype(dtype)


@dataclass(frozen=True)
class Ordered(Grid):
    """All floating point numbers there are, in order, from the lowest value on.

    Examples
    --------
    >>> grid = Ordered(Ordered.rank(np.array([0.1], np.float32))[0].item())
    >>> grid.values(np.array([1, 2], np.uint64), np.dtype(np.float32)).tolist()
    [0.10000000149011612, 0.10000000894069672]
    """

    low: int

    @staticmethod
    def rank(values: NDArray[Any]) -> Levels:
        """Return the place of each number among those of its type: that of its bits, the negative ones reversed."""
        size = values.dtype.itemsize
        bits = values.view(f"u{size}").astype(np.uint64)
        sign = np.uint64(1 << (8 * size - 1))
        return np.where(bits & sign, np.uint64((1 << 8 * size) - 1) - bits, bits + sign)

    def sound(self) -> bool:
        """Tell whether they are whole, of 64 bits."""
        return type(self.low) is int and 0 <= self.low < 2**64

    def levels(self, values: NDArray[Any]) -> Levels:
        """Return how many numbers of its type each value lies above the lowest."""
        return np.maximum(self.rank(values), np.uint64(self.low)) - np.uint64(self.low) + _ONE

    def values(self, levels: Levels, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the numbers."""
        size = dtype.itemsize
        rank, sign = _before(levels) + np.uint64(self.low), np.uint64(1 << (8 * size - 1))
        bits = np.where(rank >= sign, rank - sign, np.uint64((1 << 8 * size) - 1) - rank)
        return bits.astype(f"u{size}").view(dtype)


@dataclass(frozen=True)
class Listed(Grid):
    """Words, or numbers without an order that tells anything, the most frequent first: values are places in the list.

    Examples
    --------
    >>> Listed(("Rome", "Oslo")).levels(np.array([1, 0])).tolist()
    [2, 1]
    """

    words: tuple[str, ...]

    def sound(self) -> bool:
        """Tell whether they are words."""
        return isinstance(self.words, tuple) and all(isinstance(word, str) for word in self.words)

    def levels(self, values: NDArray[Any]) -> Levels:
        """Return the place of each."""
        return values.astype(np.uint64) + _ONE

    def values(self, levels: Levels, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the places."""
        return np.minimum(_before(levels), np.uint64(max(0, len(self.words) - 1))).astype(dtype)


def of_numbers(values: NDArray[Any], error: float) -> Grid:
    """Return the grid of numbers (N,), none of them missing: whole ones exactly, others within an error, or 0.

    Examples
    --------
    >>> of_numbers(np.array([3, 6, 12]), 0.1), of_numbers(np.array([0.5, 2.25]), 0.0)
    (Whole(low=3, unit=3), Decimals(low=50, digits=2))
    """
    if values.dtype.kind in "iu":
        return _whole(values)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Steps(0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    step = float(f"{2 * error * _MARGIN:.5g}")  # few digits take few bytes
    if 0 < step < np.inf and (high - low) / step < _FINEST:
        return Steps(_shorter(low, step), step)
    return _decimals(finite) or Ordered(int(Ordered.rank(finite).min()))


def _shorter(low: float, step: float) -> float:
    """Return a number of few digits near the lowest value, which is no farther from it than a quarter of a step."""
    digits = math.ceil(math.log10(2) - math.log10(step))
    return round(low, digits) if digits < 300 else low


def _whole(values: NDArray[Any]) -> Grid:
    if not len(values):
        return Whole(0, 1)
    low = int(values.min())
    above = values.astype(np.int64) - np.int64(low) if low < 2**63 else values - values.min()
    unit = int(np.gcd.reduce(above.view(np.uint64) if above.dtype == np.int64 else above)) or 1
    return Whole(int(np.array(low, np.uint64 if low >= 2**63 else np.int64).view(np.int64)), unit)


def _decimals(values: NDArray[Any]) -> Grid | None:
    """Return the grid of decimal fractions if all values are exactly that, with signs of zero."""
    some, largest = values[:1000], float(np.abs(values).max())
    for digits in range(_DIGITS + 1):
        if largest * 10.0**digits >= 2**52:
            return None
        for part in (some, values):
            grid = Decimals(int(np.rint(float(part.min()) * 10.0**digits)), digits)
            same = grid.values(grid.levels(part), values.dtype)
            if not np.array_equal(same.view(f"u{values.dtype.itemsize}"), part.view(f"u{values.dtype.itemsize}")):
                break
        else:
            return grid
    return None


def of_words(words: Sequence[str], values: NDArray[Any]) -> Grid | None:
    """Return the grid of words that are at the places `values` (N,), or None where too many are there but once.

    Examples
    --------
    >>> of_words(["Oslo", "Rome"], np.array([1, 1, 0]))
    Listed(words=('Rome', 'Oslo'))
    """
    if len(words) > max(2, min(_WORDS, len(values) // 4)):
        return None
    order = np.argsort(-np.bincount(values, minlength=len(words)), kind="stable")
    return Listed(tuple(words[int(i)] for i in order))


def places(grid: Listed, words: Sequence[str]) -> NDArray[np.int64]:
    """Return where each of the words is in the list; 0 for those that are not.

    Examples
    --------
    >>> places(Listed(("Rome", "Oslo")), ["Oslo", "Bonn"]).tolist()
    [1, 0]
    """
    known: Mapping[str, int] = {word: i for i, word in enumerate(grid.words)}
    return np.array([known.get(word, 0) for word in words] or [0], np.int64)


def _before(levels: Levels) -> Levels:
    return np.maximum(levels, _ONE) - _ONE

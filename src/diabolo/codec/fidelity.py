"""How near what comes back is to what was there, as a value."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from diabolo.check import Number
from diabolo.codec.alphabet import Alphabet
from diabolo.codec.grid import of_numbers
from diabolo.errors import DataError
from diabolo.part import Part, knob

Numbers = NDArray[Any]
"""A column (N,), nothing missing."""


class Fidelity(Part, role="fidelities"):
    """What is promised of what comes back. Whole numbers, words and dates always come back exactly."""

    by_range: ClassVar[bool] = False
    """Whether the error that is allowed goes by the range of a column."""

    @abstractmethod
    def errors(self, columns: Sequence[Numbers]) -> list[float]:
        """Return the largest error that each column of floating point numbers may have; 0 where it must be exact.

        Raises
        ------
        DataError
            If no error would give what is wanted.
        """

    @abstractmethod
    def equation(self) -> str:
        """Return what is promised as a formula."""


@dataclass(frozen=True)
class Exact(Fidelity):
    """Everything comes back as it was, bit by bit."""

    def errors(self, columns: Sequence[Numbers]) -> list[float]:
        """Return 0 for each."""
        return [0.0] * len(columns)

    def equation(self) -> str:
        """Return the promise."""
        return "x̂ = x"


@dataclass(frozen=True)
class Absolute(Fidelity):
    """No number comes back farther than `error` from what it was.

    Examples
    --------
    >>> Absolute(1e-3).errors([np.arange(3.0)])
    [0.001]
    """

    error: float = knob(1e-3, Number(0, open_low=True), "largest error of a number, in its own unit")

    def errors(self, columns: Sequence[Numbers]) -> list[float]:
        """Return the error for each."""
        return [float(self.error)] * len(columns)

    def equation(self) -> str:
        """Return the promise."""
        return f"|x̂ − x| ≤ {self.error:g}"


@dataclass(frozen=True)
class Relative(Fidelity):
    """No number comes back farther from what it was than a share of the range of its column.

    Examples
    --------
    >>> Relative(1e-2).errors([np.array([0.0, 50.0])])
    [0.5]
    """

    by_range: ClassVar[bool] = True
    error: float = knob(
        1e-3, Number(0, 1, open_low=True), "largest error of a number, as a share of its column's range"
    )

    def errors(self, columns: Sequence[Numbers]) -> list[float]:
        """Return the share of each range."""
        return [self.error * _range(column) for column in columns]

    def equation(self) -> str:
        """Return the promise."""
        return f"|x̂ − x| ≤ {self.error:g} · range"


@dataclass(frozen=True)
class PSNR(Fidelity):
    """The peak signal-to-noise ratio of each column, or of images as a whole, is at least so many decibels.

    Examples
    --------
    >>> error = PSNR(40.0).errors([np.linspace(0, 1, 1001)])[0]
    >>> round(error, 3)  # 10^(-40/20) is the root mean square, and √3 times that the largest error
    0.016
    """

    by_range: ClassVar[bool] = True
    decibels: float = knob(40.0, Number(0, 400), "20·log10(range / root mean square error), at least")

    def errors(self, columns: Sequence[Numbers]) -> list[float]:
        """Return the largest error at which the root mean square error of each is small enough."""
        return [self._error(column) for column in columns]

    def _error(self, column: Numbers) -> float:
        allowed = _range(column) * 10 ** (-self.decibels / 20)
        finite, error = column[np.isfinite(column)], math.sqrt(3) * allowed
        while error > 0 and _root_mean_square(finite, error) > allowed:  # where values are no even mixture
            error *= 0.9  # until steps are so fine that the grid is exact
        return error

    def equation(self) -> str:
        """Return the promise."""
        return f"PSNR(x̂, x) ≥ {self.decibels:g} dB"


@dataclass(frozen=True)
class Rate(Fidelity):
    """As near as so many bits for each number, or pixel, allow, the head of a file, some 100 bytes, not counted.

    Examples
    --------
    >>> Rate(4.0).errors([np.linspace(0, 1, 10_000)])[0] < 1 / 30
    True
    """

    bits: float = knob(
        1.0, Number(0, 64, open_low=True), "bits for each number of a table, or pixel of an image, at most"
    )

    def errors(self, columns: Sequence[Numbers]) -> list[float]:
        """Return the smallest share of all ranges at which columns by themselves take no more bits, about."""
        ranges = [_range(column) for column in columns]
        low, high = 2.0**-30, 0.5
        if not columns or _bits(columns, ranges, high) > self.bits:
            raise DataError(
                f"Parameter 'bits' of Rate is {self.bits:g}, which is less than what must be exact takes; ask for more "
                "bits, or for an error."
            )
        for _ in range(20):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if _bits(columns, ranges, middle) <= self.bits else (middle, high)
        return [high * each for each in ranges]

    def equation(self) -> str:
        """Return the promise."""
        return f"bits ≤ {self.bits:g}"


def _range(column: Numbers) -> float:
    finite = column[np.isfinite(column)]
    spread = float(finite.max()) - float(finite.min()) if len(finite) else 0.0
    return spread if spread < 2.0**500 else 0.0  # beyond, squares are infinite: such a column is exact


def _root_mean_square(column: Numbers, error: float) -> float:
    grid = of_numbers(column, error)
    back = grid.values(grid.levels(column), column.dtype)
    return float(np.sqrt(np.mean((back.astype(np.float64) - column) ** 2)))


def _bits(columns: Sequence[Numbers], ranges: Sequence[float], share: float) -> float:
    """Return about how many bits a number takes, over columns that each have an error of a share of its range."""
    total = 0.0
    for column, each in zip(columns, ranges, strict=True):
        finite = column[np.isfinite(column)]
        levels = of_numbers(finite, share * each).levels(finite)
        total += Alphabet.of(levels).bits(levels) if len(levels) else 0.0
    return total / max(1, sum(map(len, columns)))

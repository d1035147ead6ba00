"""Whole numbers about a middle, told with the counts of logistic distributions of many scales."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.entropy import Reader, Writer

Integers = NDArray[np.int64]

LOWEST = -3.5
"""The logarithm of scale 0; each further scale is e^(1/8) times larger."""

SCALES = 69
"""How many scales there are."""

PARTS = 16
"""The middles of distributions are multiples of 1/16."""

FARTHEST = 2**15 - 1
"""The largest number that can be told."""

TOTAL = 2**22
"""What the counts of a distribution sum to, about."""

_BANDS = ((17, 3), (30, 15), (41, 63), (SCALES, 511))  # scales below the first have tables up to the second
_AT_ONCE = 2**14


class Band(NamedTuple):
    """Scales that share a size of table.

    Parameters
    ----------
    low, high : int
        The first scale, and the one after the last.
    most : int
        Numbers from −`most` to `most` about the middle have a count; the last count is that of all beyond.
    counts : ndarray of float64 (high - low, PARTS, 2·most + 2)
        By scale and by 8 + the part by which the middle is above a whole number.
    """

    low: int
    high: int
    most: int
    counts: NDArray[np.float64]


@cache
def bands() -> tuple[Band, ...]:
    """Return the tables of all scales.

    They are the same on every machine although logarithms are not: none is near the edge where it would be rounded to
    another whole number, as a test makes sure.

    Examples
    --------
    >>> [band.counts.shape for band in bands()]
    [(17, 16, 8), (13, 16, 32), (11, 16, 128), (28, 16, 1024)]
    """
    lows = (0, *(high for high, _ in _BANDS[:-1]))
    return tuple(
        Band(low, high, most, 1 + np.rint(TOTAL * masses(low, high, most)))
        for low, (high, most) in zip(lows, _BANDS, strict=True)
    )


def masses(low: int, high: int, most: int) -> NDArray[np.float64]:
    """Return the probabilities (high - low, PARTS, 2·most + 2) of numbers about the middle, and of all beyond.

    Examples
    --------
    >>> bool(np.allclose(masses(20, 25, 15).sum(-1), 1))
    True
    """
    narrow = np.exp(-(LOWEST + np.arange(low, high) / 8))[:, None, None]
    part = (np.arange(PARTS) - PARTS // 2)[:, None] / PARTS
    distance = np.abs(np.arange(-most, most + 1) - part)
    above, below = (0.5 - distance) * narrow, (0.5 + distance) * narrow
    each = -np.expm1(-narrow) / ((1 + np.exp(-above)) * (1 + np.exp(-below)))
    beyond = [1 / (1 + np.exp((most + 0.5 + sign * part) * narrow)) for sign in (1, -1)]
    return np.concatenate([each, sum(beyond)], -1)


def put(writer: Writer, numbers: Integers, middle: Integers, scale: Integers) -> None:
    """Append numbers (S,), given their middles (S,) in parts of 1/16 and their scales (S,) from 0 to SCALES - 1."""
    whole = _whole(middle)
    for band, some in _sorted(scale):
        symbols = _symbols(band, numbers[some] - whole[some])
        writer.put(symbols, _counts(band, middle[some], scale[some]))
        far = some[symbols == 2 * band.most + 1]
        writer.put_even(numbers[far] + FARTHEST, _even(len(far)))


def bits(numbers: Integers, middle: Integers, scale: Integers) -> float:
    """Return how many bits `put` takes for them, about.

    Examples
    --------
    >>> middle, scale = np.zeros(1000, np.int64), np.full(1000, 40)
    >>> numbers, writer = np.arange(1000) % 50 - 25, Writer()
    >>> put(writer, numbers, middle, scale)
    >>> bool(abs(bits(numbers, middle, scale) / 8 - len(writer.bytes())) < 10)
    True
    """
    whole, costs = _whole(middle), _costs()
    part, cost = middle - PARTS * whole + PARTS // 2, 0.0
    for band, each in zip(bands(), costs, strict=True):
        some = np.flatnonzero((scale >= band.low) & (scale < band.high))
        symbols = _symbols(band, numbers[some] - whole[some])
        cost += float(each[scale[some] - band.low, part[some], symbols].sum())
    return cost


def take(reader: Reader, middle: Integers, scale: Integers) -> Integers:
    """Return the next numbers (S,) of those that `put` appended.

    Raises
    ------
    FileError
        If the bytes cannot have been written so.
    """
    numbers = _whole(middle)
    for band, some in _sorted(scale):
        symbols = reader.take(_counts(band, middle[some], scale[some])).astype(np.int64)
        far = some[symbols == 2 * band.most + 1]
        numbers[some] += symbols - band.most
        numbers[far] = reader.take_even(_even(len(far))).astype(np.int64) - FARTHEST
    return numbers.clip(-FARTHEST, FARTHEST)


def _sorted(scale: Integers) -> list[tuple[Band, Integers]]:
    """Return which numbers go together: those of a band, no more at once than have room."""
    found = []
    for band in bands():
        some = np.flatnonzero((scale >= band.low) & (scale < band.high))
        room = max(1, _AT_ONCE * 32 // band.counts.shape[2])
        found += [(band, some[i : i + room]) for i in range(0, len(some), room)]
    return found


def _symbols(band: Band, apart: Integers) -> Integers:
    """Return what is told of numbers (S,) so far apart from their middles: the last symbol of those beyond."""
    return np.where(np.abs(apart) <= band.most, apart + band.most, 2 * band.most + 1)


@cache
def _costs() -> tuple[NDArray[np.float64], ...]:
    """Return what each symbol costs in bits, band by band; those beyond are told a second time."""
    found = []
    for band in bands():
        each = -np.log2(band.counts / band.counts.sum(-1, keepdims=True))
        each[:, :, -1] += np.log2(2 * FARTHEST + 1)
        found.append(each)
    return tuple(found)


def _whole(middle: Integers) -> Integers:
    return (middle + PARTS // 2) // PARTS


def _counts(band: Band, middle: Integers, scale: Integers) -> NDArray[np.float64]:
    part = middle - PARTS * _whole(middle) + PARTS // 2
    return band.counts[scale - band.low, part]


def _even(count: int) -> NDArray[Any]:
    return np.full(count, 2 * FARTHEST + 1, np.int32)

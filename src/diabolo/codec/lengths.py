"""Whole numbers told by their lengths in bits, of which short ones are expected at first, and then by their bits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.entropy import Reader, Symbols, Writer

Numbers = NDArray[np.uint64]
"""From 0 to 2⁶⁴ − 1."""

_STEP = 128
"""How much a length counts more each time that it is told, beside 64 for the shortest and 1 for the longest."""

_PART = 16  # bits that are told at a time


class Lengths:
    """How often each length in bits, from 0 to 64, is expected: what was told before is expected more.

    Examples
    --------
    >>> writer = Writer()
    >>> Lengths().put(writer, [5, 0, 6])
    >>> Lengths().take(Reader(writer.bytes()), 3).tolist()
    [5, 0, 6]
    """

    def __init__(self) -> None:
        self.counts = np.maximum(1, 64 >> np.arange(65) // 2)

    def bits(self, numbers: Sequence[int]) -> float:
        """Return what it would take to tell these numbers now."""
        counts, total, bits = self.counts.tolist(), int(self.counts.sum()), 0.0
        for length in map(int.bit_length, numbers):
            bits += math.log2(total / counts[length]) + max(0, length - 1)
            counts[length] += _STEP
            total += _STEP
        return bits

    def put(self, writer: Writer, numbers: Sequence[int]) -> None:
        """Append numbers from 0 to 2⁶⁴ − 1: all lengths, and then what is below the highest bit of each."""
        for number in numbers:
            writer.put(np.array([number.bit_length()]), self.counts)
            self.counts[number.bit_length()] += _STEP
        put_rest(writer, np.array(numbers, np.uint64))

    def take(self, reader: Reader, count: int) -> Numbers:
        """Return the next numbers."""
        found = np.zeros(count, np.int32)
        for i in range(count):
            found[i] = reader.take(self.counts, 1)[0]
            self.counts[found[i]] += _STEP
        return take_rest(reader, found)


def put_rest(writer: Writer, numbers: Numbers) -> None:
    """Append what is below the highest bit of numbers, 16 bits of all of them at a time, the upper ones first."""
    for shift, sizes, here in _parts(lengths(numbers)):
        writer.put_even((numbers[here] >> np.uint64(shift)) & (sizes - 1).astype(np.uint64), sizes)


def take_rest(reader: Reader, found: Symbols) -> Numbers:
    """Return the next numbers, of these lengths."""
    numbers = np.where(found > 0, np.uint64(1) << np.maximum(found - 1, 0).astype(np.uint64), np.uint64(0))
    for shift, sizes, here in _parts(found):
        numbers[here] += reader.take_even(sizes).astype(np.uint64) << np.uint64(shift)
    return numbers


def lengths(numbers: Numbers) -> Symbols:
    """Return how many bits each number has.

    Examples
    --------
    >>> lengths(np.array([0, 1, 2, 3, 2**64 - 1], np.uint64)).tolist()
    [0, 1, 2, 2, 64]
    """
    found = np.zeros(len(numbers), np.int32)
    for bits in (32, 16, 8, 4, 2, 1):
        found += bits * (numbers >> (found + bits - 1).astype(np.uint64) > 0)
    return found + (numbers >> found.astype(np.uint64) > 0)


def _parts(found: Symbols) -> list[tuple[int, Symbols, NDArray[np.int64]]]:
    """Return how the bits below the highest are told, part by part: how far shifted, sizes, and whose."""
    parts, below = [], found - 1
    for shift in range(64 - _PART, -1, -_PART):
        here = np.flatnonzero(below > shift)
        if len(here):
            parts.append((shift, (1 << np.minimum(below[here] - shift, _PART)).astype(np.int32), here))
    return parts

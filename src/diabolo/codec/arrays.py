"""Arrays of whole numbers in one coded stream, with the counts that they are told by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.entropy import Reader, Writer
from diabolo.codec.lengths import Lengths, Numbers, lengths, put_rest, take_rest
from diabolo.errors import FileError

MOST = 2**26
"""Numbers that are read, of all arrays together."""

_FEW = 2**12  # numbers that are told one by one
_DIMENSIONS = 32  # of an array, at most

_BITS, _EACH, _SIGNED, _KINDS = 0, 1, 2, 2
"""The ways; the number of kinds is added to the last."""

Integers = NDArray[np.int64]


class _Stream:
    """What both ends of a stream know: how often the numbers of each sort were there, and the last shape."""

    def __init__(self) -> None:
        self.ways, self.sizes, self.gaps, self.counts = (Lengths() for _ in range(4))
        self.shape: tuple[int, ...] = ()


class ArrayWriter:
    """Arrays in, bytes out.

    An array is told by its shape and then number by number, or by which kinds of number there are, how often each, and
    which is where; where there are very many kinds, by lengths told so, and then by bits. If that takes less, not the
    numbers are told but their steps from one to the next.

    Examples
    --------
    >>> writer = ArrayWriter()
    >>> writer.put(np.array([[0, 0, -3], [0, 1, 0]]))
    >>> len(writer.bytes()), ArrayReader(writer.bytes()).take().tolist()
    (8, [[0, 0, -3], [0, 1, 0]])
    """

    def __init__(self) -> None:
        self._writer, self._stream = Writer(), _Stream()

    def bytes(self) -> bytes:
        """Return all that was put."""
        return self._writer.bytes()

    def put(self, array: NDArray[Any]) -> None:
        """Append whole numbers of any shape."""
        stream, unsigned, flat = self._stream, array.dtype == np.uint64, np.ravel(array)
        flat = flat.view(np.int64) if unsigned else flat.astype(np.int64)
        steps = np.diff(flat, prepend=np.int64(0))
        (bits, way), (less, other) = self._least(flat), self._least(steps)
        again, stepped = array.shape == stream.shape, less < bits
        stream.ways.put(self._writer, [unsigned + 2 * stepped + 4 * (0 if again else array.ndim + 1)])
        stream.sizes.put(self._writer, () if again else array.shape)
        stream.shape = array.shape
        self._put(*((steps, other) if stepped else (flat, way)))

    def _least(self, flat: Integers) -> tuple[float, int]:
        """Return about how many bits numbers take in the way that takes the fewest, and that way."""
        kinds, counts = np.unique(flat, return_counts=True)
        if len(kinds) > _FEW:
            found = lengths(_unsigned(flat))
            return _entropy(np.unique(found, return_counts=True)[1]) + float(np.maximum(found - 1, 0).sum()), _BITS
        gaps, more = _gaps(kinds), (counts - 1).tolist()
        bits = 16.0 + self._stream.gaps.bits(gaps) + self._stream.counts.bits(more) + _entropy(counts)
        options = [(bits, _KINDS + len(kinds))]
        if len(flat) <= _FEW:
            way = _SIGNED if flat.min(initial=0) < 0 else _EACH
            options.append((Lengths().bits(_each(flat, way).tolist()), way))
        return min(options)

    def _put(self, flat: Integers, way: int) -> None:
        stream, writer = self._stream, self._writer
        stream.ways.put(writer, [way])
        if way == _BITS:
            numbers = _unsigned(flat)
            self._put(*_by_kinds(lengths(numbers).astype(np.int64)))
            put_rest(writer, numbers)
        elif way in (_EACH, _SIGNED):
            Lengths().put(writer, _each(flat, way).tolist())
        else:
            kinds, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
            stream.sizes.put(writer, _unsigned(kinds[:1]).tolist())
            stream.gaps.put(writer, _gaps(kinds))
            stream.counts.put(writer, (counts - 1).tolist())
            writer.put(inverse, counts)


class ArrayReader:
    """Bytes in, arrays out, in the order in which they were put.

    Parameters
    ----------
    data : bytes
        Of an `ArrayWriter`.

    Raises
    ------
    FileError
        If they are no such bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._reader, self._stream, self._left = Reader(data), _Stream(), MOST

    def take(self) -> NDArray[Any]:
        """Return the next array: of int64, or of uint64 where it was that.

        Raises
        ------
        FileError
            If the bytes tell of none.
        """
        stream = self._stream
        begin = self._one(stream.ways)
        dimensions, stepped, unsigned = begin // 4, begin // 2 % 2, begin % 2
        if dimensions > _DIMENSIONS + 1:
            raise FileError("A part of the file describes an array of no shape; copy it again.")
        if dimensions:
            stream.shape = tuple(stream.sizes.take(self._reader, dimensions - 1).tolist())
        if (count := math.prod(size or 1 for size in stream.shape)) > self._left:
            raise FileError(f"A part of the file describes {count} numbers, but at most {MOST} are read.")
        self._left -= count
        count = math.prod(stream.shape)
        flat = self._take(count, self._one(stream.ways))
        flat = np.cumsum(flat) if stepped else flat
        return (flat.view(np.uint64) if unsigned else flat).reshape(stream.shape)

    def _one(self, found: Lengths) -> int:
        return int(found.take(self._reader, 1)[0])

    def _take(self, count: int, way: int) -> Integers:
        if way > _KINDS + min(count, _FEW) or (way in (_EACH, _SIGNED) and count > _FEW):
            raise FileError("A part of the file describes an array that does not fit its shape; copy it again.")
        if way == _BITS:
            return self._by_bits(count)
        if way in (_EACH, _SIGNED):
            numbers = Lengths().take(self._reader, count)
            return _signed(numbers) if way == _SIGNED else numbers.view(np.int64)
        return self._by_kinds(count, way - _KINDS)

    def _by_bits(self, count: int) -> Integers:
        way = self._one(self._stream.ways)
        found = self._take(count, way) if way > _KINDS else np.array([-1])
        if not 0 <= found.min() <= found.max() <= 64:
            raise FileError("A part of the file describes numbers of no length; copy it again.")
        return _signed(take_rest(self._reader, found.astype(np.int32)))

    def _by_kinds(self, count: int, many: int) -> Integers:
        first = _signed(self._stream.sizes.take(self._reader, 1))
        gaps = self._stream.gaps.take(self._reader, many - 1) + np.uint64(1)
        counts = self._stream.counts.take(self._reader, many)
        if counts.max() >= count or int(counts.sum()) + many != count:
            raise FileError("A part of the file describes an array that does not fit its shape; copy it again.")
        kinds = np.cumsum(np.concatenate([first.view(np.uint64), gaps])).view(np.int64)
        return kinds[self._reader.take(counts.astype(np.int64) + 1, count)]


def _by_kinds(flat: Integers) -> tuple[Integers, int]:
    return flat, _KINDS + len(np.unique(flat))


def _gaps(kinds: Integers) -> list[int]:
    """Return how many numbers lie between each and the next of those that there are."""
    return (np.diff(kinds.view(np.uint64)) - np.uint64(1)).tolist()


def _entropy(counts: Integers) -> float:
    """Return how many bits it takes to tell which is where."""
    return float((counts * np.log2(counts.sum() / counts)).sum())


def _each(flat: Integers, way: int) -> Numbers:
    return _unsigned(flat) if way == _SIGNED else flat.view(np.uint64)


def _unsigned(numbers: Integers) -> Numbers:
    """Return 0, −1, 1, −2, … as 0, 1, 2, 3 and so on."""
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def _signed(numbers: Numbers) -> Integers:
    """Return 0, 1, 2, 3, … as 0, −1, 1, −2 and so on."""
    return ((numbers >> np.uint64(1)) ^ (np.uint64(0) - (numbers & np.uint64(1)))).view(np.int64)

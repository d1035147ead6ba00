"""Entropy coding: symbols to bytes and back, at the cost of −log₂ of what they were expected to be.

What is expected is whole numbers, counts: they, and with them the bytes, are the same on every machine. The range coder
itself is that of the package constriction.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data.package import package
from diabolo.errors import FileError

Symbols = NDArray[np.int32]
Counts = NDArray[Any]
"""Whole numbers > 0: (K,) for all symbols, or (S, K), a row for each."""

MOST = 2**24
"""What the counts of a symbol may sum to at most: so fine is the coder."""


class Writer:
    """Symbols in, bytes out.

    Examples
    --------
    >>> writer = Writer()
    >>> writer.put(np.array([0, 2, 2]), np.array([1, 1, 6]))
    >>> data = writer.bytes()
    >>> Reader(data).take(np.array([1, 1, 6]), 3).tolist()
    [0, 2, 2]
    """

    def __init__(self) -> None:
        self._coder = _queue().RangeEncoder()

    def put(self, symbols: NDArray[Any], counts: Counts) -> None:
        """Append symbols (S,) from 0 to K - 1, of which `counts` (K,) or (S, K) say how often each is expected."""
        if counts.shape[-1] > 1 and len(symbols):
            self._coder.encode(symbols.astype(np.int32, copy=False), *_model(counts))

    def put_even(self, symbols: NDArray[Any], sizes: Symbols) -> None:
        """Append symbols (S,) from 0 to their `sizes` (S,) less 1, all expected alike; a size is 2 to 2²⁴ − 1."""
        if len(symbols):
            self._coder.encode(symbols.astype(np.int32), _models().Uniform(), sizes)

    def copy(self) -> Writer:
        """Return another writer, with all that was put so far."""
        other = Writer()
        other._coder = self._coder.clone()
        return other

    def bytes(self) -> bytes:
        """Return all that was put, as bytes."""
        return self._coder.get_compressed().astype("<u4").tobytes()


class Reader:
    """Bytes in, symbols out, in the order and with the counts that they were put with.

    Parameters
    ----------
    data : bytes
        Of a `Writer`. Whether they are the right ones is for a checksum to say: what is read of others is anything.

    Raises
    ------
    FileError
        If they are no bytes of a writer.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) % 4:
            raise FileError(f"A coded stream holds whole numbers of 4 bytes; got {len(data)} bytes: copy it again.")
        self._coder = _queue().RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))

    def take(self, counts: Counts, size: int | None = None) -> Symbols:
        """Return the next symbols: `size` of them with counts (K,), or (S,) with counts (S, K).

        Raises
        ------
        FileError
            If the bytes cannot have been written with these counts.
        """
        count = len(counts) if size is None else size
        if counts.shape[-1] == 1 or not count:
            return np.zeros(count, np.int32)
        return self._decoded(*(_model(counts) if counts.ndim == 2 else (*_model(counts), count)))

    def take_even(self, sizes: Symbols) -> Symbols:
        """Return the next symbols of those that `Writer.put_even` appended.

        Raises
        ------
        FileError
            If the bytes cannot have been written so.
        """
        return self._decoded(_models().Uniform(), sizes) if len(sizes) else np.zeros(0, np.int32)

    def _decoded(self, *how: Any) -> Symbols:
        try:
            return self._coder.decode(*how)
        except (AssertionError, ValueError) as error:  # what constriction raises when bytes lead out of the range
            raise FileError(
                "A coded stream was changed or cut, or is decoded by another model; copy it again."
            ) from error


class Comparer:
    """Takes the place of a `Writer` whose bytes are there: they are read, and compared with what is put again.

    As all that was put before is the same, whoever does not know it reads the same with the same counts.

    Examples
    --------
    >>> writer, counts = Writer(), np.array([1, 1, 6])
    >>> writer.put(np.array([0, 2, 2]), counts)
    >>> for symbols in ([0, 2, 2], [0, 2, 1]):
    ...     comparer = Comparer(Reader(writer.bytes()))
    ...     comparer.put(np.array(symbols), counts)
    ...     comparer.same
    True
    False

    Parameters
    ----------
    reader : Reader
        Of the bytes.

    Raises
    ------
    FileError
        From `put`, if the bytes cannot have been written with such counts.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader, self.same = reader, True

    def put(self, symbols: NDArray[Any], counts: Counts) -> None:
        """Compare symbols (S,) with the next ones, as of `Writer.put`."""
        if self.same and counts.shape[-1] > 1:
            found = self._reader.take(counts, len(symbols) if counts.ndim == 1 else None)
            self.same = bool((found == symbols).all())

    def put_even(self, symbols: NDArray[Any], sizes: Symbols) -> None:
        """Compare symbols (S,) with the next ones, as of `Writer.put_even`."""
        if self.same:
            self.same = bool((self._reader.take_even(sizes) == symbols).all())


def _model(counts: Counts) -> tuple[Any, ...]:
    # whole numbers below 2**53 are exact in float64, so that nothing depends on the machine
    if counts.ndim == 2:
        return _family(), np.ascontiguousarray(counts, np.float64)
    return (_models().Categorical(np.ascontiguousarray(counts, np.float64), perfect=False),)


@cache
def _family() -> Any:
    return _models().Categorical(perfect=False)


@cache
def _models() -> ModuleType:
    return package("constriction", "codec").stream.model


def _queue() -> ModuleType:
    return package("constriction", "codec").stream.queue

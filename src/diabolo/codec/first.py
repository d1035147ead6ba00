"""Whole numbers and plain JSON as files of format 1 have them: they are read for ever, and no longer written."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.arrays import MOST
from diabolo.codec.entropy import Reader
from diabolo.codec.planes import together
from diabolo.codec.squeezed import expanded
from diabolo.errors import FileError


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what format 1 had packed: plain JSON, and arrays of int64, or of uint64 where they were that.

    Raises
    ------
    FileError
        If it is not that.
    """
    one, two = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4))
    arrays, at, kind = {}, 8 + one + two, 0
    try:
        plain, table = json.loads(expanded(data[8 : 8 + one], MOST))
        told = expanded(data[8 + one : at], MOST)
        kinds = together(told, len(told) // 8, np.int64)
        for name, shape, unsigned, count, size in table:
            about, code = kinds[kind : kind + 2 * count], data[at : at + size]
            arrays[str(name)] = _unpacked(about, code, _counted(shape), bool(unsigned)).reshape(shape)
            kind, at = kind + 2 * count, at + size
    except (ValueError, TypeError, RecursionError, OverflowError, MemoryError) as error:
        raise FileError(f"A part of the file describes no model ({error}); it was edited or is foreign.") from error
    if at != len(data) or kind != len(kinds) or not isinstance(plain, dict):
        raise FileError("A part of the file describes no model; it was edited or is foreign.")
    return plain, arrays


def _unpacked(kinds: NDArray[np.int64], code: bytes, count: int, unsigned: bool) -> NDArray[Any]:
    if not len(kinds):
        values = together(expanded(code, 8 * MOST), count, np.int64) if count else np.empty(0, np.int64)
    else:
        gaps, counts = np.split(kinds, 2)
        if counts.sum() != count or (counts < 1).any():
            raise FileError("A part of the file describes an array that does not fit its shape; copy it again.")
        values = np.cumsum(gaps)[Reader(code).take(counts, count)]
    return values.view(np.uint64) if unsigned else values


def _counted(shape: Any) -> int:
    if not isinstance(shape, list) or not all(type(size) is int and 0 <= size <= MOST for size in shape):
        raise FileError("A part of the file describes an array of no shape; it was edited or is foreign.")
    count = math.prod(shape)
    if count > MOST:
        raise FileError(f"A part of the file describes {count} numbers, but at most {MOST} are read.")
    return count

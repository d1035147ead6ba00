"""Whole numbers and plain JSON as few bytes: what a model is in a file."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec import first
from diabolo.codec.arrays import MOST, ArrayReader, ArrayWriter
from diabolo.codec.words import deflated, inflated
from diabolo.errors import FileError

_ARRAYS = 2**10  # at most

_FIRST, _PLACE = b"\x28\xb5\x2f\xfd", slice(8, 12)
"""What format 1 had there, and nothing else has: the first bytes of zstandard."""


def pack(plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return plain JSON, and arrays of whole numbers of any shape, as few bytes.

    Examples
    --------
    >>> data = pack({"job": "rows"}, {"weights": np.array([[0, 0, -3], [0, 1, 0]])})
    >>> plain, arrays = unpack(data)
    >>> plain, arrays["weights"].tolist()
    ({'job': 'rows'}, [[0, 0, -3], [0, 1, 0]])
    """
    writer = ArrayWriter()
    for array in arrays.values():
        writer.put(np.asarray(array))
    told = writer.bytes()
    about = [dict(plain), list(arrays), len(told) // 4]
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    while (data := deflated(text) + told)[_PLACE] == _FIRST:  # as good as never
        text += b" "
    return data


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what was packed, by format 1 too: plain JSON, and arrays of int64, or of uint64 where they were that.

    Raises
    ------
    FileError
        If it is not that.
    """
    if data[_PLACE] == _FIRST:
        return first.unpack(data)
    try:
        text, told = inflated(data, MOST)
        plain, names, words = json.loads(text)
        sound = isinstance(plain, dict) and len(told) == 4 * words and len(set(names)) == len(names) <= _ARRAYS
        reader = ArrayReader(told)
        arrays = {str(name): reader.take() for name in names} if sound else {}
    except (ValueError, TypeError, RecursionError, OverflowError, MemoryError, zlib.error) as error:
        raise FileError(f"A part of the file describes no model ({error}); it was edited or is foreign.") from error
    if not sound:
        raise FileError("A part of the file describes no model; it was edited or is foreign.")
    return plain, arrays

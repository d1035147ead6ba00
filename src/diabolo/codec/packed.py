"""Whole numbers and plain JSON as few bytes: what a model is in a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.entropy import Reader, Writer
from diabolo.codec.planes import planes, together
from diabolo.data.package import package
from diabolo.errors import FileError

MOST = 2**26
"""Numbers in an array, and bytes of JSON, that are read."""

_FEW = 2**12  # kinds of number that are counted one by one


def squeezed(data: bytes, level: int = 19) -> bytes:
    """Return bytes as zstandard has them, by default with much effort."""
    return package("zstandard", "codec").ZstdCompressor(level=level).compress(data)


def expanded(data: bytes, most: int) -> bytes:
    """Return what was `squeezed`, of at most so many bytes.

    Raises
    ------
    FileError
        If it is not that, or more.
    """
    zstandard = package("zstandard", "codec")
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if not 0 <= size <= most:
            raise FileError(f"A part of the file says that it holds {size} bytes, but {most} fit; copy it again.")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=most)
    except zstandard.ZstdError as error:
        raise FileError(f"A part of the file is no zstandard data ({error}); copy it again.") from error


def pack(plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return plain JSON, and arrays of whole numbers of any shape, as few bytes.

    Examples
    --------
    >>> data = pack({"job": "rows"}, {"weights": np.array([[0, 0, -3], [0, 1, 0]])})
    >>> plain, arrays = unpack(data)
    >>> plain, arrays["weights"].tolist()
    ({'job': 'rows'}, [[0, 0, -3], [0, 1, 0]])
    """
    table, kinds, codes = [], [np.empty(0, np.int64)], []
    for name, array in arrays.items():
        found, code = _packed(np.ravel(array))
        unsigned = int(np.asarray(array).dtype == np.uint64)
        table.append([name, list(np.shape(array)), unsigned, len(found) // 2, len(code)])
        kinds.append(found)
        codes.append(code)
    text = json.dumps([dict(plain), table], separators=(",", ":"), allow_nan=False).encode()
    parts = [squeezed(text), squeezed(planes(np.concatenate(kinds))), *codes]
    return b"".join(len(part).to_bytes(4, "little") for part in parts[:2]) + b"".join(parts)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what was packed: plain JSON, and arrays of int64, or of uint64 where they were that.

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


def _packed(flat: NDArray[Any]) -> tuple[NDArray[np.int64], bytes]:
    """Return the gaps between the kinds of number and how often each is there, and which is where.

    Where there are very many kinds, none are told, and all numbers are there as they are.
    """
    whole = flat.view(np.int64) if flat.dtype == np.uint64 else flat.astype(np.int64)
    kinds, inverse, counts = np.unique(whole, return_inverse=True, return_counts=True)
    if len(kinds) > _FEW:
        return np.empty(0, np.int64), squeezed(planes(whole))
    writer = Writer()
    writer.put(inverse, counts)
    return np.concatenate([np.diff(kinds, prepend=kinds[:0].sum()), counts]), writer.bytes()


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

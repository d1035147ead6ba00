"""A chunk of a table as bytes: its levels, told in the way that takes the fewest, and beside them what has none.

A byte for the way, and the levels' bytes alone, or four for their length, these, and the rest: columns that are kept
whole, and single values where what the levels stand for is not near enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.alphabet import Levels
from diabolo.codec.packed import pack, unpack
from diabolo.codec.planes import planes, together
from diabolo.codec.sheet import Column, Sheet
from diabolo.codec.squeezed import about, expanded, squeezed
from diabolo.errors import FileError

if TYPE_CHECKING:
    from diabolo.estimators.compression.tables import Tables

Shape = tuple[int, int]
Mend = tuple[int, NDArray[np.int64] | None, Column]
"""A column, the rows that are in place of its own, all if None, and what is there."""

EFFORT = 9
"""The level of zstandard."""

_LARGEST = 2**33  # bytes of a chunk when expanded
_REPEATS = 1.5  # times as many bytes with the least effort as with `EFFORT`; of levels of seven tables, 1.19 at most
_SURELY, _HEAD = 0.98, 64  # what is surely less than columns take: a share of what is expected, less so many bytes
_ALONE = 8  # added to a way where there is nothing beside


class Method(Protocol):
    """A way to tell levels."""

    def write(self, learnt: Tables, levels: Levels) -> bytes | None:
        """Return levels (N, D) as bytes, or None where this way is not open."""
        ...

    def read(self, learnt: Tables, code: bytes, shape: Shape) -> Levels:
        """Return the levels that became these bytes."""
        ...

    def holds(self, learnt: Tables, code: bytes, levels: Levels) -> bool:
        """Tell whether these bytes, just written, give levels (N, D) back."""
        return bool(np.array_equal(self.read(learnt, code, (len(levels), levels.shape[1])).T, levels.T))


class _ByColumns(Method):
    """Each column at the cost of its own entropy."""

    def write(self, learnt: Tables, levels: Levels) -> bytes:
        return learnt.counted.encode(levels)

    def read(self, learnt: Tables, code: bytes, shape: Shape) -> Levels:
        return learnt.counted.decode(code, shape)


class _ByCoding(Method):
    """At the cost that the net leaves."""

    def write(self, learnt: Tables, levels: Levels) -> bytes | None:
        return None if learnt.coding is None else learnt.coding.encode(levels)

    def read(self, learnt: Tables, code: bytes, shape: Shape) -> Levels:
        if learnt.coding is None:
            raise FileError("A chunk of the file needs a net that its model lacks; give the model that it names.")
        return learnt.coding.decode(code, shape)

    def holds(self, learnt: Tables, code: bytes, levels: Levels) -> bool:
        return learnt.coding is not None and learnt.coding.holds(code, levels)


class _ByRepetition(Method):
    """As zstandard finds repetitions in the columns one after another, all first bytes first."""

    def write(self, learnt: Tables, levels: Levels) -> bytes:
        wide, plain = _planes(levels)
        return bytes([wide]) + squeezed(plain, EFFORT)

    def read(self, learnt: Tables, code: bytes, shape: Shape) -> Levels:
        rows, columns = shape
        wide = code[0] if code else 0
        plain, size = expanded(code[1:], 8 * rows * columns), wide * rows
        each = [together(plain[at * size : (at + 1) * size], rows, np.uint64, wide) for at in range(columns)]
        if len(plain) != size * columns:
            raise FileError("A chunk of the file holds another number of values than it says; copy it again.")
        return np.stack(each, 1)


class _Not(Method):
    """Not at all: all columns are beside."""

    def write(self, learnt: Tables, levels: Levels) -> bytes | None:
        return None

    def read(self, learnt: Tables, code: bytes, shape: Shape) -> Levels:
        return np.zeros(shape, np.uint64)


_COLUMNS, _CODING, _REPETITION = _ByColumns(), _ByCoding(), _ByRepetition()

METHODS: tuple[Method, ...] = (_Not(), _COLUMNS, _CODING, _REPETITION)
"""The ways, by their number in a file."""


@dataclass(frozen=True)
class Coded:
    """Levels as bytes, and how.

    Parameters
    ----------
    method : int
        The place in `METHODS`.
    code : bytes
        What it made.
    saved : int
        How many bytes fewer than in any way without a net.
    """

    method: int
    code: bytes
    saved: int = 0


NOT = Coded(0, b"")
"""No levels at all."""


def shortest(learnt: Tables, levels: Levels) -> Coded:
    """Return levels (N, D), all known, told in the way that takes the fewest bytes: these have been read back.

    What would clearly take more is not written at all.
    """
    columns = learnt.counted.bits(levels) / 8
    codes: dict[Method, bytes] = {}
    if (code := _CODING.write(learnt, levels)) is not None:
        codes[_CODING] = code
    if about(_planes(levels)[1]) < _REPEATS * columns:
        codes[_REPETITION] = _REPETITION.write(learnt, levels)
    without = min([len(code) for way, code in codes.items() if way is not _CODING], default=columns)
    if min(map(len, codes.values()), default=np.inf) > _SURELY * columns - _HEAD:
        codes[_COLUMNS] = _COLUMNS.write(learnt, levels)
    for way in (*sorted(codes, key=lambda each: len(codes[each])), _COLUMNS):  # these at last, if none gives them back
        code = codes.get(way) or _COLUMNS.write(learnt, levels)
        if _held(way, learnt, code, levels):
            return Coded(METHODS.index(way), code, max(0, int(min(without, columns)) - len(code)))
    raise FileError("No way to tell the levels of a chunk gives them back; please report this, with the table.")


def _held(way: Method, learnt: Tables, code: bytes, levels: Levels) -> bool:
    try:
        return way.holds(learnt, code, levels)
    except FileError:
        return False


def _planes(levels: Levels) -> tuple[int, bytes]:
    """Return how many bytes a level has, and the columns one after another, all first bytes first."""
    wide = max(1, (int(levels.max(initial=0)).bit_length() + 7) // 8)
    return wide, b"".join(planes(column, wide) for column in levels.T)


def joined(coded: Coded, beside: bytes) -> bytes:
    """Return the bytes of a chunk."""
    if not beside:
        return bytes([_ALONE + coded.method]) + coded.code
    return bytes([coded.method]) + len(coded.code).to_bytes(4, "little") + coded.code + beside


def parted(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the way, the bytes of the levels, and the rest.

    Raises
    ------
    FileError
        If they are no bytes of a chunk.
    """
    if data and _ALONE <= data[0] < _ALONE + len(METHODS):
        return data[0] - _ALONE, data[1:], b""
    size = int.from_bytes(data[1:5], "little")
    if len(data) < 5 + size or data[0] >= len(METHODS):
        raise FileError("A chunk of the file is cut, or told in a way that this diabolo does not know; upgrade it.")
    return data[0], data[5 : 5 + size], data[5 + size :]


def mended(sheet: Sheet, mends: Sequence[Mend], begins: Sequence[int] = ()) -> bytes:
    """Return what is beside the levels as bytes; steps from row to row begin at `begins`."""
    if not mends and not begins:
        return b""
    blobs = [sheet.as_bytes(kept) for _, _, kept in mends]
    table = [[i, -1 if at is None else len(at), len(blob)] for (i, at, _), blob in zip(mends, blobs, strict=True)]
    rows = [np.diff(at, prepend=0) for _, at, _ in mends if at is not None]
    head = pack({"mends": table, "begins": list(begins)}, {"rows": np.concatenate([np.empty(0, np.int64), *rows])})
    return len(head).to_bytes(4, "little") + head + squeezed(b"".join(blobs), EFFORT)


def mends(sheet: Sheet, data: bytes, rows: int) -> tuple[list[Mend], list[int]]:
    """Return what is beside the levels of a chunk of so many rows, and where steps from row to row begin.

    Raises
    ------
    FileError
        If the bytes are of nothing such.
    """
    if not data:
        return [], []
    size = int.from_bytes(data[:4], "little")
    plain, arrays = unpack(data[4 : 4 + size])
    blob, gaps, at, row = expanded(data[4 + size :], _LARGEST), arrays.get("rows"), 0, 0
    begins, table, found = plain.get("begins"), plain.get("mends"), []
    if not _whole(begins) or not isinstance(table, list) or gaps is None or gaps.ndim != 1:
        raise FileError("A chunk of the file is mended in no way that is known; copy it again.")
    for each in table:
        if not _whole(each) or len(each) != 3 or not 0 <= each[0] < len(sheet.kinds) or each[2] < 0 or each[1] < -1:
            raise FileError("A chunk of the file mends what is not there; copy it again.")
        column, count, length = each
        kept = sheet.from_bytes(column, blob[at : at + length])
        where = None if count < 0 else np.cumsum(gaps[row : row + count])
        if where is not None and (len(where) != len(kept) or (count and not 0 <= where.min() <= where.max() < rows)):
            raise FileError("A chunk of the file mends rows that are not there; copy it again.")
        found.append((column, where, kept))
        at, row = at + length, row + max(count, 0)
    return found, begins


def _whole(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(each) is int and -(2**63) <= each < 2**63 for each in value)

"""Tables and series as chunks of bytes, and back: what was learned of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.alphabet import Levels
from diabolo.codec.alphabets import Alphabets
from diabolo.codec.fidelity import Fidelity
from diabolo.codec.sheet import Cells, Column, Sheet
from diabolo.codec.squeezed import about
from diabolo.coders import Auto, Coder, Coding, Setting
from diabolo.coders.columns import Columns, Counted
from diabolo.data import Form
from diabolo.data.form import NumpyForm
from diabolo.errors import DataError, FileError, ParameterError
from diabolo.estimators.compression import chunk
from diabolo.estimators.compression.flattening import flat, rows_in, shaped
from diabolo.estimators.compression.leveling import Leveling
from diabolo.estimators.compression.packing import Packing, State, Tally
from diabolo.estimators.compression.pieces import Pieces, runs
from diabolo.files import under
from diabolo.part import from_json
from diabolo.training import History

_CELLS = 2**22
"""Values in a chunk at most."""

_MANY = 8
"""One of so many rows that have no level of their own, and a column is kept whole."""

_PLAINER = 2
"""Times as many bytes as columns that are kept whole take with the least effort; of seven tables, 1.66 at most."""

_LEARNT = 2**23
"""Values that are learned from at most."""

_FEW = 256
"""Rows below which nothing but the columns themselves is learned."""

SHARED = ("gaps", "spans", "weights", "sizes", "cells", "groups")
"""The arrays of alphabets, which codings share."""


@dataclass(frozen=True, eq=False)
class Tables(Packing):
    """What was learned of tables of these columns, or of the points of series.

    Parameters
    ----------
    leveling : Leveling
        What the levels of each column stand for.
    counted : Counted
        How often each level is there.
    coding : Coding, optional
        What the columns say of each other, if that is worth it.
    used : Coder
        What learned that.
    promised : str
        What comes back, as a formula.
    by_range : Fidelity, optional
        Of that, what goes by the ranges of columns, where ranges of other tables are to be looked at.
    """

    kind = "table"

    leveling: Leveling
    counted: Counted
    coding: Coding | None
    used: Coder
    promised: str
    by_range: Fidelity | None = None

    @staticmethod
    def suits(X: Any) -> bool:
        """Tell whether it is a table, whole or in pieces, series (N, T, C), or what else numpy makes numbers of."""
        try:
            return isinstance(X, Pieces) or not isinstance(Form.of(X), NumpyForm) or np.ndim(X) in (2, 3, 4)
        except ValueError:  # a ragged list
            return False

    @classmethod
    def learn(cls, X: Any, fidelity: Fidelity, coder: Coder, setting: Setting) -> Tables:
        """Learn from a table (N, D), series (N, T, C) or images (N, C, H, W)."""
        sheet, kept = X.some(_LEARNT) if isinstance(X, Pieces) else Sheet.of(flat(X))
        rows = X.rows if isinstance(X, Pieces) and X.rows is not None else len(kept[0]) if kept else 0
        if not rows:
            raise DataError("X must hold rows and columns to learn from; got none.")
        some = runs(kept, _LEARNT)
        if isinstance(X, np.memmap):  # columns of all rows would be copied into memory
            kept = [sheet.joined(parts) for parts in zip(*some, strict=True)]
        coder = coder.settled(cls.kind, exact=True) if isinstance(coder, Auto) else coder
        leveling = Leveling.of(sheet, kept, fidelity)
        levels = np.concatenate([leveling.of_columns(sheet, run) for run in some])
        counted = cast(Counted, Columns().learn(levels, setting))
        worth = len(levels) >= _FEW and counted.alphabets.wide and not isinstance(coder, Columns)
        coding = coder.learn(levels, setting) if worth else None
        learnt = cls(leveling, counted, coding, coder, fidelity.equation())
        return learnt if coding is None or learnt._pays(levels, rows) else learnt._without

    def at(self, fidelity: Fidelity) -> Tables:
        """Return itself, for the promise that it was learned for."""
        if fidelity.equation() != self.promised:
            raise ParameterError(
                f"Parameter 'fidelity' is {fidelity!r}, but the levels of the table were learned for {self.promised}; "
                "fit anew."
            )
        return replace(self, by_range=fidelity) if fidelity.by_range else self

    def chunks(self, X: Any, tally: Tally) -> tuple[dict[str, Any], Iterator[bytes]]:
        """Return what is to be known of a table, and its chunks; of pieces all is known once the chunks are made."""
        if isinstance(X, Pieces):
            return self._chunks_of(X, tally)
        sheet, kept = Sheet.of(flat(X))
        self.leveling.demand_same(sheet)
        if self.by_range is not None:
            self.leveling.warn_of_narrow(sheet, kept, self.by_range)
        count, size = len(kept[0]), max(1, _CELLS // len(self.leveling.columns))
        parts = ([column[at : at + size] for column in kept] for at in range(0, max(1, count), size))
        shape = [count, len(kept)] if hasattr(X, "columns") else list(np.shape(X))
        head = {"sheet": sheet.to_json(), "shape": shape} | ({"chunk_rows": size} if size < count else {})
        return head, (self._encoded(sheet, part, tally) for part in parts)

    def _chunks_of(self, pieces: Pieces, tally: Tally) -> tuple[dict[str, Any], Iterator[bytes]]:
        size = max(1, _CELLS // len(self.leveling.columns))
        blocks = pieces.blocks(size)
        sheet, first = next(blocks)
        self.leveling.demand_same(sheet)
        shape, head = [0, len(first)], dict[str, Any](sheet=sheet.unnumbered().to_json())

        def encoded() -> Iterator[bytes]:
            for _, kept in chain([(sheet, first)], blocks):
                shape[0] += len(kept[0])
                yield self._encoded(sheet, kept, tally)
            head["shape"] = shape
            if size < shape[0]:
                head["chunk_rows"] = size

        return head, encoded()

    def worth(self, tally: Tally) -> Tables:
        """Return itself, without a net that saved less than it takes."""
        if self.coding is None or tally.saved > len(self.model):  # most often, and then the other is not asked for
            return self
        return self if tally.saved > len(self.model) - len(self._without.model) else self._without

    def parts(self, head: dict[str, Any]) -> int:
        """Return how many chunks there are."""
        _, rows, size = self._sheet(head)
        return max(1, -(-rows // size))

    def part(self, head: dict[str, Any], number: int, chunk: bytes) -> Any:
        """Return the rows of a chunk, as a table."""
        sheet, rows, size = self._sheet(head)
        return sheet.table(self._decoded(sheet, chunk, min(size, rows - number * size)))

    def whole(self, head: dict[str, Any], chunks: Sequence[bytes]) -> Any:
        """Return the table, series or images that became these chunks."""
        sheet, rows, size = self._sheet(head)
        if self.parts(head) != len(chunks):
            raise FileError("The file says that it has another number of rows than its chunks hold; copy it again.")
        parts = [self._decoded(sheet, data, min(size, rows - i * size)) for i, data in enumerate(chunks)]
        columns = range(len(sheet.kinds))
        return shaped(sheet.table([sheet.joined([part[i] for part in parts]) for i in columns]), head["shape"])

    @property
    def promise(self) -> str:
        """What comes back; errors that go by a range go by that of what was learned from."""
        ranged = any(word in self.promised for word in ("range", "PSNR"))
        return f"{self.promised}, by what it learned from" if ranged else self.promised

    @property
    def coder(self) -> Coder:
        """What learned: columns by themselves where a net is not worth its bytes."""
        return Columns() if self.coding is None else self.used

    @property
    def history(self) -> History:
        """How a net was trained."""
        return History(stopped="solved") if self.coding is None else self.coding.history

    def state(self) -> State:
        """Return what was learned, to save: plain JSON, and arrays."""
        told, arrays = (None, {}) if self.coding is None else self.coding.state()
        arrays = {f"coding.{name}": value for name, value in arrays.items() if name not in SHARED}
        plain = {"coder": self.used.to_json(), "promise": self.promised, "coding": told}
        return self.leveling.to_json() | plain, self.counted.alphabets.arrays() | arrays

    @classmethod
    def restore(cls, plain: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Tables:
        """Return what `state` described."""
        leveling = Leveling.from_json(plain)
        try:
            coder, told, promised = from_json(plain["coder"]), plain["coding"], str(plain["promise"])
            alphabets = {name: arrays[name] for name in SHARED}
        except (LookupError, ParameterError) as error:
            raise FileError(f"The file describes no levels ({error}); it was edited or is foreign.") from error
        counted = Counted(Alphabets.from_arrays(alphabets))
        if len(counted.alphabets.each) != max(1, len(leveling.leveled)) or not isinstance(coder, Coder):
            raise FileError("The file describes levels that do not fit its columns; it was edited or is foreign.")
        coding = None if told is None else coder.restore(told, alphabets | under("coding.", arrays))
        return cls(leveling, counted, coding, coder, promised)

    def _sheet(self, head: dict[str, Any]) -> tuple[Sheet, int, int]:
        """Return how the table of a file is kept, how many rows it has, and how many a chunk has."""
        sheet, shape = Sheet.from_json(head["sheet"]), head["shape"]
        whole = all(type(each) is int and each >= 0 for each in shape)
        rows = head.get("rows", rows_in(shape)) if whole else -1  # format 1 had them beside the shape
        size, most = head.get("chunk_rows", max(1, rows)), max(1, _CELLS // len(self.leveling.columns))
        if type(rows) is not int or type(size) is not int or rows < 0 or not 1 <= size <= most:
            raise FileError("The file says that it has an impossible number of rows; copy it again.")
        if not self.leveling.same(sheet):
            raise FileError("The file says that it has other columns than its model knows; copy it again.")
        if (rows, len(sheet.kinds)) != (rows_in(shape), shape[1 if len(shape) == 4 else -1]):
            raise FileError("The file says that its samples have another shape than its table; copy it again.")
        return sheet, rows, size

    def _encoded(self, sheet: Sheet, kept: list[Column], tally: Tally) -> bytes:
        """Return a chunk: its levels, what mends them, or all of it as it is if that takes fewer bytes."""
        rows, alphabets = len(kept[0]), self.counted.alphabets
        cells = [sheet.cells(i, column) for i, column in enumerate(kept[: len(self.leveling.columns)])]
        levels = alphabets.nearest(self.leveling.levels(cells, rows))
        beside = [i for i in range(len(kept)) if i not in self.leveling.leveled]
        mends: list[chunk.Mend] = [(i, None, kept[i]) for i in beside]
        for place, i in enumerate(self.leveling.leveled):
            wrong = self.leveling.wrong(sheet, i, cast(Cells, cells[i]), levels[:, place], tally)
            if len(wrong) > rows // _MANY:
                mends.append((i, None, kept[i]))
                levels[:, place] = alphabets.each[place].likeliest
            elif len(wrong):
                mends.append((i, wrong, sheet.some(kept[i], wrong)))
        tally.raw += sum(sheet.size(column) for column in kept)
        begins = [self.leveling.begin(each) for each, runs in zip(cells, self.leveling.running, strict=True) if runs]
        coded = chunk.shortest(self, levels)
        whole = chunk.joined(coded, chunk.mended(sheet, mends, begins))
        least = about(b"".join(map(sheet.as_bytes, kept))) / _PLAINER
        if least <= len(whole) + coded.saved:
            plain = chunk.joined(chunk.NOT, chunk.mended(sheet, [(i, None, column) for i, column in enumerate(kept)]))
            if len(plain) < len(whole):
                return plain
            least = len(plain)
        tally.saved += min(coded.saved, int(least) - len(whole))
        return whole

    def _decoded(self, sheet: Sheet, data: bytes, rows: int) -> list[Column]:
        """Return the columns of a chunk of so many rows."""
        method, code, beside = chunk.parted(data)
        leveled = self.leveling.leveled
        levels = chunk.METHODS[method].read(self, code, (rows, max(1, len(leveled))))
        columns: list[Any] = [None] * len(sheet.kinds)
        mends, begins = chunk.mends(sheet, beside, rows)
        first = dict(zip(np.flatnonzero(self.leveling.running).tolist(), begins, strict=False))
        for place, i in enumerate(leveled):
            columns[i] = sheet.kept(i, self.leveling.cells(sheet, i, levels[:, place], first.get(i, 0)))
        for i, at, kept in mends:
            columns[i] = kept if at is None else sheet.mended(columns[i], at, kept)
        if any(column is None or len(column) != rows for column in columns):
            raise FileError("A chunk of the file lacks a column, or has one of another length; copy it again.")
        return columns

    def _pays(self, levels: Levels, rows: int) -> bool:
        """Tell whether the net makes fewer bytes of so many rows than columns by themselves, its own ones included."""
        some = levels[: _CELLS // levels.shape[1]]
        with_net, without = (len(each.encode(some)) for each in (cast(Coding, self.coding), self.counted))
        saved = (without - with_net) * rows / len(some)
        return saved > len(self.model) - len(self._without.model)

    @cached_property
    def _without(self) -> Tables:
        return replace(self, coding=None)

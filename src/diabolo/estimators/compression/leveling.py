"""The columns of a table as levels, and back: what each level stands for, and where that is not near enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diabolo.check import listed
from diabolo.codec.alphabet import Alphabet, Levels
from diabolo.codec.fidelity import Fidelity
from diabolo.codec.grid import Grid, Listed, Whole, of_numbers, of_words, places
from diabolo.codec.sheet import Cells, Column, Sheet
from diabolo.errors import DataError, FileError, warn
from diabolo.estimators.compression.packing import Tally

_FEW = 64
"""Rows below which steps are not looked at."""

_WORTH = 0.7
"""The share of bits that steps may take, to be taken for the values."""

_NARROW = 0.1
"""The share of what was allowed in training below which a table is warned of."""


@dataclass(frozen=True, eq=False)
class Leveling:
    """What is known of D columns.

    Parameters
    ----------
    columns : list of (str, str)
        Name and type of each.
    grids : list of Grid or None
        What the levels of each stand for; None for columns that are kept as they are.
    errors : list of float
        How far each value may be from what it was.
    running : list of bool
        Whether the levels of each are those of its steps from row to row, as of times and of numbers that count up.
    """

    columns: list[tuple[str, str]]
    grids: list[Grid | None]
    errors: list[float]
    running: list[bool]

    @staticmethod
    def of(sheet: Sheet, kept: Sequence[Column], fidelity: Fidelity) -> Leveling:
        """Return what the columns of a table tell of themselves.

        Raises
        ------
        DataError
            If the fidelity cannot be had.
        """
        cells = [sheet.cells(i, column) for i, column in enumerate(kept)]
        errors = _allowed(cells, fidelity)
        sizes = [8 * sheet.size(column) for column in kept]
        each = [_described(*about) for about in zip(cells, errors, sizes, strict=True)]
        return Leveling(sheet.kinds, [grid for grid, _ in each], errors, [running for _, running in each])

    @property
    def leveled(self) -> list[int]:
        """The columns that have levels."""
        return [i for i, grid in enumerate(self.grids) if grid is not None]

    def levels(self, cells: Sequence[Cells | None], rows: int) -> Levels:
        """Return the levels (N, D') of those columns; 0 where a value is missing, any where it has none.

        Where no column has levels, there is one column of none.
        """
        columns = []
        for grid, each, running in zip(self.grids, cells, self.running, strict=True):
            if grid is not None and each is not None:
                values = _steps(each) if running else each.values
                values = values if each.words is None else places(cast(Listed, grid), each.words)[values]
                columns.append(np.where(each.missing, np.uint64(0), grid.levels(values)))
        return np.stack(columns, 1) if columns else np.zeros((rows, 1), np.uint64)

    def of_columns(self, sheet: Sheet, kept: Sequence[Column]) -> Levels:
        """Return the levels (N, D') of the columns of a table, or of a run of its rows."""
        return self.levels([sheet.cells(i, column) for i, column in enumerate(kept)], len(kept[0]))

    def cells(self, sheet: Sheet, column: int, levels: Levels, begin: int = 0) -> Cells:
        """Return what the levels (N,) of a column stand for; steps from row to row begin at `begin`."""
        grid = cast(Grid, self.grids[column])
        if self.running[column]:
            steps = grid.values(levels, np.dtype(np.int64))
            return Cells((np.cumsum(steps) + np.int64(begin)).astype(sheet.dtype(column)), np.zeros(len(levels), bool))
        words = list(grid.words) if isinstance(grid, Listed) else None
        dtype = sheet.dtype(column) if words is None else np.dtype(np.int64)
        return Cells(grid.values(levels, dtype), levels == 0, words)

    def wrong(self, sheet: Sheet, column: int, cells: Cells, levels: Levels, tally: Tally) -> NDArray[np.int64]:
        """Return the rows of a column that do not come back from their levels as is promised."""
        back = self.cells(sheet, column, levels, self.begin(cells) if self.running[column] else 0)
        if cells.words is not None:
            words, others = (np.array([*(each.words or ()), ""], object) for each in (cells, back))
            same = words[cells.values] == others[back.values]
        elif self.errors[column]:
            with np.errstate(invalid="ignore"):  # infinities
                error = np.abs(back.values.astype(np.float64) - cells.values.astype(np.float64))
                same = error <= self.errors[column]
            worst = float(error[same & ~cells.missing].max(initial=0.0))
            tally.worst = max(tally.worst, min(_above(worst), self.errors[column]))
        else:
            bits = f"u{cells.values.dtype.itemsize}"
            same = back.values.view(bits) == cells.values.view(bits)
        return np.flatnonzero((cells.missing != back.missing) | ~(same | cells.missing))

    @staticmethod
    def begin(cells: Cells | None) -> int:
        """Return where the steps of a column begin: at its first value."""
        return int(cells.values[:1].astype(np.int64).sum()) if cells is not None else 0

    def same(self, sheet: Sheet) -> bool:
        """Tell whether a table has these columns; the index of its rows may be another one."""
        count = len(self.columns)
        return sheet.kinds[:count] == self.columns and len(sheet.kinds) - count in range(sheet.index + 1)

    def demand_same(self, sheet: Sheet) -> None:
        """Raise unless a table has these columns.

        Raises
        ------
        DataError
            If it has others.
        """
        if not self.same(sheet):
            was, now = ([f"{name} ({kind})" for name, kind in kinds] for kinds in (self.columns, sheet.kinds))
            lost, new = [each for each in was if each not in now], [each for each in now if each not in was]
            told = f"missing: {listed(lost)}, not known: {listed(new)}" if lost or new else f"got {listed(now)}"
            raise DataError(
                f"X must have the columns of training, of the same types and in the same order; {told}. Rename, "
                "convert or reorder them, or fit anew."
            )

    def warn_of_narrow(self, sheet: Sheet, kept: Sequence[Column], fidelity: Fidelity) -> None:
        """Warn if columns of a table are so much narrower than in training that what was an error is most of them."""
        numbers = zip(self.errors, kept, strict=False)  # an index may come after
        cells = [sheet.cells(i, column) if error else None for i, (error, column) in enumerate(numbers)]
        here = _allowed(cells, fidelity)
        each = zip(self.columns, here, self.errors, strict=True)
        narrow = [name for (name, _), now, then in each if 0 < now < _NARROW * then]
        if narrow:
            warn(
                f"The error that {fidelity!r} allows goes by the ranges of training, and those of {listed(narrow)} are "
                f"less than a tenth of these here. Fit to such a table, or choose Absolute."
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        grids = [grid and grid.to_json() for grid in self.grids]
        columns = [list(kind) for kind in self.columns]
        return {"columns": columns, "grids": grids, "errors": self.errors, "running": self.running}

    @staticmethod
    def from_json(plain: dict[str, Any]) -> Leveling:
        """Return what `to_json` described.

        Raises
        ------
        FileError
            If it is no such description.
        """
        try:
            columns = [(str(name), str(kind)) for name, kind in plain["columns"]]
            grids = [None if grid is None else Grid.from_json(grid) for grid in plain["grids"]]
            errors, running = [float(error) for error in plain["errors"]], [bool(each) for each in plain["running"]]
        except (LookupError, TypeError, ValueError) as error:
            raise FileError(f"The file describes no columns ({error}); it was edited or is foreign.") from error
        if not len(columns) == len(grids) == len(errors) == len(running) > 0:
            raise FileError("The file describes columns that do not fit each other; it was edited or is foreign.")
        return Leveling(columns, grids, errors, running)


def _above(error: float) -> float:
    """Return a number of four digits that is no smaller: it takes few bytes."""
    return float(f"{1.001 * error:.4g}")


def _steps(cells: Cells) -> NDArray[np.int64]:
    """Return the steps from row to row of whole numbers (N,), the first 0, whatever they wrap around."""
    values = cells.values.astype(np.int64)
    return np.diff(values, prepend=values[:1])


def _described(cells: Cells | None, error: float, size: int) -> tuple[Grid | None, bool]:
    """Return what the levels of a column of so many bits stand for, and whether they are those of its steps.

    There are none where they, and what it takes to list them, are no fewer bits.
    """
    grid = _grid(cells, error)
    if cells is None or grid is None:
        return None, False
    values = cells.values if cells.words is None else places(cast(Listed, grid), cells.words)[cells.values]
    bits = _bits(np.where(cells.missing, np.uint64(0), grid.levels(values)))
    if bits >= size:
        return None, False
    if isinstance(grid, Whole) and not cells.missing.any() and len(values) >= _FEW:
        steps = _steps(cells)
        of_steps = of_numbers(steps, 0.0)
        if _bits(of_steps.levels(steps)) < _WORTH * bits:
            return of_steps, True
    return grid, False


def _bits(levels: Levels) -> float:
    found, counts = np.unique(levels, return_counts=True)
    return Alphabet.of(levels).bits(found, counts)


def _allowed(cells: Sequence[Cells | None], fidelity: Fidelity) -> list[float]:
    """Return the error that each column may have: floating point numbers what is said, all others none."""
    numbers = [i for i, c in enumerate(cells) if c is not None and c.words is None and c.values.dtype.kind == "f"]
    allowed = dict(zip(numbers, fidelity.errors([_there(cells[i]) for i in numbers]), strict=True))
    return [allowed.get(i, 0.0) for i in range(len(cells))]


def _there(cells: Cells | None) -> NDArray[Any]:
    return np.empty(0) if cells is None else cells.values[~cells.missing]


def _grid(cells: Cells | None, error: float) -> Grid | None:
    if cells is None:
        return None
    there = _there(cells)
    return of_numbers(there, error) if cells.words is None else of_words(cells.words, there)

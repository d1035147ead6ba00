"""The columns of a table one by one: what each costs by itself, and how far its numbers are off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.alphabet import Levels
from diabolo.codec.sheet import Cells, Sheet
from diabolo.estimators.compression.tables import Tables


def points(X: NDArray[Any]) -> NDArray[Any]:
    """Return the points of series (N, T, C), or the pixels of images (N, C, H, W), as rows (N·…, C).

    Examples
    --------
    >>> points(np.zeros((2, 5, 3))).shape, points(np.zeros((2, 3, 4, 4))).shape
    ((10, 3), (32, 3))
    """
    last = np.moveaxis(X, 1, -1) if X.ndim == 4 else X
    return last.reshape(-1, last.shape[-1])


def levels(packing: Tables, X: Any) -> Levels:
    """Return the levels (N, D') of the columns that have such."""
    return packing.leveling.levels(_cells(X), len(X) if hasattr(X, "columns") else len(points(X)))


def bits(packing: Tables, X: Any) -> list[dict[str, Any]]:
    """Return what a value of each column that has levels costs by itself, the dearest column first."""
    leveling, alphabets = packing.leveling, packing.counted.alphabets
    each = alphabets.nearest(levels(packing, X))
    found: list[dict[str, Any]] = []
    for place, i in enumerate(leveling.leveled):
        name, kind = leveling.columns[i]
        cost = alphabets.each[place].bits(each[:, place]) / max(1, len(each))
        found.append({"column": name, "type": kind, "bits": cost, "error allowed": leveling.errors[i] or "none"})
    return sorted(found, key=lambda row: row["bits"], reverse=True)


def errors(packing: Tables, X: Any, back: Any) -> NDArray[np.float64]:
    """Return how far all finite numbers are off that may be, as shares of the largest error that each may have."""
    columns = zip(_cells(X), _cells(back), packing.leveling.errors, strict=True)
    shares = [_off(was, now) / most for was, now, most in columns if most and was is not None and now is not None]
    return np.concatenate([np.empty(0), *shares])


def _off(was: Cells, now: Cells) -> NDArray[np.float64]:
    there = np.isfinite(was.values) & ~was.missing
    return now.values[there].astype(np.float64) - was.values[there]


def _cells(X: Any) -> list[Cells | None]:
    """Return what each column holds."""
    sheet, kept = Sheet.of(X if hasattr(X, "columns") else points(X))
    return [sheet.cells(i, column) for i, column in enumerate(kept)]

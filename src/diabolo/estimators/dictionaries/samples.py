"""What samples stand for, to be shown to people: texts, numbers, pictures, series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.data import Form
from diabolo.errors import DataError

_LETTERS = 300
"""Letters of a text that are shown."""


@dataclass(frozen=True, eq=False)
class Samples:
    """What the samples that were looked at are to be shown as.

    Parameters
    ----------
    rows : ndarray (N,)
        The row of each in the user's data.
    shown : sequence, optional
        What the rows of the user's data stand for.
    """

    rows: NDArray[np.int64]
    shown: Any

    @classmethod
    def of(cls, array: NDArray[Any], y: Any, rows: NDArray[Any], count: int) -> Samples:
        """Return what the rows (N,) of `count` stand for by y, or by the samples (N, *shape) if they are pictures.

        Raises
        ------
        DataError
            If y does not hold one entry for each of all rows.

        Examples
        --------
        >>> samples = Samples.of(np.zeros((2, 3)), ["a", "b", "c", "d"], np.array([0, 2]), 4)
        >>> samples.label(1)
        {'sample': 'c'}
        """
        if y is None:
            pictures = dict(zip(rows.tolist(), array, strict=True)) if array.ndim == 4 else None
            return cls(rows, pictures)
        told = _indexed(y)
        if len(told) != count:
            raise DataError(f"y must hold one entry for each of {count} samples; got {len(told)}.")
        return cls(rows, told)

    def pictures(self, places: Iterable[int]) -> list[NDArray[Any]] | None:
        """Return the pictures (C, H, W) or series (T, C) of samples, None where they are something else."""
        entries = [None if self.shown is None else self.shown[int(self.rows[place])] for place in places]
        axes = {getattr(entry, "ndim", 0) for entry in entries}
        if len(axes) != 1 or not axes <= {2, 3} or any(0 in entry.shape for entry in entries if entry is not None):
            return None
        return [Form.of(entry).array(entry) for entry in entries]

    def label(self, place: int) -> dict[str, object]:
        """Return what a sample stands for as cells of a table: none where that is unknown."""
        if self.shown is None:
            return {}
        entry = self.shown[int(self.rows[place])]
        if isinstance(entry, np.generic):
            entry = entry.item()
        return {"sample": entry if isinstance(entry, int | float) else _short(entry)}


def _short(entry: object) -> str:
    text = str(entry)
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _indexed(y: Any) -> Any:
    """Return y as something to be asked by place."""
    if isinstance(y, str | bytes | Mapping) or not isinstance(y, Iterable):
        raise DataError(f"y must be a sequence with an entry for each sample; got {shorten(y)}.")
    asked: Any = getattr(y, "to_numpy", lambda: y)()  # a series of pandas is asked by its index
    return asked if hasattr(asked, "__getitem__") and hasattr(asked, "__len__") else list(asked)

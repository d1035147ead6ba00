"""What the points of a map are coloured by: a label or a number for each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data.cells import present, read_column
from diabolo.errors import DataError


def colours(y: Any, count: int) -> NDArray[Any]:
    """Return a number or a text for each of `count` samples, (N,); labels that are missing are one more.

    Raises
    ------
    DataError
        If there are not as many.

    Examples
    --------
    >>> colours(["a", None], 2).tolist(), colours([1, 2], 2).tolist()
    (['a', 'missing'], [1, 2])
    """
    found = np.asarray(y)
    if found.shape != (count,):
        raise DataError(
            f"Parameter 'y' of report must hold one label or number for each of {count} samples; got shape "
            f"{found.shape}. Give as many as there are, or the name of a column of a data frame."
        )
    if found.dtype.kind not in "OUS":
        return found
    cells = read_column("y", found)[1]
    return np.where(present(cells), cells, "missing").astype(str) if cells.dtype.kind == "O" else cells

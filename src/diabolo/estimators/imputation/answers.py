"""An imputer's answers about a table, in the form of that table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data import Form
from diabolo.errors import DataError
from diabolo.estimators.imputation.completing import completed, flagged
from diabolo.estimators.imputation.filling import best, drawn, ends, uncertainty
from diabolo.estimators.imputation.imputing import asked
from diabolo.estimators.tabular import taken

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer

Array = NDArray[Any]


def table(imputer: Imputer, X: Any, reset: bool = False) -> Any:
    """Return X, checked to be a table that an imputer takes.

    Raises
    ------
    DataError
        If it is none, or holds too few rows.
    """
    X = taken(imputer, X, reset)
    axes = len(X.shape) if hasattr(X, "shape") else np.ndim(X)
    if axes != 2:
        raise DataError(
            f"X must be a table (N, D) for an Imputer; got {axes} axes. Reshape it, with X.reshape(len(X), -1)."
        )
    return X


def cells_of(imputer: Imputer, X: Any) -> list[Array]:
    """Return the cells of X, one array (N,) for each column."""
    return imputer.gapped_.cells(table(imputer, X))


def filled(imputer: Imputer, X: Any) -> Any:
    """Return X with its missing cells filled, and indicators of them where those are wanted."""
    cells = cells_of(imputer, X)
    found = completed(X, *asked(imputer, cells, best(imputer, imputer.strategy)))
    flags = indicated(imputer)
    return flagged(found, cells, flags) if flags else found


def indicated(imputer: Imputer) -> list[int]:
    """Return which columns have an indicator."""
    return [i for i, column in enumerate(imputer.gapped_.columns) if column.missing and imputer.add_indicator]


def tables(imputer: Imputer, X: Any, n: int, seed: int | None) -> list[Any]:
    """Return X completed n times by draws."""
    rng, cells = np.random.default_rng(seed), cells_of(imputer, X)
    return [completed(X, *drawn(imputer, cells, rng)) for _ in range(n)]


def unsure(imputer: Imputer, X: Any) -> Any:
    """Return how uncertain each cell of X is, NaN in columns of which nothing is known."""
    cells = cells_of(imputer, X)
    found = np.zeros((len(cells[0]), len(cells)))
    for i, (rows, values) in enumerate(zip(*asked(imputer, cells, uncertainty), strict=True)):
        found[rows, i] = values
    found[:, [column.empty for column in imputer.gapped_.columns]] = np.nan
    return Form.of(X).back(found)


def between(imputer: Imputer, X: Any, coverage: float) -> tuple[Any, Any]:
    """Return X with its missing cells at the low ends of intervals, and at the high ends."""
    cells = cells_of(imputer, X)
    low, high = (completed(X, *asked(imputer, cells, ends(imputer, coverage, upper))) for upper in (False, True))
    return low, high

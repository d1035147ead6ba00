"""Pairs: interactions as a sparse matrix in which each pair of user and item is once."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from diabolo.errors import DataError, DataTypeError

_MOST = float(np.finfo(np.float32).max)


def triples(X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, column and weight (N,) of what a sparse matrix stores.

    Raises
    ------
    DataTypeError
        If it is no matrix of numbers.
    DataError
        If its indices are out of range.

    Examples
    --------
    >>> triples(csr_array([[0, 5]]))
    (array([0], dtype=int32), array([1], dtype=int32), array([5.]))
    """
    if X.ndim != 2 or X.dtype.kind not in "biuf":
        raise DataTypeError(
            f"X must be a matrix of numbers, users by items; got {X.dtype} of shape {X.shape}: convert it."
        )
    try:
        if hasattr(X, "check_format"):  # indices out of range would end the process
            X.check_format(full_check=True)
    except ValueError as error:
        raise DataError(f"X is no sound sparse matrix ({error}); build it anew.") from error
    X = X.tocoo()
    return X.row, X.col, X.data.astype(np.float64)


def matrix_of(
    rows: np.ndarray,
    columns: np.ndarray,
    weights: np.ndarray | None,
    times: np.ndarray | None,
    shape: tuple[int, int],
    threshold: float | None,
) -> tuple[csr_array, np.ndarray | None]:
    """Return the matrix of interactions (N,), each pair once, and the latest time of each in its order.

    Parameters
    ----------
    rows, columns : ndarray of int (N,)
        Numbers of users and items.
    weights : ndarray (N,), optional
        Those of a pair are summed; what is then 0 is left out. Not told, each is 1, and reaches any threshold.
    times : ndarray (N,), optional
        When each was.
    shape : tuple of int
        ``(U, I)``.
    threshold : float, optional
        Pairs whose largest weight reaches it weigh 1, and others are left out.

    Raises
    ------
    DataError
        If a weight is not finite, or negative without a threshold.

    Examples
    --------
    >>> rows, columns, weights, times = np.array([[0, 0, 0], [1, 0, 1], [2, 1, 3], [9, 7, 8]])
    >>> matrix, times = matrix_of(rows, columns, weights, times, (1, 3), None)
    >>> matrix.toarray().tolist(), times.tolist()
    ([[1.0, 5.0, 0.0]], [7, 9])
    """
    if weights is None:
        weights = np.full(len(rows), 1.0 if threshold is None else threshold)
    sound = np.abs(weights) <= _MOST if threshold is not None else (weights >= 0) & (weights <= _MOST)
    if not sound.all():
        raise DataError(
            f"Weights must be finite and not negative; got {weights[~sound][0]:g}: drop those interactions, or pass "
            "threshold to make likes of ratings."
        )
    pairs = rows.astype(np.int64) * shape[1] + columns
    if not (pairs[1:] > pairs[:-1]).all():
        order = np.argsort(pairs, kind="stable")
        pairs = pairs[order]
        firsts = np.flatnonzero(np.append(True, pairs[1:] != pairs[:-1]))
        pairs, weights = pairs[firsts], (np.add if threshold is None else np.maximum).reduceat(weights[order], firsts)
        times = times if times is None else np.maximum.reduceat(times[order], firsts)
    data = (np.minimum(weights, _MOST) if threshold is None else weights >= threshold).astype(np.float32)
    kept = data > 0
    rows, columns = np.divmod(pairs[kept], shape[1])
    narrow = np.int32 if max(len(rows), *shape) < 2**31 else np.int64  # half of the memory of a large matrix
    indptr = np.append(0, np.cumsum(np.bincount(rows, minlength=shape[0]))).astype(narrow)
    matrix = csr_array((data[kept], columns.astype(narrow), indptr), shape=shape)
    return matrix, times if times is None else times[kept]

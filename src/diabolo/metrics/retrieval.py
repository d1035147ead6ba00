"""Retrieval: whether codes find the neighbours that the vectors themselves have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, diags_array, issparse

from diabolo.check import Whole, demand
from diabolo.errors import DataError
from diabolo.metrics.arrays import demand_finite, points

_CELLS = 2**22
"""Cosines in memory at a time."""


def retrieval_recall(codes: Any, vectors: ArrayLike, k: int = 10) -> float:
    """Return the share of the k nearest others of each sample by its vector that are among the k nearest by its code.

    Near means a large cosine. 1 is perfect.

    Parameters
    ----------
    codes : sparse matrix or array (N, n)
        Codes of the samples, such as `Dictionary.transform` gives.
    vectors : array (N, D)
        The vectors themselves.
    k : int
        How many neighbours.

    Raises
    ------
    ParameterError
        If `k` is not at least 1, and less than the number of samples.
    DataError
        If there is not one code for each vector.

    Examples
    --------
    >>> vectors = np.eye(3)[[0, 0, 1, 1]] + 0.1 * np.eye(4, 3)
    >>> retrieval_recall(vectors @ np.diag([1.0, 2.0, 3.0]), vectors, k=1)
    1.0
    """
    dense = points("vectors", vectors)
    count = len(dense)
    if count < 2:
        raise DataError(f"vectors must hold at least 2 samples, to have neighbours; got {count}. Give more.")
    demand("k", "retrieval_recall", k, Whole(1, count - 1))
    sparse: Any = csr_array(codes) if issparse(codes) else points("codes", codes)
    if issparse(codes):
        demand_finite("codes", sparse)
    if sparse.shape[0] != count:
        raise DataError(f"codes must hold one for each of {count} vectors; got {sparse.shape[0]}.")
    step, hits = max(1, _CELLS // count), 0
    by_code, by_vector = _unit(sparse), _unit(dense)
    for start in range(0, count, step):
        rows = slice(start, start + step)
        found = _nearest(by_code[rows] @ by_code.T, start, k)
        truth = _nearest(by_vector[rows] @ by_vector.T, start, k)
        hits += sum(len(np.intersect1d(a, b)) for a, b in zip(found, truth, strict=True))
    return hits / (count * k)


def _unit(rows: Any) -> Any:
    """Return the rows, each divided by its length; those of zeros stay so."""
    if issparse(rows):
        lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).reshape(-1))
        return csr_array(diags_array(1 / np.maximum(lengths, 1e-300)) @ rows)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)


def _nearest(cosines: Any, start: int, k: int) -> NDArray[np.intp]:
    """Return the places of the k largest of each row, the sample itself left out."""
    cosines = cosines.toarray() if issparse(cosines) else cosines
    cosines[np.arange(len(cosines)), np.arange(start, start + len(cosines))] = -np.inf
    return np.argpartition(-cosines, k - 1, axis=1)[:, :k]

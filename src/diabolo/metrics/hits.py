"""Hits: for each user whether what was held out is in a ranked list of items, and how far up.

A list is a row of item numbers, best first; -1 fills up rows that end earlier. Users without targets have NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from diabolo.check import Whole, demand, shorten
from diabolo.errors import DataError, DataTypeError
from diabolo.metrics.arrays import Array

Found = NDArray[np.bool_]
"""Which places of the lists (B, K) are hits."""


def recall(ranked: np.ndarray, targets: csr_array, k: int) -> Array:
    """Return which share of each user's targets is among the first `k` items, (B,).

    Parameters
    ----------
    ranked : ndarray of int (B, K)
        Distinct item numbers, best first, -1 where there are no more; K >= k, unless there are fewer items.
    targets : csr_array (B, I)
        What was to be found: whatever is stored.
    k : int
        How many items of a list count.

    Raises
    ------
    ParameterError
        If `k` is not an integer >= 1.
    DataError
        If the shapes do not match, the lists are too short, or a number is no item or twice in a list.
    DataTypeError
        If `ranked` does not hold integers, or `targets` is not CSR.

    Examples
    --------
    >>> recall(np.array([[2, 0, 1]]), csr_array([[1, 0, 0, 1]]), 2)
    array([0.5])
    """
    return _recall(*hits(ranked, targets, k))


def capped_recall(ranked: np.ndarray, targets: csr_array, k: int) -> Array:
    """Return what share of the hits that `k` items can have the first `k` have, (B,): of k or all targets if fewer.

    Parameters and errors are those of `recall`.

    References
    ----------
    Liang, Krishnan, Hoffman, Jebara, "Variational autoencoders for collaborative filtering", WWW, 2018, section 4.1:
    there it is Recall@k.

    Examples
    --------
    >>> capped_recall(np.array([[2, 0, 1]]), csr_array([[1, 0, 0, 1]]), 1)
    array([0.])
    """
    return _capped_recall(*hits(ranked, targets, k))


def ndcg(ranked: np.ndarray, targets: csr_array, k: int) -> Array:
    """Return the normalised discounted cumulative gain of the first `k` items, (B,).

    A hit at rank r is worth 1 / log₂(r + 1), and the sum is divided by that of the best list of `k` items. Parameters
    and errors are those of `recall`.

    References
    ----------
    Järvelin, Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002, with gains of 0 and
    1, as in Liang et al., WWW, 2018.

    Examples
    --------
    >>> ndcg(np.array([[2, 0, 1], [0, 3, 1]]), csr_array([[1, 0, 0, 0], [1, 0, 0, 1]]), 3)
    array([0.63092975, 1.        ])
    """
    return _ndcg(*hits(ranked, targets, k))


def average_precision(ranked: np.ndarray, targets: csr_array, k: int) -> Array:
    """Return the precision at each hit among the first `k` items, summed and divided by the hits there can be, (B,).

    There can be as many as there are targets, `k` at most. Parameters and errors are those of `recall`.

    Examples
    --------
    >>> average_precision(np.array([[0, 2, 3]]), csr_array([[1, 0, 0, 1]]), 3)  # (1/1 + 2/3) / 2
    array([0.83333333])
    """
    return _average_precision(*hits(ranked, targets, k))


def reciprocal_rank(ranked: np.ndarray, targets: csr_array, k: int) -> Array:
    """Return one over the rank of the first hit, (B,): 0 if there is none among the first `k` items.

    Parameters and errors are those of `recall`.

    Examples
    --------
    >>> reciprocal_rank(np.array([[2, 0, 1]]), csr_array([[1, 1, 0, 0]]), 3)
    array([0.5])
    """
    return _reciprocal_rank(*hits(ranked, targets, k))


def hit_rate(ranked: np.ndarray, targets: csr_array, k: int) -> Array:
    """Return 1 for users with a hit among the first `k` items, and 0 for others, (B,).

    Parameters and errors are those of `recall`.

    Examples
    --------
    >>> hit_rate(np.array([[2, 0, 1]]), csr_array([[0, 0, 0, 1]]), 3)
    array([0.])
    """
    return _hit_rate(*hits(ranked, targets, k))


def hits(ranked: np.ndarray, targets: csr_array, k: int) -> tuple[Found, Array]:
    """Return which of the first `k` items of each list are targets (B, min(k, K)), and how many targets there are (B,).

    NaN stands for none. Parameters and errors are those of `recall`.

    Examples
    --------
    >>> hits(np.array([[2, 0, 1]]), csr_array([[1, 0, 0, 1]]), 2)
    (array([[False,  True]]), array([2.]))
    """
    demand("k", "a ranking", k, Whole(1))
    if not issparse(targets) or targets.format != "csr":
        raise DataTypeError(f"targets must be a SciPy CSR matrix (users, items); got {shorten(targets)}.")
    count, items = cast(tuple[int, int], targets.shape)
    ranked = lists(ranked, items)
    if len(ranked) != count or ranked.shape[1] < min(k, items):
        raise DataError(
            f"ranked must hold {count} lists, as targets, of {min(k, items)} items or more; got shape {ranked.shape}. "
            "Fill up shorter ones with -1."
        )
    if not targets.has_canonical_format:  # an item that is stored twice is one
        targets = targets.copy()
        targets.sum_duplicates()
    first = ranked[:, :k]
    counts = np.diff(targets.indptr)
    wanted = np.repeat(np.arange(count), counts) * items + targets.indices
    given = np.arange(count)[:, None] * items + first
    found = np.isin(given, wanted) & (first >= 0)
    return found, np.where(counts > 0, counts, np.nan)


def lists(ranked: np.ndarray, items: int) -> np.ndarray:
    """Return lists (B, K) of item numbers as they are.

    Raises
    ------
    DataError
        If the shape is another, or a number is not in [-1, items) or twice in a list.
    DataTypeError
        If they are not integers.

    Examples
    --------
    >>> lists(np.array([[3, 3]]), 4)
    Traceback (most recent call last):
    ...
    diabolo.errors.DataError: ranked must hold an item once in each list; got one twice in list 0.
    """
    ranked = np.asarray(ranked)
    if ranked.dtype.kind not in "iu" or ranked.ndim != 2:
        raise DataTypeError(f"ranked must hold item numbers, integers (B, K); got {ranked.dtype} {ranked.shape}.")
    if ranked.size and (ranked.min() < -1 or ranked.max() >= items):
        raise DataError(
            f"ranked must hold numbers of items, in [0, {items - 1}] or -1; got {ranked.min()} to {ranked.max()}."
        )
    ordered = np.sort(ranked, axis=1)
    twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(1)
    if twice.any():
        raise DataError(f"ranked must hold an item once in each list; got one twice in list {twice.argmax()}.")
    return ranked.astype(np.int64, copy=False)


def _recall(found: Found, counts: Array) -> Array:
    return found.sum(1) / counts


def _capped_recall(found: Found, counts: Array) -> Array:
    return found.sum(1) / np.minimum(counts, found.shape[1])


def _ndcg(found: Found, counts: Array) -> Array:
    gains = 1 / np.log2(np.arange(2, found.shape[1] + 2))
    best = np.append(np.nan, np.cumsum(gains))
    return found @ gains / best[np.minimum(np.nan_to_num(counts), len(gains)).astype(np.intp)]


def _average_precision(found: Found, counts: Array) -> Array:
    precision = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    return (precision * found).sum(1) / np.minimum(counts, found.shape[1])


def _reciprocal_rank(found: Found, counts: Array) -> Array:
    first = (found / np.arange(1, found.shape[1] + 1)).max(1, initial=0)
    return np.where(np.isnan(counts), np.nan, first)


def _hit_rate(found: Found, counts: Array) -> Array:
    return np.where(np.isnan(counts), np.nan, found.any(1))


MEASURES: dict[str, Callable[[Found, Array], Array]] = {
    "recall": _recall,
    "capped recall": _capped_recall,
    "ndcg": _ndcg,
    "average precision": _average_precision,
    "reciprocal rank": _reciprocal_rank,
    "hit rate": _hit_rate,
}
"""Of each user, from `hits`."""

"""Holding out interactions: what a recommender learns from, what it is told of a user, and what it is to find."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from diabolo.check import Number, Whole, demand, shorten
from diabolo.errors import DataError, DataTypeError

_SHARE = Number(0, 1, open_low=True, open_high=True)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Interactions in three parts, for B users that are tested.

    Parameters
    ----------
    train : csr_array (M, I)
        What a model learns from.
    histories : csr_array (B, I)
        What it is told of each tested user; never empty.
    targets : csr_array (B, I)
        What it is to find: never empty, and nothing of the history is in it.
    users : ndarray (B,)
        Which rows of the whole the tested users are.
    """

    train: csr_array
    histories: csr_array
    targets: csr_array
    users: np.ndarray


def strong(matrix: csr_array, users: float, share: float = 0.8, seed: int = 0) -> HeldOut:
    """Hold out whole users, who are told of in part when tested: strong generalisation.

    Parameters
    ----------
    matrix : csr_array (U, I)
        Interactions, without duplicates.
    users : int or float
        How many users to hold out, or which share of those with two items or more; others are never held out.
    share : float
        Which share of the items of a held-out user is told, drawn at random; at least one is told and one is not.
    seed : int
        The same gives the same parts.

    Returns
    -------
    HeldOut
        The users that train are the other rows, with all columns, in order.

    Raises
    ------
    ParameterError
        If `users` is no integer >= 1 and no number in (0, 1), or `share` is not in (0, 1).
    DataError
        If there are not that many users with two items, or none would be left to train on.
    DataTypeError
        If `matrix` is not CSR.

    References
    ----------
    Liang, Krishnan, Hoffman, Jebara, "Variational autoencoders for collaborative filtering", WWW, 2018, section 4.2;
    there users of less than five items are left out before.

    Examples
    --------
    >>> found = strong(csr_array(np.ones((10, 5))), users=2)
    >>> found.train.shape, found.histories.sum(1).tolist(), found.targets.sum(1).tolist()
    ((8, 5), [4.0, 4.0], [1.0, 1.0])
    """
    demand("users", "strong", users, Whole(1) if isinstance(users, Integral) else _SHARE)
    demand("share", "strong", share, _SHARE)
    matrix = _canonical(matrix)
    each = np.diff(matrix.indptr)
    able = np.flatnonzero(each >= 2)
    count = int(users) if isinstance(users, Integral) else max(1, round(users * len(able)))
    if count > len(able) or count >= len(each):
        raise DataError(
            f"Cannot hold out {count} of {len(each)} users, of whom {len(able)} have two items or more, and train on "
            "the others; hold out fewer."
        )
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(able, count, replace=False))
    others = np.ones(len(each), dtype=bool)
    others[chosen] = False
    held = matrix[chosen]
    hidden = _last(held, _counts(held, 1 - share), rng.random(held.nnz))
    return HeldOut(matrix[others], _part(held, ~hidden), _part(held, hidden), chosen)


def leave_out(matrix: csr_array, k: float = 1, times: np.ndarray | None = None, seed: int = 0) -> HeldOut:
    """Hold out `k` items of each user who has more: drawn at random, or the last ones where times are given.

    Parameters
    ----------
    matrix : csr_array (U, I)
        Interactions, without duplicates.
    k : int or float
        How many, or which share of the items of a user who has at least two: one at least, and never all.
    times : ndarray (nnz,), optional
        When each was, in the order of ``matrix.data``; of equal times any may come first.
    seed : int
        The same gives the same parts.

    Returns
    -------
    HeldOut
        All users train, with what is not held out; those of whom something is held out are tested.

    Raises
    ------
    ParameterError
        If `k` is no integer >= 1 and no number in (0, 1).
    DataError
        If no user has that many items and one more, or there is not one time for each interaction.
    DataTypeError
        If `matrix` is not CSR.

    Examples
    --------
    >>> found = leave_out(csr_array([[1, 1, 1], [0, 1, 0]]), times=np.array([5.0, 9.0, 7.0, 8.0]))
    >>> found.targets.toarray().tolist(), found.train.toarray().tolist(), found.users.tolist()
    ([[0, 1, 0]], [[1, 0, 1], [0, 1, 0]], [0])
    """
    demand("k", "leave_out", k, Whole(1) if isinstance(k, Integral) else _SHARE)
    matrix = _canonical(matrix)
    chance = np.random.default_rng(seed).random(matrix.nnz)
    keys = (chance,) if times is None else (chance, _demand_times(matrix, times))
    return _tested(matrix, _last(matrix, _counts(matrix, k), *keys))


def before(matrix: csr_array, times: np.ndarray, moment: float) -> HeldOut:
    """Train on what was before a moment, and test on what came after it.

    Parameters
    ----------
    matrix : csr_array (U, I)
        Interactions, without duplicates.
    times : ndarray (nnz,)
        When each was, in the order of ``matrix.data``.
    moment : float
        What is at that time or later is to be found.

    Returns
    -------
    HeldOut
        All users train, with what was before; those with interactions on both sides are tested.

    Raises
    ------
    ParameterError
        If `moment` is no number.
    DataError
        If no user has interactions on both sides, or there is not one time for each interaction.
    DataTypeError
        If `matrix` is not CSR.

    Examples
    --------
    >>> found = before(csr_array([[1, 1], [0, 1]]), np.array([5.0, 9.0, 9.0]), moment=6)
    >>> found.histories.toarray().tolist(), found.targets.toarray().tolist(), found.users.tolist()
    ([[1, 0]], [[0, 1]], [0])
    """
    demand("moment", "before", moment, Number())
    matrix = _canonical(matrix)
    return _tested(matrix, _demand_times(matrix, times) >= moment)


def _tested(matrix: csr_array, hidden: np.ndarray) -> HeldOut:
    """Return the parts where some interactions (nnz,) are hidden, of users that have both kinds."""
    train, targets = _part(matrix, ~hidden), _part(matrix, hidden)
    users = np.flatnonzero((np.diff(train.indptr) > 0) & (np.diff(targets.indptr) > 0))
    if not len(users):
        raise DataError("No user has both interactions to learn from and interactions to find; hold out fewer.")
    return HeldOut(train, train[users], targets[users], users)


def _counts(matrix: csr_array, k: float) -> np.ndarray:
    """Return how many items to hide of each user (U,): `k`, or that share, of those who keep one."""
    items = np.diff(matrix.indptr)
    # the little more: (1 - 0.8) * 5 is not quite 1 in float64
    counts = k if isinstance(k, Integral) else np.maximum(np.floor(k * items + 1e-9), 1)
    return np.where(items > counts, counts, 0).astype(np.int64)


def _last(matrix: csr_array, counts: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Tell which interactions (nnz,) are the last ones of a user, by the last key and then the one before."""
    items = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(len(items)), items)
    places = np.empty(matrix.nnz, dtype=np.int64)
    places[np.lexsort((*keys, rows))] = np.arange(matrix.nnz) - matrix.indptr[rows]
    return places >= (items - counts)[rows]


def _part(matrix: csr_array, kept: np.ndarray) -> csr_array:
    """Return the interactions that are kept (nnz,), in a matrix of the same shape."""
    indptr = np.append(0, np.cumsum(kept))[matrix.indptr]
    return csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def _canonical(matrix: Any) -> csr_array:
    if not issparse(matrix) or matrix.format != "csr":
        what = f"a {matrix.format} matrix" if issparse(matrix) else shorten(matrix)
        raise DataTypeError(f"matrix must be a SciPy CSR matrix (users, items); got {what}: pass csr_array(X).")
    if not matrix.has_canonical_format:
        raise DataError("matrix must hold each pair of user and item once, in order; call X.sum_duplicates() first.")
    return matrix if isinstance(matrix, csr_array) else csr_array(matrix)


def _demand_times(matrix: csr_array, times: np.ndarray) -> np.ndarray:
    if np.shape(times) != (matrix.nnz,):
        raise DataError(
            f"times must be one for each interaction, shape ({matrix.nnz},), in the order of matrix.data; got shape "
            f"{np.shape(times)}."
        )
    return np.asarray(times)

"""How good the recommendations for users are that were not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from diabolo.check import Many, Whole, demand, listed
from diabolo.data import Interactions, folded
from diabolo.data.holding_out import leave_out
from diabolo.errors import DataError, warn
from diabolo.estimators.recommendation.asking import Asked
from diabolo.metrics import Ranking
from diabolo.rankers import Scorer, ranked
from diabolo.rankers.ranker import Matrix

if TYPE_CHECKING:
    from diabolo.estimators.recommendation.recommender import Recommender

Array = NDArray[Any]


def parts(recommender: Recommender, X: Any, y: Any) -> tuple[Matrix, Matrix]:
    """Return the histories and the targets (B, I) of users: both as given, or a fifth of each history kept back.

    Raises
    ------
    DataError
        If y is of other users, or no history can be parted.

    Warns
    -----
    DiaboloWarning
        If targets were learned from.
    """
    asked = Asked.of(recommender, X)
    if y is None:
        if not (np.diff(asked.histories.indptr) >= 2).any():
            raise DataError("X must have at least one user with two known items, one of which is kept back; got none.")
        held = leave_out(asked.histories, 0.2)
        _warn_of_learned(recommender, asked.users[held.users], held.targets, asked.named)
        return held.histories, held.targets
    found = folded(y, recommender.interactions_.items, recommender.least)
    targets = _beside(asked, found)
    _warn_of_learned(recommender, asked.users, targets, asked.named)
    return asked.histories, targets


def _beside(asked: Asked, found: Interactions) -> Matrix:
    """Return the targets (B, I) of users: by their ids if they have such, by their order if not."""
    if np.array_equal(found.users.names, asked.users):
        return found.matrix
    if not asked.named or len(asked.users) == 0 or found.users.names.dtype != asked.users.dtype:
        raise DataError(
            f"y must be of the same {len(asked.users)} users as X, in the same order; got {len(found.users)}."
        )
    strange = np.setdiff1d(found.users.names, asked.users)
    if len(strange):
        raise DataError(
            f"y must be of users of X, of whom a history is known; got {listed(strange.tolist())} besides. Leave them "
            "out, with y[y['user'].isin(X['user'])] for instance."
        )
    places = found.users.find(asked.users)
    none = csr_array((1, found.matrix.shape[1]), dtype=found.matrix.dtype)
    return csr_array(vstack([found.matrix, none]))[np.where(places < 0, len(found.users), places)]


def _warn_of_learned(recommender: Recommender, users: Array, targets: Matrix, named: bool) -> None:
    """Warn if targets (B, I) of users (B,) are in what was learned: any by their ids, all if those are but numbers."""
    known, matrix = recommender.interactions_.users, recommender.interactions_.matrix
    if known.names.dtype != users.dtype:
        return
    rows = known.find(users)
    there = rows >= 0
    learned = (matrix[rows[there]] > 0).multiply(targets[there] > 0)
    if learned.nnz >= (1 if named else max(targets.nnz, 1)):
        count = np.count_nonzero(np.diff(learned.tocsr().indptr))
        warn(
            f"What is to be found of {count} of the {len(users)} users was learned from, so the measures are too high; "
            "leave these users out of fit, with X[~X['user'].isin(users)] for instance, or pass as y what they took "
            "since.",
        )


def judged(recommender: Recommender, scorer: Scorer, histories: Matrix, targets: Matrix, at: Sequence[int]) -> Ranking:
    """Return how good the lists of a scorer are."""
    demand("at", "evaluate", tuple(at) if isinstance(at, list) else at, Many(Whole(1)))
    at = sorted({min(k, scorer.items) for k in at})
    lists = [numbers for numbers, _ in ranked(scorer, histories, max(at, default=1), seen=histories)]
    matrix = recommender.interactions_.matrix
    popularity = np.bincount(matrix.indices, minlength=matrix.shape[1]) / matrix.shape[0]
    return Ranking.of(np.concatenate(lists), targets, popularity, at)

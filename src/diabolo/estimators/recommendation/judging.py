"""How good the recommendations for users are that were not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.check import Many, Whole, demand
from diabolo.data import folded
from diabolo.data.holding_out import leave_out
from diabolo.errors import DataError
from diabolo.estimators.recommendation.asking import Asked
from diabolo.metrics import Ranking
from diabolo.rankers import Scorer, ranked
from diabolo.rankers.ranker import Matrix

if TYPE_CHECKING:
    from diabolo.estimators.recommendation.recommender import Recommender


def parts(recommender: Recommender, X: Any, y: Any) -> tuple[Matrix, Matrix]:
    """Return the histories and the targets (B, I) of users: both as given, or a fifth of each history kept back.

    Raises
    ------
    DataError
        If y is of other users, or no history can be parted.
    """
    asked = Asked.of(recommender, X)
    if y is None:
        if not (np.diff(asked.histories.indptr) >= 2).any():
            raise DataError("X must have at least one user with two known items, one of which is kept back; got none.")
        held = leave_out(asked.histories, 0.2)
        return held.histories, held.targets
    users, targets = folded(y, recommender.interactions_.items, recommender.threshold)
    if not np.array_equal(users.names, asked.users):
        raise DataError(f"y must be of the same {len(asked.users)} users as X, in the same order; got {len(users)}.")
    return asked.histories, targets


def judged(recommender: Recommender, scorer: Scorer, histories: Matrix, targets: Matrix, at: Sequence[int]) -> Ranking:
    """Return how good the lists of a scorer are."""
    demand("at", "evaluate", tuple(at) if isinstance(at, list) else at, Many(Whole(1)))
    at = sorted({min(k, scorer.items) for k in at})
    lists = [numbers for numbers, _ in ranked(scorer, histories, max(at, default=1), seen=histories)]
    matrix = recommender.interactions_.matrix
    popularity = np.bincount(matrix.indices, minlength=matrix.shape[1]) / matrix.shape[0]
    return Ranking.of(np.concatenate(lists), targets, popularity, at)

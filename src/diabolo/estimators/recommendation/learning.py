"""How a recommender learns: what is open is chosen by users held out, then all users are learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from diabolo.data import Ids, Interactions
from diabolo.data.holding_out import strong
from diabolo.rankers import Held, Ranker, Scorer, Setting
from diabolo.rankers.ranker import Matrix
from diabolo.training import Training

_FEWEST = 100
"""Users with at least two items below which none are held out: too few to choose by."""

_MOST = 2000
"""Users held out at most: more would hardly choose better."""


def learned(ranker: Ranker, matrix: Matrix, setting: Setting) -> tuple[Ranker, Scorer]:
    """Return the ranker with what it left open chosen, and what it learned from the histories (U, I)."""
    ranker = ranker.choose(matrix.shape[1])
    able = int((np.diff(matrix.indptr) >= 2).sum())
    if not ranker.settled and able >= _FEWEST:
        count = min(max(_FEWEST // 2, round(able * (setting.training or Training()).validation)), _MOST)
        parts = strong(matrix, count, seed=setting.seed)
        trying = replace(setting, checkpoint=None)  # which is of what learns from all users
        ranker = ranker.settle(parts.train, Held(parts.histories, parts.targets), trying)
    return ranker, ranker.learn(matrix, setting)


def joined(old: Interactions, new: Interactions, summed: bool) -> tuple[Matrix, Interactions]:
    """Return the old histories with rows and columns for all users and items, and the interactions of both.

    Weights of pairs that are in both are `summed`, or the larger one is kept.

    Examples
    --------
    >>> import pandas as pd
    >>> frames = ({"user": ["a"], "item": [1]}, {"user": ["b", "a"], "item": [2, 1]})
    >>> before, now = joined(*(Interactions.of(pd.DataFrame(frame)) for frame in frames), summed=True)
    >>> before.toarray().tolist(), now.matrix.toarray().tolist()
    ([[1.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 1.0]])
    """
    users, items = united(old.users, new.users, "Users"), united(old.items, new.items, "Items")
    before, more = (placed(each, users, items) for each in (old, new))
    matrix = before.matrix + more.matrix if summed else before.matrix.maximum(more.matrix)
    matrix.sort_indices()
    rated = None if before.rated is None and more.rated is None else before.seen.maximum(more.seen)
    return before.matrix, Interactions(matrix, users, items, rated=rated)


def united(old: Ids, new: Ids, called: str) -> Ids:
    """Return the ids that are in either; errors call them so."""
    return Ids.of(np.concatenate([old.names, new.names]), called)[0]


def placed(interactions: Interactions, users: Ids, items: Ids) -> Interactions:
    """Return interactions with rows and columns for more users and items."""
    rows, columns = users.find(interactions.users.names), items.find(interactions.items.names)

    def spread(matrix: Matrix) -> Matrix:
        pairs = matrix.tocoo()
        return csr_array((pairs.data, (rows[pairs.row], columns[pairs.col])), shape=(len(users), len(items)))

    rated = None if interactions.rated is None else spread(interactions.rated)
    return Interactions(spread(interactions.matrix), users, items, rated=rated)

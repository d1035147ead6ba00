"""Each item rebuilt from the items most like it: EASE for catalogues whose square would not fit into memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array
from torch import Tensor

from diabolo.check import Number, Whole
from diabolo.part import knob
from diabolo.rankers.gram import demand_positive, weighed
from diabolo.rankers.item_weights import ItemWeights
from diabolo.rankers.ranker import Floats, Matrix, Scorer, Setting
from diabolo.rankers.ridges import RIDGE, Ridged

Numbers = NDArray[np.int32]

_CELLS = 2**22
"""Numbers of the small matrices that are solved at a time."""


@dataclass(frozen=True)
class Neighbourhood(Ridged):
    """EASE with weights from the `neighbours` of an item only: those that most often share their users with it.

    Each item is a regression on its m neighbours, m³ operations and m weights, whatever the catalogue; where any two
    items share a user, and all are neighbours, it is EASE itself.

    References
    ----------
    Ning, Karypis, "SLIM: sparse linear methods for top-N recommender systems", ICDM 2011, section IV on feature
    selection, with the objective of Steck, WWW 2019.

    Examples
    --------
    >>> histories = csr_array(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=np.float32))
    >>> Neighbourhood(1, ridge=1.0).learn(histories, Setting()).weights.toarray().round(2)
    array([[0.  , 0.67, 0.  ],
           [0.67, 0.  , 0.  ],
           [0.  , 0.  , 0.  ]], dtype=float32)
    """

    neighbours: int = knob(100, Whole(1, 10_000), "items that each item is rebuilt from")
    ridge: float | None = knob(None, RIDGE, "cost of a squared weight")
    dropout: float = knob(0.0, Number(0, 0.99), "share of the items of a history that are hidden in training")
    balance: float = knob(0.0, Number(0, 1), "0: each interaction counts as much, 1: each user")

    def learn(self, histories: Matrix, setting: Setting) -> Scorer:
        """Solve the regressions, a block of items at a time, on as many threads as torch has."""
        near, weights = self._regressed(weighed(histories, self.balance))
        there = near >= 0
        indptr = np.append(0, np.cumsum(there.sum(1)))
        return ItemWeights(csc_array((weights[there], near[there], indptr), shape=(len(near),) * 2).tocsr())

    def _regressed(self, X: Matrix) -> tuple[Numbers, Floats]:
        """Return the neighbours (I, m) of each item, -1 where there are fewer, and their weights."""
        together: Matrix = csr_array(X.T.tocsr() @ X)
        together.sort_indices()
        near, shared = _nearest(together, self.neighbours)  # (I, m) each
        own = together.diagonal() / (1 - self.dropout) + self.cost  # (I,)
        weights = np.empty_like(shared)  # of all at once: what blocks leave behind would lie scattered in the memory

        def solve(block: slice) -> None:
            weights[block] = _solved(together, own, near[block], shared[block])

        size = max(1, _CELLS // near.shape[1] ** 2)
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # NumPy and SciPy leave other threads free
            list(pool.map(solve, (slice(i, i + size) for i in range(0, len(near), size))))
        return near, weights

    def restore(self, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> Scorer:
        """Return the weights."""
        return ItemWeights.restored(plain, arrays, items)

    def equation(self) -> str:
        """Return the formula."""
        return f"sᵢ = Σ xⱼ·Bⱼᵢ over the {self.neighbours} items j nearest to i"


def _solved(together: Matrix, own: Floats, near: Numbers, shared: Floats) -> Floats:
    """Return the weights (b, m) of neighbours (b, m) that share so much with each item of a block."""
    m = near.shape[1]
    gram = np.zeros((len(near), m, m), np.float32)
    place = np.full(together.shape[0], -1, np.int32)  # of each item among the neighbours of one
    for each, neighbours in zip(gram, near, strict=True):
        _write(together, neighbours[neighbours >= 0], place, each)
    gram[:, np.arange(m), np.arange(m)] = np.where(near >= 0, own[near], 1)
    factor, failed = torch.linalg.cholesky_ex(torch.from_numpy(gram))
    demand_positive(bool(failed.any()))
    return torch.cholesky_solve(torch.from_numpy(shared)[..., None], factor)[..., 0].numpy()


def _write(together: Matrix, items: Numbers, place: Numbers, out: Floats) -> None:
    """Write what any two of some items share into the corner of `out` (m, m).

    Walking through their rows is several times as fast as looking each pair up.
    """
    place[items] = np.arange(len(items))
    rows = together[items]
    columns = place[rows.indices]
    there = columns >= 0
    lines = np.repeat(np.arange(len(items)), np.diff(rows.indptr))[there]
    out[lines, columns[there]] = rows.data[there]
    place[items] = -1


def _nearest(together: Matrix, count: int) -> tuple[Numbers, Floats]:
    """Return the items (I, m) of the largest cosines with each item, by number, and what they share with it.

    Where there are fewer, the rest are -1 and share nothing.
    """
    items = together.shape[0]
    lengths = np.sqrt(together.diagonal()).clip(1e-12)
    near = np.full((items, min(count, max(items - 1, 1))), -1, np.int32)
    shared = np.zeros(near.shape, np.float32)
    for item in range(items):
        row = slice(together.indptr[item], together.indptr[item + 1])
        others, common = together.indices[row], together.data[row]
        cosines = np.where(others == item, -np.inf, common / lengths[others])
        kept = np.argpartition(-cosines, count)[:count] if len(others) > count + 1 else np.flatnonzero(others != item)
        kept.sort()
        near[item, : len(kept)], shared[item, : len(kept)] = others[kept], common[kept]
    return near, shared

"""How good a scorer is at what held-out users did next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diabolo.metrics import ndcg
from diabolo.rankers.ranker import Floats, Matrix, Scorer
from diabolo.rankers.top import Numbers, best, ranked, without

DEPTH = 20
"""How many items of a list count."""


@dataclass(frozen=True, eq=False)
class Held:
    """Users held out: what they are known to have, and what they have besides.

    Called with a scorer, it is the mean NDCG@20 of what that recommends.

    Parameters
    ----------
    histories, targets : csr_array (B, I)
        Of the same users.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from diabolo.rankers import Popularity, Setting
    >>> known, wanted = (csr_array(np.array([row], dtype=np.float32)) for row in ([1, 0, 0], [0, 1, 0]))
    >>> Held(known, wanted)(Popularity().learn(known + wanted + wanted, Setting()))
    1.0
    """

    histories: Matrix
    targets: Matrix

    def __call__(self, scorer: Scorer) -> float:
        """Return the mean NDCG@20 of what a scorer recommends, over users that have a target."""
        lists = [numbers for numbers, _ in ranked(scorer, self.histories, DEPTH, seen=self.histories)]
        return self._mean(np.concatenate(lists))

    def judged(self, scores: Floats) -> float:
        """Return the same of scores (B, I) that are there already."""
        return self._mean(best(without(scores, self.histories), DEPTH)[0])

    def among(self, items: Numbers) -> Held:
        """Return the judge of scorers that know some of the items only."""
        return Held(self.histories[:, items], self.targets[:, items])

    def few(self, cells: int) -> Held:
        """Return the first of the users: as many as have `cells` scores at most."""
        count = max(1, cells // self.histories.shape[1])
        return Held(self.histories[:count], self.targets[:count])

    def _mean(self, numbers: Numbers) -> float:
        some = np.diff(self.targets.indptr) > 0
        return float(ndcg(numbers, self.targets, numbers.shape[1])[some].mean()) if some.any() else 0.0


def popular(histories: Matrix, held: Held, most: int) -> tuple[Matrix, Held]:
    """Return histories (U, I) and users held out with the `most` popular items only, where there are more."""
    if histories.shape[1] <= most:
        return histories, held
    counts = np.bincount(histories.indices, minlength=histories.shape[1])
    items = np.sort(np.argsort(-counts, kind="stable")[:most])
    return histories[:, items], held.among(items)

"""Principal directions of histories: short codes of users and items, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from scipy.sparse import csr_array, diags_array
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from diabolo.check import Number
from diabolo.part import knob
from diabolo.rankers.factors import Factors
from diabolo.rankers.gram import weighed
from diabolo.rankers.ranker import Matrix, Scorer, Setting
from diabolo.rankers.ridges import RIDGE, Ridged

_WIDTH = 128
"""Size of the codes where nobody says it."""


@dataclass(frozen=True)
class LowRank(Ridged):
    """The linear autoencoder with a bottleneck: s = x·D·V·C·Vᵀ·D⁻¹, V the principal directions of the histories.

    D divides each item by its popularity to the power of `tilt` on the way in, and multiplies by it on the way out, so
    that directions are not spent on what everyone has; C shrinks each direction by its share of the ridge.

    References
    ----------
    Steck, "Autoencoders that don't overfit towards the identity", NeurIPS 2020, on the shrinkage; scaling by
    popularity: Shen et al., "How powerful is graph convolution for recommendation?", CIKM 2021, where `tilt` is ½ and
    `balance` 1.

    Examples
    --------
    >>> histories = csr_array(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=np.float32))
    >>> scorer = LowRank(ridge=1.0).learn(histories, Setting(n=2))
    >>> scorer.codes(histories, 2).shape, scorer.embeddings(2).shape
    ((3, 2), (3, 2))
    """

    ridge: float | None = knob(None, RIDGE, "how much a direction must explain to count half")
    balance: float = knob(0.5, Number(0, 1), "0: each interaction counts as much, 1: each user")
    tilt: float = knob(0.3, Number(0, 1), "power of the popularity that items are divided by on the way in")

    def learn(self, histories: Matrix, setting: Setting) -> Scorer:
        """Decompose the histories, by random projections."""
        counts = np.bincount(histories.indices, minlength=histories.shape[1]).clip(1).astype(np.float32)
        down = (counts / counts.mean()) ** -self.tilt  # (I,)
        seen: Matrix = csr_array(weighed(histories, self.balance) @ diags_array(down))
        n = min(setting.n or _WIDTH, *seen.shape)
        _, values, V = cast(Any, randomized_svd(seen, n, random_state=setting.seed))
        shrunk = V * np.sqrt(values**2 / (values**2 + self.cost))[:, None]  # (n, I)
        return Factors((shrunk * down).T.astype(np.float32), (shrunk / down).T.astype(np.float32))

    def restore(self, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> Scorer:
        """Return the vectors."""
        return Factors.restored(arrays, items)

    def equation(self) -> str:
        """Return the formula."""
        return "s = x·D·V·C·Vᵀ·D⁻¹, C = σ² / (σ² + λ)"

"""EASE: the linear autoencoder without a bottleneck, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from torch import Tensor

from diabolo.check import Number
from diabolo.part import knob
from diabolo.rankers.change import Change
from diabolo.rankers.gram import demand_room, gram, inverted, weighed
from diabolo.rankers.item_weights import ItemWeights
from diabolo.rankers.ranker import Floats, Matrix, Scorer, Setting
from diabolo.rankers.ridges import RIDGE, Ridged


@dataclass(frozen=True)
class EASE(Ridged):
    """Rebuild each history by a matrix with zeros on its diagonal, so that no item speaks for itself.

    With a `dropout` it is the denoising autoencoder EDLAE: what dropping items at random would cost on average is one
    more term on the diagonal. With a `balance`, users weigh by their number of items to the power of -balance.

    References
    ----------
    Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019; "Autoencoders that don't overfit towards
    the identity", NeurIPS 2020.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> histories = csr_array(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=np.float32))
    >>> EASE(ridge=1.0).learn(histories, Setting()).scores(histories[:1]).round(2)
    array([[0.67, 0.67, 0.  ]], dtype=float32)
    """

    ridge: float | None = knob(None, RIDGE, "cost of a squared weight")
    dropout: float = knob(0.0, Number(0, 0.99), "share of the items of a history that are hidden in training")
    balance: float = knob(0.0, Number(0, 1), "0: each interaction counts as much, 1: each user")

    def learn(self, histories: Matrix, setting: Setting) -> Scorer:
        """Solve for the weights, in place: 4 I² bytes, I³ operations."""
        demand_room(histories.shape[1], type(self).__name__, "Neighbourhood() or LowRank()")
        matrix = gram(weighed(histories, self.balance))
        np.fill_diagonal(matrix, self.loaded(matrix.diagonal()))
        return weights_of(inverted(matrix, setting.device))

    def relearn(self, scorer: Scorer, before: Matrix, after: Matrix, setting: Setting) -> Scorer:
        """Correct the inverse for users whose histories changed, if these are few: r·I² operations for r of them."""
        known = cast(ItemWeights, scorer)
        change = None if self.balance else Change.between(before, after, self.dropout / (1 - self.dropout))
        if change is None or known.precision is None or known.items < max(after.shape[1], 4 * len(change.signs)):
            return self.learn(after, setting)
        return weights_of(change.applied(inverse_of(cast(Floats, known.weights), known.precision)))

    def loaded(self, diagonal: Floats) -> Floats:
        """Return the diagonal of the Gram matrix (I,) with the ridge and what dropout adds."""
        return diagonal * np.float32(1 / (1 - self.dropout)) + np.float32(self.cost)

    def restore(self, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> Scorer:
        """Return the weights."""
        return ItemWeights.restored(plain, arrays, items)

    def equation(self) -> str:
        """Return the formula."""
        seen = "x̃" if self.dropout else "x"
        ridge = "λ" if self.ridge is None else f"{self.ridge:g}"
        return f"s = x·B, B = argmin Σ‖x − {seen}·B‖² + {ridge}·‖B‖², diag B = 0"


def weights_of(inverse: Floats) -> ItemWeights:
    """Return B = I − P·diag(1 / diag P) of an inverse P (I, I), which is overwritten (Steck 2019, equation 8)."""
    precision = inverse.diagonal().copy()
    inverse /= -precision
    np.fill_diagonal(inverse, 0)
    return ItemWeights(inverse, precision)


def inverse_of(weights: Floats, precision: Floats) -> Floats:
    """Return the inverse P (I, I) that weights were made of, given its diagonal (I,); they stay what they are.

    They are those of a model in use: of one that is asked meanwhile, or whose correction fails.
    """
    inverse = weights * -precision
    np.fill_diagonal(inverse, precision)
    return inverse

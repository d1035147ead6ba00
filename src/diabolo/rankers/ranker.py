"""What a ranker is: how it learns from histories which items go together, and what is learned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from diabolo.errors import CapabilityError
from diabolo.part import Part
from diabolo.training import History, Setting

if TYPE_CHECKING:
    from diabolo.rankers.judging import Held

Floats = NDArray[np.float32]

Matrix = Any
"""A `scipy.sparse.csr_array`, whose shape SciPy's types do not know; its indices are sorted and each is there once."""
_CELLS = 2**24
"""Scores in memory at a time."""


class Scorer(ABC):
    """What a ranker learned about I items: scores for any history, of users who were there in training or not.

    A history is a row of a sparse matrix (B, I) with the weights of the items that a user has.
    """

    @property
    @abstractmethod
    def items(self) -> int:
        """How many items there are."""

    @property
    def history(self) -> History:
        """How training went, where there was any."""
        return History(stopped="solved")

    @abstractmethod
    def scores(self, histories: Matrix) -> Floats:
        """Return how well each item goes with each history, (B, I), anew; only the order in a row means something."""

    @abstractmethod
    def embeddings(self, n: int | None = None) -> Floats:
        """Return a vector for each item, (I, n) or narrower: near for items of the same histories.

        Raises
        ------
        CapabilityError
            If it knows no vectors.
        """

    def codes(self, histories: Matrix, n: int | None = None) -> Floats:
        """Return a vector for each history, (B, n) or narrower: those of its items, by weight."""
        return histories @ self.embeddings(n)

    def similar(self, item: int) -> Floats:
        """Return how similar each item is to one of them, (I,): the cosine between their vectors."""
        vectors = self.embeddings()
        lengths = np.linalg.norm(vectors, axis=1).clip(1e-12)
        return vectors @ vectors[item] / lengths / lengths[item]

    def reasons(self, history: Matrix, item: int) -> Floats:
        """Return how much each item of a history (1, I), in its order, speaks for `item`: what is lost without it."""
        count = history.nnz
        rows = np.repeat(np.arange(count), count - 1)
        kept = ~np.eye(count, dtype=bool)
        columns, weights = np.tile(history.indices, (count, 1))[kept], np.tile(history.data, (count, 1))[kept]
        without = csr_array((weights, (rows, columns)), shape=(count, self.items))  # (count, I), each without one
        left = [self.scores(without[block])[:, item] for block in blocks(without)]
        return self.scores(history)[0, item] - np.concatenate([np.zeros(0, np.float32), *left])

    def to(self, device: torch.device) -> Self:
        """Return it where it is to compute, if it can do so elsewhere than on a CPU."""
        return self

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what was learned, to save: plain JSON, and arrays."""


class Ranker(Part, role="rankers"):
    """A way to learn from the histories of users which items to recommend."""

    def choose(self, items: int) -> Ranker:
        """Return the ranker with what goes by the size of the catalogue alone chosen."""
        return self

    def settle(self, histories: Matrix, held: Held, setting: Setting) -> Ranker:
        """Return the ranker with what it leaves open chosen, by what users held out from `histories` did."""
        return self

    @property
    def settled(self) -> bool:
        """Whether nothing is left open, so that nobody needs to be held out to choose by."""
        return True

    @abstractmethod
    def learn(self, histories: Matrix, setting: Setting) -> Scorer:
        """Learn from the histories (U, I) of users.

        Raises
        ------
        CapabilityError
            If what is to be learned would not fit into memory: said before anything is allocated.
        """

    def relearn(self, scorer: Scorer, before: Matrix, after: Matrix, setting: Setting) -> Scorer:
        """Return what is learned from the histories `after`, given what was learned from those `before` (U, I).

        The rows of both are the same users; users and items that are new have nothing before. The scorer may be used
        up by it.
        """
        return self.learn(after, setting)

    @abstractmethod
    def restore(self, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> Scorer:
        """Return the scorer that `Scorer.state` described.

        Raises
        ------
        FileError
            If it is no such description.
        """

    @abstractmethod
    def equation(self) -> str:
        """Return how scores s come from a history x."""


def blocks(histories: Matrix) -> Iterator[slice]:
    """Yield which histories (B, I) to look at together, so that their scores fit into memory.

    Examples
    --------
    >>> list(blocks(csr_array((3, 2**23))))
    [slice(0, 2, None), slice(2, 4, None)]
    """
    count, items = histories.shape
    size = max(1, _CELLS // items)
    return (slice(start, start + size) for start in range(0, count, size))


def no_vectors(of: str) -> CapabilityError:
    """Return the error of a scorer that knows no vectors."""
    return CapabilityError(
        f"{of} has no vectors of items or users; use another model, such as 'low-rank' or 'mult-vae'."
    )

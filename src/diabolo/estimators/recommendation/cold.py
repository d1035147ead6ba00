"""Items that nobody has taken yet: scored as the items are that are most like them by their features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from diabolo.check import listed
from diabolo.data import Ids, Interactions, Schema
from diabolo.data.form import Form, PandasForm, PolarsForm
from diabolo.errors import DataError, DataTypeError
from diabolo.estimators.recommendation.learning import placed, united
from diabolo.rankers import Scorer
from diabolo.rankers.ranker import Floats, Matrix
from diabolo.training import History

_LIKE = 20
"""Known items that a new one is scored by, at most."""

_LEAST = 1e-6
"""Weight at least of one of them, so that there is always one."""


@dataclass(frozen=True, eq=False)
class Cold(Scorer):
    """s·A: the scores of a scorer, those of cold items by likeness A (I, I); the columns of all others are their own.

    Parameters
    ----------
    scorer : Scorer
        Of all items, which knows nothing of cold ones.
    likeness : csr_array (I, I)
        Column i: how much each known item is like i, 1 in sum; of a known item, only itself.

    Examples
    --------
    >>> from diabolo.rankers import Popularity, Setting
    >>> scorer = Popularity().learn(csr_array(np.float32([[1, 1, 0], [1, 0, 0]])), Setting())
    >>> likeness = csr_array(np.float32([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 0]]))
    >>> Cold(scorer, likeness).scores(csr_array(np.float32([[0, 0, 1]])))
    array([[2. , 1. , 1.5]], dtype=float32)
    """

    scorer: Scorer
    likeness: Matrix

    @property
    def items(self) -> int:
        """How many items there are, cold ones among them."""
        return self.scorer.items

    @property
    def history(self) -> History:
        """How training went, where there was any."""
        return self.scorer.history

    def scores(self, histories: Matrix) -> Floats:
        """Return the scores (B, I) of histories, in which cold items stand for those they are like."""
        return self.scorer.scores(self._known(histories)) @ self.likeness

    def embeddings(self, n: int | None = None) -> Floats:
        """Return the vectors (I, n), those of cold items means of those they are like."""
        return self.likeness.T @ self.scorer.embeddings(n)

    def codes(self, histories: Matrix, n: int | None = None) -> Floats:
        """Return the vectors of histories."""
        return self.scorer.codes(self._known(histories), n)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the state of the scorer; the likeness is saved beside it."""
        return self.scorer.state()

    def _known(self, histories: Matrix) -> Matrix:
        """Return histories with known items in place of cold ones."""
        known = csr_array(histories @ self.likeness.T)
        known.sort_indices()
        return known


def beside(interactions: Interactions, features: Any) -> tuple[Interactions, Matrix]:
    """Return interactions with a column for each item that has features, and the likeness (I, I) of items.

    Parameters
    ----------
    interactions : Interactions
        Of the items that were taken.
    features : data frame (J, 1 + F)
        Ids of items, taken or not, then what is known of them: numbers, text, booleans, dates.

    Raises
    ------
    DataTypeError
        If it is no data frame.
    DataError
        If an item is in it twice, or it knows nothing of the items that were taken.
    """
    column, values = _read(features)
    named, numbers = Ids.of(column, "Items")
    if len(named) < len(numbers):
        raise DataError(
            f"features must have one row for each item, whose id is in its first column, {features.columns[0]!r}; got "
            "some ids twice. Drop the other rows; an index is made a column by features.reset_index()."
        )
    items = united(interactions.items, named, "Items")
    interactions = placed(interactions, interactions.users, items)
    interactions.matrix.sort_indices()
    taken = np.bincount(interactions.matrix.indices, minlength=len(items)) > 0
    return interactions, _likeness(taken, items.find(named.names)[numbers], values)


def kept(likeness: Matrix, before: Ids, now: Interactions) -> Matrix:
    """Return the likeness of items among more of them, some of which are no longer cold."""
    places = now.items.find(before.names)
    taken = np.bincount(now.matrix.indices, minlength=len(now.items)) > 0
    pairs = likeness.tocoo()
    rows, columns = places[pairs.row], places[pairs.col]
    cold = ~taken[columns]
    return _with_own(len(taken), pairs.data[cold], rows[cold], columns[cold])


def _read(features: Any) -> tuple[Any, Floats]:
    """Return the ids of items (J,), and their features as numbers (J, P)."""
    if not hasattr(features, "columns") or not isinstance(Form.of(features), PandasForm | PolarsForm):
        raise DataTypeError(
            f"features must be a data frame, ids of items in its first column; got {type(features).__name__}."
        )
    if features.shape[1] < 2:
        raise DataError(
            f"features must have ids of items in the first column and what is known of them in others; got the columns "
            f"{listed(features.columns)}. Add some; an index is made a column by features.reset_index()."
        )
    rows = features.iloc if hasattr(features, "iloc") else features
    rest = rows[:, 1:]
    return rows[:, 0], Schema.of(rest).encode(rest)[0]


def _likeness(taken: NDArray[np.bool_], featured: NDArray[np.int64], values: Floats) -> Matrix:
    """Return the likeness (I, I) of items, of which those `featured` (J,) have features (J, P).

    A cold item is like the 20 items whose features have the largest cosines with its own, by these.
    """
    known = taken[featured]
    if not known.any():
        raise DataError("features must know some of the items that were taken; got only others. Check the ids.")
    count = min(_LIKE, int(known.sum()))
    cold = featured[~known]
    if not len(cold):
        return _with_own(len(taken), np.zeros(0, np.float32), cold, cold)
    from sklearn.neighbors import NearestNeighbors  # takes eighty modules with it, which others do not need

    finder = NearestNeighbors(n_neighbors=count, metric="cosine", algorithm="brute").fit(values[known])
    far, near = finder.kneighbors(values[~known])
    weights = np.clip(1 - far, _LEAST, None)
    weights /= weights.sum(1, keepdims=True)
    return _with_own(len(taken), weights.ravel(), featured[known][near].ravel(), np.repeat(cold, count))


def _with_own(items: int, weights: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Matrix:
    """Return likeness (I, I) with these entries, and 1 for each item without any to itself, taken or disliked."""
    own = np.setdiff1d(np.arange(items), columns)
    data = np.concatenate([np.ones(len(own)), weights]).astype(np.float32)
    places = np.concatenate([own, rows]), np.concatenate([own, columns])
    return csr_array((data, places), shape=(items, items))

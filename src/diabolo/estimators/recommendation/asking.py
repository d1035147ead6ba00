"""Who asks a recommender, and how the answer is laid out: arrays, or rows of the frame that the user works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from diabolo.data import Ids, folded
from diabolo.data.form import Form, PandasForm, PolarsForm
from diabolo.data.package import package
from diabolo.rankers import Popularity, Scorer, Setting, ranked
from diabolo.rankers.ranker import Matrix

if TYPE_CHECKING:
    from diabolo.estimators.recommendation.recommender import Recommender

Array = NDArray[Any]


class Recommended(NamedTuple):
    """The items of each user, best first: where there are fewer, -1 or None, with a score of -∞.

    Parameters
    ----------
    items : ndarray (B, n)
        Ids.
    scores : ndarray (B, n)
        Only their order in a row means something.
    """

    items: Array
    scores: Array

    def columns(self, users: Array) -> dict[str, Array]:
        """Return user, item, score and rank of each recommendation to users (B,), as columns of a table.

        Examples
        --------
        >>> found = Recommended(np.array([["a", None]], dtype=object), np.array([[2.0, -np.inf]]))
        >>> found.columns(np.array([7]))
        {'user': array([7]), 'item': array(['a'], dtype=object), 'score': array([2.]), 'rank': array([1])}
        """
        there = np.isfinite(self.scores)
        rank = np.broadcast_to(np.arange(1, there.shape[1] + 1), there.shape)
        users = np.repeat(users, there.sum(1))
        return {"user": users, "item": self.items[there], "score": self.scores[there], "rank": rank[there]}


@dataclass(frozen=True, eq=False)
class Asked:
    """Those who are recommended to.

    Parameters
    ----------
    users : ndarray (B,)
        Their ids.
    histories : csr_array (B, I)
        What they have.
    frame : str, optional
        The package of the frame that they came in.
    """

    users: Array
    histories: Matrix
    frame: str | None = None

    @staticmethod
    def of(recommender: Recommender, users: Any) -> Asked:
        """Return users given by their ids, or by their histories: a frame of interactions, a sparse matrix, or lists.

        Raises
        ------
        DataError
            If an id is not known.
        """
        frame = _package(users)
        if frame is None and not issparse(users) and not _lists(users):
            ids = [users] if isinstance(users, str | int | np.integer) else users
            rows = recommender.interactions_.rows(ids)
            return Asked(
                np.asarray(recommender.interactions_.users.names[rows]), recommender.interactions_.matrix[rows]
            )
        found, histories = folded(users, recommender.interactions_.items, recommender.threshold)
        return Asked(found.names, histories, frame)

    def answer(self, items: Ids, numbers: Array, scores: Array) -> Any:
        """Return item numbers and scores (B, n) as `Recommended`, or as a frame with a row for each of them."""
        found = Recommended(named(items, numbers), scores)
        return found if self.frame is None else package(self.frame).DataFrame(found.columns(self.users))


def chosen(
    recommender: Recommender, histories: Matrix, n: int, exclude_seen: bool, among: Array
) -> tuple[Array, Array]:
    """Return numbers and scores (B, n) of the best of the items `among`; -1 and -∞ where there are fewer.

    A history without a known item tells a model nothing: it gets the most popular ones.
    """
    few = among if len(among) < histories.shape[1] else None

    def best(scorer: Scorer, histories: Matrix) -> tuple[Array, Array]:
        blocks = list(ranked(scorer, histories, n, seen=histories if exclude_seen else None, among=few))
        numbers, scores = (np.concatenate(each) for each in zip(*blocks, strict=True))
        beyond = ((0, 0), (0, n - numbers.shape[1]))
        return np.pad(numbers, beyond, constant_values=-1), np.pad(scores, beyond, constant_values=-np.inf)

    numbers, scores = best(recommender.scorer_, histories)
    empty = np.diff(histories.indptr) == 0
    if empty.any():
        popular = Popularity().learn(recommender.interactions_.matrix, Setting())
        numbers[empty], scores[empty] = best(popular, histories[empty])
    return numbers, scores


def named(items: Ids, numbers: Array) -> Array:
    """Return the ids of item numbers, -1 or None where a number is -1.

    Examples
    --------
    >>> named(Ids.of(["b", "a"])[0], np.array([[1, -1]]))
    array([['b', None]], dtype=object)
    """
    nobody: Any = None if items.names.dtype == object else -1
    return np.append(items.names, nobody)[numbers]


def _package(users: Any) -> str | None:
    """Return the package of a data frame; None for anything else."""
    if not hasattr(users, "columns"):
        return None
    form = Form.of(users)
    return "pandas" if isinstance(form, PandasForm) else "polars" if isinstance(form, PolarsForm) else None


def _lists(users: Any) -> bool:
    """Tell whether users are given by lists of the items of each."""
    return isinstance(users, list | tuple) and any(
        isinstance(each, Sequence | np.ndarray) and not isinstance(each, str | bytes) for each in users
    )

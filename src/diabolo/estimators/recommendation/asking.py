"""Who asks a recommender, and how the answer is laid out: arrays, or rows of the frame that the user works with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set, ValuesView
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from diabolo.data import Ids, folded
from diabolo.data.events import users_alone
from diabolo.data.form import Form, PandasForm, PolarsForm
from diabolo.data.package import package
from diabolo.errors import DataError
from diabolo.rankers import Scorer, ranked
from diabolo.rankers.popularity import Counts
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
        What they like.
    seen : csr_array (B, I)
        What they have, liked or not.
    frame : str, optional
        The package of the frame that they came in.
    named : bool
        Whether users are told by ids, not only counted.
    """

    users: Array
    histories: Matrix
    seen: Matrix
    frame: str | None = None
    named: bool = True

    @staticmethod
    def of(recommender: Recommender, users: Any) -> Asked:
        """Return users given by ids, alone or in a frame, or by histories: a frame, a sparse matrix, or lists.

        Raises
        ------
        DataError
            If an id is not known.
        """
        users = ids_of(users)
        known, frame, lists = recommender.interactions_, _package(users), _lists(users)
        ids = None if lists is not None or issparse(users) else users if frame is None else users_alone(users)
        if ids is not None:
            rows = known.rows([ids] if isinstance(ids, str | int | np.integer) else ids)
            return Asked(np.asarray(known.users.names[rows]), known.matrix[rows], known.seen[rows], frame)
        found = folded(users if lists is None else lists, known.items, recommender.least)
        return Asked(found.users.names, found.matrix, found.seen, frame, named=frame is not None)

    @staticmethod
    def one(recommender: Recommender, user: Any) -> Asked:
        """Return a user given by his id, or by his history: a list of ids, or as for `of`.

        Raises
        ------
        DataError
            If he is not known by his id, or there are several.
        """
        alone = isinstance(user, list | tuple | np.ndarray) and _lists(user) is None
        asked = Asked.of(recommender, [user] if alone else user)
        if len(asked.users) != 1:
            raise DataError(f"Parameter 'user' of explain must be one user; got {len(asked.users)}: ask for each.")
        return asked

    def answer(self, items: Ids, numbers: Array, scores: Array) -> Any:
        """Return item numbers and scores (B, n) as `Recommended`, or as a frame with a row for each of them."""
        found = Recommended(named(items, numbers), scores)
        return found if self.frame is None else package(self.frame).DataFrame(found.columns(self.users))


def chosen(recommender: Recommender, asked: Asked, n: int, exclude_seen: bool, among: Array) -> tuple[Array, Array]:
    """Return numbers and scores (B, n) of the best of the items `among`; -1 and -∞ where there are fewer.

    A history without a known item tells a model nothing: it gets the most popular ones.
    """
    histories, few = asked.histories, among if len(among) < asked.histories.shape[1] else None

    def best(scorer: Scorer, some: Any = slice(None)) -> tuple[Array, Array]:
        seen = asked.seen[some] if exclude_seen else None
        blocks = list(ranked(scorer, histories[some], n, seen=seen, among=few))
        numbers, scores = (np.concatenate(each) for each in zip(*blocks, strict=True))
        beyond = ((0, 0), (0, n - numbers.shape[1]))
        return np.pad(numbers, beyond, constant_values=-1), np.pad(scores, beyond, constant_values=-np.inf)

    numbers, scores = best(recommender.scorer_)
    empty = np.diff(histories.indptr) == 0
    if empty.any():
        numbers[empty], scores[empty] = best(Counts(recommender.interactions_.counts), empty)
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


def ids_of(ids: Any) -> Any:
    """Return ids that can be gone through, but not by number, such as a set, as a list; all others as they are.

    Examples
    --------
    >>> ids_of({3: "c"}.keys()), ids_of((3, 4))
    ([3], (3, 4))
    """
    return list[Any](ids) if isinstance(ids, Set | Iterator | Mapping | ValuesView) else ids


def _package(users: Any) -> str | None:
    """Return the package of a data frame; None for anything else."""
    if not hasattr(users, "columns"):
        return None
    form = Form.of(users)
    return "pandas" if isinstance(form, PandasForm) else "polars" if isinstance(form, PolarsForm) else None


def _lists(users: Any) -> list[Any] | None:
    """Return the histories of users who are given by the items of each: in a list, or a column of lists; else None."""
    if isinstance(users, list | tuple):
        return list(users) if any(map(_is_history, users)) else None
    column = isinstance(users, np.ndarray) or hasattr(users, "to_list")
    return list(users) if column and len(users) and np.ndim(users) == 1 and _is_history(next(iter(users))) else None


def _is_history(each: Any) -> bool:
    return not isinstance(each, str | bytes) and (
        isinstance(each, Sequence | Set | np.ndarray) or hasattr(each, "to_list")
    )

"""Interactions: who took what, as a sparse matrix of users and items with the user's own ids."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from diabolo.check import Maybe, Number, demand, listed, shorten
from diabolo.data.events import Events, gathered
from diabolo.data.ids import Ids
from diabolo.data.pairs import matrix_of, triples
from diabolo.errors import DataError, DataTypeError, warn


@dataclass(frozen=True, eq=False)
class Interactions:
    """Which user took which item, with a weight, and when.

    Parameters
    ----------
    matrix : csr_array (U, I)
        float32 weights, finite and > 0; indices sorted, each pair once.
    users, items : Ids
        What the rows and columns are to the user.
    times : ndarray (nnz,), optional
        The latest time of each pair, float64, in the order of ``matrix.data``.
    rated : csr_array (U, I), optional
        All pairs there were, where a threshold has left some out of the matrix.

    Examples
    --------
    >>> found = Interactions.of(csr_array([[5, 0], [1, 4], [0, 0]]), threshold=4)
    >>> found.matrix.toarray().tolist(), len(found.users)
    ([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], 3)
    """

    matrix: Any  # SciPy does not type shapes of matrices
    users: Ids
    items: Ids
    times: np.ndarray | None = None
    rated: Any = None

    @cached_property
    def counts(self) -> np.ndarray:
        """How many users took each item (I,), float32; counted when it is first asked for."""
        return np.bincount(self.matrix.indices, minlength=len(self.items)).astype(np.float32)

    @staticmethod
    def of(X: Any, threshold: float | None = None, some: bool = True) -> Interactions:
        """Return the interactions in `X`.

        Parameters
        ----------
        X : sparse matrix (U, I), data frame, or path
            Weights of users and items; or a row for each interaction, its user, item and, if there are, weight and
            time in columns known by name, see `Events.of`; or the path of either, see `gathered`. The weights of a
            pair that occurs more than once are summed.
        threshold : float, optional
            Ratings are made likes: pairs whose largest weight reaches it weigh 1, and others are left out.
        some : bool
            Whether there must be any interaction, of the least weight.

        Raises
        ------
        ParameterError
            If `threshold` is no number.
        DataTypeError
            If `X` is dense, lazy or something else, or its ids or weights are of a kind that cannot be used.
        DataError
            If it is not clear which column is which, an id, weight or time is missing, a weight is negative (without a
            threshold) or infinite, or nothing is left where there must be `some`.
        FileError
            If a file is of an unknown kind, cut, broken or foreign.
        """
        _demand_threshold(threshold)
        X = gathered(X)
        if issparse(X):
            rows, columns, weights = triples(X)
            users, items, times = Ids.numbered(X.shape[0]), Ids.numbered(X.shape[1]), None
        else:
            events = Events.of(X)
            (users, rows), (items, columns) = Ids.of(events.users, "Users"), Ids.of(events.items, "Items")
            weights, times = events.weights, events.times
        rated = _rated(rows, columns, (len(users), len(items)), threshold)
        matrix, times = matrix_of(rows, columns, weights, times, (len(users), len(items)), threshold)
        if some and not matrix.nnz:
            least = "" if threshold is None else f" of a weight of at least {threshold:g}"
            raise DataError(f"X must hold at least one interaction{least}; got none. Give more data.")
        return Interactions(matrix, users, items, times, rated)

    @property
    def seen(self) -> Any:
        """All pairs there were (U, I), liked or not.

        Examples
        --------
        >>> found = Interactions.of(csr_array([[5, 0], [1, 4]]), threshold=4)
        >>> found.matrix.nnz, found.seen.nnz
        (2, 3)
        """
        return self.matrix if self.rated is None else self.rated

    def rows(self, users: Any) -> np.ndarray:
        """Return which rows of the matrix some users are, given by their ids (N,).

        Raises
        ------
        DataTypeError
            If the ids are of another kind than those known.
        DataError
            If one is not known.

        Examples
        --------
        >>> Interactions.of(csr_array([[1], [1]])).rows([7])
        Traceback (most recent call last):
        ...
        diabolo.errors.DataError: There is no user 7 among the 2 known; give histories to serve new users.
        """
        found = self.users.find(users, "Users")
        lost = np.asarray(users)[found < 0].tolist()
        if lost:
            raise DataError(
                f"There is no user {listed(lost)} among the {len(self.users)} known; give histories to serve new users."
            )
        return found


def folded(X: Any, items: Ids, threshold: float | None = None) -> Interactions:
    """Return the interactions of new users with known items.

    Parameters
    ----------
    X : sparse matrix (U, I), data frame, path, or list of lists
        As for `Interactions.of`; or the ids of the items that each user took.
    items : Ids
        The known items. Others are left out, with one warning.
    threshold : float, optional
        As for `Interactions.of`; what comes without weights is liked.

    Returns
    -------
    Interactions
        Users are numbered, where they have no ids. Who took no known item has an empty row.

    Raises
    ------
    ParameterError, DataTypeError, DataError, FileError
        As for `Interactions.of`, and if the items are of another kind, or a sparse matrix has more or fewer columns.

    Warns
    -----
    DiaboloWarning
        If some interactions are with items that are not known.

    Examples
    --------
    >>> found = folded([["b"], ["a", "b"], []], Ids.of(["a", "b"])[0])
    >>> found.users.names.tolist(), found.matrix.toarray().tolist()
    ([0, 1, 2], [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    """
    _demand_threshold(threshold)
    users, rows, columns, weights = _coded(gathered(X), items)
    known = columns >= 0
    if not known.all():
        message = f"{(~known).sum()} of {len(known)} interactions are with items that are not known, and left out."
        warn(message)
        rows, columns, weights = rows[known], columns[known], weights if weights is None else weights[known]
    shape = len(users), len(items)
    matrix, _ = matrix_of(rows, columns, weights, None, shape, threshold)
    return Interactions(matrix, users, items, rated=_rated(rows, columns, shape, threshold))


def _rated(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], threshold: float | None) -> csr_array | None:
    """Return all pairs as a matrix, where a threshold may leave some out."""
    return None if threshold is None else matrix_of(rows, columns, None, None, shape, None)[0]


def _demand_threshold(threshold: float | None) -> None:
    demand("threshold", "Interactions", threshold, Maybe(Number(), "weights as they are"))


def _coded(X: Any, items: Ids) -> tuple[Ids, np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the users, and row, column and weight (N,) of each interaction; the column is -1 where it is not known."""
    if issparse(X):
        if X.shape[1:] != (len(items),):
            raise DataError(f"X must have {len(items)} columns, as in training; got shape {X.shape}.")
        return Ids.numbered(X.shape[0]), *triples(X)
    if isinstance(X, list | tuple):
        rows = np.repeat(np.arange(len(X)), _lengths(X))
        columns = items.find(list(chain.from_iterable(X)), "Items")
        return Ids.numbered(len(X)), rows, columns, None
    events = Events.of(X)
    users, rows = Ids.of(events.users, "Users")
    return users, rows, items.find(events.items, "Items"), events.weights


def _lengths(histories: Sequence[Any]) -> list[int]:
    strange = [each for each in histories if isinstance(each, str | bytes) or not isinstance(each, Sized)]
    if strange:
        raise DataTypeError(
            f"Histories must be a list of lists, the ids of the items of each user; got {shorten(strange[0])} among "
            "the lists: pass [[...]] for one user."
        )
    return list(map(len, histories))

"""How good ranked lists of items are, over users: means with standard errors, and what of the catalogue they show.

A list is a row of item numbers, best first; -1 fills up rows that end earlier. Users without targets are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from diabolo.check import Many, Whole, demand, unknown
from diabolo.errors import DataError, ParameterError
from diabolo.metrics.arrays import Array, numbers
from diabolo.metrics.hits import MEASURES, hits, lists


def shown(ranked: np.ndarray, items: int) -> float:
    """Return the coverage of the catalogue: the share of all `items` that is in a list (B, K) at all.

    Raises
    ------
    DataError
        If a number is no item, or twice in a list.
    DataTypeError
        If `ranked` does not hold integers.

    Examples
    --------
    >>> shown(np.array([[0, 1], [1, -1]]), 4)
    0.5
    """
    ranked = lists(ranked, items)
    return float(len(np.unique(ranked[ranked >= 0])) / max(items, 1))


def novelty(ranked: np.ndarray, popularity: ArrayLike) -> Array:
    """Return the mean self-information of the items of each list, in bits, (B,): NaN for an empty one.

    An item that a share p of the users took has -log₂ p bits; one that none took counts as the rarest of the others.

    Parameters
    ----------
    ranked : ndarray of int (B, K)
        Item numbers, -1 where there are no more.
    popularity : array (I,)
        Share of the users that took each item, in training.

    Raises
    ------
    DataError
        If a number is no item or twice in a list, or `popularity` is not (I,) shares in [0, 1].
    DataTypeError
        If `ranked` does not hold integers, or `popularity` no numbers.

    References
    ----------
    Zhou, Kuscsik, Liu, Medo, Wakeling, Zhang, "Solving the apparent diversity-accuracy dilemma of recommender systems",
    PNAS 107(10), 2010.

    Examples
    --------
    >>> novelty(np.array([[0, 1], [2, -1]]), [0.5, 0.125, 0.0])
    array([2., 3.])
    """
    share = numbers("popularity", popularity, "(I,)")
    if share.ndim != 1 or not ((share >= 0) & (share <= 1)).all():
        raise DataError(
            "popularity must be the share of the users that took each item, shape (I,), in [0, 1]; got others: divide "
            "counts by the number of users."
        )
    ranked = lists(ranked, len(share))
    rarest = share[share > 0].min(initial=1.0)
    bits = np.append(-np.log2(np.where(share > 0, share, rarest)), 0.0)[ranked]  # -1 has none
    lengths = (ranked >= 0).sum(1)
    return bits.sum(1) / np.where(lengths > 0, lengths, np.nan)


@dataclass(frozen=True)
class Measured:
    """A measure over users.

    Parameters
    ----------
    measure : str
        Its name.
    at : int
        How many items of a list counted.
    mean : float
        Over the users.
    error : float, optional
        The standard error of the mean; None where there is none.
    users : int
        How many users: those with targets, and for novelty with a list that is not empty.
    """

    measure: str
    at: int
    mean: float
    error: float | None
    users: int


@dataclass(frozen=True)
class Ranking:
    """How good ranked lists are, in all measures.

    Parameters
    ----------
    rows : tuple of Measured
        One for each measure and length of the lists.
    """

    rows: tuple[Measured, ...]

    @staticmethod
    def of(ranked: np.ndarray, targets: csr_array, popularity: ArrayLike, at: Sequence[int] = (20, 50, 100)) -> Ranking:
        """Measure lists of items against what was held out.

        Parameters
        ----------
        ranked : ndarray of int (B, K)
            Distinct item numbers, best first, -1 where there are no more.
        targets : csr_array (B, I)
            What was to be found.
        popularity : array (I,)
            Share of the users that took each item, in training.
        at : sequence of int
            Lengths at which the lists are cut.

        Raises
        ------
        ParameterError
            If `at` does not hold integers >= 1.
        DataError
            If no user has a target, the shapes do not match, the lists are too short, or a number is no item or twice
            in a list.
        DataTypeError
            If `ranked` does not hold integers, or `targets` is not CSR.

        Examples
        --------
        >>> found = Ranking.of(np.array([[2, 0], [1, 0]]), csr_array([[0, 0, 1], [1, 0, 0]]), [0.5, 0.25, 0.5], at=(1,))
        >>> found.table()[0]
        {'measure': 'recall', 'at': 1, 'mean': 0.5, 'error': 0.5, 'users': 2}
        """
        at = tuple(at)
        demand("at", "Ranking", at, Many(Whole(1)))
        found, counts = hits(ranked, targets, max(at, default=1))
        _, items = cast(tuple[int, int], targets.shape)
        if np.shape(popularity) != (items,):
            raise DataError(
                f"popularity must be one for each item, shape ({items},); got shape {np.shape(popularity)}."
            )
        some = counts > 0
        if not some.any():
            raise DataError("targets must hold an item for at least one user; got none. Hold out more.")
        ranked, found, counts = np.asarray(ranked)[some], found[some], counts[some]
        rows = [_mean(name, k, measure(found[:, :k], counts)) for name, measure in MEASURES.items() for k in at]
        rows += [Measured("coverage", k, shown(ranked[:, :k], items), None, len(ranked)) for k in at]
        rows += [_mean("novelty", k, novelty(ranked[:, :k], popularity)) for k in at]
        return Ranking(tuple(rows))

    def table(self) -> list[dict[str, Any]]:
        """Return a dict of measure, at, mean, error and users for each row."""
        return [asdict(row) for row in self.rows]

    def mean(self, measure: str, at: int | None = None) -> float:
        """Return the mean of a measure over users, at one length of the lists, or at the first there is.

        Raises
        ------
        ParameterError
            If it was not measured.

        Examples
        --------
        >>> Ranking.of(np.array([[0]]), csr_array([[1, 0]]), [0.5, 0.5], at=(1,)).mean("ndcg")
        1.0
        """
        found = [row.mean for row in self.rows if row.measure == measure and at in (None, row.at)]
        if not found:
            known = sorted({f"{row.measure} at {row.at}" for row in self.rows})
            raise ParameterError(f"Ranking: {unknown('measure', f'{measure} at {at}', known)}")
        return found[0]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the table, which is plain JSON."""
        return self.table()


def _mean(measure: str, k: int, values: Array) -> Measured:
    """Return the mean of values (B,), NaN left out."""
    values = values[~np.isnan(values)]
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return Measured(measure, k, float(values.mean()) if len(values) else 0.0, error, len(values))

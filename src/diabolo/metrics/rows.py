"""Rows: how alike two tables of mixed columns are, in single columns, in pairs of them, and row by row."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from diabolo.data.schema import Schema
from diabolo.metrics.arrays import Array
from diabolo.metrics.columns import Column, columns
from diabolo.metrics.memorising import Memorising, memorising

_BINS = 10
"""Bins of equal width that numbers are put into beside classes."""


def column_shapes(real: Any, other: Any) -> dict[str, float]:
    """Return for each column how alike its values are in two tables, in [0, 1]: 1 if distributed alike.

    Of numbers and dates it is 1 less the statistic of Kolmogorov and Smirnov, of classes 1 less the total variation. A
    missing value is a class, and a number below all others; where none are missing, the measures are KSComplement and
    TVComplement of SDMetrics.

    Parameters
    ----------
    real, other : data frame or array (N, F), (M, F)
        Rows of both. Numbers that stand for classes are to be given as text.

    Returns
    -------
    dict of float
        By the name of the column; the mean is the column shapes score of a quality report of SDMetrics.

    Raises
    ------
    DataError
        If there are no rows, the columns are not the same, or a number is infinite.
    DataTypeError
        If a column mixes kinds, or holds another kind in one table than in the other.

    References
    ----------
    SDMetrics (DataCebo), metrics KSComplement and TVComplement, https://docs.sdv.dev/sdmetrics.

    Examples
    --------
    >>> column_shapes([[1.0, "a"], [2.0, "a"], [3.0, "b"], [4.0, "b"]], [[1.0, "a"], [2.0, "a"], [2.5, "a"]])
    {'0': 0.5, '1': 0.5}
    """
    return {column.name: _shape(column) for column in columns({"real": real, "other": other})}


def pair_trends(real: Any, other: Any) -> dict[tuple[str, str], float]:
    """Return for each pair of columns how alike they go together in two tables, in [0, 1]: 1 if alike.

    Of two columns of numbers or dates it is 1 − |r − r'| / 2 with Pearson's correlations, of the rows that have both.
    Otherwise it is 1 less the total variation between the shares of all combinations of classes; numbers are then put
    into 10 bins of equal width over the range of the real ones, one below, one above, and one for missing values. These
    are CorrelationSimilarity and ContingencySimilarity of SDMetrics.

    Pairs without a correlation in `real`, where a column is constant, are left out. A pair that has one there but none
    in `other` is compared with a correlation of 0.

    Parameters
    ----------
    real, other : data frame or array (N, F), (M, F)
        Rows of both. Numbers that stand for classes are to be given as text.

    Returns
    -------
    dict of float
        By the names of both columns; the mean is the column pair trends score of a quality report of SDMetrics.

    Raises
    ------
    DataError
        If there are no rows, the columns are not the same, or a number is infinite.
    DataTypeError
        If a column mixes kinds, or holds another kind in one table than in the other.

    References
    ----------
    SDMetrics (DataCebo), metrics CorrelationSimilarity and ContingencySimilarity, https://docs.sdv.dev/sdmetrics.

    Examples
    --------
    >>> real = [[1.0, 2.0, "a"], [2.0, 4.0, "a"], [3.0, 6.0, "b"]]
    >>> pair_trends(real, real)
    {('0', '1'): 1.0, ('0', '2'): 1.0, ('1', '2'): 1.0}
    >>> pair_trends(real, [[1.0, 6.0, "a"], [2.0, 4.0, "a"], [3.0, 2.0, "b"]])[("0", "1")]
    0.0
    """
    every = columns({"real": real, "other": other})
    numeric = [column for column in every if column.numeric]
    place = {column.name: i for i, column in enumerate(numeric)}
    r, r_of_other = (_correlations([column.sides[i] for column in numeric]) for i in range(2))
    binned = [_binned(column) for column in every]
    found = {}
    for (i, a), (j, b) in combinations(enumerate(every), 2):
        if not (a.numeric and b.numeric):
            found[a.name, b.name] = _contingency(binned[i], binned[j])
        elif not np.isnan(known := r[place[a.name], place[b.name]]):
            found[a.name, b.name] = 1 - abs(known - np.nan_to_num(r_of_other[place[a.name], place[b.name]])) / 2
    return {pair: float(min(max(value, 0.0), 1.0)) for pair, value in found.items()}


def closest(train: Any, held_out: Any, samples: Any) -> Memorising:
    """Test whether rows are closer to the training rows than held-out rows are: the distance to the closest record.

    Rows are compared as a net sees them: numbers standardised by the training rows, and compressed beyond 3 standard
    deviations, one-hot classes, cyclic dates, and an indicator for missing values; the distance is Euclidean.

    Parameters
    ----------
    train, held_out, samples : data frame or array (N, F), (H, F), (M, F)
        Rows that the model was trained on, real rows that it was not, and its own.

    Returns
    -------
    Memorising
        Distances, the probability that a row is closer than a held-out one with a p-value, and the share of rows whose
        nearest real one is a training row.

    Raises
    ------
    DataError
        If there are no rows, the columns are not those of `train`, or a column holds infinity or identifiers.
    DataTypeError
        If a column mixes kinds, or holds another kind than in `train`.

    References
    ----------
    Park, Mohammadi, Gorde, Jajodia, Park, Kim, "Data synthesis based on generative adversarial networks", PVLDB 11(10),
    2018, section 5.1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, held_out, fresh = rng.normal(size=(3, 100, 2))
    >>> found = closest(train, held_out, train[:50])
    >>> print(f"{found.nearer:.2f} {found.samples.max():.2f} {found.p_value < 1e-9}")
    1.00 0.00 True
    """
    schema = Schema.of(train)
    known, new, made = (schema.encode(X, "float64")[0] for X in (train, held_out, samples))
    return memorising(known, new, made)


def _shape(column: Column) -> float:
    if not column.numeric:
        return 1 - _variation(*column.sides)
    a, b = (np.sort(np.nan_to_num(x, nan=-np.inf)) for x in column.sides)
    both = np.concatenate([a, b])
    below, below_of_other = (np.searchsorted(x, both, "right") / len(x) for x in (a, b))
    return float(1 - np.abs(below - below_of_other).max())


def _variation(a: Array, b: Array) -> float:
    """Return the total variation between the shares of whole numbers (N,) and (M,)."""
    classes = np.unique(np.concatenate([a, b]), return_inverse=True)[1]
    shares = [np.bincount(part, minlength=classes.max() + 1) / len(part) for part in np.split(classes, [len(a)])]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _contingency(one: tuple[Array, ...], two: tuple[Array, ...]) -> float:
    """Return the similarity of the combinations of two columns of classes."""
    width = max(x.max() for x in two) + 1
    return 1 - _variation(*(a * width + b for a, b in zip(one, two, strict=True)))


def _binned(column: Column) -> tuple[Array, ...]:
    """Return both sides as classes, from 0 on."""
    if not column.numeric:
        return column.sides
    real = column.sides[0]
    known = real[~np.isnan(real)]
    edges = np.histogram_bin_edges(known, _BINS) if len(known) else np.zeros(1)
    return tuple(_bins(side, edges) for side in column.sides)


def _bins(x: Array, edges: Array) -> Array:
    """Return 0 below the edges, then the bin, one more above them, and two more where a value is missing."""
    place = np.digitize(x, edges) - (x == edges[-1])  # the highest real number lies in the last bin
    return np.where(np.isnan(x), len(edges) + 1, place).astype(np.float64)


def _correlations(numeric: list[Array]) -> Array:
    """Return Pearson's correlations (K, K) of columns (N,), of the rows that have both; NaN if there is none."""
    if not numeric:
        return np.empty((0, 0))
    x = np.stack(numeric, axis=1)
    here = ~np.isnan(x)
    x = _standard(x, here)
    count = here.T.astype(np.float64) @ here
    total, squares = x.T @ here, np.square(x).T @ here  # of the one where the other is there
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = squares - np.square(total) / count
        covariance = x.T @ x - total * total.T / count
        varies = (variance > 1e-12 * count) & (1e-12 * count < variance.T)
        return np.where(varies, covariance / np.sqrt(variance * variance.T), np.nan)


def _standard(x: Array, here: np.ndarray) -> Array:
    """Return columns less their mean over their deviation, 0 where a value is missing or the column is constant."""
    count = np.maximum(here.sum(0), 1)
    x = np.where(here, x, 0)
    largest = np.abs(x).max(0)
    x = x / np.where(largest > 0, largest, 1)
    centred = np.where(here, x - x.sum(0) / count, 0)
    deviation = np.sqrt(np.square(centred).sum(0) / count)
    return centred / np.where(deviation > 1e-12, deviation, np.inf)

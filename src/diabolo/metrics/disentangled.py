"""Disentangled: whether each dimension of a code stands for one factor of the data, and each factor in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diabolo.check import Whole, demand, shorten
from diabolo.errors import DataError
from diabolo.metrics.arrays import Array, points

Classes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class DCI:
    """How well single dimensions of a code stand for single factors.

    Parameters
    ----------
    disentanglement : float
        1 if each dimension tells of one factor only, 0 if all tell of all alike; by importance.
    completeness : float
        1 if each factor is told by one dimension only; mean over the factors.
    informativeness : float
        Accuracy with which the factors of samples held out are predicted from their codes; mean over the factors.
    importance : ndarray (n, K)
        Importance of each dimension for each factor, of sum 1 over the dimensions.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: Array


def mig(codes: ArrayLike, factors: ArrayLike, bins: int = 20) -> float:
    """Return the mutual information gap: how much more the best dimension knows of a factor than the second best.

    It is the mean over factors v of (I(z₍₁₎; v) − I(z₍₂₎; v)) / H(v), from histograms of each dimension with bins of
    equal width. 1 if each factor stands in a dimension of its own, 0 if it stands in two alike.

    Parameters
    ----------
    codes : array (N, n)
        Codes of samples whose factors are drawn independently of each other.
    factors : array (N, K)
        Factors of the same samples; each distinct value is a class, whatever it is.
    bins : int
        Bins of the histogram of a dimension.

    Raises
    ------
    ParameterError
        If `bins` is not an integer >= 2.
    DataError
        If the arrays are not of shapes (N, n) and (N, K), hold NaN, or a factor is constant or has more classes than
        half of the samples.
    DataTypeError
        If the codes are not numbers.

    References
    ----------
    Chen, Li, Grosse, Duvenaud, "Isolating sources of disentanglement in variational autoencoders", NeurIPS, 2018,
    equation 6; with histograms as in Locatello et al., "Challenging common assumptions in the unsupervised learning of
    disentangled representations", ICML, 2019.

    Examples
    --------
    >>> factors = np.array([[i, j] for i in range(4) for j in range(4)])
    >>> print(f"{mig(factors, factors):.3f} {mig(factors @ [[1, 1], [4, 4]], factors):.3f}")
    1.000 0.000
    """
    demand("bins", "mig", bins, Whole(2))
    z, v = points("codes", codes), _classes(factors)
    _paired(z, v)
    binned = np.stack([np.digitize(x, np.histogram_bin_edges(x, bins)[1:-1]) for x in z.T], axis=1)
    of_codes = np.array([_entropy(x) for x in binned.T])
    gaps = []
    for factor in v.T:
        joint = np.array([_entropy(x * (factor.max() + 1) + factor) for x in binned.T])
        known = np.sort(np.append(of_codes + _entropy(factor) - joint, 0.0))  # a single dimension has no second
        gaps.append((known[-1] - known[-2]) / _entropy(factor))
    return float(np.mean(gaps))


def dci(codes: ArrayLike, factors: ArrayLike, seed: int = 0) -> DCI:
    """Return disentanglement, completeness and informativeness, by the importances of random forests.

    A forest is trained for each factor, on three quarters of the samples.

    Parameters
    ----------
    codes : array (N, n)
        Codes of at least 8 samples.
    factors : array (N, K)
        Factors of the same samples; each distinct value is a class, whatever it is.
    seed : int
        Of the split and the forests.

    Raises
    ------
    ParameterError
        If `seed` is not an integer >= 0.
    DataError
        If the arrays are not of shapes (N, n) and (N, K), hold NaN, or a factor is constant or has more classes than
        half of the samples.
    DataTypeError
        If the codes are not numbers.

    References
    ----------
    Eastwood, Williams, "A framework for the quantitative evaluation of disentangled representations", ICLR, 2018.

    Examples
    --------
    >>> factors = np.array([[i, j] for i in range(4) for j in range(4)] * 10)
    >>> found = dci(factors, factors)
    >>> print(f"{found.disentanglement:.2f} {found.completeness:.2f} {found.informativeness:.2f}")
    1.00 1.00 1.00
    """
    from sklearn.ensemble import RandomForestClassifier  # not before it is needed: trees take long to import

    demand("seed", "dci", seed, Whole(0))
    z, v = points("codes", codes, least=8), _classes(factors)
    _paired(z, v)
    order = np.random.default_rng(seed).permutation(len(z))
    test, train = np.split(order, [len(z) // 4])
    importance, right = np.zeros((z.shape[1], v.shape[1])), []
    for i, factor in enumerate(v.T):
        # of all dimensions, so that one without importance is not drawn alone
        forest = cast(Any, RandomForestClassifier)(50, max_features=None, random_state=seed).fit(
            z[train], factor[train]
        )
        importance[:, i] = forest.feature_importances_
        right.append(forest.score(z[test], factor[test]))
    total = importance.sum()
    share = importance.sum(1) / total if total else np.zeros(len(importance))
    return DCI(
        disentanglement=float(share @ _purity(importance)),
        completeness=float(_purity(importance.T).mean()),
        informativeness=float(np.mean(right)),
        importance=importance,
    )


def _purity(rows: Array) -> Array:
    """Return 1 − entropy of each row, in units of its largest possible; 0 where a row is 0."""
    total = rows.sum(1, keepdims=True)
    p = np.divide(rows, total, out=np.full_like(rows, 1 / rows.shape[1]), where=total > 0)
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(1)
    return 1 - entropy / np.log(rows.shape[1]) if rows.shape[1] > 1 else (total[:, 0] > 0).astype(np.float64)


def _entropy(classes: Classes) -> float:
    """Return the entropy of the empirical distribution of classes (N,), in nats."""
    p = np.unique(classes, return_counts=True)[1] / len(classes)
    return float(-(p * np.log(p)).sum())


def _classes(factors: ArrayLike) -> Classes:
    """Return factors (N, K) as numbers of classes, from 0."""
    try:
        array = np.asarray(factors)
    except ValueError as error:  # ragged
        raise DataError(f"factors must have shape (N, K); got {shorten(factors)}.") from error
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(f"factors must have shape (N, K); got shape {array.shape}. Give a single factor as v[:, None].")
    if (array != array).any() or (array.dtype == object and (array == np.array(None)).any()):
        raise DataError("factors must hold no missing values. Drop those samples.")
    text = array.astype(str) if array.dtype == object else array
    each = [np.unique(column, return_inverse=True)[1] for column in text.T]
    for i, classes in enumerate(each):
        count = int(classes.max()) + 1
        if not 2 <= count <= max(2, len(array) // 2):
            raise DataError(
                f"Factor {i} must have at least 2 classes, and at most half as many as there are samples; got {count} "
                f"among {len(array)}. Drop it, or put its values into bins."
            )
    return np.stack(each, axis=1).astype(np.intp)


def _paired(codes: Array, factors: Classes) -> None:
    if len(codes) != len(factors):
        raise DataError(
            f"codes and factors must be of the same samples; got {len(codes)} and {len(factors)}. Give a row of each."
        )

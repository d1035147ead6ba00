"""Drift: whether new samples are drawn as the earlier ones were, and if not, in which columns."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import fisher_exact, ks_2samp

from diabolo.check import listed, shorten
from diabolo.errors import DataError, ParameterError
from diabolo.metrics.arrays import Array, numbers

_EXACT = 2**25
"""Product of the sample sizes up to which p-values are counted: beyond, Kolmogorov's distribution is as good."""


@dataclass(frozen=True)
class Drift:
    """How unlikely it is that two sets of samples differ so much, if both are drawn alike.

    Parameters
    ----------
    parts : tuple of (str, float)
        What was tested and its p-value, corrected for the number of tests; the smallest first.

    Examples
    --------
    >>> drift = Drift.of([("age", 0.2), ("price", 0.001)])
    >>> drift.parts, drift.p_value
    ((('price', 0.002), ('age', 0.2)), 0.002)
    """

    parts: tuple[tuple[str, float], ...]

    @property
    def p_value(self) -> float:
        """That of all parts together, the smallest: small if anything has drifted."""
        return self.parts[0][1]

    @classmethod
    def of(cls, tests: Iterable[tuple[str, float]]) -> Drift:
        """Return the drift that tests show whose p-values are not corrected yet, by the method of Holm.

        References
        ----------
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics, 1979.
        """
        ranked = sorted(tests, key=lambda test: test[1])
        corrected = np.maximum.accumulate([min(1.0, (len(ranked) - i) * p) for i, (_, p) in enumerate(ranked)])
        return cls(tuple((name, float(p)) for (name, _), p in zip(ranked, corrected, strict=True)))


def drift(reference: ArrayLike, new: ArrayLike, names: Sequence[str] | None = None) -> Drift:
    """Compare new samples with earlier ones, column by column.

    If new and earlier samples are exchangeable, ``drift(...).p_value <= a`` has a probability of at most `a`, whatever
    `a` is: some column is then named wrongly. That is for one call: of 20 without drift, one may have a p-value of .05.

    The values of a column are compared by the test of Kolmogorov and Smirnov, two values and shares of missing ones by
    that of Fisher. Ties make the former careful. The p-value of several columns of one name is the smallest of theirs,
    times the number of those that are not constant. All are corrected for the number of names.

    Parameters
    ----------
    reference, new : array or data frame (R, K), (N, K)
        Earlier and new samples, at least one of each; NaN is a missing value, left out. Both must have the same
        precision, as 0.1 in float32 is not 0.1 in float64. Columns of two frames go by their names.
    names : sequence of K str, optional
        What the columns are called; those of one name are one thing, such as the numbers a category is encoded as. By
        default as in a frame, or "0", "1", ....

    Returns
    -------
    Drift
        Of each name, and of each name's missing values where there are any (as "price missing").

    Raises
    ------
    DataError
        If the arrays are not two-dimensional, of the same number of columns, with samples in both; or one frame has
        columns that the other lacks.
    DataTypeError
        If they hold something other than numbers.
    ParameterError
        If the names are not as many as the columns.

    References
    ----------
    Smirnov, "On the estimation of the discrepancy between empirical curves of distribution for two independent
    samples", 1939; Fisher, "The logic of inductive inference", Journal of the Royal Statistical Society, 1935.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> earlier, later = rng.normal(size=(500, 3)), rng.normal(size=(100, 3)) + [0, 1, 0]
    >>> found = drift(earlier, later, ["age", "price", "size"])
    >>> found.p_value < 1e-6, [name for name, p in found.parts if p < 0.05]
    (True, ['price'])
    """
    return Drift.of(compared(reference, new, names))


def compared(reference: ArrayLike, new: ArrayLike, names: Sequence[str] | None = None) -> list[tuple[str, float]]:
    """Return what `drift` tests, and the p-values, not corrected for how many they are; parameters as there.

    Examples
    --------
    >>> compared([[1.0, 0.0], [2.0, np.nan], [3.0, 0.0]], [[4.0, 0.0]], ["a", "b"])
    [('a', 0.5), ('b', 1.0), ('b missing', 1.0)]
    """
    framed = [str(name) for name in getattr(reference, "columns", ())]
    if framed and names is None and hasattr(new, "columns"):
        new = _ordered(new, framed)
    names = framed or None if names is None else names
    old, now = _samples("reference", reference), _samples("new", new)
    if old.shape[1] != now.shape[1]:
        raise DataError(
            f"reference and new must have the same columns; got {old.shape[1]} and {now.shape[1]}. Give the same ones."
        )
    called = [str(i) for i in range(old.shape[1])] if names is None else list(names)
    if len(called) != old.shape[1]:
        raise ParameterError(
            f"Parameter 'names' of drift must be {old.shape[1]} names, one for each column; got {shorten(called)}."
        )
    return [test for name, place in _places(called) for test in _of_name(name, old[:, place], now[:, place])]


def _ordered(new: Any, names: Sequence[str]) -> Any:
    """Return a frame with its columns in the order of those of another one."""
    here = [str(name) for name in new.columns]
    if sorted(here) != sorted(names):
        lost, strange = ([each for each in one if each not in two] for one, two in ((names, here), (here, names)))
        raise DataError(
            f"reference and new must have the same columns; new lacks {listed(lost)}, and has {listed(strange)} "
            "besides. Rename, add or drop columns."
        )
    if here == list(names):
        return new
    if len(set(here)) < len(here):
        raise DataError(
            f"Columns of one name must be in the same places in reference and new; got {listed(names)} and "
            f"{listed(here)}. Reorder them, or rename them."
        )
    return new[[new.columns[here.index(name)] for name in names]]


def _places(names: Sequence[str]) -> Iterable[tuple[str, list[int]]]:
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        places.setdefault(name, []).append(i)
    return places.items()


def _of_name(name: str, old: Array, now: Array) -> Iterator[tuple[str, float]]:
    """Yield the tests of the columns (R, k), (N, k) of one name: of the values, and of whether they are there."""
    each = [_of_values(a[~np.isnan(a)], b[~np.isnan(b)]) for a, b in zip(old.T, now.T, strict=True)]
    known = [p for p in each if p is not None]
    yield name, min([1.0, *(len(known) * p for p in known)])
    lost, gone = (np.asarray(np.isnan(each).any(1)) for each in (old, now))
    if lost.any() or gone.any():
        yield f"{name} missing", _of_shares(lost, gone)


def _of_values(a: Array, b: Array) -> float | None:
    """Return the p-value of the values (r,), (n,) of a column, or None if there is nothing to compare."""
    levels = np.unique(np.concatenate([a, b]))
    if not len(a) or not len(b) or len(levels) < 2:
        return None
    if len(levels) == 2:
        return _of_shares(a == levels[0], b == levels[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where it cannot count, it takes Kolmogorov's distribution
        method = "exact" if len(a) * len(b) <= _EXACT else "asymp"
        return float(cast(Any, ks_2samp(a, b, method=method)).pvalue)


def _of_shares(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the p-value of two shares, those of the true ones among (r,) and (n,)."""
    table = [[int(flags.sum()), len(flags) - int(flags.sum())] for flags in (a, b)]
    return min(1.0, float(cast(Any, fisher_exact(table)).pvalue))


def _samples(name: str, values: ArrayLike) -> Array:
    real = numbers(name, values, "(N, K)")
    if real.ndim != 2 or 0 in real.shape:
        raise DataError(
            f"{name} must have shape (N, K), at least one sample of at least one column; got shape {real.shape}. "
            "Reshape a single column with x[:, None]."
        )
    return real

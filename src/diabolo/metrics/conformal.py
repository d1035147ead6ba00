"""From scores to decisions with a guarantee: conformal p-values, a cutoff, and discoveries among many.

All that is asked of the scores is that a normal sample is exchangeable with the calibration samples: held out from the
training, and drawn alike. No distribution of the scores is assumed.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from diabolo.check import Number, demand
from diabolo.errors import DataError
from diabolo.metrics.arrays import numbers

_RATE = Number(0, 1, open_low=True, open_high=True)


def p_values(calibration: ArrayLike, scores: ArrayLike) -> np.ndarray:
    """Return how often a normal sample would score that high or higher: (1 + #{calibration >= s}) / (m + 1).

    For a normal sample, P(p <= a) <= a at every a, ties or not; the least p-value that there can be is 1 / (m + 1).

    Parameters
    ----------
    calibration : array (m,)
        Scores of normal samples that the model was not trained on; m >= 1.
    scores : array (n,)
        Scores in question.

    Returns
    -------
    ndarray (n,)
        p-values in (0, 1], float64.

    Raises
    ------
    DataError
        If an array is not one-dimensional, holds NaN, or there is no calibration score.
    DataTypeError
        If an array holds something other than numbers.

    References
    ----------
    Vovk, Gammerman, Shafer, "Algorithmic learning in a random world", 2005.
    Bates, Candès, Lei, Romano, Sesia, "Testing for outliers with conformal p-values", Annals of Statistics, 2023.

    Examples
    --------
    >>> p_values([1.0, 2.0, 3.0, 4.0], [0.0, 3.0, 9.0])
    array([1. , 0.6, 0.2])
    """
    known = np.sort(vector("calibration", calibration, least=1))
    reaching = len(known) - np.searchsorted(known, vector("scores", scores))
    return (1 + reaching) / (len(known) + 1)


def cutoff(calibration: ArrayLike, rate: float) -> float:
    """Return the least calibration score t such that flagging scores > t gives at most `rate` false alarms.

    It is the ⌈(1 - rate)(m + 1)⌉-th smallest calibration score: a normal sample is flagged with probability at most
    `rate`, over the draw of it and of the calibration samples. ``scores > cutoff(calibration, rate)`` is the same as
    ``p_values(calibration, scores) <= rate``; a score that ties with t is not flagged.

    Parameters
    ----------
    calibration : array (m,)
        Scores of normal samples that the model was not trained on; ``1 / (m + 1) <= rate``.
    rate : float
        Probability of a false alarm, in (0, 1).

    Raises
    ------
    ParameterError
        If `rate` is not in (0, 1).
    DataError
        If the array is not one-dimensional, holds NaN, or has fewer than ⌈1 / rate⌉ - 1 scores: then none of them is
        high enough for such a rate.
    DataTypeError
        If the array holds something other than numbers.

    References
    ----------
    Vovk, Gammerman, Shafer, "Algorithmic learning in a random world", 2005.

    Examples
    --------
    >>> cutoff([5.0, 1.0, 4.0, 2.0, 3.0, 7.0, 6.0, 9.0, 8.0], 0.2)
    8.0
    >>> cutoff([1.0, 2.0, 3.0], 0.1)
    Traceback (most recent call last):
    ...
    diabolo.errors.DataError: A rate of 0.1 needs at least 9 calibration scores; got 3. Give more, or a larger rate.
    """
    demand("rate", "cutoff", rate, _RATE)
    known = np.sort(vector("calibration", calibration))
    flagged = most_within(rate, len(known) + 1)
    if not flagged:
        raise DataError(
            f"A rate of {float(rate):g} needs at least {least_parts(rate) - 1} calibration scores; got {len(known)}. "
            "Give more, or a larger rate."
        )
    return float(known[len(known) - flagged])


def discoveries(p: ArrayLike, rate: float) -> np.ndarray:
    """Return which of many samples to call anomalous, so that at most a share `rate` of those is expected to be normal.

    This is the step-up procedure of Benjamini and Hochberg; with conformal p-values of one calibration set it keeps
    the false discovery rate too, although they depend on each other (Bates et al. 2023, theorem 2).

    Parameters
    ----------
    p : array (n,)
        p-values in [0, 1], as of `p_values`.
    rate : float
        False discovery rate, in (0, 1).

    Returns
    -------
    ndarray of bool (n,)
        True for each discovery.

    Raises
    ------
    ParameterError
        If `rate` is not in (0, 1).
    DataError
        If the array is not one-dimensional, or holds NaN or something outside [0, 1].
    DataTypeError
        If the array holds something other than numbers.

    References
    ----------
    Benjamini, Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical Society B, 1995.
    Bates, Candès, Lei, Romano, Sesia, "Testing for outliers with conformal p-values", Annals of Statistics, 2023.

    Examples
    --------
    >>> discoveries([0.01, 0.9, 0.03, 0.04], 0.1)
    array([ True, False,  True,  True])
    """
    demand("rate", "discoveries", rate, _RATE)
    values = vector("p", p)
    outside = values[(values < 0) | (values > 1)]
    if outside.size:
        raise DataError(f"p must hold p-values in [0, 1]; got {outside[0]:g}. Turn scores into such with p_values.")
    ranked = np.sort(values)
    passing = ranked[ranked <= float(rate) * np.arange(1, len(ranked) + 1) / max(len(ranked), 1)]
    return values <= passing.max(initial=-1.0)


def most_within(rate: float, total: int) -> int:
    """Return the largest count with ``count / total <= rate``, as floating point compares them.

    Examples
    --------
    >>> most_within(0.29, 100), int(0.29 * 100)
    (29, 28)
    """
    count = math.floor(float(rate) * total)  # off by at most one: 0.29 is none of the binary fractions
    if (count + 1) / total <= rate:
        return count + 1
    return count - (count / total > rate)


def vector(name: str, values: ArrayLike, least: int = 0) -> np.ndarray:
    """Return `values` as float64 (n,), checked: numbers, one-dimensional, no NaN, at least `least` of them.

    Raises
    ------
    DataError
        If they are not one-dimensional, too few, or hold NaN; infinity has its place in an order, and stays.
    DataTypeError
        If they are not real numbers.

    Examples
    --------
    >>> vector("scores", [1, 2])
    array([1., 2.])
    """
    array = numbers(name, values, "(n,)")
    if array.ndim != 1:
        raise DataError(f"{name} must have shape (n,), a number for each sample; got shape {array.shape}. Flatten it.")
    if len(array) < least:
        raise DataError(f"{name} must hold at least {least} numbers; got {len(array)}. Give more samples.")
    missing = np.flatnonzero(np.isnan(array))
    if missing.size:
        raise DataError(f"{name} must hold no NaN; got {missing.size}, the first at {missing[0]}. Drop those samples.")
    return array


def least_parts(rate: float) -> int:
    """Return the least n with ``1 / n <= rate``; exact, for a rate so small that its inverse is infinite too.

    Examples
    --------
    >>> least_parts(0.05), least_parts(0.3)
    (20, 4)
    """
    whole = int(1 / Fraction(float(rate)))
    return whole + (1 / whole > rate)

"""Where the line between usual and unusual is drawn, from scores of samples most of which are usual."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diabolo.check import Maybe, Number, demand
from diabolo.errors import DataError, DiaboloWarning, ParameterError
from diabolo.metrics import Tail, cutoff
from diabolo.metrics.conformal import least_parts, most_within

Array = NDArray[np.float64]

RATE = Maybe(Number(0, 1, open_low=True, open_high=True), "contamination decides")

_FENCE = 3.0
"""Robust standard deviations of the logarithm of the score beyond which "auto" draws the line."""

_MAD = 1.4826
"""Standard deviation of a normal distribution in terms of its median absolute deviation."""

_NOTHING = 1e-9
"""Scores up to it are rounding: those of samples that have enough equals."""


class _Contamination:
    share = Number(0, 0.5, open_low=True)

    def __contains__(self, value: object) -> bool:
        return value == "auto" if isinstance(value, str) else value in self.share

    def __str__(self) -> str:
        return f"{self.share} or 'auto'"


@dataclass(frozen=True)
class Threshold:
    """How the line is drawn.

    Parameters
    ----------
    contamination : float or "auto"
        The share of the scores that lie above it; "auto": above are those whose logarithm is three robust standard
        deviations above the median.
    false_alarm_rate : float, optional
        The probability that a usual sample lies above it, whatever the contamination. Guaranteed for samples that
        could be exchanged with those of the scores, if these were not trained on; below what so many scores can vouch
        for, it is extrapolated by a generalised Pareto tail, with a warning.

    Examples
    --------
    >>> import numpy as np
    >>> Threshold(contamination=0.2).of(np.arange(10.0))
    7.2
    >>> Threshold(false_alarm_rate=0.2).of(np.arange(10.0))
    8.0
    """

    contamination: float | str = "auto"
    false_alarm_rate: float | None = None

    def check(self, owner: str) -> None:
        """Raise ParameterError for the first parameter that is not allowed."""
        demand("contamination", owner, self.contamination, _Contamination())
        demand("false_alarm_rate", owner, self.false_alarm_rate, RATE)
        if self.false_alarm_rate is not None and self.contamination != "auto":
            raise ParameterError(
                f"Parameter 'contamination' of {owner} must be 'auto' where false_alarm_rate is given; got "
                f"{self.contamination}. Leave out one of the two."
            )

    def of(self, scores: Array) -> float:
        """Return the score up to which a sample is usual."""
        if self.false_alarm_rate is not None:
            return _with_rate(scores, self.false_alarm_rate)
        if isinstance(self.contamination, str):
            return _fence(scores)
        return float(np.percentile(scores, 100 * (1 - self.contamination)))


def _with_rate(scores: Array, rate: float) -> float:
    if most_within(rate, len(scores) + 1):
        return cutoff(scores, rate)
    needed = least_parts(rate) - 1
    try:
        threshold = Tail.fit(scores, max(0.05, min(0.5, 40 / len(scores)))).threshold(rate)
    except DataError as error:
        raise DataError(
            f"A false_alarm_rate of {rate:g} needs {needed} calibration samples, or some 50 distinct scores to "
            f"extrapolate it from; there are {len(scores)}. Fit with more samples, or give a higher rate."
        ) from error
    warnings.warn(
        f"A false alarm rate of {rate:g} needs {needed} calibration samples to be guaranteed; there are {len(scores)}, "
        "so it is extrapolated from their tail. Give more samples, or a higher rate.",
        DiaboloWarning,
        stacklevel=5,
    )
    return threshold


def _fence(scores: Array) -> float:
    """Return what robustly is far above the scores; those that are 0 tell nothing of how far others reach."""
    logs = np.log(scores[scores > _NOTHING])
    if not len(logs):
        return _NOTHING
    middle = np.median(logs)
    return float(np.exp(middle + _FENCE * _MAD * np.median(np.abs(logs - middle)) + _NOTHING))

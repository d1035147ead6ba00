"""Where the line between usual and unusual is drawn, from scores of samples most of which are usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.check import Maybe, Number, demand
from diabolo.density import Density
from diabolo.errors import DataError, ParameterError, warn
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.detection.usual import Usual
from diabolo.flow import Shape
from diabolo.metrics import Tail, cutoff
from diabolo.metrics.conformal import least_parts, most_within

Array = NDArray[np.float64]

RATE = Maybe(Number(0, 1, open_low=True, open_high=True), "contamination decides")

_MIDST = (0.3, 0.5, 0.7)
"""Quantiles of the logarithms of scores that tell where "auto" draws the line: anomalies hardly reach them."""

_FENCE, _SKEWED = 2.6, 3.0
"""How many times the outer ones are apart the line lies above the median, and how many times more in one column, of
which the logarithms are skewed most: a quarter of that in two columns, a ninth in three (docs/decisions/0006)."""

_FEW, _OWN = 8, 1e-3
"""Columns up to which the line depends on their number, and the least variance in a direction, as a share of the
largest, that makes it one in which rows differ."""

_MANY, _SHARE = 100, 0.005
"""Scores from which on at least so many of them reach the line: where logarithms are far apart, as of rows or windows
that mostly have equals, it would lie beyond everything."""

_ENDLESS = 700.0
"""Logarithm of a number that is still finite."""

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
        The share of the scores that lie above it; "auto": above are those whose logarithm is far above the median,
        2.6 times what lies between the quantiles .3 and .7, and more where there are few columns; or, of a hundred
        scores or more, one in two hundred where that would be fewer.
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

    def of(
        self, scores: Array, *, unseen: Array | None = None, windows: int | None = None, columns: int | None = None
    ) -> float:
        """Return the score up to which a sample is usual.

        A share is one of the `scores`; all else is drawn from those of samples that the model had not seen, if given.
        Points of one series say together no more than the `windows` that they lie in. Of few `columns`, if said, the
        logarithms of scores are skewed, and the line of "auto" lies farther out.
        """
        judges = scores if unseen is None else unseen
        if self.false_alarm_rate is not None:
            threshold = _with_rate(judges, self.false_alarm_rate)
            if windows is not None and most_within(self.false_alarm_rate, len(judges) + 1):
                _warn_of_few_windows(self.false_alarm_rate, windows, len(judges))
            return threshold
        if isinstance(self.contamination, str):
            return _fence(judges, columns)
        return float(np.percentile(scores, 100 * (1 - self.contamination)))

    def to_json(self) -> dict[str, float | str | None]:
        """Return the parameters as plain JSON values."""
        share, rate = self.contamination, self.false_alarm_rate
        return {
            "contamination": share if isinstance(share, str) else float(share),
            "false_alarm_rate": None if rate is None else float(rate),
        }


def offset_of(threshold: Threshold, reading: Reading, shape: Shape, usual: Usual) -> float:
    """Return the score below which samples are flagged, as a threshold draws the line among usual ones.

    They are read in some way, and the model takes pieces of a shape.
    """
    windows = len(usual.ends) if reading.single and usual.ends is not None else None
    columns = _own_columns(reading, shape, usual.density)
    return -threshold.of(usual.scores, unseen=usual.out_of_fold, windows=windows, columns=columns)


def _own_columns(reading: Reading, shape: Shape, density: Density) -> int:
    """Return how many columns say something of their own: copies and sums of others skew scores as if left out."""
    count = reading.values(shape)
    if reading.window is not None or reading.schema is None or count > _FEW:
        return count
    placed = density.placed
    rows = placed.residual + placed.rebuilt  # (R, P)
    spreads = torch.linalg.svdvals(rows - rows.mean(0)).square()
    return max(1, min(count, int((spreads > _OWN * spreads[0]).sum())))


def warn_of_strangers(threshold: Threshold, offset: float, unseen: Array | None) -> None:
    """Warn if the line flags many more of samples that no model had seen than of the training samples."""
    share = threshold.contamination
    if isinstance(share, str) or unseen is None:
        return
    strangers = float((unseen > -offset).mean())
    if strangers > max(4 * share, share + 0.15):
        warn(
            f"A contamination of {share:g} flags so many of the training samples, but about {strangers:.0%} of new "
            "ones like them, for of few samples a model knows each. Leave it out, for a line drawn from samples that "
            "the model had not seen, or give a false_alarm_rate, or more samples.",
        )


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
    warn(
        f"A false alarm rate of {rate:g} needs {needed} calibration samples to be guaranteed; there are {len(scores)}, "
        "so it is extrapolated from their tail. Give more samples, or a higher rate.",
    )
    return threshold


def _warn_of_few_windows(rate: float, windows: int, points: int) -> None:
    """Warn if points are enough for a rate, but not the windows that they lie in."""
    if not most_within(rate, windows + 1):
        warn(
            f"A false alarm rate of {rate:g} needs {least_parts(rate) - 1} windows to calibrate; the {points} points "
            f"for that lie in {windows}, which can tell rates down to {1 / (windows + 1):.2g}, so that more may be "
            "flagged than said. Give a longer series, or a higher rate.",
        )


def _fence(scores: Array, columns: int | None) -> float:
    """Return what robustly is far above the scores; those that are 0 tell nothing of how far others reach."""
    logs = np.log(scores[scores > _NOTHING])
    if not len(logs):
        return _NOTHING
    low, middle, high = np.quantile(logs, _MIDST)
    steps = _FENCE + (_SKEWED / columns**2 if columns else 0)
    line = float(np.exp(min(middle + steps * (high - low) + _NOTHING, _ENDLESS)))
    most = float(np.quantile(scores, 1 - _SHARE, method="higher")) * (1 + _NOTHING)
    return min(line, most) if len(scores) >= _MANY else line

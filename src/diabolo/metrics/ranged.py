"""Precision and recall of ranges: how much of an event is flagged, in how many pieces; how much of an alarm is event.

Where `best_event_f1` asks whether an event is found at all, these ask how well a run of flagged points fits it.

References
----------
Tatbul, Lee, Zdonik, Alam, Gottschlich, "Precision and recall for time series", NeurIPS, 2018.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from diabolo.check import Number, OneOf, demand
from diabolo.metrics.events import checked, edges_of, flags_of, reaching

_BIASES: dict[str, Callable[[int], np.ndarray]] = {
    "flat": np.ones,
    "front": lambda length: np.arange(length, 0.0, -1),
    "middle": lambda length: np.minimum(np.arange(1.0, length + 1), np.arange(length, 0.0, -1)),
    "back": lambda length: np.arange(1.0, length + 1),
}
"""What the points of an event of some length count, by what the paper calls them."""


def range_precision_recall(
    labels: ArrayLike, flagged: ArrayLike, *, existence: float = 0.0, bias: str = "flat"
) -> tuple[float, float]:
    """Return precision and recall of runs of flagged points, and of events.

    The recall of an event is α·[a point of it is flagged] + (1 − α)·ω/x, where ω is the share of it that is flagged and
    x the number of runs that lies in; recall is the mean over events. Precision is the mean over runs of the share of
    the run that lies in events, over the number of these; 0 if nothing is flagged. Runs that cover several events, and
    events found in several pieces, so count less: γ = 1/x, in the paper's terms.

    Parameters
    ----------
    labels : array (T,)
        1 inside events, 0 at normal points; both must occur.
    flagged : array (T,)
        1 at points that are flagged, 0 at others.
    existence : float
        α, what it is worth to find an event at all, in [0, 1].
    bias : str
        Which points of an event count most: "flat", all alike; "front", the earlier; "middle"; "back".

    Raises
    ------
    ParameterError
        If `existence` or `bias` is not allowed.
    DataError
        If labels and flags are not of one shape (T,), or not 0 and 1, of labels both.
    DataTypeError
        If labels or flags are not numbers.

    Examples
    --------
    >>> labels, flagged = [0, 1, 1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0, 1, 0]
    >>> range_precision_recall(labels, flagged)  # a run within the event, and one beside it; half of the event
    (0.5, 0.5)
    >>> range_precision_recall(labels, [1, 1, 0, 1, 0, 0, 0, 0])  # half beside the event, which is in pieces
    (0.75, 0.25)
    """
    demand("existence", "range_precision_recall", existence, Number(0, 1))
    demand("bias", "range_precision_recall", bias, OneOf(*_BIASES))
    inside, found = checked(labels, flagged, "flagged")[0], flags_of(flagged, "flagged")
    events, runs = edges_of(inside), edges_of(found)
    reward = [
        existence * found[start:end].any() + (1 - existence) * _covered(found[start:end], _BIASES[bias])
        for start, end in events
    ]
    fit = [_covered(inside[start:end], _BIASES["flat"]) for start, end in runs]
    return float(np.mean(fit)) if fit else 0.0, float(np.mean(reward))


def best_range_f1(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the highest F1 of ranges over all thresholds: the harmonic mean of precision and recall of ranges.

    They are those of `range_precision_recall`, all points of an event counting alike, and to find an event at all
    nothing by itself.

    Parameters
    ----------
    labels : array (T,)
        1 inside events, 0 at normal points; both must occur.
    scores : array (T,)
        Scores, higher where more anomalous.

    Raises
    ------
    DataError
        If labels and scores are not of one shape (T,), the labels are not 0 and 1 with both there, or a score is NaN.
    DataTypeError
        If labels or scores are not numbers.

    Examples
    --------
    >>> best_range_f1([0, 1, 1, 0, 0, 0], [1, 5, 6, 2, 1, 1])
    1.0
    >>> best_range_f1([0, 1, 1, 0, 0, 0], [1, 5, 1, 1, 1, 1])  # half of the event, and nothing else
    0.6666666666666666
    """
    flags, values = checked(labels, scores)
    distinct, ranks = np.unique(values, return_inverse=True)
    precision, recall = _precision(flags, ranks, len(distinct)), _recall(flags, ranks, len(distinct))
    return float((2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)).max())


def _covered(there: np.ndarray, bias: Callable[[int], np.ndarray]) -> float:
    """Return the share of a range (n,) that is there, over the number of pieces."""
    weights = bias(len(there))
    return float(weights @ there / weights.sum() / max(1, len(edges_of(there))))


def _precision(flags: np.ndarray, ranks: np.ndarray, count: int) -> np.ndarray:
    """Return the precision of the runs that are flagged from each rank on, (K,)."""
    start, end, low, high = _runs(ranks)
    events, before = edges_of(flags), np.concatenate([[0], np.cumsum(flags)])
    pieces = np.searchsorted(events[:, 0], end) - np.searchsorted(events[:, 1], start, side="right")
    fit = (before[end] - before[start]) / (end - start) / np.maximum(pieces, 1)
    total, runs = (
        np.cumsum(np.bincount(low + 1, amount, count + 1) - np.bincount(high + 1, amount, count + 1))[:-1]
        for amount in (fit, np.ones_like(fit))
    )
    return total / runs


def _recall(flags: np.ndarray, ranks: np.ndarray, count: int) -> np.ndarray:
    """Return the recall of the events where points are flagged from each rank on, (K,)."""
    steps, events = np.zeros(count + 1), edges_of(flags)
    for start, end in events:
        own = ranks[start:end]
        thresholds = np.unique(own)  # between which nothing changes
        flagged = reaching(own, thresholds)
        runs = flagged - reaching(np.minimum(own[1:], own[:-1]), thresholds)  # two neighbours are in the same run
        recall = flagged / len(own) / np.maximum(runs, 1)
        steps[[0, *(thresholds + 1)]] += np.diff(recall, prepend=0, append=0)
    return np.cumsum(steps)[:-1] / len(events)


def _runs(ranks: np.ndarray) -> np.ndarray:
    """Return start and end of every run that is ever flagged, and from which ranks it is: low < rank <= high, (4, R).

    A run is what lies around its least point, of equal ones the first, up to lesser ones on either side.
    """
    runs, rising, level = [], [], [*ranks.tolist(), -1]
    for at, rank in enumerate(level):
        while rising and level[rising[-1]] > rank:
            high = level[rising.pop()]
            start = rising[-1] + 1 if rising else 0
            below = level[start - 1] if start else -1
            if below < high:
                runs.append((start, at, max(below, rank), high))
        rising.append(at)
    return np.array(runs).T

"""How well the events in a series are found: measures that neither the length nor the luck of an event inflates.

The usual F1 after "point adjustment" is not among them: it counts all points of an event as found once one of them is,
and a long event is then found by chance, so that random scores beat published methods (Kim et al., AAAI 2022).

Each measure depends on the order of the scores only.

References
----------
Kim, Choi, Choi, Lee, Yoon, "Towards a rigorous evaluation of time-series anomaly detection", AAAI, 2022.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from diabolo.check import Number, Whole, demand
from diabolo.errors import DataError
from diabolo.metrics.conformal import most_within, vector

_WIDTHS = 21
"""Most widths of the buffer that are averaged over."""


def ranges(labels: ArrayLike) -> list[tuple[int, int]]:
    """Return the events of labels (T,): start and end of each run of ones, the end not included.

    Raises
    ------
    DataError
        If the labels are not one-dimensional, or something other than 0 and 1.
    DataTypeError
        If the labels are not numbers.

    Examples
    --------
    >>> ranges([0, 1, 1, 0, 1])
    [(1, 3), (4, 5)]
    """
    return [(int(start), int(end)) for start, end in edges_of(flags_of(labels))]


def event_recall_at(labels: ArrayLike, scores: ArrayLike, false_alarm_rate: float) -> float:
    """Return the share of the events that are found when at most that share of the normal points is flagged.

    The threshold is the least score of a normal point that keeps the rate; what scores higher is flagged, and an event
    is found if one of its points is.

    Parameters
    ----------
    labels : array (T,)
        1 inside events, 0 at normal points; both must occur.
    scores : array (T,)
        Scores, higher where more anomalous.
    false_alarm_rate : float
        Share of the normal points that may be flagged, in [0, 1).

    Raises
    ------
    ParameterError
        If `false_alarm_rate` is not in [0, 1).
    DataError
        If labels and scores are not of one shape (T,), the labels are not 0 and 1 with both there, or a score is NaN.
    DataTypeError
        If labels or scores are not numbers.

    Examples
    --------
    >>> labels = [0, 1, 1, 0, 0, 0, 1, 0]
    >>> scores = [1, 2, 9, 3, 1, 5, 4, 1]
    >>> event_recall_at(labels, scores, 0.0), event_recall_at(labels, scores, 0.2)
    (0.5, 1.0)
    """
    demand("false_alarm_rate", "event_recall_at", false_alarm_rate, Number(0, 1, open_high=True))
    flags, values = checked(labels, scores)
    normal = np.sort(values[~flags])
    threshold = normal[len(normal) - 1 - most_within(false_alarm_rate, len(normal))]
    return float((_peaks(values, edges_of(flags)) > threshold).mean())


def best_event_f1(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the highest F1 of events over all thresholds: 2·found / (found + false alarms + events).

    An event is found if one of its points is flagged. A false alarm is a run of flagged normal points; the end of an
    event ends the run. Thresholds that flag more than half of the normal points do not count: there the runs melt into
    few, and flagging all T points, which tells nothing, would have an F1 of up to 2/3.

    This is not the point-adjusted F1, which rewards random scores (Kim et al. 2022). A false alarm counts once, however
    long it is; `event_recall_at` and `vus_pr` count its points.

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

    References
    ----------
    Kim, Choi, Choi, Lee, Yoon, "Towards a rigorous evaluation of time-series anomaly detection", AAAI, 2022.

    Examples
    --------
    >>> best_event_f1([0, 1, 1, 0, 0, 0, 1, 0], [1, 2, 9, 3, 1, 5, 4, 1])  # at 4: both events, one false alarm
    0.8
    """
    flags, values = checked(labels, scores)
    peaks = _peaks(values, edges_of(flags))
    normal = values[~flags]
    neighbours = np.minimum(values[1:], values[:-1])[~(flags[1:] | flags[:-1])]
    thresholds = np.unique(values)
    flagged, found = reaching(normal, thresholds), reaching(peaks, thresholds)
    runs = flagged - reaching(neighbours, thresholds)  # two flagged neighbours are in the same run
    f1 = 2 * found / (found + runs + len(peaks))
    return float(f1[2 * flagged <= len(normal)].max(initial=0.0))


def vus_pr(labels: ArrayLike, scores: ArrayLike, widest: int) -> float:
    """Return the volume under the precision-recall surface, whose third axis is the tolerance of where an event ends.

    For each width ℓ, an event has a buffer of ℓ/2 points on either side, in which a point at distance d counts as
    √(1 - d/ℓ) of an anomalous one. With that soft label, precision and recall are computed at every distinct score;
    recall is multiplied by the share of the events (with their buffers) in which a point is flagged, and buffers raise
    the number to be found by half of what is flagged in them. The average precision of that curve is averaged over ℓ
    from 0, which is the ordinary precision-recall curve times that share, to `widest`: all widths up to 20, otherwise
    21 of them, evenly spaced.

    Perfect scores have 1. Random scores, and equal ones, have about the share of anomalous points, buffers included.

    Parameters
    ----------
    labels : array (T,)
        1 inside events, 0 at normal points; both must occur.
    scores : array (T,)
        Scores, higher where more anomalous.
    widest : int
        Largest width ℓ of the buffer, in points, between 0 and T; the period of the series is usual.

    Raises
    ------
    ParameterError
        If `widest` is not an integer in [0, T].
    DataError
        If labels and scores are not of one shape (T,), the labels are not 0 and 1 with both there, or a score is NaN.
    DataTypeError
        If labels or scores are not numbers.

    References
    ----------
    Paparrizos, Boniol, Palpanas, Tsay, Elmore, Franklin, "Volume under the surface: a new accuracy evaluation measure
    for time-series anomaly detection", PVLDB 15(11), 2022. Thresholds are all scores here, not 250 of them.

    Examples
    --------
    >>> labels = [0, 0, 1, 1, 0, 0, 0, 0]
    >>> vus_pr(labels, labels, 4)
    1.0
    >>> vus_pr(labels, [0, 9, 8, 1, 0, 0, 0, 0], 0)  # precision 1/2 at recall 1/2, then 2/3 at recall 1
    0.5833333333333333
    """
    flags, values = checked(labels, scores)
    demand("widest", "vus_pr", widest, Whole(0, len(flags)))
    widths = np.unique(np.linspace(0, widest, _WIDTHS).round().astype(int))
    order = np.argsort(-values)
    falling = values[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))  # of each distinct score
    inside = np.cumsum(flags[order])[last]
    edges = edges_of(flags)
    volume = 0.0
    for width in widths:
        hits = np.cumsum(_buffered(flags, edges, int(width))[order])[last]
        peaks = _peaks(values, _widened(edges, int(width) // 2, len(flags)))
        recall = np.minimum(hits / (flags.sum() + (hits - inside) / 2), 1) * reaching(peaks, falling[last]) / len(peaks)
        volume += float(np.diff(recall, prepend=0.0) @ (hits / (last + 1)))
    return volume / len(widths)


def _buffered(flags: np.ndarray, edges: np.ndarray, width: int) -> np.ndarray:
    """Return soft labels (T,): 1 in events, less within half a width beside them; overlapping buffers add up."""
    half = width // 2
    soft = np.pad(flags.astype(np.float64), half)
    for distance in range(1, half + 1):
        slope = np.sqrt(1 - distance / width)
        soft[edges[:, 0] + half - distance] += slope
        soft[edges[:, 1] - 1 + half + distance] += slope
    return np.minimum(soft, 1)[half : half + len(flags)]


def _widened(edges: np.ndarray, by: int, length: int) -> np.ndarray:
    """Return the edges of the events with their buffers, those that overlap as one."""
    apart = edges[1:, 0] - by >= edges[:-1, 1] + by
    starts = edges[np.append(True, apart), 0] - by
    ends = edges[np.append(apart, True), 1] + by
    return np.column_stack([starts, ends]).clip(0, length)


def _peaks(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the highest score between each start and end, (E,)."""
    return np.maximum.reduceat(np.append(values, -np.inf), edges.ravel())[::2]


def reaching(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return how many of the values (n,) reach each of the thresholds (K,).

    Examples
    --------
    >>> reaching(np.array([1.0, 3.0]), np.array([1.0, 2.0, 4.0])).tolist()
    [2, 1, 0]
    """
    return len(values) - np.searchsorted(np.sort(values), thresholds)


def edges_of(flags: np.ndarray) -> np.ndarray:
    """Return start and end of each run of flags (T,), the end not included, (E, 2).

    Examples
    --------
    >>> edges_of(np.array([False, True, True])).tolist()
    [[1, 3]]
    """
    return np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1))).reshape(-1, 2)


def checked(labels: ArrayLike, scores: ArrayLike, name: str = "scores") -> tuple[np.ndarray, np.ndarray]:
    """Return labels as flags (T,), and scores (T,), under the name of an argument.

    Raises
    ------
    DataError
        If labels and scores are not of one shape (T,), the labels are not 0 and 1 with both there, or a score is NaN.
    DataTypeError
        If labels or scores are not numbers.

    Examples
    --------
    >>> checked([0, 1], [3, 4])
    (array([False,  True]), array([3., 4.]))
    """
    flags, values = flags_of(labels), vector(name, scores)
    if len(flags) != len(values):
        raise DataError(f"labels and {name} must be of one length T; got {len(flags)} and {len(values)}.")
    if flags.all() or not flags.any():
        raise DataError(
            f"labels must have both events (1) and normal points (0); got {flags.sum()} ones among {len(flags)}."
        )
    return flags, values


def flags_of(labels: ArrayLike, name: str = "labels") -> np.ndarray:
    """Return labels (T,) of 0 and 1, under the name of an argument, as booleans.

    Raises
    ------
    DataError
        If they are not one-dimensional, or something other than 0 and 1.
    DataTypeError
        If they are not numbers.

    Examples
    --------
    >>> flags_of([0, 1])
    array([False,  True])
    """
    values = vector(name, labels)
    other = values[(values != 0) & (values != 1)]
    if other.size:
        raise DataError(f"{name} must be 0 at normal points and 1 inside events; got {other[0]:g}.")
    return values == 1

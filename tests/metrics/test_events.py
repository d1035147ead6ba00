"""Events in series: worlds small enough to count by hand, the definition written out, and what must not matter."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import best_event_f1, event_recall_at, ranges, vus_pr

WORLD = [0, 1, 1, 0, 0, 0, 1, 0]
SCORES = [1, 2, 9, 3, 1, 5, 4, 1]


@st.composite
def worlds(draw, least=2, most=40):
    """Labels with both kinds, and scores with ties."""
    labels = draw(st.lists(st.integers(0, 1), min_size=least, max_size=most))
    assume(0 < sum(labels) < len(labels))
    scores = draw(st.lists(st.integers(-4, 4), min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(scores, dtype=float)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([], []),
        ([0, 0], []),
        ([1], [(0, 1)]),
        ([1, 1, 0, 1], [(0, 2), (3, 4)]),
        ([0, 1, 0], [(1, 2)]),
        (np.array([False, True]), [(1, 2)]),
        ([0.0, 1.0], [(1, 2)]),
    ],
    ids=str,
)
def test_ranges_by_hand(labels, found):
    assert ranges(labels) == found


@given(st.lists(st.integers(0, 1), max_size=50))
def test_ranges_are_the_labels(labels):
    again = np.zeros(len(labels), dtype=int)
    for start, end in ranges(labels):
        assert end > start
        assert not again[max(start - 1, 0) : end].any()
        again[start:end] = 1
    assert again.tolist() == labels


@pytest.mark.parametrize(("rate", "recall"), [(0, 0.5), (0.19, 0.5), (0.2, 1.0), (0.9, 1.0)])
def test_event_recall_by_hand(rate, recall):
    """Normal scores 1 3 1 5 1, events at most 9 and 4: one alarm in five normal points finds the second event."""
    assert event_recall_at(WORLD, SCORES, rate) == recall


def test_a_tie_with_a_normal_point_finds_nothing():
    assert event_recall_at([0, 1, 0, 1], [5, 5, 0, 6], 0) == 0.5


@given(worlds(), st.floats(0, 0.99))
def test_event_recall_is_its_definition(world, rate):
    labels, scores = world
    normal = scores[labels == 0]
    thresholds = [t for t in [*normal] if np.mean(normal > t) <= rate]
    events = ranges(labels)
    expected = np.mean([scores[start:end].max() > min(thresholds) for start, end in events])
    assert event_recall_at(labels, scores, rate) == expected


@given(worlds(), st.floats(0, 0.9), st.floats(0, 0.09))
def test_event_recall_rises_with_the_rate(world, rate, more):
    labels, scores = world
    assert event_recall_at(labels, scores, rate) <= event_recall_at(labels, scores, rate + more)


def flagged_f1(labels, flagged):
    """Return the F1 of events at one threshold, run by run."""
    found = sum(flagged[start:end].any() for start, end in ranges(labels))
    alarms = len(ranges(flagged & (labels == 0)))
    return 2 * found / (found + alarms + len(ranges(labels)))


@given(worlds())
def test_event_f1_is_its_definition(world):
    labels, scores = world
    usable = [scores >= t for t in scores if np.mean(scores[labels == 0] >= t) <= 0.5]
    assert best_event_f1(labels, scores) == max([0.0, *(flagged_f1(labels, flagged) for flagged in usable)])


@pytest.mark.parametrize(
    ("labels", "scores", "f1"),
    [
        (WORLD, SCORES, 0.8),  # two events found, one alarm
        (WORLD, [0, 0, 1, 0, 0, 0, 0, 0], 2 / 3),  # one of two events, no alarm
        (WORLD, [0, 0, 1, 1, 1, 0, 0, 0], 1 / 2),  # an alarm that goes on after the event
        (WORLD, [0, 0, 0, 1, 1, 0, 0, 0], 0.0),
        (WORLD, [1] * 8, 0.0),  # to flag everything is no detection
        ([0, 1, 0, 0, 0, 0, 1, 0], [0, 1, 0, 1, 0, 1, 1, 0], 4 / 6),  # two events, two alarms, one beside an event
    ],
    ids=str,
)
def test_event_f1_by_hand(labels, scores, f1):
    assert best_event_f1(labels, scores) == pytest.approx(f1)


def long_events(seed=0):
    """Ten events of 100 points in 10,000, and scores that know nothing of them."""
    draw = np.random.default_rng(seed)
    labels = np.zeros(10_000, dtype=int)
    for start in range(500, 10_000, 1000):
        labels[start : start + 100] = 1
    return labels, draw.normal(size=10_000)


def test_random_scores_do_badly_where_point_adjustment_praises_them():
    labels, scores = long_events()
    assert adjusted_f1(labels, scores) > 0.8
    assert best_event_f1(labels, scores) < 0.2
    assert vus_pr(labels, scores, 50) == pytest.approx(labels.mean(), abs=0.05)
    assert event_recall_at(labels, scores, 0.001) == pytest.approx(1 - 0.999**100, abs=0.35)


def adjusted_f1(labels, scores):
    """Return the best point-adjusted F1, which is not in the library for the reason that this test shows."""
    best = 0.0
    for threshold in np.quantile(scores, np.linspace(0.9, 0.9999, 50)):
        flagged = scores > threshold
        for start, end in ranges(labels):
            flagged[start:end] = flagged[start:end].any()
        hits = (flagged & (labels == 1)).sum()
        best = max(best, 2 * hits / (flagged.sum() + labels.sum()))
    return best


@given(worlds(), st.integers(0, 2))
def test_perfect_scores_are_perfect(world, widest):
    labels, _ = world
    assert best_event_f1(labels, labels) == 1
    assert event_recall_at(labels, labels, 0) == 1
    assert vus_pr(labels, labels, widest) == pytest.approx(1)


def test_vus_by_hand():
    labels, scores = [0, 0, 1, 1, 0, 0, 0, 0], [0, 9, 8, 1, 0, 0, 0, 0]
    plain = 1 / 2 * 1 / 2 + 1 / 2 * 2 / 3  # at 8 half of the event at precision 1/2, at 1 all of it at 2/3
    slope = math.sqrt(1 / 2)  # of the points 1 and 4, at width 2
    first = slope / (2 + slope / 2)  # at 9: the buffer alone is reached
    second = (1 + slope) / (2 + slope / 2)
    buffered = first * slope + (second - first) * (1 + slope) / 2 + (1 - second) * (2 + slope) / 3
    assert vus_pr(labels, scores, 0) == pytest.approx(plain)
    assert vus_pr(labels, scores, 2) == pytest.approx((plain + plain + buffered) / 3)  # width 1 has no points beside


def written_out(labels, scores, widest):
    """Return the volume by the definition of Paparrizos et al. 2022: loops over widths, thresholds and points."""
    return float(np.mean([average_precision(labels, scores, width) for width in range(widest + 1)]))


def average_precision(labels, scores, width):
    half, events = width // 2, ranges(labels)
    soft = labels.astype(float)
    for i in range(len(labels)):
        for start, end in events:
            distance = max(start - i, i - (end - 1))
            soft[i] += math.sqrt(1 - distance / width) if 0 < distance <= half else 0
    soft = np.minimum(soft, 1)
    parts = [(max(start - half, 0), min(end + half, len(labels))) for start, end in events]
    joined = parts[:1]
    for part, (before, after) in zip(parts[1:], pairwise(events), strict=True):
        if after[0] - half < before[1] + half:
            joined[-1] = (joined[-1][0], part[1])
        else:
            joined.append(part)
    area, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        flagged = scores >= threshold
        hits = (soft * flagged).sum()
        wanted = (labels.sum() + np.where(labels == 1, 1, soft * flagged).sum()) / 2
        reached = np.mean([flagged[start:end].any() for start, end in joined])
        now = min(hits / wanted, 1) * reached
        area, recall = area + (now - recall) * hits / flagged.sum(), now
    return area


@given(worlds(), st.integers(0, 12))
def test_vus_is_its_definition(world, widest):
    labels, scores = world
    widest = min(widest, len(labels))
    assert vus_pr(labels, scores, widest) == pytest.approx(written_out(labels, scores, widest))


def test_a_wide_buffer_is_sampled_evenly():
    labels, scores = long_events()
    labels, scores = labels[:1500], scores[:1500] + 2 * np.roll(labels, 5)[:1500]
    every = np.mean([average_precision(labels, np.round(scores, 1), width) for width in range(0, 101, 5)])
    assert vus_pr(labels, np.round(scores, 1), 100) == pytest.approx(every)


def test_a_detection_beside_the_event_is_worth_something_with_a_buffer():
    labels, beside, apart = np.zeros((3, 200), dtype=int)
    labels[100:120] = beside[120:130] = apart[160:170] = 1
    assert vus_pr(labels, beside, 0) == vus_pr(labels, apart, 0) == pytest.approx(0.1)  # by flagging everything
    assert vus_pr(labels, beside, 40) > 1.5 * vus_pr(labels, apart, 40)


@given(worlds(), st.integers(0, 8), st.sampled_from([np.exp, lambda s: s**3, lambda s: 5 * s - 7, np.arctan]))
def test_only_the_order_of_the_scores_counts(world, widest, transform):
    labels, scores = world
    widest = min(widest, len(labels))
    other = transform(scores)
    assert best_event_f1(labels, scores) == best_event_f1(labels, other)
    assert event_recall_at(labels, scores, 0.1) == event_recall_at(labels, other, 0.1)
    assert vus_pr(labels, scores, widest) == pytest.approx(vus_pr(labels, other, widest), abs=1e-12)


@given(worlds(), st.integers(0, 8))
def test_time_may_run_backwards(world, widest):
    labels, scores = world
    widest = min(widest, len(labels))
    assert vus_pr(labels, scores, widest) == pytest.approx(vus_pr(labels[::-1], scores[::-1], widest))
    assert best_event_f1(labels, scores) == best_event_f1(labels[::-1], scores[::-1])


@given(worlds(), st.integers(0, 8))
def test_every_measure_is_a_share(world, widest):
    labels, scores = world
    values = [best_event_f1(labels, scores), vus_pr(labels, scores, min(widest, len(labels)))]
    assert all(type(value) is float and 0 <= value <= 1 + 1e-12 for value in values)


def test_infinite_scores_have_their_place():
    scores = [0, math.inf, -math.inf, math.inf, 1]
    labels = [0, 1, 0, 1, 0]
    assert (best_event_f1(labels, scores), event_recall_at(labels, scores, 0), vus_pr(labels, scores, 0)) == (1, 1, 1)


MEASURES = [best_event_f1, lambda y, s: event_recall_at(y, s, 0.1), lambda y, s: vus_pr(y, s, 0)]


@pytest.mark.parametrize("measure", MEASURES, ids=["f1", "recall", "vus"])
@pytest.mark.parametrize(
    ("labels", "scores", "error", "words"),
    [
        ([0, 1], [1, 2, 3], DataError, "labels and scores must be of one length T; got 2 and 3"),
        ([0, 0], [1, 2], DataError, "labels must have both events .* got 0 ones among 2"),
        ([1, 1], [1, 2], DataError, "got 2 ones among 2"),
        ([], [], DataError, "got 0 ones among 0"),
        ([0, 2], [1, 2], DataError, "labels must be 0 at normal points and 1 inside events; got 2"),
        ([0, math.nan], [1, 2], DataError, "labels must hold no NaN"),
        ([0, 1], [1, math.nan], DataError, "scores must hold no NaN"),
        ([[0, 1]], [1, 2], DataError, "labels must have shape"),
        (["no", "yes"], [1, 2], DataTypeError, "labels must be an array of real numbers"),
    ],
    ids=str,
)
def test_what_is_no_series_is_refused_in_a_sentence(measure, labels, scores, error, words):
    with pytest.raises(error, match=words):
        measure(labels, scores)


@pytest.mark.parametrize("rate", [1, -0.1, math.nan, "1"])
def test_a_false_alarm_rate_is_below_one(rate):
    with pytest.raises(ParameterError, match=r"'false_alarm_rate' of event_recall_at must be a number in \[0, 1\)"):
        event_recall_at(WORLD, SCORES, rate)


@pytest.mark.parametrize("widest", [-1, 9, 2.0, None, True])
def test_the_widest_buffer_fits_the_series(widest):
    with pytest.raises(ParameterError, match=r"'widest' of vus_pr must be an integer in \[0, 8\]"):
        vus_pr(WORLD, SCORES, widest)

"""Precision and recall of ranges: worlds small enough to count by hand, the definition written out, and limits."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import best_range_f1, range_precision_recall, ranges

EVENT = [0, 1, 1, 1, 1, 0, 0, 0]
TWO = [0, 1, 1, 0, 0, 1, 1, 0]


@st.composite
def worlds(draw, least=2, most=30):
    """Labels with both kinds, and scores with ties."""
    labels = draw(st.lists(st.integers(0, 1), min_size=least, max_size=most))
    assume(0 < sum(labels) < len(labels))
    scores = draw(st.lists(st.integers(-4, 4), min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(scores, dtype=float)


def bias_of(name, place, length):
    """δ of the paper's figure 2, for places from 1."""
    return {
        "flat": 1,
        "back": place,
        "front": length - place + 1,
        "middle": place if place <= length / 2 else length - place + 1,
    }[name]


def share(one, other, name):
    """ω of the paper: what of one range lies in another."""
    length = one[1] - one[0]
    deltas = [(bias_of(name, at - one[0] + 1, length), other[0] <= at < other[1]) for at in range(*one)]
    return sum(delta for delta, there in deltas if there) / sum(delta for delta, _ in deltas)


def of_one(one, others, alpha, name):
    """Recall of an event, or precision of a run: existence, and overlap times cardinality 1/x."""
    shares = [share(one, other, name) for other in others if other[0] < one[1] and one[0] < other[1]]
    return alpha * bool(shares) + (1 - alpha) * sum(shares) / max(1, len(shares))


def defined(labels, flagged, alpha=0.0, name="flat"):
    """Precision and recall, as the paper has them."""
    events, runs = ranges(labels), ranges(flagged)
    precision = np.mean([of_one(run, events, 0.0, "flat") for run in runs]) if runs else 0.0
    return precision, np.mean([of_one(event, runs, alpha, name) for event in events])


@pytest.mark.parametrize(
    ("labels", "flagged", "precision", "recall"),
    [
        (EVENT, EVENT, 1, 1),
        (EVENT, [0] * 8, 0, 0),
        (EVENT, [1] * 8, 1 / 2, 1),
        (EVENT, [0, 0, 1, 1, 0, 0, 0, 0], 1, 1 / 2),
        (EVENT, [0, 1, 0, 1, 0, 0, 0, 0], 1, 1 / 4),  # half of it, in two pieces
        (EVENT, [0, 0, 0, 0, 1, 1, 1, 1], 1 / 4, 1 / 4),
        (EVENT, [1, 0, 0, 0, 0, 0, 0, 1], 0, 0),
        (TWO, [0, 1, 1, 1, 1, 1, 1, 0], 2 / 3 / 2, 1),  # one run over two events
        (TWO, [0, 1, 1, 0, 0, 0, 0, 0], 1, 1 / 2),
        (TWO, [0, 1, 1, 0, 1, 0, 0, 0], 1 / 2, 1 / 2),
    ],
)
def test_by_hand(labels, flagged, precision, recall):
    assert range_precision_recall(labels, flagged) == pytest.approx((precision, recall))


@pytest.mark.parametrize(("bias", "recall"), [("flat", 1 / 4), ("front", 4 / 10), ("middle", 1 / 6), ("back", 1 / 10)])
def test_the_bias_says_which_points_of_an_event_count(bias, recall):
    """The first of the four points: of 4 + 3 + 2 + 1, of 1 + 2 + 2 + 1."""
    flagged = [0, 1, 0, 0, 0, 0, 0, 0]
    assert range_precision_recall(EVENT, flagged, bias=bias) == pytest.approx((1, recall))


@pytest.mark.parametrize("existence", [0, 0.2, 1])
def test_to_be_found_at_all_is_worth_its_share(existence):
    flagged = [0, 0, 1, 0, 0, 0, 0, 0]
    assert range_precision_recall(EVENT, flagged, existence=existence)[1] == existence + (1 - existence) / 4
    assert range_precision_recall(EVENT, [1, 0, 0, 0, 0, 0, 0, 0], existence=existence)[1] == 0


@given(worlds(), st.floats(0, 1), st.sampled_from(["flat", "front", "middle", "back"]))
def test_it_is_its_definition(world, existence, bias):
    labels, scores = world
    flagged = scores > 0
    found = range_precision_recall(labels, flagged, existence=existence, bias=bias)
    assert found == pytest.approx(defined(labels, flagged, existence, bias))


@given(worlds())
def test_of_points_that_lie_apart_it_is_the_ordinary_one(world):
    """As in the paper: events and runs of one point each have classical precision and recall."""
    labels, scores = (np.repeat(each, 2) for each in world)
    labels[1::2], scores[1::2] = 0, -9
    flagged = scores > 0
    hits = (labels * flagged).sum()
    expected = hits / max(flagged.sum(), 1), hits / labels.sum()
    assert range_precision_recall(labels, flagged) == pytest.approx(expected)


def test_best_by_hand():
    assert best_range_f1(TWO, TWO) == 1
    assert best_range_f1(EVENT, [0, 0, 0, 0, 0, 0, 0, 0]) == pytest.approx(2 / 3)  # all flagged: 1/2 and 1
    assert best_range_f1(EVENT, [0, 0, 2, 2, 0, 1, 1, 0]) == pytest.approx(2 / 3)
    assert best_range_f1([0, 1, 0, 1], [0, -np.inf, np.inf, -np.inf]) == pytest.approx(2 * 0.25 / 1.25)


@given(worlds())
def test_best_is_the_best_of_all_thresholds(world):
    labels, scores = world
    pairs = [defined(labels, scores >= threshold) for threshold in np.unique(scores)]
    expected = max(2 * p * r / (p + r) if p + r else 0.0 for p, r in pairs)
    assert best_range_f1(labels, scores) == pytest.approx(expected)


@given(worlds())
def test_only_the_order_of_scores_matters(world):
    labels, scores = world
    assert best_range_f1(labels, np.exp(scores)) == best_range_f1(labels, scores)


def test_a_long_event_is_not_found_by_luck():
    """Random scores find some point of it anyhow, and by point adjustment all of it; as a range it stays lost."""
    labels = np.zeros(2000, dtype=int)
    labels[500:600] = 1
    scores = np.random.default_rng(0).random(2000)
    assert best_range_f1(labels, scores) < 0.2
    assert best_range_f1(labels, scores + labels) == 1


@pytest.mark.parametrize(
    ("labels", "flagged", "knobs", "error", "words"),
    [
        (EVENT, [0, 1], {}, DataError, "labels and flagged must be of one length T; got 8 and 2"),
        (EVENT, [0, 2, 0, 0, 0, 0, 0, 0], {}, DataError, "flagged must be 0 .* got 2"),
        ([1, 1], [0, 1], {}, DataError, "both events"),
        (EVENT, list("abcdefgh"), {}, DataTypeError, "flagged"),
        (EVENT, EVENT, {"existence": 1.5}, ParameterError, "'existence' of range_precision_recall"),
        (EVENT, EVENT, {"bias": "end"}, ParameterError, "'bias' of range_precision_recall must be 'flat' or 'front'"),
    ],
)
def test_what_is_no_such_thing_is_refused(labels, flagged, knobs, error, words):
    with pytest.raises(error, match=words):
        range_precision_recall(labels, flagged, **knobs)


def test_scores_are_checked():
    with pytest.raises(DataError, match="NaN"):
        best_range_f1(EVENT, [np.nan] * 8)
    with pytest.raises(DataError, match="labels and scores must be of one length"):
        best_range_f1(EVENT, [1.0])

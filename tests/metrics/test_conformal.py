"""Conformal p-values and cutoffs: what they promise, counted; discoveries beside those of the paper."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import cutoff, discoveries, p_values
from diabolo.metrics.conformal import most_within

ORDERED = st.floats(allow_nan=False)
TIED = st.integers(-3, 3).map(float)
RATES = st.floats(1e-3, 0.999) | st.integers(2, 1000).map(lambda n: 1 / n) | st.integers(1, 99).map(lambda n: n / 100)


def test_p_values_count_the_calibration_scores_that_reach_a_score():
    p = p_values([3, 1, 2, 2], [0, 1, 1.5, 2, 3, 4])
    assert p.tolist() == [1.0, 1.0, 0.8, 0.8, 0.4, 0.2]
    assert p.dtype == np.float64


@given(st.lists(ORDERED | TIED, min_size=1, max_size=30), st.lists(ORDERED | TIED, max_size=30))
def test_p_values_are_their_definition(calibration, scores):
    expected = [(1 + sum(c >= s for c in calibration)) / (len(calibration) + 1) for s in scores]
    assert p_values(calibration, scores).tolist() == expected


@given(st.lists(ORDERED, min_size=2, max_size=25, unique=True))
def test_whichever_sample_is_the_new_one_the_p_values_are_uniform(scores):
    p = [p_values(scores[:i] + scores[i + 1 :], [score])[0] for i, score in enumerate(scores)]
    assert sorted(p) == [rank / len(scores) for rank in range(1, len(scores) + 1)]


@given(st.lists(TIED, min_size=2, max_size=25), st.floats(0, 1))
def test_with_ties_the_p_values_are_on_the_safe_side(scores, level):
    p = [p_values(scores[:i] + scores[i + 1 :], [score])[0] for i, score in enumerate(scores)]
    assert np.mean(np.array(p) <= level) <= level


@given(st.lists(ORDERED | TIED, min_size=1, max_size=60), st.lists(ORDERED | TIED, max_size=20), RATES)
def test_to_exceed_the_cutoff_is_to_have_a_small_p_value(calibration, scores, rate):
    small = p_values(calibration, scores) <= rate
    if 1 / (len(calibration) + 1) > rate:
        with pytest.raises(DataError, match="calibration scores"):
            cutoff(calibration, rate)
        assert not small.any()
        return
    assert np.array_equal(np.array(scores) > cutoff(calibration, rate), small)


@pytest.mark.parametrize(("rate", "rank"), [(0.01, 99), (0.05, 95), (0.29, 71), (0.1, 90), (0.999, 1), (0.5, 50)])
def test_the_cutoff_is_the_right_order_statistic(rate, rank):
    calibration = np.random.default_rng(0).permutation(99) + 1
    assert cutoff(calibration, rate) == rank == math.ceil(round((1 - rate) * 100, 9))


@given(RATES)
def test_the_number_of_calibration_scores_that_a_rate_needs_is_named_and_enough(rate):
    with pytest.raises(DataError) as caught:
        cutoff([], rate) if rate < 0.999 else cutoff([], 0.5)
    needed = int(str(caught.value).split("at least ")[1].split(" ")[0])
    assert needed == math.ceil(round(1 / min(rate, 0.5 if rate >= 0.999 else rate), 9)) - 1
    if rate < 0.999:
        assert cutoff(np.arange(needed), rate) == needed - 1
        with pytest.raises(DataError, match=f"at least {needed} calibration scores; got {needed - 1}"):
            cutoff(np.arange(needed - 1), rate)


@pytest.mark.parametrize("rate", [5e-324, 1e-300, 1e-12])
def test_a_tiny_rate_needs_too_many_scores(rate):
    with pytest.raises(DataError, match="needs at least"):
        cutoff(np.arange(1000), rate)


def normal(draw, count):
    return draw.normal(size=count)


def dependent(draw, count):
    """Exchangeable, but not independent: of one scale and one place for all."""
    return draw.normal() + draw.exponential() * draw.standard_cauchy(count)


def tied(draw, count):
    return draw.poisson(3, count)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("world", [normal, dependent, tied])
def test_the_false_alarm_rate_is_the_stated_one(world, rate):
    draw, times = np.random.default_rng(0), 4000
    alarms = 0
    for _ in range(times):
        scores = world(draw, 200)
        alarms += scores[0] > cutoff(scores[1:], rate)
    error = 3.5 * math.sqrt(rate * (1 - rate) / times)
    assert alarms / times <= rate + error
    assert world is tied or alarms / times >= rate - error


def test_discoveries_are_those_of_benjamini_and_hochberg():
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # the fifteen hypotheses of their section 3.2
    found = discoveries(p[::-1], 0.05)
    assert found.dtype == bool
    assert found[::-1].tolist() == [True] * 4 + [False] * 11


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_discoveries_are_those_of_scipy(p, rate):
    adjusted = false_discovery_control(p)
    clear = np.abs(adjusted - rate) > 1e-9
    assert np.array_equal(discoveries(p, rate)[clear], (adjusted <= rate)[clear])


def test_a_step_up_takes_what_failed_alone():
    assert discoveries([0.04, 0.05], 0.05).tolist() == [True, True]
    assert discoveries([0.04, 0.06], 0.05).tolist() == [False, False]
    assert discoveries([], 0.05).tolist() == []


def test_the_false_discovery_rate_is_kept_and_anomalies_are_found():
    draw, wrong, power = np.random.default_rng(0), [], []
    for _ in range(400):
        scores = draw.normal(size=100) + np.where(np.arange(100) < 20, 4.0, 0.0)  # 20 anomalies, 80 normal
        found = discoveries(p_values(draw.normal(size=400), scores), 0.2)
        wrong.append(found[20:].sum() / max(found.sum(), 1))
        power.append(found[:20].mean())
    assert np.mean(wrong) <= 0.2 * 0.8 + 3.5 * np.std(wrong) / math.sqrt(400)  # of 80 % normal samples
    assert np.mean(wrong) >= 0.1
    assert np.mean(power) > 0.9


@given(st.floats(1e-6, 1 - 1e-6), st.integers(1, 10_000))
def test_most_within_is_the_most(rate, total):
    count = most_within(rate, total)
    assert count / total <= rate < (count + 1) / total


BAD = [
    ([[1.0], [2.0]], DataError, r"must have shape \(n,\), a number for each sample; got shape \(2, 1\)"),
    (1.0, DataError, r"got shape \(\)"),
    ([1.0, math.nan, math.nan], DataError, "must hold no NaN; got 2, the first at 1"),
    (["a", "b"], DataTypeError, r"must be an array of real numbers, shape \(n,\); got \['a', 'b'\]"),
    ([1j, 2.0], DataTypeError, "real numbers"),
    ([1.0, [2.0]], DataTypeError, "real numbers"),
    ([{}], DataTypeError, "real numbers"),
    ([10**400, 1], DataTypeError, "real numbers"),
    (None, DataError, "got shape"),
    (np.array(["2020-01-01"], "M8[D]"), DataTypeError, "real numbers"),
]


@pytest.mark.parametrize(("values", "error", "words"), BAD, ids=str)
def test_what_are_no_scores_is_refused_in_a_sentence(values, error, words):
    for name, call in [
        ("calibration", lambda: p_values(values, [1.0])),
        ("scores", lambda: p_values([1.0], values)),
        ("calibration", lambda: cutoff(values, 0.5)),
        ("p", lambda: discoveries(values, 0.5)),
    ]:
        with pytest.raises(error, match=f"^{name} {words}" if words.startswith("must") else words):
            call()


def test_what_is_allowed():
    assert p_values([-math.inf, math.inf], [math.inf, -math.inf]).tolist() == [2 / 3, 1.0]
    assert p_values(np.array([True, False]), np.array([], np.float32)).shape == (0,)
    with pytest.raises(DataError, match="calibration must hold at least 1 numbers; got 0"):
        p_values([], [1.0])
    with pytest.raises(DataError, match=r"p must hold p-values in \[0, 1\]; got 1\.5"):
        discoveries([0.1, 1.5], 0.1)


@pytest.mark.parametrize("rate", [0, 1, -0.1, math.nan, "0.1", None, True])
def test_a_rate_is_between_0_and_1(rate):
    for name, call in [("cutoff", cutoff), ("discoveries", discoveries)]:
        with pytest.raises(ParameterError, match=rf"Parameter 'rate' of {name} must be a number in \(0, 1\); got "):
            call([0.5], rate)

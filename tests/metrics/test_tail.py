"""The tail of scores: known quantiles come back within their standard error, and no other tail is likelier."""

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import genpareto

from diabolo.errors import DataError, DataTypeError, FileError, ParameterError
from diabolo.metrics import Tail
from diabolo.metrics.tail import generalised_pareto

SHAPES = st.floats(-0.9, 2).map(lambda shape: round(shape, 12)) | st.sampled_from([0.0, 1e-14, -1e-14, 1e-9, -1e-9])
TAILS = st.builds(Tail, st.floats(-1e3, 1e3), SHAPES, st.floats(1e-3, 1e3), st.floats(1e-3, 0.5))


def standard_error(shape, share, rate, n):
    """Return that of a quantile of n draws of shape `shape` and scale 1 (Grimshaw 1993; Coles 2001, section 4.3.3)."""
    scale, reach = share**-shape, math.log(share / rate)
    steps = math.expm1(shape * reach) / shape if shape else reach
    slope = (reach * math.exp(shape * reach) - steps) / shape if shape else reach**2 / 2
    to = np.array([scale * slope, steps])  # derivative by shape and scale
    covariance = [[(1 + shape) ** 2, -scale * (1 + shape)], [-scale * (1 + shape), 2 * scale**2 * (1 + shape)]]
    start = share * (1 - share) / n * (scale / share) ** 2
    return math.sqrt(to @ np.array(covariance) @ to / (share * n) + start)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_the_rarest_score_in_ten_thousand_is_recovered(shape):
    draws, expected = 25, float(genpareto.isf(1e-4, shape))
    draw = np.random.default_rng(0)
    error = standard_error(shape, 0.02, 1e-4, 50_000)
    tails = [Tail.fit(genpareto.rvs(shape, size=50_000, random_state=draw)) for _ in range(draws)]
    z = (np.array([tail.threshold(1e-4) for tail in tails]) - expected) / error
    assert max(abs(z)) < 3.5
    assert abs(z.mean()) < 3.5 / math.sqrt(draws) + 0.3  # 0.3: maximum likelihood is biased in a finite sample
    assert 0.6 < z.std() < 1.5
    assert np.mean([tail.shape for tail in tails]) == pytest.approx(shape, abs=0.05)


def test_it_reaches_beyond_the_data():
    scores = np.asarray(genpareto.rvs(0.1, size=2000, random_state=np.random.default_rng(0)))
    tail = Tail.fit(scores, share=0.1)
    assert tail.threshold(1e-6) > scores.max()
    assert tail.threshold(1e-6) == pytest.approx(genpareto.isf(1e-6, 0.1), rel=0.5)


@given(SHAPES, st.integers(20, 200), st.floats(-9, 9), st.integers(0, 999))
def test_no_other_generalised_pareto_distribution_is_likelier(shape, count, magnitude, seed):
    draw = np.random.default_rng(seed)
    x = genpareto.rvs(shape, size=count, random_state=draw) * 10**magnitude
    x = x[x > 0]
    best = genpareto.logpdf(x, *_frozen(generalised_pareto(x))).sum()
    for _ in range(100):
        other = draw.uniform(-1, 3), x.mean() * math.exp(draw.uniform(-4, 4))
        assert genpareto.logpdf(x, *_frozen(other)).sum() <= best + 1e-6
    shape, scale = generalised_pareto(x)
    for near in [(shape + 1e-3, scale), (shape - 1e-3, scale), (shape, scale * 1.001), (shape, scale / 1.001)]:
        assert near[0] < -1 or genpareto.logpdf(x, *_frozen(near)).sum() <= best + 1e-6


@pytest.mark.parametrize("seed", [1928, 1964, 2944])
def test_the_higher_of_two_maxima_is_found(seed):
    draw = np.random.default_rng(seed)  # seeds with which one search over the whole interval ends in the lower one
    x = np.r_[draw.exponential(size=draw.integers(10, 30)), 10 ** draw.uniform(-6, 6, draw.integers(1, 12))]
    shapes, scales = np.meshgrid(np.linspace(-1, 6, 300), np.geomspace(1e-3, 10, 300) * x.mean())
    highest = np.sum([genpareto.logpdf(one, shapes, 0, scales) for one in x], axis=0).max()
    assert genpareto.logpdf(x, *_frozen(generalised_pareto(x))).sum() >= highest


def _frozen(shape_and_scale):
    shape, scale = shape_and_scale
    return shape, 0, scale


@given(st.floats(-100, 100), st.integers(-20, 20), st.integers(0, 99))
def test_the_tail_follows_place_and_scale(offset, power, seed):
    scores = np.random.default_rng(seed).standard_t(4, 500)
    one, other = Tail.fit(scores, 0.1), Tail.fit(offset + 2.0**power * (scores + 100), 0.1)
    assert other.shape == pytest.approx(one.shape, abs=1e-4)
    assert other.scale == pytest.approx(2.0**power * one.scale, rel=1e-4)
    assert other.start == pytest.approx(offset + 2.0**power * (one.start + 100))


@given(TAILS, st.floats(1e-9, 1))
def test_a_score_at_the_threshold_of_a_rate_has_that_probability(tail, part):
    rate = part * tail.share
    threshold = tail.threshold(rate)
    there = tail.probability([threshold])[0]
    slack = 1e-3 if tail.shape < 0 else 1e-6  # many rates lie within the last digits of where a tail ends
    assert threshold >= tail.start
    assert (there == 1 and threshold == tail.start) or there == pytest.approx(rate, rel=slack, abs=1e-3 * tail.share)


@given(TAILS, st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_thresholds_and_probabilities_are_those_of_scipy(tail, beyond):
    law = genpareto(tail.shape, tail.start, tail.scale)
    scores = tail.start + np.array(beyond)
    scores = scores[scores > tail.start]
    np.testing.assert_allclose(tail.probability(scores), tail.share * law.sf(scores), rtol=1e-6, atol=1e-12)
    assert tail.threshold(tail.share / 7) == pytest.approx(law.isf(1 / 7), rel=1e-9)


def test_shapes_by_hand():
    exponential, heavy, ending = (Tail(1.0, shape, 2.0, 0.1) for shape in (0.0, 1.0, -0.5))
    assert exponential.threshold(0.1 / math.e) == pytest.approx(3.0)
    assert heavy.threshold(0.01) == pytest.approx(1 + 2 * 9)
    assert ending.threshold(1e-300) == pytest.approx(5.0)  # it ends at start + scale / 0.5
    assert heavy.probability([19.0, -5.0, 1.0]).tolist() == pytest.approx([0.01, 1.0, 1.0])
    assert ending.probability([4.0, 5.0, 1e308, math.inf, -math.inf]).tolist() == [pytest.approx(0.1 / 16), 0, 0, 0, 1]
    assert exponential.threshold(0.1) == 1.0


@given(TAILS, st.lists(st.floats(allow_nan=False), max_size=30))
def test_probabilities_fall_with_the_score(tail, scores):
    p = tail.probability(np.sort(scores))
    assert p.shape == (len(scores),)
    assert (np.diff(p) <= 0).all()
    assert ((p >= 0) & (p <= 1)).all()
    assert ((p == 1) == (np.sort(scores) <= tail.start)).all()


def test_below_the_start_nothing_is_a_discovery():
    scores = np.random.default_rng(0).normal(size=5000)
    p = Tail.fit(scores).probability(scores)
    assert (p < 1).mean() == pytest.approx(0.02)
    assert np.mean(p <= 0.01) == pytest.approx(0.01, abs=0.003)


def test_exactly_twenty_excesses_are_enough():
    scores = np.arange(1000.0) ** 2
    tail = Tail.fit(scores, 0.02)
    assert (tail.start, tail.share) == (979.0**2, 0.02)
    with pytest.raises(DataError, match=r"at least 20 scores .* of 999 scores, 19 are above the 0\.98 quantile"):
        Tail.fit(scores[1:], 0.02)


def test_equal_scores_have_no_tail():
    with pytest.raises(DataError, match=r"of 5000 scores, 0 are above the 0\.98 quantile\. Give more scores"):
        Tail.fit(np.full(5000, 3.0))


def test_scores_that_tie_at_the_start_are_not_in_the_tail():
    scores = np.r_[np.zeros(900), np.ones(70), 2 + np.arange(30) / 30]
    tail = Tail.fit(scores, 0.05)
    assert (tail.start, tail.share) == (1.0, 0.03)


def test_excesses_that_are_equal_end_where_they_are():
    tail = Tail.fit(np.r_[np.zeros(980), np.full(20, 5.0)])
    assert (tail.start, tail.shape, tail.scale, tail.share) == (0.0, -1.0, 5.0, 0.02)
    assert tail.threshold(1e-9) <= 5.0


@given(st.lists(st.floats(), min_size=20, max_size=80), st.floats(0.3, 0.9))
def test_any_scores_have_a_tail_or_a_sentence(scores, share):
    try:
        tail = Tail.fit(scores, share)
    except DataError as error:
        assert len(str(error)) < 250
        return
    assert tail.threshold(tail.share / 2) >= tail.start
    assert tail.scale >= sys.float_info.min


@given(TAILS)
def test_json_and_back(tail):
    assert Tail.from_json(json.loads(json.dumps(tail.to_json()))) == tail
    assert list(tail.to_json()) == ["start", "shape", "scale", "share"]


@pytest.mark.parametrize(
    "plain", [None, 3, "tail", [], {}, {"start": 1.0}, {**Tail(0, 0, 1, 0.1).to_json(), "more": 1}], ids=str
)
def test_what_is_no_tail_is_refused(plain):
    with pytest.raises(FileError, match=r"A tail has start, shape, scale, share; got .* edited or is foreign"):
        Tail.from_json(plain)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("start", math.nan, "a number"),
        ("start", "1", "a number"),
        ("shape", -1.1, "a number >= -1"),
        ("scale", 0.0, "a number > 0"),
        ("share", 1.0, r"a number in \(0, 1\)"),
    ],
)
def test_numbers_that_make_no_tail_are_refused(name, value, allowed):
    plain = {**Tail(0.0, 0.1, 1.0, 0.1).to_json(), name: value}
    with pytest.raises(ParameterError, match=f"Parameter '{name}' of Tail must be {allowed}; got"):
        Tail.from_json(plain)


def test_what_cannot_be_fitted_or_asked_is_refused():
    scores, tail = np.arange(2000.0), Tail(0.0, 0.1, 1.0, 0.02)
    for share in (0, 1, "0.1", math.nan):
        with pytest.raises(ParameterError, match=r"'share' of Tail\.fit"):
            Tail.fit(scores, share)  # pyright: ignore[reportArgumentType]
    for rate in (0, 0.03, -1, None):
        with pytest.raises(ParameterError, match=r"'rate' of Tail.threshold must be a number in \(0, 0\.02\]"):
            tail.threshold(rate)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DataError, match="scores must be finite"):
        Tail.fit(np.r_[scores, math.inf])
    with pytest.raises(DataError, match="at least 20 numbers; got 3"):
        Tail.fit(scores[:3])
    with pytest.raises(DataTypeError, match="scores must be an array of real numbers"):
        tail.probability(["high"])

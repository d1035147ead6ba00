"""Judges: what is alike is not told apart, what differs is, and what is learned from samples shows in the error."""

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from diabolo.errors import DataError, ParameterError
from diabolo.metrics import Judged, autoregressive, bootstrapped, discriminative, predictive
from diabolo.metrics.judged import seeded

NOISE = np.random.default_rng(0).normal(size=(80, 10, 1))
TREE = DecisionTreeClassifier(max_depth=3)


def walks(count, steps=16, factor=0.9, seed=0):
    x = np.random.default_rng(seed).normal(size=(count, steps, 1))
    for t in range(1, steps):
        x[:, t] += factor * x[:, t - 1]
    return x


def test_scores_and_what_real_data_get_are_averaged():
    found = Judged((0.1, 0.4), (0.0, 0.2))
    assert (found.score, found.floor) == (0.25, 0.1)
    assert str(Judged((0.5,), (0.25,))) == "0.500 ± 0.000 (real data: 0.250 ± 0.000)"


def test_series_moved_by_much_are_always_told_apart():
    found = discriminative(NOISE, NOISE[:40] + 100, TREE, seeds=3)
    assert found.scores == (0.5, 0.5, 0.5)
    assert found.floor < 0.2


def test_series_drawn_alike_are_told_apart_by_chance_only():
    found = discriminative(NOISE, np.random.default_rng(1).normal(size=(40, 10, 1)), GaussianNB())
    assert len(found.scores) == len(found.reference) == 5
    assert found.score < 0.15
    assert abs(found.score - found.floor) < 0.1


def test_the_default_judge_sees_order_in_time_where_each_step_is_alike():
    rough = walks(400, factor=0.95)
    rough /= rough.std(0)
    shuffled = np.random.default_rng(0).permuted(walks(200, factor=0.95, seed=1), axis=0)
    shuffled /= shuffled.std(0)
    found = discriminative(rough, shuffled, seeds=1)
    assert found.score > 0.35
    assert found.floor < 0.15


def test_a_baseline_that_knows_less_is_told_apart_more():
    rng, time = np.random.default_rng(0), np.linspace(0, 6, 16)[:, None]
    real = np.sin(time) * rng.uniform(0.5, 1.5, (160, 1, 1)) + 0.1 * rng.normal(size=(160, 16, 1))
    whole, pieces = (bootstrapped(real[:80], 80, block=block, jitter=0.02) for block in (16, 1))
    near, far = (discriminative(real[80:], made, seeds=1).score for made in (whole, pieces))
    assert near < far
    assert discriminative(real[80:], autoregressive(real[:80], 80, order=1), seeds=1).score > near


def test_as_many_of_each_are_told_apart():
    seen = []

    class Counting(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            seen.append((np.shape(X), np.bincount(y).tolist()))
            return super().fit(X, y, sample_weight)

    discriminative(NOISE, NOISE[:20], Counting(), seeds=1)
    assert seen == [((32, 19), [16, 16])] * 10  # 20 of each in five folds, told apart twice
    discriminative(NOISE[:10], NOISE, Counting(), seeds=1)
    assert seen[-1] == ((8, 19), [4, 4])


def test_of_many_series_a_thousand_are_seen(monkeypatch):
    monkeypatch.setitem(discriminative.__globals__, "_MOST", 6)
    seen = []

    class Counting(GaussianNB):
        def predict(self, X):
            seen.append(len(X))
            return super().predict(X)

    discriminative(NOISE, NOISE, Counting(), seeds=1)
    assert sum(seen) == 2 * 12


def test_a_predictor_that_learned_from_samples_of_the_same_rule_is_as_good():
    real = walks(400)
    good = predictive(real, walks(200, seed=1), lags=1, judge=LinearRegression(), seeds=3)
    assert good.score == pytest.approx(good.floor, rel=0.02)
    deviation = real.std()
    assert good.floor == pytest.approx(np.sqrt(2 / np.pi) / deviation, rel=0.05)  # the noise has deviation 1
    bad = predictive(real, walks(200, factor=-0.9, seed=1), lags=1, judge=LinearRegression(), seeds=3)
    assert bad.score > 2 * bad.floor


def test_lags_that_the_rule_needs_lower_the_error():
    x = np.random.default_rng(0).normal(size=(200, 20, 1))
    for t in range(3, 20):
        x[:, t] += 0.9 * x[:, t - 3]
    short, long = (predictive(x, x, lags=lags, judge=LinearRegression(), seeds=1).floor for lags in (2, 3))
    assert long < 0.9 * short


def test_the_error_is_in_deviations_of_each_channel_and_blind_to_place_and_scale():
    x = np.concatenate([walks(60), walks(60, seed=1)], axis=2)
    one = predictive(x, x[:30], judge=LinearRegression(), seeds=1)
    moved = x * [1.0, 1000.0] + [5.0, -3.0]
    other = predictive(moved, moved[:30], judge=LinearRegression(), seeds=1)
    assert (other.score, other.floor) == pytest.approx((one.score, one.floor))


@pytest.mark.parametrize("channels", [1, 2])
def test_the_default_predictor_is_better_than_a_mean(channels):
    x = np.concatenate([walks(60, steps=12, seed=seed) for seed in range(channels)], axis=2)
    assert predictive(x, x, seeds=1).floor < 0.8 * predictive(x, x, judge=DummyRegressor(), seeds=1).floor


def test_constant_channels_are_predicted():
    x = np.concatenate([walks(20), np.full((20, 16, 1), 3.0)], axis=2)
    assert np.isfinite(predictive(x, x, judge=LinearRegression(), seeds=1).scores).all()


def test_the_same_seeds_give_the_same_scores():
    other = NOISE[::-1] * 1.2
    first, again = (discriminative(NOISE, other, SGDClassifier(), seeds=2) for _ in range(2))
    assert first == again
    assert len(set(first.scores)) == 2


def test_each_step_of_a_pipeline_gets_the_seed():
    judge = make_pipeline(StandardScaler(), SGDClassifier())
    assert seeded(judge, 7).named_steps["sgdclassifier"].random_state == 7
    assert judge.named_steps["sgdclassifier"].random_state is None
    assert seeded(LinearRegression(), 7).get_params() == LinearRegression().get_params()


def test_a_judge_that_has_not_converged_is_no_warning():
    discriminative(NOISE[:20], NOISE[20:40], MLPClassifier(max_iter=1), seeds=1)


@pytest.mark.parametrize("measure", [discriminative, predictive])
def test_bad_input_is_refused(measure):
    name = measure.__name__
    with pytest.raises(ParameterError, match=f"'judge' of {name} must be a .* of scikit-learn.* got 'forest'"):
        measure(NOISE, NOISE, judge="forest")
    with pytest.raises(ParameterError, match=r"must be a .* of scikit-learn"):
        measure(NOISE, NOISE, judge=LogisticRegression)
    with pytest.raises(ParameterError, match=f"'seeds' of {name} must be an integer >= 1; got 0"):
        measure(NOISE, NOISE, seeds=0)
    with pytest.raises(DataError, match="real must hold at least 10 samples; got 9"):
        measure(NOISE[:9], NOISE)
    with pytest.raises(DataError, match="other must hold at least 5 samples; got 4"):
        measure(NOISE, NOISE[:4])


@pytest.mark.parametrize("lags", [0, 10, 1.0])
def test_lags_are_fewer_than_steps(lags):
    with pytest.raises(ParameterError, match=r"'lags' of predictive must be an integer in \[1, 9\] or None"):
        predictive(NOISE, NOISE, lags)


@pytest.mark.parametrize(
    ("measure", "judge"), [(discriminative, LinearRegression()), (predictive, LogisticRegression())]
)
def test_a_judge_of_the_wrong_kind_is_refused(measure, judge):
    with pytest.raises(ParameterError, match=r"must be a (classifier|regressor) of scikit-learn, such as"):
        measure(NOISE, NOISE, judge=judge)

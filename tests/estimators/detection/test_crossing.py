"""Few samples, which a model knows: the line is drawn from scores of models that had not seen them."""

from typing import cast

import numpy as np
import pytest
from tests.anomalies import plane, quick, turns, waves

import diabolo
from diabolo import Detector, Recipe, Training
from diabolo.errors import DiaboloWarning
from diabolo.estimators.detection import crossing
from diabolo.estimators.detection.threshold import Threshold
from diabolo.penalties import Neighbourhood


def normal(count: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, columns))


def folded(detector: Detector) -> np.ndarray:
    """The scores of models that had not seen the samples."""
    return cast(np.ndarray, detector.out_of_fold_)


def flagged(detector, X) -> float:
    return float((detector.predict(X) < 0).mean())


@pytest.fixture(scope="module")
def few():
    """A detector of few rows of many columns."""
    return quick(training=quick().schedule.revise(steps=300)).fit(normal(90, 30))


def test_few_new_rows_are_flagged_though_the_model_knows_those_of_training(few):
    new = normal(500, 30, seed=1)
    assert flagged(few, new) < 0.05
    assert flagged(few, 3 * new) > 0.9
    by_known = Threshold().of(few.scores_, columns=30)
    assert (few.scores_ > by_known).mean() < 0.05 < 0.5 < (-few.score_samples(new) > by_known).mean()


def test_p_values_of_new_rows_are_spread_evenly(few):
    p = few.p_values(normal(500, 30, seed=1))
    assert len(folded(few)) == 90
    assert 0.25 < np.median(p) < 0.75
    assert (p <= 0.1).mean() < 0.25
    np.testing.assert_allclose(few.findings(normal(9, 30, seed=1))["p_value"], p[:9])


def test_a_share_of_the_training_rows_is_kept_and_what_it_means_for_new_ones_is_said(few):
    with pytest.warns(DiaboloWarning, match=r"contamination of 0.05 .* about 100% of new ones .*false_alarm_rate"):
        few.set_threshold(contamination=0.05)
    assert (few.scores_ > -few.offset_).sum() == 5
    few.set_threshold()


def test_there_are_folds_where_they_tell_something():
    assert quick().fit(plane(9)).out_of_fold_ is None
    assert len(folded(quick().fit(waves(12)))) == 12
    assert quick().fit(normal(800, 2)).out_of_fold_ is None
    assert quick(false_alarm_rate=0.2).fit(plane(60)).out_of_fold_ is None
    assert quick(window=10).fit(turns(100)).out_of_fold_ is None


def test_they_are_saved_and_go_with_the_samples(tmp_path):
    detector = quick(memory=200).fit(plane(100))
    detector.save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    np.testing.assert_array_equal(folded(again), folded(detector))
    batch = plane(40, seed=1)
    before = -detector.score_samples(batch)
    for each in (detector, again):
        each.partial_fit(batch)
    np.testing.assert_array_equal(folded(again), folded(detector))
    assert len(folded(detector)) == 140
    assert np.isin(before, folded(detector)).all()  # of the model that had not learned them
    for _ in range(8):
        detector.partial_fit(batch)
    assert len(folded(detector)) < 260  # older ones fade


@pytest.mark.parametrize(
    ("recipe", "training", "times"),
    [
        (Recipe(), Training(steps=500, validation=0.0), 34),  # an epoch of 2,048 rows
        (Recipe(), Training(steps=5, validation=0.0), 5),  # five batches of 64, and no more
        (Recipe(), Training(steps=1, batch_size=8, validation=0.0), 1),
        (Recipe(), Training(steps=500, validation=0.1), 1),
        (Recipe(), Training(epochs=3, validation=0.0), 1),
        (Recipe(penalties=(Neighbourhood(),)), Training(steps=500, validation=0.0), 1),
    ],
    ids=["usual", "few steps", "small batches", "held out", "epochs", "neighbours"],
)
def test_few_samples_are_repeated_for_as_long_as_training_goes(recipe, training, times):
    assert crossing._often(recipe, training, 60) == times

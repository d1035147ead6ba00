"""Measures of maps as a whole: known answers, and what a map cannot change."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from diabolo.errors import DataError, ParameterError
from diabolo.metrics import distance_correlation, stress, triplets_kept

MEASURES = [distance_correlation, stress, triplets_kept]


@pytest.fixture
def world():
    """Samples (60, 5) and the first two numbers of each."""
    X = np.random.default_rng(1).normal(size=(60, 5))
    return X, X[:, :2]


@pytest.mark.parametrize(("measure", "best"), [(distance_correlation, 1), (stress, 0), (triplets_kept, 1)])
def test_a_map_in_another_scale_turned_and_moved_is_perfect(world, measure, best):
    X, _ = world
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))
    assert measure(X, 7 * X @ turned + 3) == pytest.approx(best, abs=1e-6)


def test_many_pairs_come_to_the_value_of_all(world):
    X, codes = world
    before, after = pdist(X), pdist(codes)
    assert distance_correlation(X, codes) == pytest.approx(np.asarray(spearmanr(before, after))[0], abs=0.02)
    scaled = after * (before @ after) / (after @ after)
    wanted = np.sqrt(((before - scaled) ** 2).sum() / (before**2).sum())
    assert stress(X, codes) == pytest.approx(wanted, abs=0.01)


def test_a_random_map_is_no_better_than_chance():
    random = np.random.default_rng(3)
    X, codes = random.normal(size=(400, 5)), random.normal(size=(400, 2))
    assert abs(distance_correlation(X, codes)) < 0.05
    assert triplets_kept(X, codes) == pytest.approx(0.5, abs=0.03)


def test_a_map_that_is_one_point_says_nothing(world):
    X, _ = world
    assert distance_correlation(X, np.zeros((60, 2))) == 0
    assert stress(X, np.zeros((60, 2))) == 1


def test_three_on_a_line():
    """Distances 1, 2, 3 become 1, 1, 2: a = 9 / 6, and √(.25 + .25 + 0) / √14 of pairs drawn alike."""
    X, codes = np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [1.0], [2.0]])
    assert stress(X, codes) == pytest.approx(np.sqrt(0.5 / 14), abs=0.005)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_seed_draws_the_pairs(world, measure):
    assert measure(*world, 100, seed=1) == measure(*world, 100, seed=1) != measure(*world, 100, seed=2)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("codes", [np.ones((5, 2)), np.full((6, 2), np.nan), np.ones((6, 0))])
def test_what_is_no_map_is_refused(measure, codes):
    with pytest.raises(DataError):
        measure(np.ones((6, 3)), codes)


@pytest.mark.parametrize(
    ("measure", "name"), [(stress, "pairs"), (distance_correlation, "pairs"), (triplets_kept, "triplets")]
)
def test_what_is_drawn_is_at_least_one_and_never_of_one_sample(measure, name):
    line = np.arange(3.0)[:, None]
    for seed in range(20):
        measure(line, line + 0.5, seed=seed, **{name: 2})
    for wrong in ({name: 0}, {name: "a"}, {"seed": -1}):
        with pytest.raises(ParameterError, match=f"'{next(iter(wrong))}' of {measure.__name__}"):
            measure(line, line, **wrong)

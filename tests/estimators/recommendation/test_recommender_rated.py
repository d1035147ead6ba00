"""Ratings that nobody said to be ratings: they count as weights, and a warning says so."""

import warnings

import numpy as np
import pandas as pd
import pytest
from tests.tastes import sparse, tastes

from diabolo import Recommender
from diabolo.errors import DiaboloWarning
from diabolo.estimators.recommendation.rated import best_rating
from diabolo.rankers import EASE

RNG = np.random.default_rng(0)
STARS = RNG.choice([1, 2, 3, 4, 5], 400, p=[0.06, 0.11, 0.27, 0.34, 0.22])


def ratings(values):
    """A frame of 20 users and 20 items, every pair once."""
    pairs = np.divmod(np.arange(400), 20)
    return pd.DataFrame({"user": pairs[0], "item": pairs[1], "rating": values})


@pytest.mark.parametrize(
    ("values", "best"),
    [
        (STARS, 5),
        (2.0 * STARS, 10),
        (STARS - 0.5, None),  # nobody gives the best
        (np.minimum(STARS + 0.5, 5), 5),
        (RNG.integers(1, 6, 400), 5),
        (RNG.geometric(0.4, 400), None),  # counts: many are 1
        (np.minimum(RNG.geometric(0.4, 400), 5), None),
        (np.full(400, 5), None),
        (RNG.choice([1, 5], 400), None),
        (STARS * 20, None),
        (STARS - 0.1, None),
    ],
)
def test_ratings_are_told_from_counts(values, best):
    assert best_rating(values.astype(np.float32)) == best


def test_many_are_not_all_looked_at():
    assert best_rating(np.tile(STARS, 2000).astype(np.float32)) == 5
    assert best_rating(np.zeros(0, np.float32)) is None


def test_a_warning_says_what_to_set():
    with pytest.warns(
        DiaboloWarning, match=r"look like ratings up to 5, .*pass threshold=4 .*or threshold=None"
    ) as found:
        Recommender(model=EASE(5.0)).fit(ratings(STARS))
    assert found[0].filename == __file__
    with pytest.warns(DiaboloWarning, match="threshold=8"):
        Recommender(model=EASE(5.0)).fit(sparse((2 * STARS).reshape(20, 20)))


@pytest.mark.parametrize("threshold", [None, 4])
def test_who_says_what_weights_are_is_not_warned(threshold):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Recommender(model=EASE(5.0), threshold=threshold).fit(ratings(STARS))
    expected = STARS if threshold is None else STARS >= 4
    np.testing.assert_array_equal(found.interactions_.matrix.toarray().ravel(), expected)


def test_counts_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Recommender(model=EASE(5.0)).fit(tastes())
        assert found.least is None
        twice = pd.concat([ratings(STARS)] * 3)  # sums of several are no ratings
        Recommender(model=EASE(5.0)).fit(twice)

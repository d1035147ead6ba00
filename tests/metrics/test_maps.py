"""Measures of maps near by: against scikit-learn, and in tiny worlds."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as of_scikit_learn
from sklearn.neighbors import KNeighborsClassifier

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import continuity, knn_accuracy, maps, neighbours, trustworthiness


@pytest.fixture
def world():
    """Samples (150, 6) and a map that keeps some of them."""
    random = np.random.default_rng(1)
    X = random.normal(size=(150, 6))
    return X, X[:, :2] + 0.3 * random.normal(size=(150, 2))


@pytest.mark.parametrize("k", [1, 5, 12, 40])
def test_they_are_those_of_scikit_learn(world, k):
    X, codes = world
    assert trustworthiness(X, codes, k) == pytest.approx(of_scikit_learn(X, codes, n_neighbors=k), abs=1e-12)
    assert continuity(X, codes, k) == pytest.approx(of_scikit_learn(codes, X, n_neighbors=k), abs=1e-12)


def test_blocks_make_no_difference(world, monkeypatch):
    whole = trustworthiness(*world), continuity(*world)
    monkeypatch.setattr(neighbours, "_NUMBERS", 700)
    assert (trustworthiness(*world), continuity(*world)) == whole


def test_one_that_lies_among_strangers_is_not_trusted():
    """Of ten on a line, each with its nearest, the last lies next to the first in the map: 9 ranks, less one."""
    X = np.cumsum(np.arange(10.0))[:, None]  # 0, 1, 3, 6, …: the nearest one is the one before
    codes = X.copy()
    codes[9] = -0.5  # nearest to the first now, which is the first's nearest too
    lost = 9 - 1 + 9 - 1
    assert trustworthiness(X, codes, 1) == pytest.approx(1 - 2 * lost / (10 * 1 * (20 - 3 - 1)))


def test_samples_of_any_shape(world):
    X, codes = world
    assert trustworthiness(X.reshape(150, 1, 2, 3), codes) == trustworthiness(X, codes)


def test_votes_are_those_of_scikit_learn(world):
    X, codes = world
    y = (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] > 0)
    true = KNeighborsClassifier(7).fit(codes[:100], y[:100]).score(codes[100:], y[100:])
    assert knn_accuracy(codes[:100], y[:100], codes[100:], y[100:], 7) == pytest.approx(true)
    names = np.array(["a", "b", "c", "d"])[y]
    assert knn_accuracy(codes[:100], names[:100], codes[100:], names[100:], 7) == pytest.approx(true)


@pytest.mark.parametrize(
    ("X", "codes", "neighbours", "error", "says"),
    [
        (np.ones((9, 2)), np.ones((8, 2)), 2, DataError, "one for each of 9"),
        (np.ones((9, 2)), np.ones((9, 2)), 5, ParameterError, "neighbours"),
        (np.ones((9, 2)), np.ones((9, 2)), 0, ParameterError, "neighbours"),
        (np.full((9, 2), np.nan), np.ones((9, 2)), 2, DataError, "finite"),
        (np.ones((9, 2)), np.full((9, 2), np.inf), 2, DataError, "finite"),
        (np.ones((2, 2)), np.ones((2, 2)), 1, DataError, "at least 3"),
        (np.ones(9), np.ones((9, 2)), 2, DataError, "shape"),
        ([["a"]] * 9, np.ones((9, 2)), 2, DataTypeError, "real numbers"),
    ],
)
@pytest.mark.parametrize("measure", [trustworthiness, continuity])
def test_what_is_no_map_is_refused(measure, X, codes, neighbours, error, says):
    with pytest.raises(error, match=says):
        measure(X, codes, neighbours)


def test_classes_must_be_as_many_as_codes():
    with pytest.raises(DataError, match="a class for each"):
        knn_accuracy(np.ones((5, 2)), np.ones(4), np.ones((3, 2)), np.ones(3), 2)
    with pytest.raises(DataError, match="one shape"):
        knn_accuracy(np.ones((5, 2)), np.ones(5), np.ones((3, 3)), np.ones(3), 2)
    with pytest.raises(ParameterError, match="neighbours"):
        knn_accuracy(np.ones((5, 2)), np.ones(5), np.ones((3, 2)), np.ones(3), 6)


def test_points_are_flat():
    assert maps.flat("X", np.zeros((2, 3, 4))).shape == (2, 12)


@pytest.mark.parametrize(
    ("y", "true", "words"),
    [
        ([0, 1, 1], ["0", "1", "1"], "classes of one kind"),
        ([None, "a", "b"], ["a", "a", "b"], "y must hold a class for each; some are missing"),
        ([0.0, 1.0, 1.0], [np.nan, 1.0, 0.0], "true must hold a class for each; some are missing"),
    ],
)
def test_classes_that_cannot_be_compared_are_refused(y, true, words):
    places = np.arange(3.0)[:, None]
    with pytest.raises(DataError, match=words):
        knn_accuracy(places, y, places, true, neighbours=1)

"""Maps: groups come apart, other rows land in theirs, a seed decides the picture, files are as good as memory."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from tests.worlds import digit_images, digit_labels, iris

from diabolo import Recipe, Reducer, Training, load
from diabolo.data import Stored
from diabolo.errors import DataError
from diabolo.metrics import knn_accuracy
from diabolo.nets import Landmarks
from diabolo.penalties import Neighbourhood
from diabolo.recipes import named

SHORT = Training(epochs=15)
SMALL = Recipe(Landmarks(64), penalties=(Neighbourhood(),))


def groups(count, seed=0):
    """Five groups in ten dimensions, and the two of the largest variance tell none of them."""
    random = np.random.default_rng(seed)
    y = np.arange(count) % 5
    X = random.normal(size=(count, 10)) * np.array([1, 1, *[0.15] * 8])
    X[:, 5:] += np.eye(5)[y]
    return (X * np.array([3, 3, *[1] * 8])).astype(np.float32), y


@pytest.fixture(scope="module")
def fitted():
    X, y = groups(400)
    return Reducer(2, recipe=SMALL, training=SHORT, random_state=0).fit(X), X, y


def test_groups_that_pca_overlaps_come_apart_for_other_rows_too(fitted):
    reducer, X, y = fitted
    others, true = groups(300, seed=1)
    pca = np.linalg.svd(X - X.mean(0), full_matrices=False)[2][:2].T
    assert knn_accuracy(X @ pca, y, others @ pca, true) < 0.5
    assert knn_accuracy(reducer.transform(X), y, reducer.transform(others), true) > 0.97


def test_a_seed_decides_the_picture_bit_for_bit(fitted):
    reducer, X, _ = fitted
    again, other = (Reducer(2, recipe=SMALL, training=SHORT, random_state=seed).fit(X) for seed in (0, 1))
    assert np.array_equal(reducer.transform(X), again.transform(X))
    assert not np.array_equal(reducer.transform(X), other.transform(X))


def test_the_inverse_gives_back_what_the_map_knows(fitted):
    reducer, X, y = fitted
    back = reducer.inverse_transform(reducer.transform(X))
    means = np.stack([X[y == each].mean(0) for each in range(5)])
    nearest = np.square(back[:, None, 5:] - means[:, 5:]).sum(2).argmin(1)
    assert (nearest == y).mean() > 0.95


def test_float32_rows_are_placed_in_float32(fitted):
    reducer, X, _ = fitted
    assert reducer.transform(X).dtype == np.float32
    assert np.allclose(reducer.transform(X[:5]), reducer.transform(X)[:5], atol=1e-3)


def test_it_is_saved_and_read(fitted, tmp_path):
    reducer, X, _ = fitted
    reducer.save(tmp_path / "map")
    assert np.array_equal(load(tmp_path / "map").transform(X), reducer.transform(X))


def test_a_file_on_disk_gives_as_good_a_map(tmp_path):
    X, y = groups(600)
    np.save(tmp_path / "x.npy", X)
    reducer = Reducer(2, recipe=SMALL, training=SHORT, random_state=0).fit(Stored.open(tmp_path / "x.npy"))
    others, true = groups(300, seed=1)
    assert knn_accuracy(reducer.transform(X), y, reducer.transform(others), true) > 0.97
    again = Reducer(2, recipe=SMALL, training=SHORT, random_state=0).fit(Stored.open(tmp_path / "x.npy"))
    assert np.array_equal(again.transform(others), reducer.transform(others))


def test_no_map_is_told_that_pca_rebuilds_better():
    X = np.random.default_rng(0).random((400, 2)) @ np.eye(2, 10)  # a plane, which PCA rebuilds exactly
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reducer = Reducer(2, recipe=SMALL, training=Training(epochs=1), random_state=0).fit(X)
    assert reducer.errors_["model"] > reducer.errors_["pca"]


def test_a_map_of_groups_rebuilds_better_than_pca(fitted):
    reducer, _, _ = fitted
    assert reducer.errors_["model"] < reducer.errors_["pca"] / 2


@pytest.mark.parametrize("count", [2, 3, 9, 40])
def test_few_rows(count):
    X = iris()[:: 150 // count][:count]
    reducer = Reducer(2, recipe="map", training=Training(epochs=2), random_state=0).fit(X)
    assert np.isfinite(reducer.transform(X)).all()


@pytest.mark.parametrize("n", [1, 3])
def test_codes_of_other_sizes(n):
    X, _ = groups(60)
    codes = Reducer(n, recipe=SMALL, training=Training(epochs=2), random_state=0).fit_transform(X)
    assert codes.shape == (60, n)
    assert np.isfinite(codes).all()


def test_images_are_mapped():
    X, y = digit_images()[:500].astype(np.uint8), digit_labels()[:500]
    reducer = Reducer(2, recipe=SMALL, training=SHORT, random_state=0).fit(X[:400])
    assert knn_accuracy(reducer.transform(X[:400]), y[:400], reducer.transform(X[400:]), y[400:]) > 0.8


def test_the_report_is_coloured_by_a_column_and_has_the_measures(fitted):
    pytest.importorskip("matplotlib")
    reducer, X, y = fitted
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(10)]).assign(group=np.array(list("abcde"))[y])
    of_frame = Reducer(2, recipe=SMALL, training=Training(epochs=1), random_state=0).fit(frame.drop(columns="group"))
    page = str(of_frame.report(frame, "group").html())
    for name in ("trustworthiness", "continuity", "distance correlation", "stress", "class told by 10 nearest"):
        assert name in page
    assert "class told" not in str(of_frame.report(frame.drop(columns="group"), "c0").html())
    with pytest.raises(DataError, match="must name a column of X"):
        of_frame.report(frame, "nothing")
    assert "trustworthiness" in str(reducer.report(X, y).html())


def test_the_name_is_a_recipe_with_everything_at_its_default():
    assert named("map").penalties == (Neighbourhood(),)
    assert named("map").net == Landmarks()


@parametrize_with_checks([Reducer(2, recipe=SMALL, training=Training(epochs=2))])
def test_common_checks(estimator, check):
    check(estimator)

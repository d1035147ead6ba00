"""The reducer in tiny worlds with known answers, in the user's own forms, and under bad input."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from tests.worlds import digit_images, digit_labels, digits, iris

import diabolo
from diabolo import Recipe, Reducer, Training
from diabolo.errors import CapabilityError, DataError, DataTypeError, DiaboloError, DiaboloWarning, ParameterError
from diabolo.likelihoods import Bernoulli
from diabolo.recipes import RECIPES
from diabolo.training import Callback

QUICK = Training(epochs=2)
NOT_BETTER = pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")


def circle(count=400, seed=0):
    """A closed curve in five dimensions: one number tells all, no straight line does."""
    angle = np.random.default_rng(seed).uniform(-2.5, 2.5, count)
    return np.column_stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle), np.cos(3 * angle)])


def test_linear_equals_pca():
    X = digits()
    X = X[:, X.std(0) > 0]
    X = (X - X.mean(0)) / X.std(0)
    reducer = Reducer(8, recipe="linear", training=Training(validation=0), random_state=0).fit(X)
    pca: Any = PCA(8).fit(X)
    angles = subspace_angles(
        reducer.model_.get_parameter("encoder.map.weight").detach().numpy().transpose(), pca.components_.T
    )
    assert np.degrees(angles.max()) < 0.01
    np.testing.assert_allclose(reducer.reconstruct(X), pca.inverse_transform(pca.transform(X)), atol=1e-4)


def test_one_number_describes_a_curve():
    reducer = Reducer(1, random_state=0, training=Training(epochs=300)).fit(circle())
    unseen = circle(seed=1)
    assert reducer.score(unseen) > 0.9
    assert reducer.errors_["model"] < 0.3 * reducer.errors_["pca"]


def test_says_when_pca_is_better():
    X = np.random.default_rng(0).normal(size=(200, 3)) @ np.random.default_rng(1).normal(size=(3, 10))
    with pytest.warns(DiaboloWarning, match=r"not better than PCA with 3 components .* recipe='linear'"):
        Reducer(3, recipe="beta-vae", training=Training(epochs=5), random_state=0).fit(X)


@NOT_BETTER
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_fits_tables_series_and_images(name):
    worlds = {"table": (6,), "series": (9, 2), "images": (3, 7, 6)}
    for shape in worlds.values():
        X = np.random.default_rng(0).normal(size=(40, *shape)).astype(np.float32)
        reducer = Reducer(8, recipe=name, training=QUICK, random_state=0).fit(X)
        codes = reducer.transform(X)
        assert codes.shape == (40, 8)
        assert np.isfinite(codes).all()
        assert reducer.reconstruct(X).shape == X.shape
        if reducer.model_.decodes_alone:
            np.testing.assert_allclose(reducer.inverse_transform(codes), reducer.reconstruct(X), atol=1e-3)


@NOT_BETTER
def test_same_seed_same_weights_and_the_random_state_of_the_user_is_left_alone():
    X = iris()
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, second = (Reducer(2, training=QUICK, random_state=3).fit(X) for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    for a, b in zip(first.model_.parameters(), second.model_.parameters(), strict=True):
        assert torch.equal(a, b)
    other = Reducer(2, training=QUICK, random_state=4).fit(X)
    assert not np.allclose(first.transform(X), other.transform(X))


@NOT_BETTER
def test_blocks_do_not_change_results(monkeypatch):
    X = digit_images()
    reducer = Reducer(4, training=QUICK, random_state=0).fit(X)
    whole = reducer.transform(X)
    monkeypatch.setattr("diabolo.estimators.base.BLOCK", 64 * 10)
    np.testing.assert_allclose(reducer.transform(X), whole, atol=1e-10)


@NOT_BETTER
def test_forms_come_back_as_they_came():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    array = iris()
    reducer = Reducer(2, training=QUICK, random_state=0).fit(array)
    expected = reducer.reconstruct(array)
    tensor = reducer.reconstruct(torch.tensor(array))
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_allclose(tensor, expected)
    for frame in (pd.DataFrame(array, columns=list("abcd")), pl.DataFrame(array, schema=list("abcd"))):
        fitted = Reducer(2, training=QUICK, random_state=0).fit(frame)
        back = fitted.reconstruct(frame)
        assert type(back) is type(frame)
        assert list(back.columns) == list("abcd")
        np.testing.assert_allclose(back.to_numpy(), expected)


@NOT_BETTER
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
def test_fits_from_a_path(tmp_path, suffix):
    X = iris()
    path = tmp_path / f"iris{suffix}"
    diabolo.data.write(path, X)
    reducer = Reducer(2, training=QUICK, random_state=0).fit(str(path))
    np.testing.assert_allclose(reducer.transform(path), Reducer(2, training=QUICK, random_state=0).fit(X).transform(X))


@NOT_BETTER
def test_bytes_give_pixels_in_the_unit_interval_to_a_bernoulli():
    X = (digit_images() * 15).astype(np.uint8)
    reducer = Reducer(4, recipe=Recipe(likelihood=Bernoulli()), training=QUICK, random_state=0).fit(X)
    rebuilt = reducer.reconstruct(X)
    assert rebuilt.min() >= 0
    assert rebuilt.max() <= 255


@NOT_BETTER
def test_constant_columns_come_back_exactly():
    X = np.column_stack([iris(), np.full(150, 7.25)])
    reducer = Reducer(2, training=Training(epochs=100), random_state=0).fit(X)
    np.testing.assert_allclose(reducer.reconstruct(X)[:, 4], 7.25, atol=0.2)
    assert np.isfinite(reducer.score(X))


def test_nothing_but_constants():
    X = np.ones((20, 3))
    reducer = Reducer(2, training=QUICK, recipe="linear", random_state=0).fit(X)
    np.testing.assert_allclose(reducer.reconstruct(X), X)
    assert reducer.score(X) == 1.0


BAD = {
    "one row": (np.ones((1, 3)), "1 sample"),
    "zero rows": (np.ones((0, 3)), "0 sample"),
    "zero columns": (np.ones((5, 0)), "0 feature"),
    "no axis": (np.float64(3.0), "array"),
    "one axis": (np.arange(5.0), "got 1 axes. Reshape"),
    "five axes": (np.ones((4, 2, 2, 2, 2)), "axes"),
    "NaN": (np.array([[1.0, np.nan], [0.0, 1.0]]), "NaN"),
    "infinity": (np.array([[1.0, np.inf], [0.0, 1.0]]), "infinity"),
    "strings": (np.array([["a", "b"], ["c", "d"]]), "numbers"),
    "objects": (np.array([[1, "b"], [2, "d"]], dtype=object), "numbers"),
    "complex": (np.ones((4, 2)) * 1j, "Complex"),
    "sparse": (scipy.sparse.csr_matrix(np.eye(4)), "sparse"),
    "ragged": ([[1.0, 2.0], [3.0]], "rectangular"),
    "nothing": (None, "array|numbers"),
    "a dictionary": ({"a": 1}, "array, data frame or tensor"),
    "no such file": ("no-such-file.npy", "no-such-file.npy"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_give_one_sentence(name):
    X, word = BAD[name]
    with pytest.raises(ValueError, match=word) as caught:
        Reducer(2, training=QUICK).fit(X)
    assert isinstance(caught.value, DiaboloError)
    assert len(str(caught.value)) < 400


WRONG = {
    "unknown recipe": ({"recipe": "vea"}, "Did you mean 'vae'"),
    "no recipe": ({"recipe": 3}, "recipe"),
    "unknown part": ({"recipe": "Recipe(latent=Gausian())"}, "Did you mean 'Gaussian'"),
    "a part in the wrong place": ({"recipe": Recipe()(net=Bernoulli())}, "one of the nets"),
    "a bad knob": ({"recipe": "Recipe(latent=Gaussian(beta=-1))"}, "beta.*>= 0.*-1"),
    "no components": ({"n_components": 0}, "n_components"),
    "components as text": ({"n_components": "2"}, "n_components"),
    "no training": ({"training": {"epochs": 3}}, "training"),
    "bad epochs": ({"training": Training(epochs=0)}, "epochs"),
    "bad device": ({"device": "abacus"}, "abacus"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parameters_give_one_sentence(name):
    params, word = WRONG[name]
    with pytest.raises(ParameterError, match=word):
        Reducer(**params).fit(iris())


@NOT_BETTER
def test_wrong_calls_after_the_fit():
    X = digit_images()
    reducer = Reducer(4, recipe="unet", training=Training(epochs=1), random_state=0).fit(X)
    with pytest.raises(CapabilityError, match="skips"):
        reducer.inverse_transform(reducer.transform(X))
    with pytest.raises(DataError, match=r"\(1, 8, 8\)"):
        reducer.transform(np.ones((3, 1, 9, 9)))
    with pytest.raises(DataError, match=r"\(N, 4\)"):
        reducer.inverse_transform(np.ones((3, 5)))
    with pytest.raises(DataTypeError):
        reducer.transform(np.full((2, 1, 8, 8), "a"))


class _Interrupt(Callback):
    def on_epoch(self, run):
        if run.epoch == 3:
            raise KeyboardInterrupt


def test_an_interrupted_fit_keeps_the_best_so_far():
    X = iris()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reducer = Reducer(2, random_state=0).fit(X, callbacks=[_Interrupt()])
    assert any("interrupted" in str(w.message) for w in caught)
    assert reducer.history_.stopped == "interrupted"
    assert len(reducer.history_) == 3
    assert reducer.transform(X).shape == (150, 2)


@NOT_BETTER
def test_report_is_one_page_with_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    X = digit_images()
    reducer = Reducer(3, training=QUICK, random_state=0).fit(X)
    reducer.report(X, digit_labels()).save(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count("<img") + text.count("<svg") >= 5
    assert "PCA" in text
    assert "http://" not in text.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    "y",
    [
        [None] * 20 + ["a"] * 20,
        pd.Series([np.nan] * 20 + ["a"] * 20),
        pd.Series([pd.NA] * 20 + ["a"] * 20, dtype="string"),
        pd.Categorical([None] * 20 + ["a"] * 20),
    ],
    ids=lambda y: type(y).__name__,
)
def test_a_report_draws_missing_labels_as_one_more(y):
    X = np.random.default_rng(0).normal(size=(40, 4))
    reducer = Reducer(2, recipe="linear", random_state=0).fit(X)
    assert "class told by" in str(reducer.report(X, y).html())
    with pytest.raises(DataError, match=r"'y' of report must hold one label or number for each of 40.*shape \(3,\)"):
        reducer.report(X, [1, 2, 3])
    assert "Spectrum" not in str(reducer.report(X[:1]).html())  # one sample has none


def test_a_size_that_is_set_later_is_that_of_the_next_fit(tmp_path):
    reducer = Reducer(2, recipe="linear").fit(iris()).set_params(n_components=3)
    np.testing.assert_allclose(reducer.inverse_transform(reducer.transform(iris())), reducer.reconstruct(iris()))
    assert reducer.set_output(transform="pandas").transform(iris()).columns.tolist() == ["reducer0", "reducer1"]
    reducer.save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    assert again.transform(iris()).shape == (150, 2)
    assert again.fit(iris()).transform(iris()).shape == (150, 3)


def test_parameters_that_are_numbers_of_numpy_are_saved_as_numbers(tmp_path):
    training = Training(epochs=2, learning_rate=float(np.float32(1e-3)))(learning_rate=np.float32(1e-3))
    grid: Any = {"n_components": np.int64(2), "random_state": np.int64(3)}
    Reducer(training=training).set_params(**grid).fit(digits()[:60]).save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    assert again.training.learning_rate == pytest.approx(1e-3)
    assert again.transform(digits()[:3]).shape == (3, 2)

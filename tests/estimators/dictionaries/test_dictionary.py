"""The dictionary: planted atoms are found, codes are sparse all the way, and what is rebuilt is in the user's units."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.planted import best_cosines, planted, quick

from diabolo import Dictionary, Recipe, Training
from diabolo.errors import CapabilityError, DataError, ParameterError
from diabolo.latents import TopK
from diabolo.metrics import fvu, sparsity, stability
from diabolo.nets import MLP, Atoms
from diabolo.recipes import OF_VECTORS

X, ATOMS, _ = planted(3500)
HELD_OUT = X[-500:]
X = X[:-500]
FEW = X[:200]
SHORT = Training(epochs=3)
RAISE: Any = "raise"


def fitted(n: int | None = 32, data: Any = X, training: Training | None = None, **rest: Any) -> Any:
    return Dictionary(n, training=quick() if training is None else training, random_state=0, **rest).fit(data)


@pytest.fixture(scope="module")
def dictionary():
    return fitted(k=3)


@pytest.mark.parametrize("recipe", ["top-k", "batch-top-k", "gated", "jump-relu", "tied"])
def test_planted_atoms_are_found(recipe, dictionary):
    sets_k = hasattr(OF_VECTORS[recipe].recipe.latent, "k")
    found = dictionary if recipe == "top-k" else fitted(recipe=recipe, k=3 if sets_k else None)
    assert best_cosines(found.atoms_, ATOMS).mean() > 0.95
    assert fvu(HELD_OUT, found.reconstruct(HELD_OUT)) < 0.15
    assert 2 < sparsity(found.transform(HELD_OUT)).l0 < 5


@pytest.mark.parametrize("recipe", OF_VECTORS)
def test_every_named_recipe_learns(recipe):
    found = fitted(24, X[:1000], quick(100), recipe=recipe)
    assert found.fvu_ < (0.9 if recipe == "winner-take-all" else 0.5)  # one of a hundred samples for each atom
    z = found.transform(FEW)
    assert z.shape == (200, 24)
    assert np.isfinite(z.data).all()
    assert found.atoms_.shape == (24, 16)
    if recipe != "archetypal":  # whose atoms are means of samples
        np.testing.assert_allclose(np.linalg.norm(found.atoms_, axis=1), 1, rtol=1e-5)


def test_the_guide_has_a_line_for_every_named_recipe():
    page = (Path(__file__).parents[3] / "docs" / "guide" / "dictionaries.md").read_text("utf-8")
    table = page.partition("## Which recipe")[2].partition("## ")[0]
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.MULTILINE)) == set(OF_VECTORS)


@settings(max_examples=12)
@given(
    rows=st.integers(2, 30),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    n=st.integers(1, 9),
    dtype=st.sampled_from([np.float32, np.float64, np.int16]),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_vectors_of_any_shape_have_codes_and_come_back_in_it(rows, shape, n, dtype, seed, data):
    k = data.draw(st.integers(1, n))
    x = (5 * np.random.default_rng(seed).normal(size=(rows, *shape))).astype(dtype)
    found = Dictionary(n, k=k, training=Training(epochs=1), random_state=seed).fit(x)
    z = found.transform(x)
    assert z.shape == (rows, n)
    assert np.diff(z.indptr).max(initial=0) <= k
    assert z.has_canonical_format
    assert found.reconstruct(x).shape == x.shape
    assert np.isfinite(found.inverse_transform(z)).all()
    assert found.atoms_.shape == (n, *shape)


def test_two_seeds_find_much_the_same_atoms(dictionary):
    other = Dictionary(32, k=3, training=quick(), random_state=1).fit(X)
    alive = [np.diff(csc_array(each.transform(X)).indptr) > 0 for each in (dictionary, other)]
    assert stability(dictionary.atoms_[alive[0]], other.atoms_[alive[1]]) > 0.85
    assert stability(dictionary.atoms_, ATOMS) > 0.95
    assert stability(dictionary.atoms_, np.random.default_rng(9).normal(size=(32, 16))) < 0.7


def test_codes_are_csr_in_order_without_zeros_in_single_precision(dictionary):
    z = dictionary.transform(HELD_OUT)
    assert isinstance(z, csr_array)
    assert z.dtype == np.float32
    assert z.has_canonical_format
    assert z.has_sorted_indices
    assert (np.diff(z.indptr) <= 3).all()
    assert (z.data > 0).all()
    assert dictionary.transform(HELD_OUT.astype(np.float64)).dtype == np.float64


def test_what_was_measured_is_what_is_seen_on_other_samples(dictionary):
    used = sparsity(dictionary.transform(HELD_OUT))
    assert dictionary.l0_ == pytest.approx(used.l0, abs=0.1)
    assert dictionary.dead_ == pytest.approx(used.dead, abs=0.05)
    assert dictionary.fvu_ == pytest.approx(1 - dictionary.score(HELD_OUT), abs=0.03)


def test_the_inverse_takes_sparse_and_dense_codes(dictionary):
    z = dictionary.transform(HELD_OUT)
    back = dictionary.inverse_transform(z)
    np.testing.assert_array_equal(dictionary.inverse_transform(z.toarray()), back)
    np.testing.assert_array_equal(dictionary.inverse_transform(csc_array(z)), back)
    np.testing.assert_array_equal(dictionary.reconstruct(HELD_OUT), back)
    assert back.dtype == np.float32
    one = dictionary.inverse_transform(z[[0]])
    np.testing.assert_allclose(one[0], back[0], rtol=1e-5, atol=1e-5)
    assert dictionary.inverse_transform(csr_array((0, 32))).shape == (0, 16)


def test_a_code_is_a_sum_of_atoms(dictionary):
    base = dictionary.inverse_transform(np.zeros((1, 32)))
    apart = dictionary.inverse_transform(np.eye(32)) - base
    unit = apart / np.linalg.norm(apart, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, dictionary.atoms_, atol=1e-6)
    z = dictionary.transform(HELD_OUT).toarray().astype(np.float64)
    np.testing.assert_allclose(dictionary.inverse_transform(z), base + z @ apart, atol=1e-5)


def test_a_row_alone_has_the_code_that_it_has_among_others(dictionary):
    rows = HELD_OUT.astype(np.float64)
    together, alone = dictionary.transform(rows), [dictionary.transform(row[None]) for row in rows[:20]]
    for i, one in enumerate(alone):
        np.testing.assert_array_equal(one.indices, together[[i]].indices)
        np.testing.assert_allclose(one.data, together[[i]].data, rtol=1e-12)
    single = dictionary.transform(HELD_OUT)
    np.testing.assert_allclose(single.toarray(), together.toarray(), atol=1e-4)


@pytest.mark.parametrize("recipe", ["top-k", "gated", "relu-l1"])
def test_place_and_scale_of_the_vectors_do_not_count(recipe):
    moved = 1000 * X.astype(np.float64) + np.arange(16) * 1e3
    here, there = (fitted(24, data, quick(60), recipe=recipe) for data in (X.astype(np.float64), moved))
    one, two = here.transform(X[:500].astype(np.float64)), there.transform(moved[:500])
    assert ((one != 0) != (two != 0)).sum() <= 0.002 * one.nnz  # an entry at the brink may fall to either side
    np.testing.assert_allclose(one.toarray(), two.toarray(), atol=0.02 * np.abs(one.data).max())
    np.testing.assert_allclose(here.atoms_, there.atoms_, atol=0.01)
    assert here.fvu_ == pytest.approx(there.fvu_, rel=0.02)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    one, two = (fitted(24, training=SHORT) for _ in range(2))
    assert np.array_equal(one.atoms_, two.atoms_)
    assert (one.transform(FEW) != two.transform(FEW)).nnz == 0
    other = Dictionary(24, training=SHORT, random_state=1).fit(X)
    assert not np.array_equal(one.atoms_, other.atoms_)


def test_training_leaves_the_stream_of_random_numbers_alone():
    import torch

    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    fitted(24, FEW, SHORT)
    assert torch.equal(before, torch.random.get_rng_state())


def test_layers_of_very_different_scale_are_both_rebuilt():
    layers = np.stack([X, 1e4 * X[:, ::-1] + 5e4], axis=1)  # (N, 2, 16)
    cross = fitted(48, layers, k=3)
    assert cross.transform(layers[:9]).shape == (9, 48)
    assert cross.atoms_.shape == (48, 2, 16)
    rebuilt = cross.reconstruct(layers[:500])
    assert rebuilt.shape == (500, 2, 16)
    for layer in range(2):
        assert fvu(layers[:500, layer], rebuilt[:, layer]) < 0.15
    assert cross.score(layers[:500]) > 0.85
    with pytest.raises(DataError, match=r"samples of shape \(2, 15\), but Dictionary was fitted on .*\(2, 16\)"):
        cross.transform(layers[:, :, 1:])


def test_pictures_are_vectors_that_come_back_as_pictures():
    pictures = X.reshape(-1, 1, 4, 4)
    found, flat = fitted(24, pictures, SHORT), fitted(24, X, SHORT)
    assert found.atoms_.shape == (24, 1, 4, 4)
    assert (found.transform(pictures) != flat.transform(X)).nnz == 0
    np.testing.assert_array_equal(found.reconstruct(pictures).reshape(-1, 16), flat.reconstruct(X))


def test_a_transcoder_rebuilds_its_target():
    target = X @ np.random.default_rng(1).normal(size=(16, 10)).astype(np.float32) + 7
    trans: Any = Dictionary(32, k=3, training=quick(), random_state=0).fit(X, target=target)
    assert trans.fvu_ < 0.15
    rebuilt = trans.reconstruct(X)
    assert rebuilt.shape == target.shape
    assert fvu(target, rebuilt) < 0.15
    assert trans.score(X, target) == pytest.approx(1 - fvu(target, rebuilt), abs=1e-6)
    assert trans.atoms_.shape == (32, 10)
    with pytest.raises(DataError, match="give that as y"):
        trans.score(X)


@pytest.mark.parametrize(
    ("target", "word"),
    [
        (X[:-1], r"'target' must be a finite array \(3000, D'\), a row for each of X; got \(2999, 16\)"),
        (X[:, 0], "'target' must be"),
        (X * np.nan, "'target' must be a finite array"),
    ],
)
def test_a_target_that_does_not_fit_is_refused(target, word):
    with pytest.raises(DataError, match=word):
        Dictionary(24, training=SHORT).fit(X, target=target)


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"k": 0}, "Parameter 'k' of Dictionary must be"),
        ({"k": 2.5}, "Parameter 'k' of Dictionary must be"),
        ({"k": 4, "recipe": "relu-l1"}, r"Parameter 'k' of Dictionary must be None for L1\(weight=0.05\)"),
        ({"k": 4, "recipe": "jump-relu"}, "which keeps no set number"),
        ({"k": 25}, "Parameter 'k' of TopK must be at most the size of the code, 24; got 25"),
        ({"n_components": 0}, "Parameter 'n_components' of Dictionary must be"),
        ({"recipe": "topk"}, "unknown recipe 'topk'.*Did you mean 'top-k'"),
        ({"recipe": 3}, "Parameter 'recipe' must be a Recipe or the name of one"),
        ({"training": 3}, "Parameter 'training' of Dictionary must be a Training"),
        ({"device": "gpu"}, "Parameter 'device'"),
    ],
)
def test_errors_name_the_parameter(parameters, word):
    with pytest.raises(ParameterError, match=word):
        Dictionary(**({"n_components": 24, "training": SHORT} | parameters)).fit(FEW)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (np.where(FEW[3, 3] == FEW, np.nan, FEW), "contains NaN"),
        (FEW[:1], "minimum of 2 is required"),
        (np.zeros((5, 2, 2, 2, 2)), "X must be a table"),
        (csr_array(FEW), "sparse"),
    ],
)
def test_bad_vectors_are_refused(data, word):
    with pytest.raises((DataError, TypeError), match=word):
        Dictionary(24, training=SHORT).fit(data)


@pytest.mark.parametrize(
    ("codes", "word"),
    [
        (np.zeros((2, 31)), r"Codes must have shape \(N, 32\); got \(2, 31\)"),
        (csr_array((2, 33)), r"Codes must have shape \(N, 32\); got \(2, 33\)"),
        (np.full((2, 32), np.inf), "Codes contain NaN or infinity"),
        (csr_array(np.full((2, 32), np.nan)), "Codes contain NaN or infinity"),
    ],
)
def test_bad_codes_are_refused(dictionary, codes, word):
    with pytest.raises(DataError, match=word):
        dictionary.inverse_transform(codes)


def test_vectors_of_another_width_are_refused(dictionary):
    with pytest.raises(DataError, match="features"):
        dictionary.transform(X[:, :5])


def test_a_net_without_atoms_still_makes_codes_but_has_none():
    found = fitted(24, FEW, SHORT, recipe=Recipe(MLP(), TopK(4)))
    assert found.transform(FEW).nnz <= 4 * 200
    with pytest.raises(CapabilityError, match=r"MLP has no atoms; use the net Atoms\(\)"):
        _ = found.atoms_


def test_by_default_there_are_eight_latents_a_number_and_32_active():
    wide = np.random.default_rng(0).normal(size=(100, 40)).astype(np.float32)
    found = fitted(None, wide, SHORT)
    assert (found.n_components, found.model_.n) == (None, 320)
    assert (np.diff(found.transform(wide).indptr) <= 32).all()
    assert found.recipe_.latent == TopK(32, positive=True)
    narrow = fitted(None, FEW[:, :2], SHORT)
    assert narrow.recipe_.latent == TopK(4, positive=True)  # a quarter of 16
    assert fitted(None, wide, SHORT, recipe=Recipe(Atoms(), TopK(5))).recipe_.latent == TopK(5)


def test_vectors_that_are_all_one_are_no_error():
    same = np.ones((50, 4), np.float32)
    found = fitted(8, same, SHORT)
    np.testing.assert_allclose(found.reconstruct(same), same, atol=1e-3)
    assert found.fvu_ == 0
    assert found.score(same) in (0.0, 1.0)


def test_names_of_latents_and_output_as_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(FEW, columns=[f"c{i}" for i in range(16)])
    found = fitted(24, frame, SHORT)
    assert found.get_feature_names_out().tolist() == [f"dictionary{i}" for i in range(24)]
    assert found.feature_names_in_.tolist() == list(frame.columns)
    assert list(found.reconstruct(frame).columns) == list(frame.columns)
    with pytest.raises(ValueError, match="outputs a scipy sparse matrix"):
        found.set_output(transform="pandas").transform(frame)


def test_grid_search_over_k_and_the_recipe():
    search = GridSearchCV(Dictionary(24, training=quick(30)), {"k": [1, 6]}, cv=2, error_score=RAISE).fit(FEW)
    assert search.best_params_ == {"k": 6}
    pipeline = make_pipeline(StandardScaler(), Dictionary(24, recipe="batch-top-k", training=quick(30), random_state=0))
    grid = {"dictionary__recipe__latent__k": [1, 6]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score=RAISE).fit(FEW)
    assert search.best_params_ == {"dictionary__recipe__latent__k": 6}
    assert (cross_val_score(Dictionary(24, k=6, training=quick(30), random_state=0), FEW, cv=2) > 0.3).all()

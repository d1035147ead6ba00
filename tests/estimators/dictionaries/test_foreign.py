"""Dictionaries of other libraries as ours, and back."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.exchange.golden import NAMES, ROOM, place

import diabolo
from diabolo import Dictionary, Training, exchange
from diabolo.errors import CapabilityError, DataError, DataTypeError
from diabolo.recipes import OF_VECTORS


def normed_or_past_the_code(name):
    weights = exchange.read(place(name))
    return weights.skip is not None or weights.norm != "none" or weights.kind in ("abs-topk", "group-max")


OTHERS = [name for name in NAMES if normed_or_past_the_code(name)]
OURS = [name for name in NAMES if name not in OTHERS]


def adopted(name):
    return Dictionary.of(exchange.read(place(name)))


@pytest.mark.parametrize("name", OURS)
def test_codes_and_reconstructions_are_those_of_the_library(name):
    dictionary, known = adopted(name), load_file(ROOM / name / "expected.safetensors")
    x, codes, rebuilt = (known[part].float().numpy() for part in "xzy")
    rough = 0.1 if known["z"].dtype == torch.bfloat16 else 2e-5
    found = dictionary.transform(x)
    assert np.array_equal(found.toarray() != 0, codes != 0)
    np.testing.assert_allclose(found.toarray(), codes, rtol=rough, atol=rough / 10)
    np.testing.assert_allclose(dictionary.inverse_transform(found), rebuilt, rtol=5 * rough, atol=rough)


def test_most_are_compositions_of_ours():
    assert len(OURS) >= 0.7 * len(NAMES)


@pytest.mark.parametrize("name", OTHERS)
def test_the_others_say_why_not(name):
    with pytest.raises(CapabilityError, match="is no composition of diabolo"):
        adopted(name)


@pytest.mark.parametrize("recipe", ["top-k", "batch-top-k", "jump-relu", "gated", "relu-l1", "tied"])
def test_ours_written_and_read_again_makes_the_same_codes(recipe, tmp_path):
    X = 3 + 5 * np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32) @ np.diag([1, 2, 1, 1, 1, 3])
    X = X.astype(np.float32)
    ours = Dictionary(16, recipe=recipe, training=Training(epochs=3), random_state=0).fit(X)
    exchange.write(ours.weights(), tmp_path / "sae")
    again = Dictionary.of(exchange.read(tmp_path / "sae"))
    theirs, codes = again.transform(X).toarray(), ours.transform(X).toarray()
    assert ((theirs != 0) != (codes != 0)).mean() < 1e-3  # an entry at the threshold may fall to either side
    np.testing.assert_allclose(theirs, codes, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(again.inverse_transform(codes), ours.inverse_transform(codes), rtol=1e-4, atol=1e-3)


def test_a_transcoder_keeps_its_target(tmp_path):
    X = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    Y = 7 + X @ np.ones((4, 3), np.float32)
    ours = Dictionary(8, k=2, training=Training(epochs=3), random_state=0).fit(X, target=Y)
    again = Dictionary.of(ours.weights())
    np.testing.assert_allclose(again.reconstruct(X), ours.reconstruct(X), rtol=1e-4, atol=1e-4)


def test_an_adopted_dictionary_is_saved_and_fitted_like_any(tmp_path):
    dictionary = adopted("sparsify-topk")
    X = np.random.default_rng(0).normal(size=(30, dictionary.n_features_in_)).astype(np.float32)
    dictionary.save(tmp_path / "d")
    same = diabolo.load(tmp_path / "d")
    assert (same.transform(X) != dictionary.transform(X)).nnz == 0
    again = same.set_params(training=Training(epochs=1)).fit(X)
    assert again.fvu_ is not None


def test_what_no_library_has_is_said():
    X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    dictionary = Dictionary(8, recipe="sigmoid-kl", training=Training(epochs=1)).fit(X)
    with pytest.raises(CapabilityError, match="No other library"):
        dictionary.weights()
    assert "sigmoid-kl" in OF_VECTORS


def test_weights_are_those_of_a_dictionary_by_hand():
    atoms = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    weights = exchange.Weights(atoms, torch.zeros(3), atoms, torch.tensor([1.0, 2.0]), "topk", k=1)
    dictionary = Dictionary.of(weights)
    assert dictionary.transform(np.array([[4.0, 6.0]], np.float32)).toarray().tolist() == [[0, 0, 5]]
    assert dictionary.inverse_transform(np.array([[0, 0, 5.0]]))[0] == pytest.approx([4, 6])
    back = dictionary.weights()
    assert torch.equal(back.decoder, weights.decoder)
    assert torch.equal(back.decoder_bias, weights.decoder_bias)


def test_atoms_and_report_of_what_another_library_made():
    atoms = torch.eye(6)
    dictionary = Dictionary.of(exchange.Weights(atoms, torch.zeros(6), atoms, torch.zeros(6), "topk", k=2))
    np.testing.assert_allclose(dictionary.atoms_, np.eye(6))
    X = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    assert "How atoms lie" in dictionary.report(X).html()


def test_a_transcoder_of_equal_widths_stays_one(tmp_path):
    draw = np.random.default_rng(0)
    X = draw.normal(size=(300, 6)).astype(np.float32)
    Y = (X @ draw.normal(size=(6, 6))).astype(np.float32)
    transcoder = Dictionary(16, k=3, training=Training(epochs=3), random_state=0).fit(X, target=Y)
    exchange.write(transcoder.weights(), tmp_path / "saelens")
    again = Dictionary.of(exchange.read(tmp_path / "saelens"))
    assert exchange.read(tmp_path / "saelens").transcodes
    assert again.score(X, Y) == pytest.approx(transcoder.score(X, Y), abs=1e-4)


def test_groups_of_a_matryoshka_dictionary_are_told():
    X = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    dictionary = Dictionary(64, k=3, recipe="matryoshka", training=Training(epochs=1), random_state=0).fit(X)
    assert dictionary.weights().groups == (4, 4, 8, 16, 32)
    plain = Dictionary(64, k=3, training=Training(epochs=1), random_state=0).fit(X)
    assert plain.weights().groups == ()


@pytest.mark.parametrize("form", [np.float16, np.float64, torch.tensor, lambda z: torch.tensor(z).to_sparse()])
def test_codes_of_any_form_are_rebuilt(form):
    X = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    dictionary = Dictionary(8, k=2, training=Training(epochs=1), random_state=0).fit(X)
    codes = dictionary.transform(X)
    found = dictionary.inverse_transform(form(codes.toarray()))
    np.testing.assert_allclose(found, dictionary.inverse_transform(codes), atol=5e-3)


@pytest.mark.parametrize("codes", [np.zeros((2, 3, 8)), [["a"] * 8]])
def test_what_are_no_codes_is_refused(codes):
    X = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    dictionary = Dictionary(8, k=2, training=Training(epochs=1), random_state=0).fit(X)
    with pytest.raises((DataError, DataTypeError)):
        dictionary.inverse_transform(codes)

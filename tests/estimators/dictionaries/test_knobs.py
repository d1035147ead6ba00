"""The knobs of dictionaries: each moves the quantity that it names."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from tests.planted import planted, quick

from diabolo import Dictionary, Recipe
from diabolo.latents import L1, BatchTopK, Gated, JumpReLU, KLSparsity, TopK, WinnerTakeAll
from diabolo.metrics import fvu, sparsity
from diabolo.nets import Archetypes, Atoms
from diabolo.penalties import Gate, Matryoshka, Revive
from diabolo.recipes import named

X = planted(3000)[0]
HELD_OUT, X = X[-500:], X[:-500]


def fitted(n: int = 32, data: Any = X, steps: int = 100, **rest: Any) -> Dictionary:
    return Dictionary(n, training=quick(steps), random_state=0, **rest).fit(data)


def used(dictionary: Dictionary, data: Any = HELD_OUT) -> float:
    return sparsity(dictionary.transform(data)).l0


@pytest.mark.parametrize("k", [1, 2, 7])
def test_top_k_keeps_exactly_k_and_k_at_most_where_positive(k):
    free = fitted(recipe=Recipe(Atoms(), TopK()), k=k)
    assert set(np.diff(free.transform(HELD_OUT).indptr)) == {k}
    positive = fitted(k=k)
    kept = np.diff(positive.transform(HELD_OUT).indptr)
    assert kept.max() == k
    assert (positive.transform(HELD_OUT).data > 0).all()


def test_more_k_rebuilds_better():
    unexplained = [1 - fitted(k=k).score(HELD_OUT) for k in (1, 2, 4)]
    assert unexplained[0] > unexplained[1] > unexplained[2]


@pytest.mark.parametrize("k", [2, 5])
def test_batch_top_k_uses_about_k_on_rows_that_it_has_not_seen(k):
    found = fitted(recipe="batch-top-k", k=k, steps=200)
    assert used(found) == pytest.approx(k, rel=0.15)
    assert len(set(np.diff(found.transform(HELD_OUT).indptr))) > 1  # some samples more, others less


@pytest.mark.parametrize(
    ("recipe", "weights"),
    [
        (Recipe(Atoms(), L1()), (0.01, 0.3, 2.0)),
        (Recipe(Atoms(), JumpReLU()), (0.02, 0.2, 1.0)),
        (Recipe(Atoms(), Gated(), penalties=(Gate(),)), (0.1, 0.6, 2.0)),
    ],
    ids=["relu-l1", "jump-relu", "gated"],
)
def test_a_dearer_entry_is_used_less(recipe, weights):
    counts = [used(fitted(recipe=recipe.revise(latent__weight=weight), steps=200)) for weight in weights]
    assert counts[0] > counts[1] > counts[2]


def test_winner_take_all_gives_each_atom_its_share():
    for share in (0.05, 0.2):
        found = fitted(recipe=Recipe(Atoms(), WinnerTakeAll(share)), steps=200)
        frequency = sparsity(found.transform(HELD_OUT)).frequency
        assert frequency.mean() == pytest.approx(share, rel=0.3)
        assert found.dead_ == 0


def test_kl_sparsity_aims_at_its_share_and_the_nearer_the_dearer():
    def mean(rho: float, weight: float) -> float:
        return float(fitted(recipe=Recipe(Atoms(), KLSparsity(rho, weight))).transform(HELD_OUT).toarray().mean())

    assert mean(0.3, 10) == pytest.approx(0.3, abs=0.03)
    assert 0.05 < mean(0.05, 10) < mean(0.05, 1) - 0.03


def first_alone(dictionary: Dictionary, share: float) -> float:
    """Return how much the first latents alone leave unexplained."""
    z = dictionary.transform(HELD_OUT).toarray()
    z[:, int(share * z.shape[1]) :] = 0
    return fvu(HELD_OUT, dictionary.inverse_transform(z))


def test_the_first_of_a_matryoshka_rebuild_alone():
    nested, plain = (fitted(64, recipe=name, k=4, steps=200) for name in ("matryoshka", "batch-top-k"))
    assert first_alone(nested, 1 / 8) < first_alone(plain, 1 / 8) - 0.1
    assert first_alone(nested, 1 / 2) < first_alone(plain, 1 / 2) - 0.1
    assert first_alone(plain, 1) < first_alone(nested, 1)  # what it costs


def test_the_weight_of_a_matryoshka_moves_what_the_first_rebuild():
    recipe = Recipe(Atoms(), BatchTopK(), penalties=(Matryoshka((0.125,)),))
    alone = [first_alone(fitted(64, recipe=recipe.revise(penalties=(Matryoshka((0.125,), w),)), k=4), 1 / 8)
             for w in (0.0, 3.0)]  # fmt: skip
    assert alone[1] < alone[0] - 0.1


def test_revived_latents_are_not_dead():
    """Far more latents than the vectors need, and steps so large that most fall silent at once."""
    few, plain = planted(2000, 16, 64, 4)[0], Recipe(Atoms(), TopK(positive=True))
    training = quick(200, learning_rate=2e-2)
    dead = []
    for penalties in ((), (Revive(weight=0.3, after=2.0),)):
        found = Dictionary(256, k=4, recipe=plain.revise(penalties=penalties), training=training, random_state=0)
        dead.append(sparsity(found.fit(few).transform(few)).dead)
    assert dead[0] > 0.6
    assert dead[1] < 0.5 * dead[0]


def test_the_encoder_of_a_tied_dictionary_looks_along_its_atoms():
    found = fitted(recipe="tied", k=3)
    encoder: Any = found.model_.encoder
    weight = encoder.map().weight.detach().numpy()
    np.testing.assert_allclose(weight, found.atoms_, atol=1e-6)
    assert encoder.weight is None
    free: Any = fitted(k=3).model_.encoder
    assert free.weight is not None


def test_archetypes_without_slack_are_means_of_samples():
    found = fitted(24, np.abs(X), recipe=Recipe(Archetypes(anchors=50, slack=0.0), TopK(positive=True)), k=3)
    decoder: Any = found.model_.decoder
    weights = decoder.logits.softmax(1)
    assert torch.allclose(weights @ decoder.anchors, decoder.atoms())
    assert np.linalg.norm(found.atoms_, axis=1).max() <= np.linalg.norm(decoder.anchors, axis=1).max() + 1e-6


@pytest.mark.parametrize("name", ["top-k", "batch-top-k", "jump-relu", "gated"])
@pytest.mark.parametrize("count", [1, 7, 300])
def test_codes_found_block_by_block_are_those_of_the_dense_formula(name, count, monkeypatch):
    found = fitted(recipe=name, steps=20)
    x = HELD_OUT[:count].astype(np.float64)
    monkeypatch.setattr("diabolo.selection._AT_ONCE", 64)
    sparse = found.transform(x)
    model: Any = found._at(True)[0]
    with torch.inference_mode():
        h, _ = model.encoder(found.scaling_.tensor(x, dtype=torch.float64))
        dense = model.latent(h, False).mean.numpy()
    np.testing.assert_allclose(sparse.toarray(), dense, rtol=1e-9, atol=1e-12)
    assert isinstance(sparse, csr_array)


def test_k_is_settled_where_the_recipe_says_it():
    assert named("batch-top-k").latent == BatchTopK()
    found = fitted(8, X[:100], 5, recipe="batch-top-k")
    assert found.recipe_.latent == BatchTopK(2)
    assert fitted(8, X[:100], 5, recipe="batch-top-k", k=5).recipe_.latent == BatchTopK(5)

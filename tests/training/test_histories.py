"""Batches of histories: every user once, nothing written out, and a training that learns the checkerboard."""

import numpy as np
import pytest
import torch
from scipy import sparse as scipy_sparse

from diabolo.corruptions import Masking
from diabolo.latents import Gaussian
from diabolo.likelihoods import Multinomial
from diabolo.model import Recipe
from diabolo.nets import Bag
from diabolo.training import Histories, Training, train
from diabolo.training.histories import sparse


def world(users=40, items=12, seed=0):
    return scipy_sparse.random_array((users, items), density=0.3, rng=np.random.default_rng(seed), format="csr")


def written_out(histories, size, seed):
    return torch.cat([batch.x.to_dense() for batch in histories.epoch(size, seed)])


@pytest.mark.parametrize("kind", [scipy_sparse.csr_array, scipy_sparse.csr_matrix])
def test_an_epoch_is_all_rows_in_order_without_a_seed(kind):
    interactions = kind(world())
    batches = list(Histories(interactions).epoch(16, None))
    assert [len(batch.x) for batch in batches] == [14, 13, 13]
    assert all(batch.x.is_coalesced() and batch.x.dtype == torch.float32 for batch in batches)
    np.testing.assert_array_equal(written_out(Histories(interactions), 16, None), interactions.toarray().astype("f4"))


def test_a_seed_decides_the_order():
    one, same, other = (written_out(Histories(world()), 16, seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(one.sort(0).values, other.sort(0).values)


def test_an_index_chooses_rows_and_their_weights():
    interactions, index = world(), torch.tensor([3, 5, 8])
    histories = Histories(interactions, index, weight=torch.arange(40.0))
    (batch,) = histories.epoch(9, None)
    assert len(histories) == 3
    assert batch.weight.tolist() == [3, 5, 8]  # pyright: ignore[reportOptionalMemberAccess]
    np.testing.assert_array_equal(batch.x.to_dense(), interactions[index.numpy()].toarray().astype("f4"))


def test_entries_of_the_same_place_are_added_up_in_any_order():
    twice = scipy_sparse.csr_matrix((np.ones(4), [2, 0, 2, 1], [0, 3, 4]), (2, 3))
    assert sparse(twice).to_dense().tolist() == [[1, 0, 2], [0, 1, 0]]
    assert twice.nnz == 4  # the caller's matrix is left as it was


def test_training_learns_which_item_is_missing_and_repeats_itself(tmp_path):
    """On a checkerboard of two kinds of users every one has all items of one kind but one."""
    generator = np.random.default_rng(0)
    board = np.kron(np.eye(2), np.ones((100, 6))) * 1.0
    board[np.arange(200), np.repeat([0, 6], 100) + generator.integers(6, size=200)] = 0
    recipe = Recipe(Bag((16,)), Gaussian(beta=0.1), Multinomial(), Masking(0.3))
    training = Training(epochs=60, batch_size=50, learning_rate=0.01, validation=0.0)
    models = []
    for file in (None, tmp_path / "checkpoint"):
        torch.manual_seed(0)
        models.append(recipe.build((12,), 3))
        train(models[-1], Histories(scipy_sparse.csr_array(board)), None, training, checkpoint=file)
    scores = models[0].reconstruct(torch.from_numpy(board).float().to_sparse())
    missing = scores.masked_fill(torch.from_numpy(board > 0), 0).argmax(1)
    assert bool((torch.from_numpy(board).float().gather(1, missing[:, None]) == 0).all())
    assert torch.equal(missing // 6, torch.arange(2).repeat_interleave(100))
    assert all(torch.equal(a, b) for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True))

"""Bags and ELSA: sparse samples give what dense ones do, and no item rebuilds itself."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.corruptions import GaussianNoise, Masking, SwapNoise
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch
from diabolo.latents import Gaussian
from diabolo.likelihoods import Bernoulli, Cosine, Multinomial, SquaredError
from diabolo.model import Recipe
from diabolo.nets import ELSA, MLP, Bag
from diabolo.penalties import Contractive

RECIPES = [
    Recipe(Bag((8,)), Gaussian(beta=0.2), Multinomial()),
    Recipe(Bag((8, 6), (7,), "tanh", "none", normalise=False), Gaussian(samples=3), Multinomial()),
    Recipe(Bag(()), likelihood=SquaredError()),
    Recipe(Bag((5,)), likelihood=Bernoulli(), penalties=(Contractive(0.5),)),
    Recipe(ELSA(), likelihood=Cosine()),
    Recipe(ELSA(), likelihood=Multinomial()),
    Recipe(MLP((8,)), likelihood=Multinomial(), corruption=GaussianNoise(0.1)),
]
every = pytest.mark.parametrize("recipe", RECIPES, ids=repr)


def histories(rows=6, columns=30, share=0.2, seed=0):
    x = (torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)) < share).double()
    return x.to_sparse()


def built(recipe, columns=30, n=4):
    torch.manual_seed(0)
    return recipe.build((columns,), n).double()


def found(model, x, target=None):
    torch.manual_seed(1)
    output = model(Batch(x, target))
    return output.loss, *torch.autograd.grad(output.loss, list(model.parameters()))


@every
def test_a_sparse_batch_costs_what_a_dense_one_does(recipe):
    x, model = histories(), built(recipe)
    for one, other in zip(found(model, x), found(model, x.to_dense()), strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(model.encode(x).mean, model.encode(x.to_dense()).mean)
    torch.testing.assert_close(model.reconstruct(x), model.reconstruct(x.to_dense()))


@every
def test_input_and_target_may_each_be_sparse(recipe):
    x, target, model = histories(), histories(seed=1), built(recipe)
    wanted = found(model, x.to_dense(), target.to_dense())
    for seen, rebuilt in ((x, target), (x.to_dense(), target), (x, target.to_dense())):
        for one, other in zip(found(model, seen, rebuilt), wanted, strict=True):
            torch.testing.assert_close(one, other)


@given(st.integers(1, 5), st.integers(1, 12), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 99))
def test_histories_of_any_size(rows, columns, share, seed):
    x, model = histories(rows, columns, share, seed), built(RECIPES[0], columns)
    loss, *slopes = found(model, x)
    assert bool(loss.isfinite()) and all(bool(slope.isfinite().all()) for slope in slopes)


def test_a_normalised_bag_sees_directions_and_another_one_lengths():
    x = histories()
    for normalise in (True, False):
        encoder = Bag((8,), normalise=normalise).build((30,), 3, 3, (30,))[0].double()
        assert torch.allclose(encoder(x)[0], encoder((2 * x).coalesce())[0]) == normalise


def test_no_element_rebuilds_itself_in_elsa():
    encoder, decoder = ELSA().build((9,), 3, 3, (9,))
    for x in (torch.eye(9), torch.eye(9).to_sparse()):
        assert bool(decoder(*encoder(x)).diagonal().abs().max() < 1e-6)


@pytest.mark.parametrize("recipe", [Recipe(ELSA(), Gaussian()), Recipe(ELSA(), Gaussian(), Cosine())], ids=repr)
def test_elsa_says_what_it_cannot_be_built_with(recipe):
    with pytest.raises(ParameterError, match=r"ELSA must be built for .* Plain"):
        recipe.build((9,), 3)


def test_elsa_needs_x_to_decode():
    model = Recipe(ELSA(), likelihood=Cosine()).build((9,), 3)
    assert not model.decodes_alone
    with pytest.raises(CapabilityError, match="ELSA cannot decode a code alone"):
        model.decode(torch.zeros(1, 3))


def test_elsa_finds_what_goes_together():
    """Items 0-3 come together, and so do 4-7: a history of some asks for the others of its kind."""
    torch.manual_seed(0)
    kinds = torch.eye(2).repeat_interleave(4, 1)
    model = Recipe(ELSA(), likelihood=Cosine()).build((8,), 2)
    optimiser = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(200):
        seen = kinds[torch.randint(2, (64,))] * (torch.rand(64, 8) < 0.7)
        model(Batch(seen.to_sparse())).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    scores = model.reconstruct(torch.tensor([[1.0, 1, 1, 0, 0, 0, 0, 0]]).to_sparse())[0]
    assert scores.masked_fill(torch.arange(8) < 3, -9).argmax() == 3


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_masking_hides_a_share_of_the_entries(share):
    x = histories(50, 200, 0.3)
    seen, hidden = Masking(share).corrupt(x)
    assert hidden is None
    assert seen.is_coalesced()
    assert abs(1 - len(seen.values()) / len(x.values()) - share) < 0.05
    assert torch.equal(seen.to_dense(), torch.where(seen.to_dense() > 0, x.to_dense(), 0))


@pytest.mark.parametrize("noise", [GaussianNoise(0.1), SwapNoise(0.5), Masking(0.5)], ids=repr)
def test_any_corruption_takes_a_sparse_batch(noise):
    model = built(RECIPES[0](corruption=noise))
    assert bool(found(model, histories())[0].isfinite())

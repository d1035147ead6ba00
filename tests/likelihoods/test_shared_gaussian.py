"""One variance per sample: an exact density, whatever else is in the batch, that learns how large the noise is."""

import math
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions as laws

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents import Gaussian as Variational
from diabolo.likelihoods import SharedGaussian, SquaredError
from diabolo.model import Recipe
from diabolo.nets import MLP, Conv, Linear, Recurrent, Transformer, UNet
from diabolo.shallow import PCA, begin

SHARED = SharedGaussian()
STEPS = 300
SHAPES = [(8,), (5, 4), (4, 3, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("floor", [1e-3, 0.5])
def test_exact_with_one_sigma_per_sample(shape, floor):
    torch.manual_seed(0)
    part, axis = SharedGaussian(floor), 1 if len(shape) == 3 else -1
    p, x = torch.randn(6, *part.shape(shape)).double(), torch.randn(6, *shape).double()
    mean, said = p.chunk(2, axis)
    sigma = (floor**2 + said.reshape(6, -1).mean(1).exp()).sqrt().view(6, *[1] * len(shape))
    assert torch.equal(part.mean(p), mean)
    torch.testing.assert_close(part.distortion(p, x), -laws.Normal(mean, sigma).log_prob(x))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 3), min_size=4, max_size=4), st.floats(-4, 4))
def test_the_best_sigma_is_the_root_mean_squared_error(errors, away):
    x = torch.tensor([errors], dtype=torch.float64)
    mse = x.square().mean().item()

    def total(log_var):
        params = torch.tensor([[0.0] * 4 + [log_var] * 4], dtype=torch.float64)
        return SharedGaussian(1e-6).distortion(params, x).sum().item()

    assert total(math.log(mse)) == pytest.approx(2 * math.log(2 * math.pi * math.e * mse), abs=1e-6)
    assert total(math.log(mse) + away) >= total(math.log(mse)) - 1e-6


def test_a_sample_costs_the_same_whatever_is_beside_it():
    torch.manual_seed(0)
    part = SharedGaussian()
    p, x = torch.randn(9, *part.shape((6,))), torch.randn(9, 6)
    alone = torch.cat([part.distortion(p[i : i + 1], x[i : i + 1]) for i in range(9)])
    assert torch.equal(part.distortion(p, x), alone)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=4, max_size=4))
def test_gradients_are_finite_at_extremes(said):
    p = torch.tensor([said], requires_grad=True)
    cost = SharedGaussian().distortion(p, torch.zeros(1, 2))
    cost.sum().backward()
    assert p.grad is not None
    assert bool(cost.isfinite().all() and p.grad.isfinite().all())


@cache
def learned(noise, likelihood=SHARED):
    """Return a variational autoencoder trained on a plane in 20 dimensions with noise, fresh samples, their law."""
    torch.manual_seed(0)
    plane = 0.7 * torch.randn(2, 20)
    x = torch.randn(1000, 2) @ plane + noise * torch.randn(1000, 20)
    model = Recipe(Linear(), Variational(), likelihood).build((20,), 2)
    begin(PCA.fit([x[:700]], 20, 2), model)
    adam = torch.optim.Adam(model.parameters(), 0.05)
    slower = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.01, STEPS)
    for _ in range(STEPS):
        adam.zero_grad()
        model(Batch(x[:700])).loss.backward()
        adam.step()
        slower.step()
    law = laws.MultivariateNormal(torch.zeros(20), plane.T @ plane + noise**2 * torch.eye(20))
    return model, x[700:], law


@pytest.mark.parametrize("noise", [0.1, 0.4, 1.0])
def test_sigma_becomes_the_noise_level(noise):
    model, x, _ = learned(noise)
    torch.manual_seed(1)
    params = model(Batch(x)).params
    drawn = SHARED.sample(params) - SHARED.mean(params)
    assert drawn.std().item() == pytest.approx(noise, rel=0.1)


@pytest.mark.parametrize("noise", [0.1, 0.4])
def test_the_loss_comes_close_to_the_known_likelihood(noise):
    """The world is normal, so that -log p(x) is known: β = 1 with a learned σ reaches it without any search."""
    model, x, law = learned(noise)
    torch.manual_seed(1)
    with torch.no_grad():
        bound = sum(model(Batch(x)).loss.item() for _ in range(20)) / 20
    truth = -law.log_prob(x).mean().item()
    assert truth - 0.05 < bound < truth + 1


def test_the_rate_follows_the_noise():
    """With σ = 1 the code of a world of little noise keeps too few nats; a learned σ buys what they are worth."""
    worlds = [learned(0.1, likelihood) for likelihood in (SquaredError(), SHARED)]
    fixed, free = (model(Batch(x)).rate.mean().item() for model, x, _ in worlds)
    assert free - fixed == pytest.approx(2 * math.log(10), rel=0.2)  # two dimensions, ten times as precise


@pytest.mark.parametrize("floor", [0.05, 0.5, 3.0])
def test_no_sigma_is_below_the_floor(floor):
    torch.manual_seed(0)
    p = torch.tensor([[0.0, 0.0, -2e4, 0.0]]).expand(20_000, -1)
    assert SharedGaussian(floor).sample(p).std().item() == pytest.approx(floor, rel=0.02)


NETS = [(MLP((8,)), (6,)), (Linear(), (6,)), (Recurrent(), (7, 3)), (Conv((4,)), (3, 8, 8)), (UNet((4,)), (1, 8, 8))]


@pytest.mark.parametrize(("net", "shape"), [*NETS, (Transformer(), (3, 8, 8)), (MLP((8,)), (3, 4, 4))], ids=str)
def test_nets_give_its_params(net, shape):
    model = Recipe(net, likelihood=SharedGaussian()).build(shape, 2)
    output = model(Batch(torch.randn(5, *shape)))
    assert output.params.shape == (5, *SharedGaussian().shape(shape))
    assert output.distortion.shape == (5,)
    output.loss.backward()
    assert model.reconstruct(torch.randn(5, *shape)).shape == (5, *shape)


def test_tied_weights_cannot_give_it():
    with pytest.raises(ParameterError, match="'tied' of MLP must be False"):
        Recipe(MLP(tied=True), likelihood=SharedGaussian()).build((6,), 2)

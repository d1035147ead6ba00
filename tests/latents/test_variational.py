"""The Gaussian latent: identities, bounds and knobs."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from diabolo.flow import Batch
from diabolo.latents import Gaussian
from diabolo.model import Recipe
from diabolo.nets import Linear


@pytest.fixture(scope="module")
def world():
    """Samples (256, 6) with three directions that matter."""
    draw = torch.Generator().manual_seed(3)
    return torch.randn(256, 3, generator=draw) @ (2 * torch.randn(3, 6, generator=draw))


def fitted(world, latent, steps=250):
    torch.manual_seed(0)
    model = Recipe(Linear(), latent).build((6,), 4)
    adam = torch.optim.Adam(model.parameters(), 2e-2)
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(world)).loss.backward()
        adam.step()
    return model.eval()


def test_beta_lowers_the_kl(world):
    kl = [fitted(world, Gaussian(beta)).encode(world).info["kl"].sum(1).mean().item() for beta in (0.1, 1.0, 30.0)]
    assert kl[0] > kl[1] + 0.5 > kl[2] + 1.0


def test_free_bits_keep_the_kl_at_its_floor(world):
    kl = [
        fitted(world, Gaussian(30.0, floor), 400).encode(world).info["kl"].mean(0).min().item() for floor in (0.0, 0.5)
    ]
    assert kl[0] < 0.1
    assert kl[1] > 0.4


def test_free_bits_average_to_the_floored_kl_of_the_batch():
    torch.manual_seed(0)
    code = Gaussian(2.0, 0.3).build(5)(torch.randn(40, 10) * torch.linspace(0.1, 1, 10), noise=True)
    kl = code.info["kl"]
    assert torch.allclose(code.rate.mean(), 2 * kl.mean(0).clamp_min(0.3).sum(), atol=1e-5)
    assert bool((kl.mean(0) < 0.3).any())
    assert bool((kl.mean(0) > 0.3).any())


def test_kl_and_ratio_are_those_of_the_distributions():
    h = torch.randn(7, 6, dtype=torch.float64)
    code = Gaussian(samples=4).build(3).double()(h, noise=True)
    scale = (0.5 * 20 * torch.tanh(h[:, 3:] / 20)).exp()
    q, prior = Normal(h[:, :3], scale), Normal(torch.zeros(7, 3).double(), torch.ones(7, 3).double())
    assert torch.allclose(code.info["kl"], kl_divergence(q, prior))
    z = code.z.view(4, 7, 3)
    assert torch.allclose(code.info["log_ratio"].view(4, 7), (q.log_prob(z) - prior.log_prob(z)).sum(2))


def test_draw_k_of_sample_b_is_row_k_b():
    mean = torch.arange(5.0)[:, None]
    h = torch.cat([mean, torch.full((5, 1), -1e4)], 1)
    z = Gaussian(samples=3).build(1)(h, noise=True).z
    assert torch.allclose(z.view(3, 5), mean[:, 0].expand(3, 5), atol=1e-3)


def test_the_ratio_averages_to_the_kl():
    torch.manual_seed(0)
    code = Gaussian(samples=1000).build(2)(torch.tensor([[1.0, -0.5, 0.3, -1.0]]), noise=True)
    assert torch.allclose(code.info["log_ratio"].mean(), code.info["kl"].sum(), atol=0.15)


def test_the_bound_is_burdas_and_so_is_its_gradient():
    torch.manual_seed(0)
    module, h = Gaussian(0.7, samples=5).build(3).double(), torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    code = module(h, noise=True)
    distortion = code.z.square().sum(1) + 1
    total = torch.stack(module.bound(code, distortion)[:2]).sum(0)
    log_weight = -distortion.view(5, 4) - 0.7 * code.info["log_ratio"].view(5, 4)
    burda = -(log_weight.exp().mean(0)).log()
    assert torch.allclose(total, burda)
    (ours,) = torch.autograd.grad(total.sum(), h, retain_graph=True)
    (theirs,) = torch.autograd.grad(burda.sum(), h)
    assert torch.allclose(ours, theirs)


def test_one_draw_is_bounded_by_the_elbo():
    module = Gaussian().build(3)
    code = module(torch.randn(4, 6), noise=True)
    distortion, rate, _ = module.bound(code, torch.arange(4.0))
    assert torch.equal(distortion, torch.arange(4.0))
    assert torch.equal(rate, code.rate)


def test_samples_tighten_the_bound_towards_the_exact_likelihood(world):
    trained = fitted(world, Gaussian(), 30)
    weight, bias = (
        trained.get_parameter("decoder.map.weight").detach(),
        trained.get_parameter("decoder.map.bias").detach(),
    )
    exact = MultivariateNormal(bias, weight @ weight.T + torch.eye(6)).log_prob(world)
    exact = -exact.mean().item() - 3 * math.log(2 * math.pi)  # the constant that SquaredError drops
    bounds = []
    for samples in (1, 8, 200):
        torch.manual_seed(0)
        trained.revise("latent.samples", samples)
        with torch.no_grad():
            bounds.append(sum(trained(Batch(world)).loss.item() for _ in range(20)) / 20)
    assert bounds[0] > bounds[1] > bounds[2] > exact - 0.05
    assert bounds[2] - exact < 0.3 * (bounds[0] - exact)


def test_the_prior_is_normal():
    torch.manual_seed(0)
    drawn = Gaussian().build(3).double().sample(4000)
    assert drawn.dtype == torch.float64
    assert drawn.mean(0).abs().max() < 0.08
    assert (drawn.var(0) - 1).abs().max() < 0.1

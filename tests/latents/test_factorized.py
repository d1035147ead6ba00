"""The rounded code: its distribution is one, and its rate is what coding costs."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents.factorized import Factorized, log_bin
from diabolo.likelihoods import SquaredError
from diabolo.model import Recipe
from diabolo.nets import Linear


def drawn(part, n, seed=0):
    torch.manual_seed(seed)
    module = part.build(n).double()
    for weight in module.parameters():
        torch.nn.init.normal_(weight)
    return module


@pytest.mark.parametrize("part", [Factorized(), Factorized(components=1), Factorized(0.25), Factorized(channels=2)])
def test_probabilities_of_all_codes_sum_to_one(part):
    module = drawn(part, 4)
    every = torch.arange(-400, 401, dtype=torch.float64)[:, None].expand(-1, 4)
    torch.testing.assert_close(module.log_p(every).exp().sum(0), torch.ones(4).double(), atol=1e-6, rtol=0)


def test_the_rate_is_the_entropy_of_what_is_drawn():
    module = drawn(Factorized(0.5), 3)
    z = module.sample(20000)
    code = module(z, noise=False)
    assert torch.equal(code.z, z)
    every = torch.arange(-300, 301, dtype=torch.float64)[:, None].expand(-1, 3)
    log_p = module.log_p(every)
    entropy = -(log_p.exp() * log_p).sum()
    assert math.isclose(code.rate.mean().item(), entropy.item(), rel_tol=0.02)
    for own, expected in zip((z / 0.5).T, log_p.exp().T, strict=True):
        often = expected > 0.01
        found = (own[:, None] == every[often, 0]).double().mean(0)
        torch.testing.assert_close(found, expected[often], atol=0.01, rtol=0)


def test_rounding_and_noise():
    module = drawn(Factorized(0.5), 2)
    h = torch.randn(2000, 2, dtype=torch.float64)
    still, noisy = module(h, noise=False), module(h, noise=True)
    assert torch.equal(still.z, 0.5 * (h / 0.5).round())
    assert torch.equal(still.info["indices"], (h / 0.5).round().long())
    assert torch.equal(noisy.mean, still.z)
    apart = (noisy.z - h) / 0.5
    assert apart.abs().max() <= 0.5
    assert abs(apart.square().mean() - 1 / 12) < 0.01  # as wide as what rounding does


def test_channels_share_a_distribution_at_all_places():
    module = drawn(Factorized(channels=2), 6)
    h = torch.zeros(1, 6, dtype=torch.float64)
    each = module.log_p(h)[0]
    assert torch.equal(each[:3], each[:1].expand(3))
    assert each[0] != each[3]
    larger = module(torch.zeros(4, 10, dtype=torch.float64), noise=False)  # five places for three
    assert larger.rate.shape == (4,)
    assert module.sample(7).shape == (7, 6)


def test_learned_rates_are_near_the_entropy_of_the_code():
    torch.manual_seed(0)
    h = 3 * torch.randn(4096, 1) + 5
    module = Factorized().build(1)
    adam = torch.optim.Adam(module.parameters(), 0.05)
    for _ in range(300):
        adam.zero_grad()
        module(h, noise=False).rate.mean().backward()
        adam.step()
    rate = module(h, noise=False).rate.mean()
    _, counts = h.round().unique(return_counts=True)
    p = counts / len(h)
    assert rate.item() == pytest.approx(-(p * p.log()).sum().item(), rel=0.02)


def test_what_sigma_leaves_unexplained_costs_no_rate():
    torch.manual_seed(0)
    x = torch.randn(256, 4) @ torch.randn(4, 6)
    rates, errors = [], []
    for sigma in (0.1, 0.4):
        torch.manual_seed(0)
        model = Recipe(Linear(), Factorized(), SquaredError(sigma)).build((6,), 4)
        adam = torch.optim.Adam(model.parameters(), 2e-2)
        for _ in range(300):
            loss = model(Batch(x)).loss
            adam.zero_grad()
            loss.backward()
            adam.step()
        output = model(Batch(x), noise=False)
        rates.append(output.rate.mean().item())
        errors.append((output.params - x).square().mean().item())
    assert rates[0] > rates[1] + 1
    assert errors[0] < 0.5 * errors[1]


@given(st.floats(-1e4, 1e4), st.floats(-4, 6))
def test_far_tails_have_a_value_and_a_slope(distance, log_scale):
    d = torch.tensor(distance, dtype=torch.float64, requires_grad=True)
    value = log_bin(d, torch.tensor(log_scale, dtype=torch.float64))
    value.backward()
    assert value.isfinite()
    assert value <= 0
    assert d.grad is not None
    assert d.grad.isfinite()
    if abs(distance) > 1:
        assert d.grad * distance < 0  # farther is rarer


def test_channels_must_divide_the_code():
    with pytest.raises(ParameterError, match="Parameter 'channels' of Factorized must divide"):
        Factorized(channels=3).build(4)


def test_equations():
    assert Factorized().equation() == "−Σ log p(z), z = round(h)"
    assert Factorized(0.5).equation() == "−Σ log p(z), z = 0.5·round(h/0.5)"

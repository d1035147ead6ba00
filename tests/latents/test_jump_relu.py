"""Thresholds that are learned through a jump."""

import math

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents.jump_relu import JumpReLU
from diabolo.members import Members
from diabolo.model import Recipe
from diabolo.nets.atoms import Atoms


def world(count=512, seed=3):
    """Samples (count, 10) that are sums of few of twelve directions."""
    draw = torch.Generator().manual_seed(seed)
    strength = (0.5 + torch.rand(count, 12, generator=draw)) * (torch.rand(count, 12, generator=draw) < 0.15)
    return strength @ torch.randn(12, 10, generator=torch.Generator().manual_seed(9))


def fitted(latent, steps=250):
    torch.manual_seed(0)
    model, x = Recipe(Atoms(), latent).build((10,), 24), world()
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(x)).loss.backward()
        adam.step()
    return model.eval()


def used(model):
    return (model.encode(world()).dense().z != 0).sum(1).float().mean().item()


@pytest.mark.parametrize("noise", [True, False])
def test_what_is_above_its_threshold_is_kept_whole(noise):
    module, h = JumpReLU(2.0).build(4), torch.randn(30, 4)
    with torch.no_grad():
        module.log_threshold.copy_(torch.tensor([0.1, 0.5, 1.0, 2.0]).log())
    code = module(h, noise)
    above = h > torch.tensor([0.1, 0.5, 1.0, 2.0])
    torch.testing.assert_close(code.z.detach(), h * above)
    torch.testing.assert_close(code.rate.detach(), 2.0 * above.sum(1).float())


def test_thresholds_begin_where_they_are_told_to():
    torch.testing.assert_close(JumpReLU(start=0.7).build(3).log_threshold.exp().data, torch.full((3,), 0.7))


def test_more_weight_uses_fewer_entries():
    counts = [used(fitted(JumpReLU(weight))) for weight in (0.01, 0.1, 1.0)]
    assert counts[0] > 1.3 * counts[1] > 1.3**2 * counts[2]


def test_a_threshold_goes_to_where_the_loss_of_a_mean_is_least():
    """Of h = s + noise, used at a cost of λ and needed only with s = 1, θ rests between the two kinds."""
    torch.manual_seed(0)
    module = JumpReLU(0.05, bandwidth=0.2, start=0.02).build(1)
    adam = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(600):
        s = (torch.rand(512, 1) < 0.3).float()
        code = module(s + 0.15 * torch.randn(512, 1), True)
        loss = (0.5 * (code.z - s).square().sum(1) + code.rate).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert 0.3 < module.log_threshold.exp().item() < 0.7


def test_the_slope_by_a_threshold_is_that_of_the_mean_cost():
    """With a kernel of width ε the estimate of d/dθ E 1[h > θ] is -P(|h − θ| < ε/2) / ε."""
    torch.manual_seed(0)
    module = JumpReLU(1.0, 0.05, 0.8).build(1)
    h = torch.randn(400_000, 1)
    (slope,) = torch.autograd.grad(module(h, True).rate.mean(), module.log_threshold)
    density = math.exp(-0.5 * 0.8**2) / math.sqrt(2 * math.pi)
    assert slope.item() == pytest.approx(-0.8 * density, rel=0.03)  # by log θ
    (slope,) = torch.autograd.grad(module(h, True).z.mean(), module.log_threshold)
    assert slope.item() == pytest.approx(-(0.8**2) * density, rel=0.03)


def test_a_wider_window_has_more_entries_tell_the_slope():
    torch.manual_seed(0)
    h, spread = torch.randn(300, 200), []
    for bandwidth in (0.01, 0.1, 1.0):
        module = JumpReLU(1.0, bandwidth, 1.0).build(200)
        spread.append(torch.autograd.grad(module(h, True).rate.mean(), module.log_threshold)[0].std().item())
    assert spread[0] > 2 * spread[1] > 4 * spread[2]


def test_in_training_the_code_is_dense_and_afterwards_it_is_sparse():
    model, x = Recipe(Atoms(), JumpReLU()).build((10,), 24), world(5)
    assert not model(Batch(x)).code.z.is_sparse
    assert model(Batch(x), noise=False).code.z.is_sparse


def test_members_may_differ_in_the_weight():
    models = [Recipe(Atoms(), JumpReLU(weight)).build((10,), 6) for weight in (0.1, 0.5)]
    x = world(9)
    found = Members(models)(Batch(x)).loss
    torch.testing.assert_close(found, torch.stack([model(Batch(x)).loss for model in models]))


def test_extreme_numbers_stay_finite():
    module = JumpReLU().build(2)
    for scale in (1e30, -1e30):
        h = torch.full((3, 2), scale, requires_grad=True)
        code = module(h, True)
        slopes = torch.autograd.grad(code.rate.sum() + code.z.sum(), (h, module.log_threshold))
        assert all(bool(each.isfinite().all()) for each in (code.z, code.rate, *slopes))


def test_what_is_no_number_shows_in_the_code():
    assert bool(JumpReLU().build(2)(torch.tensor([[math.nan, 1.0]]), True).z.isnan().any())


@pytest.mark.parametrize("knobs", [{"weight": -1.0}, {"bandwidth": 0.0}, {"start": 0.0}], ids=str)
def test_knobs_out_of_range_are_refused(knobs):
    (name,) = knobs
    with pytest.raises(ParameterError, match=f"{name!r} of JumpReLU must be"):
        Recipe(latent=JumpReLU(**knobs)).build((5,), 2)


def test_the_equation_holds_the_weight():
    assert JumpReLU(0.25).equation() == "0.25·‖z‖₀"

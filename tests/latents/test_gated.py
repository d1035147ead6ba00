"""A latent that decides by one number and measures by another."""

from typing import Any

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents import L1
from diabolo.latents.gated import Gated
from diabolo.model import Recipe
from diabolo.nets.atoms import Atoms
from diabolo.penalties.gate import Gate


def world(count=512, seed=3):
    """Samples (count, 10) that are sums of few of twelve directions."""
    draw = torch.Generator().manual_seed(seed)
    strength = (0.5 + torch.rand(count, 12, generator=draw)) * (torch.rand(count, 12, generator=draw) < 0.15)
    return strength @ torch.randn(12, 10, generator=torch.Generator().manual_seed(9))


def fitted(latent, penalties=(), steps=250) -> Any:
    torch.manual_seed(0)
    model, x = Recipe(Atoms(), latent, penalties=penalties).build((10,), 24), world()
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(x)).loss.backward()
        adam.step()
    return model.eval()


def module(n=4) -> Any:
    torch.manual_seed(0)
    built = Gated(0.5).build(n).double()
    for weight in built.parameters():
        weight.data = torch.randn_like(weight)
    return built


@pytest.mark.parametrize("noise", [True, False])
def test_the_gate_decides_and_the_magnitude_says_how_much(noise):
    built, h = module(), torch.randn(50, 4, dtype=torch.float64)
    code = built(h, noise)
    magnitude = built.log_scale.exp() * h + built.bias
    for z, own, much in zip(code.z.flatten(), h.flatten(), magnitude.flatten(), strict=True):
        assert z.item() == pytest.approx(max(much.item(), 0.0) if own > 0 else 0.0)
    torch.testing.assert_close(code.rate, 0.5 * h.clamp_min(0).sum(1))
    assert torch.equal(code.info["gate"], h.relu())


def test_what_is_selected_has_its_gate_sparse_and_no_entry_that_is_0():
    model: Any = Recipe(Atoms(), Gated(0.5)).build((10,), 30)
    x = world(40)
    model.latent.bias.data -= 0.3  # some gates open on nothing
    with torch.no_grad():
        found, wanted = model(Batch(x), noise=False).code, model.latent(model.encoder(x)[0], False)
    assert found.z.is_sparse
    assert found.info["gate"].is_sparse
    assert len(found.z.values()) < len(found.info["gate"].values())
    assert bool((found.z.values() > 0).all())
    torch.testing.assert_close(found.z.to_dense(), wanted.z)
    torch.testing.assert_close(found.info["gate"].to_dense(), wanted.info["gate"])
    torch.testing.assert_close(found.rate, wanted.rate)


def test_more_weight_uses_fewer_entries():
    counts = [
        (fitted(Gated(weight), (Gate(),)).encode(world()).dense().z != 0).sum(1).float().mean()
        for weight in (0.1, 0.5, 2)
    ]
    assert counts[0] > 1.3 * counts[1] > 1.3**2 * counts[2]


def test_magnitudes_do_not_shrink_as_those_of_l1_do():
    """Of what is kept the least squares multiple of x̂ is nearer to 1: the relative shrinkage of the paper."""

    def shrinkage(model):
        x = world(seed=4)
        with torch.no_grad():
            y = model.reconstruct(x) - model.decoder.bias
        x = x - model.decoder.bias.detach()
        return ((x * y).sum() / y.square().sum()).item()

    gated, plain = shrinkage(fitted(Gated(1.0), (Gate(),))), shrinkage(fitted(L1(1.0)))
    assert plain > 1.15
    assert abs(gated - 1) < 0.3 * (plain - 1)


def test_knobs_out_of_range_are_refused():
    with pytest.raises(ParameterError, match="'weight' of Gated must be"):
        Recipe(latent=Gated(-1.0)).build((5,), 2)


def test_the_equation_holds_the_weight():
    assert Gated(0.25).equation() == "0.25·‖relu(h)‖₁"

"""Residual quantisation: identities with one codebook, and what its depth moves."""

from typing import Any

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents import ResidualQuantized, VectorQuantized
from diabolo.model import Recipe
from diabolo.nets import Linear


@pytest.fixture(scope="module")
def world():
    """Samples (256, 6) of four directions."""
    draw = torch.Generator().manual_seed(3)
    return torch.randn(256, 4, generator=draw) @ torch.randn(4, 6, generator=draw)


def fitted(world, latent, steps=150):
    torch.manual_seed(0)
    model = Recipe(Linear(), latent).build((6,), 4)
    adam = torch.optim.Adam(model.parameters(), 2e-2)
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(world)).loss.backward()
        adam.step()
    return model.eval()


def trained(part, h, steps=200) -> Any:
    """Return a module whose codebooks have followed h for so many steps."""
    torch.manual_seed(0)
    module = part.build(h.shape[1])
    for _ in range(steps):
        module(h, noise=True)
    return module.eval()


def test_depth_lowers_the_distortion_of_the_codes(world):
    h, left = world[:, :4], []
    for depth in (1, 2, 4, 8):
        z = trained(ResidualQuantized(8, dim=2, depth=depth), h)(h, noise=False).z
        left.append((h - z).square().sum(1).mean().item())
    assert left[0] > 2 * left[1] > 2**2 * left[2] > 2**3 * left[3]


def test_depth_lowers_the_distortion_of_the_samples(world):
    outputs = [fitted(world, ResidualQuantized(8, dim=2, depth=d))(Batch(world), noise=False) for d in (1, 2, 4)]
    distortions = [output.distortion.mean().item() for output in outputs]
    assert distortions[0] > 1.5 * distortions[1] > 1.5 * distortions[2]


def test_codes_lower_the_distortion_of_the_codes(world):
    h, left = world[:, :4], []
    for codes in (2, 8, 32):
        z = trained(ResidualQuantized(codes, dim=2, depth=2), h)(h, noise=False).z
        left.append((h - z).square().sum(1).mean().item())
    assert left[0] > 2 * left[1] > 2**2 * left[2]


def test_commitment_keeps_h_near_its_code(world):
    away = []
    for commitment in (0.01, 5.0):
        model = fitted(world, ResidualQuantized(4, depth=2, commitment=commitment))
        h = model.encoder(world)[0]
        away.append(((h - model.encode(world).z).square().sum(1).mean() / h.square().sum(1).mean()).item())
    assert away[0] > 1.5 * away[1]


def test_of_depth_one_it_is_a_single_codebook(world):
    h = world[:, :4]
    one = trained(ResidualQuantized(8, dim=2, depth=1, commitment=0.7), h, 5)
    other = trained(VectorQuantized(8, dim=2, commitment=0.7), h, 5)
    ours, theirs = one(h, noise=False), other(h, noise=False)
    assert torch.equal(ours.z, theirs.z)
    assert torch.equal(ours.info["indices"], theirs.info["indices"])
    assert torch.allclose(ours.rate, theirs.rate)
    assert all(torch.equal(a, b) for a, b in zip(one.buffers(), other.buffers(), strict=True))


def test_every_level_takes_the_nearest_to_what_is_left(world):
    h, part = world[:, :4], ResidualQuantized(8, dim=2, depth=3, commitment=0.5)
    module = trained(part, h, 5)
    code = module(h, noise=False)
    left, rate = h.view(256, 2, 2), torch.zeros(256)
    for i, level in enumerate(module.levels):
        nearest = (left[:, :, None] - level.codebook).square().sum(3).argmin(2)
        assert torch.equal(code.info["indices"].view(256, 2, 3)[:, :, i], nearest)
        left = left - level.codebook[nearest]
        rate = rate + 0.5 * left.square().sum((1, 2))
    assert torch.allclose(code.z, h - left.flatten(1), atol=1e-6)
    assert torch.allclose(code.rate, rate)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_indices_are_another_name_of_the_code(world, dtype):
    h, part = world[:, :4].to(dtype), ResidualQuantized(8, dim=2, depth=3)
    module = trained(part, world[:, :4], 5).to(dtype)
    code = module(h, noise=False)
    indices = code.info["indices"]
    assert indices.shape == (256, part.tokens(4)) == (256, 6)
    assert indices.dtype == torch.long
    assert 0 <= indices.min() < indices.max() < module.kinds == 8
    z = module.of_indices(indices)
    assert torch.equal(z, code.z)
    assert z.dtype == dtype


def test_the_gradient_passes_straight_through_and_the_rate_pulls_to_the_sums_so_far():
    torch.manual_seed(0)
    h, up = torch.randn(9, 4, requires_grad=True), torch.randn(9, 4)
    module = trained(ResidualQuantized(4, dim=2, depth=2, commitment=0.5), torch.randn(64, 4), 3)
    code = module(h, noise=False)
    (slope,) = torch.autograd.grad((up * code.z).sum(), h, retain_graph=True)
    assert torch.equal(slope, up)
    first = module.levels[0](h.detach(), noise=False).z
    (slope,) = torch.autograd.grad(code.rate.sum(), h)
    assert torch.allclose(slope, 2 * h - first - code.z)


def test_a_revised_commitment_counts_at_once(world):
    model = fitted(world, ResidualQuantized(4, depth=2), 3)
    before = model.encode(world).rate
    model.revise("latent.commitment", 0.5)
    assert torch.allclose(model.encode(world).rate, 2 * before)
    with pytest.raises(ParameterError, match="changes the shape of weights"):
        model.revise("latent.depth", 3)


def test_a_code_that_cannot_be_cut_into_tokens_is_refused():
    words = r"'dim' of ResidualQuantized must divide the size of the code, 6; got 4\. Choose another dim, or a code of"
    with pytest.raises(ParameterError, match=words):
        ResidualQuantized().build(6)

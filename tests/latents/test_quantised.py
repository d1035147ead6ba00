"""Quantised latents: identities and knobs."""

import pytest
import torch

from diabolo.errors import CapabilityError
from diabolo.flow import Batch
from diabolo.latents import FSQ, Gaussian, Plain, VectorQuantized
from diabolo.model import Recipe
from diabolo.nets import Linear


@pytest.fixture(scope="module")
def world():
    """Samples (256, 6) around eight centres."""
    draw = torch.Generator().manual_seed(3)
    centres = 3 * torch.randn(8, 6, generator=draw)
    return centres[torch.arange(256) % 8] + 0.1 * torch.randn(256, 6, generator=draw)


def fitted(world, latent, n=4, steps=150):
    torch.manual_seed(0)
    model = Recipe(Linear(), latent).build((6,), n)
    adam = torch.optim.Adam(model.parameters(), 2e-2)
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(world)).loss.backward()
        adam.step()
    return model.eval()


def test_more_codes_rebuild_better(world):
    outputs = [fitted(world, VectorQuantized(codes))(Batch(world), noise=False) for codes in (2, 4, 8)]
    for codes, output in zip((2, 4, 8), outputs, strict=True):
        assert 1 < len(output.code.info["indices"].unique()) <= codes
        assert bool(output.rate.isfinite().all())
    distortions = [output.distortion.mean().item() for output in outputs]
    assert distortions[0] > 1.3 * distortions[1] > 1.3**2 * distortions[2]


def test_commitment_keeps_h_near_its_code(world):
    away = []
    for commitment in (0.01, 5.0):
        model = fitted(world, VectorQuantized(4, commitment=commitment))
        h = model.encoder(world)[0]
        away.append(((h - model.encode(world).z).square().sum(1).mean() / h.square().sum(1).mean()).item())
    assert away[0] > 1.5 * away[1]


def test_tokens_are_rows_of_the_codebook_and_the_nearest():
    torch.manual_seed(0)
    module = VectorQuantized(16, dim=2).build(6)
    h = torch.randn(9, 6)
    code = module(h, noise=False)
    tokens = h.view(9, 3, 2)
    assert code.info["indices"].shape == (9, 3)
    assert torch.equal(code.z.view(9, 3, 2), module.codebook[code.info["indices"]])
    distances = (tokens[:, :, None] - module.codebook).square().sum(3)
    assert torch.equal(distances.argmin(2), code.info["indices"])
    assert torch.allclose(code.rate, 0.25 * distances.amin(2).sum(1))


def test_the_gradient_passes_straight_through():
    torch.manual_seed(0)
    h = torch.randn(9, 4, requires_grad=True)
    up = torch.randn(9, 4)
    z = VectorQuantized(16).build(4)(h, noise=False).z
    (slope,) = torch.autograd.grad((up * z).sum(), h)
    assert torch.equal(slope, up)
    (slope,) = torch.autograd.grad((up * FSQ(5).code(h, noise=False).z).sum(), h)
    assert torch.allclose(slope, up * (1 - h.tanh().square()))


def test_the_codebook_starts_at_tokens_of_the_first_batch():
    torch.manual_seed(0)
    module, h = VectorQuantized(5, dim=2).build(2), 100 + torch.randn(40, 2)
    module._restart(h)
    assert bool((module.codebook[:, None] == h).all(2).any(1).all())
    assert torch.equal(module.counts, torch.full((5,), 40 / 5))


def test_the_codebook_follows_the_means_of_its_tokens():
    module = VectorQuantized(2, dim=1).build(1)
    h = torch.tensor([[-2.0], [-1.0], [4.0], [6.0]])
    module.codebook.copy_(torch.tensor([[-1.0], [3.0]]))
    module.counts.fill_(2.0)
    for _ in range(1000):
        module(h, noise=True)
    assert torch.allclose(module.codebook, torch.tensor([[-1.5], [5.0]]), atol=1e-2)
    assert torch.allclose(module.counts, torch.tensor([2.0, 2.0]))


def test_dead_codes_start_anew():
    torch.manual_seed(0)
    module, h = VectorQuantized(4, dim=2).build(2), torch.randn(64, 2)
    module(h, noise=True)
    module.codebook[3] = 1e3
    for _ in range(600):
        module(h, noise=True)
    assert module.codebook.abs().max() < 10
    assert len(module(h, noise=False).info["indices"].unique()) == 4


@pytest.mark.parametrize("levels", [2, 3, 4, 7, 8])
def test_fsq_has_exactly_its_levels_evenly_from_minus_one_to_one(levels):
    h = torch.linspace(-9, 9, 20001)[:, None]
    code = FSQ(levels).code(h, noise=False)
    assert torch.allclose(code.z.unique(), torch.linspace(-1, 1, levels), atol=1e-6)
    assert torch.equal(code.info["indices"].unique(), torch.arange(levels))
    assert torch.allclose(code.z, code.info["indices"] * 2 / (levels - 1) - 1)
    assert (code.z - h.tanh()).abs().max() <= 1 / (levels - 1) + 1e-6


@pytest.mark.parametrize("levels", [2, 5])
def test_fsq_is_its_own_mirror_image(levels):
    h = torch.randn(100, 3)
    assert torch.allclose(FSQ(levels).code(h, False).z, -FSQ(levels).code(-h, False).z)


def test_more_levels_rebuild_better(world):
    losses = [fitted(world, FSQ(levels), 2, 300)(Batch(world), noise=False).loss.item() for levels in (2, 4, 16)]
    assert losses[0] > losses[1] > losses[2]


@pytest.mark.parametrize("part", [VectorQuantized(16, dim=2), VectorQuantized(5, dim=6), FSQ(4), FSQ(7)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_indices_are_another_name_of_the_code(part, dtype):
    torch.manual_seed(0)
    module = part.build(6).to(dtype)
    code = module(torch.randn(40, 6, dtype=dtype), noise=False)
    indices = code.info["indices"]
    assert indices.shape == (40, part.tokens(6))
    assert indices.dtype == torch.long
    assert 0 <= indices.min() < indices.max() < module.kinds
    z = module.of_indices(indices)
    assert torch.equal(z, code.z)
    assert z.dtype == dtype


@pytest.mark.parametrize("part", [Plain(), Gaussian()], ids=str)
def test_other_codes_are_not_made_of_tokens(part):
    module = part.build(4)
    assert part.tokens(4) == 0
    for call in (lambda: module.kinds, lambda: module.of_indices(torch.zeros(2, 4).long())):
        with pytest.raises(
            CapabilityError, match=f"A code of {type(part).__name__} is not made of tokens; use a quant"
        ):
            call()

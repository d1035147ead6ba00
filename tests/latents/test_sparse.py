"""Sparse latents: identities and knobs."""

import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from diabolo import model
from diabolo.flow import Batch
from diabolo.latents import L1, BatchTopK, KLSparsity, TopK
from diabolo.nets import Linear
from diabolo.selection import Affine


@pytest.fixture(scope="module")
def world():
    """Samples (256, 10) that are sums of few of twelve directions."""
    draw = torch.Generator().manual_seed(3)
    strength = torch.rand(256, 12, generator=draw) * (torch.rand(256, 12, generator=draw) < 0.2)
    return strength @ torch.randn(12, 10, generator=draw)


def fitted(world, latent, n=12, steps=150):
    torch.manual_seed(0)
    built = model.Recipe(Linear(), latent).build((10,), n)
    adam = torch.optim.Adam(built.parameters(), 1e-2)
    for _ in range(steps):
        adam.zero_grad()
        built(Batch(world)).loss.backward()
        adam.step()
    return built.eval()


def test_l1_weight_shrinks_the_code(world):
    sizes = [fitted(world, L1(weight)).encode(world).z.abs().mean().item() for weight in (1e-3, 0.1, 1.0)]
    assert sizes[0] > 1.3 * sizes[1] > 1.3**2 * sizes[2]


def test_kl_sparsity_weight_brings_the_mean_activation_to_rho(world):
    away = [
        (fitted(world, KLSparsity(0.1, weight)).encode(world).z.mean(0) - 0.1).abs().mean().item()
        for weight in (0.0, 0.1, 10.0)
    ]
    assert away[0] > away[1] > away[2]
    assert away[2] < 0.03


def test_kl_sparsity_rate_is_the_divergence_of_coins():
    h = torch.randn(30, 4, dtype=torch.float64)
    code = KLSparsity(0.2, 3.0).code(h, noise=True)
    rho = torch.full((4,), 0.2, dtype=torch.float64)
    expected = 3 * kl_divergence(Bernoulli(rho), Bernoulli(h.sigmoid().mean(0))).sum()
    assert torch.allclose(code.rate, expected.expand(30))


def test_kl_sparsity_still_has_a_gradient_where_sigmoid_is_saturated():
    h = torch.full((5, 2), 60.0).requires_grad_()
    (slope,) = torch.autograd.grad(KLSparsity().code(h, noise=True).rate.sum(), h)
    assert bool((slope > 0.1).all())


def test_l1_rate_is_the_weighted_sum():
    h = torch.randn(30, 4)
    assert torch.allclose(L1(0.3).code(h, True).rate, 0.3 * h.clamp_min(0).sum(1))


@pytest.mark.parametrize("k", [1, 3, 12])
def test_top_k_keeps_exactly_the_k_largest(k):
    h = torch.randn(50, 12)
    z = TopK(k).code(h, True).z
    assert bool(((z != 0).sum(1) == k).all())
    assert torch.equal(z[z != 0], h[z != 0])
    kept, left = h.masked_fill(z == 0, 99.0), h.masked_fill(z != 0, -99.0)
    assert bool((kept.amin(1) >= left.amax(1)).all())


@pytest.mark.parametrize("part", [TopK(), BatchTopK()], ids=repr)
@pytest.mark.parametrize(("n", "kept"), [(1, 1), (3, 1), (4, 1), (8, 2), (15, 3), (400, 100)])
def test_no_k_is_a_quarter_of_the_code(part, n, kept):
    assert part.kept(n) == kept
    assert part(k=5).kept(n) == 5
    h = 1 + torch.rand(6, n)
    z = part.build(n)(h, noise=True).z
    assert int((z != 0).sum()) == 6 * kept
    assert torch.equal(z, part(k=kept).build(n)(h, noise=True).z)


def test_more_k_rebuilds_better(world):
    losses = [fitted(world, TopK(k))(Batch(world), noise=False).loss.item() for k in (1, 3, 8)]
    assert losses[0] > losses[1] > losses[2]


def test_batch_top_k_keeps_the_largest_of_the_batch():
    h = torch.randn(50, 12)
    z = BatchTopK(2).build(12)(h, noise=True).z
    assert int((z != 0).sum()) == 100
    assert torch.equal(z[z != 0], h[z != 0])
    assert h[z == 0].max() <= z[z != 0].min()
    assert len((z != 0).sum(1).unique()) > 1  # a rich sample uses more than a poor one


def test_batch_top_k_keeps_fewer_where_fewer_are_positive():
    z = BatchTopK(3).build(4)(-torch.ones(5, 4), noise=True).z
    assert int((z != 0).sum()) == 0


@pytest.mark.parametrize("k", [1, 3])
def test_batch_top_k_threshold_keeps_about_k(world, k):
    built = fitted(world, BatchTopK(k))
    used = (built.encode(world).z != 0).sum(1).float()
    assert abs(used.mean().item() - k) < 0.25 * k


def test_batch_top_k_threshold_is_a_mean_in_which_late_batches_count_more():
    module = BatchTopK(1).build(1)
    for smallest in (1.0, 2.0, 6.0):
        module(torch.tensor([[smallest], [smallest + 1]]), noise=True)
    assert torch.allclose(module.threshold, torch.tensor(4.6))  # 1 · 4/4, then 4/5 of the second, 4/6 of the third


def test_batch_top_k_threshold_is_of_entries_that_differ_from_0_whichever_way_they_are_found():
    few = torch.tensor([[0.5, -1.0, -1.0], [-1.0, 2.0, -1.0]])  # four may be kept, two are above 0
    whole, selected = (BatchTopK(2).build(3) for _ in range(2))
    whole(few, noise=True)
    selected.select(few, Affine(torch.eye(3), torch.zeros(3)), noise=True)
    assert whole.threshold.item() == selected.threshold.item() == 0.5
    whole(-few.abs(), noise=True)  # none is above 0, which tells nothing
    assert whole.threshold.item() == 0.5

"""Penalties: what they estimate, and what their weights move."""

import pytest
import torch
from torch.func import jacrev, vmap

from diabolo.flow import Batch, Code, Output
from diabolo.latents import Gaussian
from diabolo.model import Recipe
from diabolo.nets import MLP, Conv, Linear, Net, Recurrent, Transformer
from diabolo.penalties import MMD, Contractive, Orthogonal

LINEAR = Linear()


@pytest.fixture(scope="module")
def world():
    """Samples (200, 6) with three directions that matter."""
    draw = torch.Generator().manual_seed(3)
    return torch.randn(200, 3, generator=draw) @ torch.randn(3, 6, generator=draw)


def built(penalty, net: Net = LINEAR, shape=(6,), n=3):
    torch.manual_seed(0)
    return Recipe(net, penalties=(penalty,)).build(shape, n)


def fitted(world, penalty, net: Net = LINEAR, steps=150):
    model = built(penalty, net)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(world)).loss.backward()
        adam.step()
    return model


def term(model, x):
    (value,) = model(Batch(x)).penalties.values()
    return value


def coded(z):
    free = torch.zeros(len(z))
    return Output(z, Code(z, z, free), z, free, free)


@pytest.mark.parametrize("penalty", [Contractive(), MMD(), Orthogonal()], ids=str)
@pytest.mark.parametrize("count", [1, 5])
def test_a_penalty_is_a_number_per_sample_or_per_batch(penalty, count):
    model = built(penalty).double()
    value = term(model, torch.randn(count, 6).double())
    assert value.shape in ((), (count,))
    assert value.dtype == torch.float64
    assert bool(value.isfinite().all())


def test_contractive_is_unbiased_and_exact_for_one_code(world):
    model = built(Contractive(1.0), MLP((8,)))
    exact = jacobian_norms(model, world[:4])
    estimates = torch.stack([term(model, world[:4]).detach() for _ in range(1000)])
    error = estimates.std(0) / 1000**0.5
    assert bool(((estimates.mean(0) - exact).abs() < 5 * error + 1e-6).all())
    narrow = built(Contractive(2.0), MLP((8,)), n=1)  # v is 1 or -1: no randomness is left
    assert torch.allclose(term(narrow, world[:4]), 2 * jacobian_norms(narrow, world[:4]), rtol=1e-4)


def test_contractive_of_a_linear_encoder_is_the_norm_of_its_matrix(world):
    model = built(Contractive(1.0))
    estimate = torch.stack([term(model, world).detach().mean() for _ in range(500)]).mean()
    assert torch.allclose(estimate, matrix(model).square().sum(), rtol=0.05)


def test_contractive_weight_lowers_the_jacobian(world):
    norms = [jacobian_norms(fitted(world, Contractive(w), MLP((8,))), world).mean().item() for w in (1e-4, 0.1, 1.0)]
    assert norms[0] > 1.2 * norms[1] > 1.2**2 * norms[2]


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (MLP(), (6,)),
        (Conv(), (3, 8, 8)),
        (Recurrent("lstm", hidden=8), (7, 2)),
        (Recurrent("gru", hidden=8), (7, 2)),
        (Transformer(patch=2, width=8, depth=1), (8, 2)),
    ],
    ids=str,
)
def test_contractive_has_a_gradient_for_every_kind_of_encoder(net, shape):
    model = built(Contractive(1.0), net, shape)
    term(model, torch.randn(2, *shape)).sum().backward()
    slopes = [p.grad for p in model.encoder.parameters() if p.grad is not None]
    assert any(bool(slope.abs().max() > 0) for slope in slopes)
    assert all(bool(slope.isfinite().all()) for slope in slopes)
    assert torch.backends.cudnn.enabled


def test_contractive_has_a_value_where_gradients_are_off(world):
    model = built(Contractive(1.0)).eval()
    with torch.no_grad():
        value = model(Batch(world), noise=False).penalties["contractive"]
    assert not value.requires_grad
    assert bool((value > 0).all())


def test_contractive_sees_the_mean_of_a_random_code(world):
    torch.manual_seed(0)
    model = Recipe(Linear(), Gaussian(samples=3), penalties=(Contractive(1.0),)).build((6,), 1)
    assert torch.allclose(term(model, world)[0], matrix(model)[0].square().sum())


def test_mmd_tells_normal_codes_from_others():
    torch.manual_seed(0)
    model = built(MMD(1.0))

    def discrepancy(z):
        return MMD(1.0).penalty(model, Batch(z), coded(z)).item()

    z = torch.randn(1000, 3)
    assert abs(discrepancy(z)) < 0.01
    assert discrepancy(z + 2) > 0.1
    assert discrepancy(3 * z) > 0.1
    assert discrepancy(0 * z) > 0.1


def test_mmd_is_unbiased():
    torch.manual_seed(0)
    model = built(MMD(1.0))
    values = torch.tensor([MMD(1.0).penalty(model, Batch(z), coded(z)).item() for z in torch.randn(2000, 8, 3)])
    assert abs(values.mean()) < 5 * values.std() / 2000**0.5


def test_mmd_of_one_code_is_zero():
    z = torch.ones(1, 3)
    assert MMD().penalty(built(MMD()), Batch(z), coded(z)).item() == 0


def test_mmd_weight_brings_the_codes_to_the_prior(world):
    away = []
    for weight in (0.0, 100.0, 1000.0):
        z = fitted(4 * world, MMD(weight)).encode(4 * world).z.detach()
        away.append(sum(MMD(1.0).penalty(built(MMD()), Batch(z), coded(z)).item() for _ in range(20)) / 20)
    assert away[0] > 1.3 * away[1] > 1.3**2 * away[2]


def test_orthogonal_is_the_overlap_of_the_smaller_side():
    wide, tall = built(Orthogonal(2.0), n=3), built(Orthogonal(2.0), n=9)
    w, v = matrix(wide), matrix(tall)
    x = torch.zeros(2, 6)
    assert torch.allclose(term(wide, x), 2 * (w @ w.T - torch.eye(3)).square().sum())
    assert torch.allclose(term(tall, x), 2 * (v.T @ v - torch.eye(6)).square().sum())
    with torch.no_grad():
        w.copy_(torch.linalg.qr(torch.randn(6, 3)).Q.T)
    assert term(wide, x).item() < 1e-9


def test_orthogonal_weight_straightens_the_weights(world):
    overlaps = []
    for weight in (0.0, 1.0, 30.0):
        w = matrix(fitted(world, Orthogonal(weight), steps=250))
        overlaps.append((w @ w.T - torch.eye(3)).square().sum().item())
    assert overlaps[0] > 2 * overlaps[1] > 4 * overlaps[2]


@pytest.mark.parametrize("net", [MLP((8,)), Conv(), Recurrent("lstm", hidden=8)], ids=str)
def test_orthogonal_reaches_every_matrix_of_the_encoder(net):
    model = built(Orthogonal(), net, {"Conv": (3, 8, 8), "Recurrent": (7, 2)}.get(type(net).__name__, (6,)))
    term(model, torch.randn(2, *model.shape)).backward()
    matrices = [p for name, p in model.encoder.named_parameters() if "weight" in name and p.ndim > 1]
    assert len(matrices) > 1
    assert all(p.grad is not None for p in matrices)


def test_equations_hold_the_weights():
    assert [p(weight=0.5).equation() for p in (Contractive(), MMD(), Orthogonal())] == [
        "0.5·‖∂z/∂x‖²",
        "0.5·MMD(z, N(0, I))",
        "0.5·Σ‖WWᵀ − I‖²",
    ]


def matrix(model):
    return model.get_parameter("encoder.map.weight")


def jacobian_norms(model, x):
    jacobian = vmap(jacrev(lambda row: model.encode(row[None]).mean[0]))(x)
    return jacobian.flatten(1).square().sum(1).detach()

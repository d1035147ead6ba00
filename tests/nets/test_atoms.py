"""Dictionaries: the sparse way gives the loss and the gradient of the dense one, written out here independently."""

import math
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from diabolo import selection
from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents import L1, BatchTopK, KLSparsity, Plain, TopK
from diabolo.latents.gated import Gated
from diabolo.latents.jump_relu import JumpReLU
from diabolo.latents.winner_take_all import WinnerTakeAll
from diabolo.model import Recipe
from diabolo.nets.atoms import Atoms, AtomsDecoder
from diabolo.penalties.gate import Gate
from diabolo.penalties.matryoshka import Matryoshka

WIDTH, N, B = 7, 40, 24


def largest(values, k, axis):
    """Return the k largest entries along an axis in their places, and zeros."""
    found, places = values.topk(k, axis)
    return torch.zeros_like(values).scatter(axis, places, found)


def plain(h, latent, part):
    return h, 0.0


def top_k(h, latent, part):
    z = largest(h, part.k, 1)
    return (z.relu() if part.positive else z), 0.0


def batch_top_k(h, latent, part):
    return largest(h.relu().flatten(), part.k * len(h), 0).view_as(h), 0.0


def winner_take_all(h, latent, part):
    return largest(h.relu(), math.ceil(part.share * len(h)), 0), 0.0


def l1(h, latent, part):
    return h.relu(), part.weight * h.relu().sum(1)


def kl_sparsity(h, latent, part):
    z, rho = h.sigmoid(), part.rho
    mean = z.mean(0)
    kl = rho * torch.log(rho / mean) + (1 - rho) * torch.log((1 - rho) / (1 - mean))
    return z, part.weight * kl.sum()


class Jump(torch.autograd.Function):
    """The pseudo-derivatives of equations 11 and 12 of the paper, as its appendix has them."""

    @staticmethod
    def forward(ctx, h, threshold, width):
        ctx.save_for_backward(h, threshold)
        ctx.width = width
        return h * (h > threshold)

    @staticmethod
    def backward(ctx, g):  # pyright: ignore[reportIncompatibleMethodOverride]
        h, threshold = ctx.saved_tensors
        near = ((h - threshold) / ctx.width).abs() < 0.5
        return g * (h > threshold), (-(threshold / ctx.width) * near * g).sum(0), None


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h, threshold, width):
        ctx.save_for_backward(h, threshold)
        ctx.width = width
        return (h > threshold).to(h.dtype)

    @staticmethod
    def backward(ctx, g):  # pyright: ignore[reportIncompatibleMethodOverride]
        h, threshold = ctx.saved_tensors
        near = ((h - threshold) / ctx.width).abs() < 0.5
        return torch.zeros_like(h), (-(1 / ctx.width) * near * g).sum(0), None


def jump_relu(h, latent, part):
    threshold = latent.log_threshold.exp()
    return Jump.apply(h, threshold, part.bandwidth), part.weight * Step.apply(h, threshold, part.bandwidth).sum(1)


def gated(h, latent, part):
    z = (h > 0).to(h.dtype) * (latent.log_scale.exp() * h + latent.bias).relu()
    return z, part.weight * h.relu().sum(1)


DENSE = {
    Plain(): plain,
    TopK(3): top_k,
    TopK(5, positive=True): top_k,
    BatchTopK(3): batch_top_k,
    WinnerTakeAll(0.2): winner_take_all,
    L1(0.1): l1,
    KLSparsity(0.1, 0.3): kl_sparsity,
    JumpReLU(0.2, bandwidth=0.5, start=0.7): jump_relu,
    Gated(0.1): gated,
}
NESTED = Matryoshka((0.1, 0.5, 0.35), 0.7)
every_latent = pytest.mark.parametrize("latent", DENSE, ids=repr)
either = pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
SELECTING = [part for part in DENSE if part.selects]


def built(latent, tied=False, penalties=(), n=N, dtype=torch.float64) -> Any:
    """Return a model whose weights are all of one order, biases too."""
    torch.manual_seed(0)
    model = Recipe(Atoms(tied), latent, penalties=penalties).build((WIDTH,), n).to(dtype)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * torch.randn_like(weight)
    return model


def samples(count=B, dtype=torch.float64):
    return torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def loss(model, x):
    """Return the loss of a batch in training, dense from one end to the other."""
    encoder, decoder, latent = model.encoder, model.decoder, model.recipe.latent
    atoms = decoder.weight / decoder.weight.norm(dim=1, keepdim=True)
    h = x @ (atoms if encoder.weight is None else encoder.weight).T + encoder.bias
    z, rate = DENSE[latent](h, model.latent, latent)

    def cost(z, atoms, bias):
        return 0.5 * (x - z @ atoms - bias).square().sum(1)

    whole = cost(z, atoms, decoder.bias) + rate
    for penalty in model.recipe.penalties:
        if isinstance(penalty, Matryoshka):
            sizes = {math.ceil(round(share * z.shape[1], 6)) for share in penalty.groups}
            whole = whole + penalty.weight * sum(cost(z[:, :m], atoms[:m], decoder.bias) for m in sizes)
        else:
            whole = whole + penalty.weight * cost(h.relu(), atoms.detach(), decoder.bias.detach())
    return whole.mean()


def penalties_of(latent):
    return (NESTED, Gate(0.6)) if isinstance(latent, Gated) else (NESTED,)


@every_latent
@either
@pytest.mark.parametrize("penalised", [False, True], ids=["", "penalised"])
def test_loss_and_gradient_are_those_of_dense_autograd(latent, tied, penalised):
    model, x = built(latent, tied, penalties_of(latent) if penalised else ()), samples()
    found, wanted = model(Batch(x)).loss, loss(model, x)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)
    weights = dict(model.named_parameters())
    pairs = zip(weights, *(torch.autograd.grad(each, list(weights.values())) for each in (found, wanted)), strict=True)
    for name, one, other in pairs:
        assert other.abs().max() > 1e-6, name  # there is something to compare
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10, msg=name)


@every_latent
@either
def test_so_they_are_in_float32(latent, tied):
    penalties = penalties_of(latent)
    exact, rough = built(latent, tied, penalties), built(latent, tied, penalties).float()
    exact.load_state_dict(rough.state_dict())
    x = samples(dtype=torch.float32)
    found, wanted = rough(Batch(x)).loss, loss(exact, x.double())
    pairs = zip(
        *(torch.autograd.grad(v, list(m.parameters())) for v, m in ((found, rough), (wanted, exact))), strict=True
    )
    for one, other in pairs:
        assert (one.double() - other).norm() < 1e-5 * other.norm()


@pytest.mark.parametrize("latent", SELECTING, ids=repr)
def test_and_where_h_is_computed_in_blocks(monkeypatch, latent):
    monkeypatch.setattr(selection, "_AT_ONCE", 5 * B)
    test_loss_and_gradient_are_those_of_dense_autograd(latent, False, True)


@pytest.mark.parametrize("latent", SELECTING, ids=repr)
@pytest.mark.parametrize("noise", [True, False], ids=["noise", "still"])
@pytest.mark.parametrize("count", [1, B])
def test_what_is_selected_is_the_code_made_of_all_of_h(latent, noise, count):
    model, x = built(latent), samples(count)
    for _ in range(3):
        model(Batch(samples()))  # learns thresholds
    model.eval()
    map = model.recipe.net.map(model.encoder)
    one, other = model.latent.select(x, map, noise), model.latent(model.encoder(x)[0], noise)
    torch.testing.assert_close(one.dense().z, other.z)
    torch.testing.assert_close(one.rate, other.rate)
    if not noise:
        assert one.z.is_sparse
        assert one.z.is_coalesced()
        assert bool((one.z.values() != 0).all())
        torch.testing.assert_close(one.dense().mean, other.mean)
        torch.testing.assert_close(model.reconstruct(x), model.decode(other.z))


@pytest.mark.parametrize("latent", SELECTING, ids=repr)
def test_either_way_learns_the_same(latent):
    one, other = built(latent), built(latent)
    map = one.recipe.net.map(one.encoder)
    for seed in range(5):
        torch.manual_seed(seed)
        x = torch.randn(B, WIDTH, dtype=torch.float64)
        one.latent.select(x, map, True)
        other.latent(other.encoder(x)[0], True)
    for name, value in one.latent.state_dict().items():
        torch.testing.assert_close(value, other.latent.state_dict()[name], msg=name)


def test_atoms_have_length_1_whatever_the_weights():
    torch.manual_seed(0)
    decoder = AtomsDecoder(9, (6,))
    decoder.weight.data *= 50
    torch.testing.assert_close(decoder(torch.eye(9)).norm(dim=1), torch.ones(9))
    torch.testing.assert_close(decoder(torch.eye(9).to_sparse()), decoder(torch.eye(9)))


def test_the_gradient_of_an_atom_is_at_right_angles_to_it():
    model = built(TopK(3))
    model(Batch(samples())).loss.backward()
    weight = model.decoder.weight
    assert (weight * weight.grad).sum(1).abs().max() < 1e-12
    assert weight.grad.abs().max() > 1e-3


def test_tied_is_to_look_along_the_atoms():
    model, x = built(TopK(3), tied=True), samples()
    h, _ = model.encoder(x)
    atoms = model.decoder(torch.eye(N, dtype=torch.float64)) - model.decoder.bias
    torch.testing.assert_close(h, x @ atoms.T + model.encoder.bias)
    assert [name for name, _ in model.encoder.named_parameters()] == ["bias"]


def test_samples_of_any_shape_and_another_target():
    model = Recipe(Atoms(), TopK(3)).build((2, 3, 4), 30, target=(5, 2))
    x, target = torch.randn(6, 2, 3, 4), torch.randn(6, 5, 2)
    output = model(Batch(x, target))
    assert output.code.z.shape == (6, 30)
    assert output.params.shape == (6, 5, 2)
    output.loss.backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_a_condition_goes_the_dense_way():
    model = Recipe(Atoms(), TopK(3)).build((7,), 30, condition=2)
    output = model(Batch(torch.randn(6, 7), condition=torch.randn(6, 2)))
    assert not output.code.z.is_sparse
    assert (output.code.z != 0).sum(1).tolist() == [3] * 6


def test_tied_atoms_need_a_mirror():
    for shape, width, n, out in (((5,), 4, 2, (5,)), ((5,), 2, 2, (10,))):
        with pytest.raises(ParameterError, match="'tied' of Atoms must be False"):
            Atoms(tied=True).build(shape, width, n, out)


def test_an_atom_of_zeros_is_no_division_by_zero():
    decoder: Any = AtomsDecoder(3, (2,))
    decoder.weight.data[0] = 0
    for z in (torch.eye(3), torch.eye(3).to_sparse()):
        y = decoder(z)
        y.sum().backward()
        assert bool(y.isfinite().all())
        assert bool(decoder.weight.grad.isfinite().all())
        torch.testing.assert_close(y[1:], F.normalize(decoder.weight[1:], dim=1))

"""The bound of several draws: values, and unbiased gradients."""

import math

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.flow import Batch, Code, Output
from diabolo.latents import Gaussian
from diabolo.latents.importance import Bound
from diabolo.model import Recipe
from diabolo.nets import Linear
from diabolo.penalties import MMD

DRAWS = 40_000


def gradients(latent, plain_log_q=False):
    """Return the gradients of encoder and decoder, averaged over many draws of one loss."""
    torch.manual_seed(0)
    model = Recipe(Linear(), latent).build((3,), 2).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(0.7)
    x = torch.tensor([[1.0, -0.5, 0.3]], dtype=torch.float64).expand(DRAWS, 3)
    torch.manual_seed(1)
    loss = by_hand(model, x) if plain_log_q else model(Batch(x)).loss
    slopes = torch.autograd.grad(loss, [*model.encoder.parameters(), *model.decoder.parameters()])
    count = len(list(model.encoder.parameters()))
    return [torch.cat([slope.flatten() for slope in part]) for part in (slopes[:count], slopes[count:])]


def by_hand(model, x):
    """Return the loss with the gradient that autograd finds by itself."""
    latent = model.recipe.latent
    h, _ = model.hidden(x)
    z, ratio = model.latent.draws(h, latent.samples)
    d = model.recipe.likelihood.distortion(model.decode(z), x.repeat(latent.samples, 1)).sum(1)
    cost = (d + latent.beta * ratio).view(latent.samples, -1)
    tight = math.log(latent.samples) - (-cost).logsumexp(0)
    return (latent.plain * cost.mean(0) + (1 - latent.plain) * tight).mean()


@pytest.mark.parametrize("latent", [Gaussian(samples=5), Gaussian(0.5, samples=5), Gaussian(samples=4, plain=0.3)])
def test_the_gradient_of_the_encoder_has_the_mean_of_the_plain_one(latent):
    for ours, plain in zip(gradients(latent), gradients(latent, True), strict=True):
        assert torch.allclose(ours, plain, atol=0.03 * float(plain.norm()))


def test_with_groups_the_encoder_follows_their_mean_bound_and_the_decoder_the_whole_one():
    encoder, decoder = gradients(Gaussian(samples=6, groups=3))
    assert torch.allclose(decoder, gradients(Gaussian(samples=6))[1], atol=0.03 * float(decoder.norm()))
    pairs = gradients(Gaussian(samples=2))[0]
    assert torch.allclose(encoder, pairs, atol=0.03 * float(encoder.norm()))
    whole = gradients(Gaussian(samples=6))[0]
    assert float((encoder - whole).norm()) > 0.05 * float(whole.norm())


def test_the_gradient_has_less_noise_than_the_plain_one_where_the_posterior_is_close():
    """At the exact posterior all weights are equal, and each draw's path derivative is 0."""
    z = torch.zeros(6, 1, requires_grad=True)
    Bound(3).of(torch.zeros(6), torch.zeros(6), 1.0, z)
    (slope,) = torch.autograd.grad((z * 3.0).sum(), z)
    assert torch.allclose(slope, torch.ones(6, 1))  # 3 * 1/3: the weight once more


def test_more_plain_is_a_looser_bound():
    d, z = torch.rand(40) * 5, torch.zeros(40, 1)
    found = [Bound(10, plain=c).of(d, torch.zeros(40), 1.0, z) for c in (0.0, 0.5, 1.0)]
    losses = [(distortion + rate).mean().item() for distortion, rate in found]
    assert losses[0] < losses[1] < losses[2]
    assert losses[2] == pytest.approx(d.mean().item())
    assert losses[1] == pytest.approx((losses[0] + losses[2]) / 2)


def test_weights_that_vanish_leave_finite_gradients():
    z = torch.ones(4, 1, requires_grad=True)
    distortion, rate = Bound(4, groups=2).of(torch.tensor([0.0, 1.0, 300.0, 301.0]) * z[:, 0], torch.zeros(4), 1.0, z)
    (slope,) = torch.autograd.grad((distortion + rate).sum(), z)
    assert bool(torch.isfinite(slope).all())


def test_penalties_see_the_gradient_of_the_draws_as_it_is():
    def slope(weight):
        torch.manual_seed(0)
        model = Recipe(Linear(), Gaussian(samples=5), penalties=(MMD(weight),)).build((3,), 2).double()
        torch.manual_seed(1)
        output = model(Batch(torch.ones(40, 3).double()))
        return torch.autograd.grad(output.loss, list(model.encoder.parameters()), retain_graph=True), model, output

    (with_it, model, output), (without, _, _) = slope(3.0), slope(0.0)
    alone = torch.autograd.grad(output.penalties["mmd"], list(model.encoder.parameters()))
    for both, rest, own in zip(with_it, without, alone, strict=True):
        assert float(own.norm()) > 0
        assert torch.allclose(both - rest, own)
    h = model.hidden(torch.ones(40, 3).double())[0]
    torch.manual_seed(1)
    mean, log_var = h.chunk(2, 1)
    eps = torch.randn(200, 2, dtype=h.dtype)
    z = mean.repeat(5, 1) + (0.5 * 20 * torch.tanh(log_var / 20)).exp().repeat(5, 1) * eps
    free = torch.zeros(40).double()
    term = MMD(3.0).penalty(model, Batch(z), Output(z, Code(z, mean, free), z, free, free))
    for own, direct in zip(alone, torch.autograd.grad(term, list(model.encoder.parameters())), strict=True):
        assert torch.allclose(own, direct)


def test_groups_must_divide_the_draws():
    with pytest.raises(ParameterError, match=r"'groups' of Gaussian must divide samples, 50; got 3.*samples=48"):
        Recipe(latent=Gaussian(samples=50, groups=3)).build((4,), 2)

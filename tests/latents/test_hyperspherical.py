"""The code on a sphere: its density, its divergence, its draws, and what its knob moves."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad
from torch.nn import functional as F

from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch
from diabolo.generation import evidence
from diabolo.latents import Hyperspherical, PowerSpherical
from diabolo.likelihoods import Gaussian, Likelihood, SquaredError
from diabolo.members import Members
from diabolo.model import Recipe
from diabolo.nets import MLP, Linear
from diabolo.training import Rows, Training, train

SIZES = (2, 3, 4, 10, 100)
SHARP = SquaredError(0.3)
CONCENTRATIONS = (0.0, 1e-3, 0.5, 3.0, 40.0, 1e3)


def posterior(n, kappa, count=1, seed=0):
    mu = F.normalize(torch.randn(1, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))
    return PowerSpherical(mu.expand(count, n), torch.full((count,), float(kappa), dtype=torch.float64))


def over_the_sphere(n, kappa, function):
    """Return the mean of a function of log q(z) / p(z) over the uniform distribution p, by quadrature."""
    q = posterior(n, kappa)
    across = torch.eye(n, dtype=torch.float64)[:1] - q.mu[:, :1] * q.mu
    across = F.normalize(across)

    def integrand(angle):
        z = math.cos(angle) * q.mu + math.sin(angle) * across
        return function(q.log_ratio(z).item()) * math.sin(angle) ** (n - 2)

    bend = min(math.pi / 2, 3 * math.sqrt(2 * n / (kappa + n)))  # where a concentrated density lies
    whole = quad(lambda angle: math.sin(angle) ** (n - 2), 0, math.pi)[0]
    return sum(quad(integrand, *ends, limit=200)[0] for ends in ((0, bend), (bend, math.pi))) / whole


@pytest.mark.parametrize("kappa", CONCENTRATIONS)
@pytest.mark.parametrize("n", SIZES)
def test_the_density_integrates_to_one_and_the_divergence_is_that_of_it(n, kappa):
    assert over_the_sphere(n, kappa, math.exp) == pytest.approx(1, rel=1e-6)
    divergence = over_the_sphere(n, kappa, lambda ratio: ratio * math.exp(ratio))
    assert posterior(n, kappa).divergence().item() == pytest.approx(divergence, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("kappa", CONCENTRATIONS)
@pytest.mark.parametrize("n", SIZES)
def test_draws_have_the_density_that_they_tell(n, kappa):
    q = posterior(n, kappa, 20_000)
    z, ratio = q.draw()
    assert torch.allclose(z.norm(dim=1), torch.ones(20_000).double())
    assert torch.allclose(q.log_ratio(z), ratio, rtol=1e-6, atol=1e-6)
    error = ratio.std().item() / 20_000**0.5
    assert ratio.mean().item() == pytest.approx(q.divergence()[0].item(), abs=5 * error + 1e-9)
    along = (z @ q.mu[0]).numpy()
    beta = (n - 1) / 2
    assert stats.kstest((1 + along) / 2, stats.beta(kappa + beta, beta).cdf).pvalue > 1e-4


@pytest.mark.parametrize("n", [2, 3, 6])
def test_draws_lie_around_their_direction_evenly_wherever_it_points(n):
    eye = torch.eye(n, dtype=torch.float64)
    for mu in (*eye, *-eye, F.normalize(eye[0] + 1e-9 * eye[1], dim=0), F.normalize(torch.ones(n).double(), dim=0)):
        z, _ = PowerSpherical(mu.expand(20_000, n), torch.full((20_000,), 5.0).double()).draw()
        away = z - (z @ mu)[:, None] * mu
        assert away.mean(0).abs().max() < 0.03
        spread = away.T @ away / 20_000
        even = (eye - torch.outer(mu, mu)) * spread.trace() / (n - 1)
        assert (spread - even).abs().max() < 0.03


@pytest.mark.parametrize("kappa", [0.01, 2.0, 100.0])
@pytest.mark.parametrize("n", [2, 3, 10])
def test_draws_have_the_gradient_of_their_mean(n, kappa):
    count, beta = 100_000, (n - 1) / 2
    away = F.normalize(posterior(n, 0, seed=n).mu).repeat(count, 1) * 2
    away.requires_grad_()
    at = torch.full((count,), kappa, dtype=torch.float64, requires_grad=True)
    mu = F.normalize(away, dim=1)
    target = torch.linspace(-1, 1, n).double()
    by_away, by_kappa = torch.autograd.grad((PowerSpherical(mu, at).draw()[0] @ target).sum(), (away, at))
    mean, mu = kappa / (kappa + 2 * beta), mu.detach()[0]  # of μᵀz
    slope = 2 * beta / (kappa + 2 * beta) ** 2 * (mu @ target)
    assert by_kappa.mean().item() == pytest.approx(slope.item(), abs=5 * by_kappa.std().item() / count**0.5)
    expected = mean * (target - (mu @ target) * mu) / 2
    assert bool(((by_away.mean(0) - expected).abs() <= 5 * by_away.std(0) / count**0.5 + 1e-9).all())


def test_single_precision_is_enough_for_the_divergence():
    for n in SIZES:
        q = posterior(n, 1e5)
        found = PowerSpherical(q.mu.float(), q.kappa.float()).divergence()
        assert found.dtype == torch.float32
        assert found.item() == pytest.approx(q.divergence().item(), rel=1e-6)


@pytest.mark.parametrize("size", [0.0, 1e-38, 1e-20, 1.0, 1e4, 1e30])
@pytest.mark.parametrize("noise", [False, True])
def test_any_h_gives_a_code_of_length_one_and_a_finite_cost(size, noise):
    for n in (2, 5):
        h = (torch.randn(50, n + 1) * size).requires_grad_()
        code = Hyperspherical().build(n)(h, noise)
        assert torch.allclose(code.z.norm(dim=1), torch.ones(50), atol=1e-5)
        assert torch.allclose(code.mean.norm(dim=1), torch.ones(50), atol=1e-5)
        assert bool((code.rate >= 0).all() & code.rate.isfinite().all())
        (slope,) = torch.autograd.grad(code.rate.sum() + (code.z * torch.arange(n)).sum(), h)
        assert bool(slope.isfinite().all())
        assert bool(Hyperspherical().build(n).draws(h, 3)[1].isfinite().all())


def test_the_rate_is_beta_times_the_divergence_and_its_shares_sum_to_it():
    h = torch.randn(7, 5)
    code = Hyperspherical(2.5).build(4)(h, noise=True)
    assert torch.allclose(code.rate, 2.5 * code.info["kl"].sum(1))
    assert torch.allclose(code.mean, F.normalize(h[:, :4], dim=1))
    still = Hyperspherical(2.5).build(4)(h, noise=False)
    assert torch.equal(still.z, still.mean)
    assert torch.equal(still.rate, code.rate)


def test_the_prior_is_uniform():
    drawn = Hyperspherical().build(3).double().sample(20_000)
    assert drawn.dtype == torch.float64
    assert torch.allclose(drawn.norm(dim=1), torch.ones(20_000).double())
    assert stats.kstest(drawn[:, 0].numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-4  # Archimedes' hat box
    assert drawn.mean(0).abs().max() < 0.03


def circle(count=300, seed=0):
    """Return a closed curve in six dimensions, and the angles."""
    draw = torch.Generator().manual_seed(seed)
    angle = torch.rand(count, generator=draw) * 2 * math.pi
    frame = torch.linalg.qr(torch.randn(6, 2, generator=torch.Generator().manual_seed(5)))[0]
    return 3 * torch.stack([angle.cos(), angle.sin()], 1) @ frame.T + 0.1 * torch.randn(count, 6, generator=draw), angle


def rows(x):
    return Rows(x, lambda batch: batch)


def fitted(latent, likelihood: Likelihood = SHARP, epochs=60):
    torch.manual_seed(0)
    model = Recipe(MLP((16,)), latent, likelihood).build((6,), 2)
    train(model, rows(circle()[0]), None, Training(epochs=epochs, patience=epochs))
    return model


def test_beta_lowers_the_divergence():
    x, _ = circle(seed=1)
    kl = [fitted(Hyperspherical(beta)).encode(x).info["kl"].sum(1).mean().item() for beta in (0.1, 1.0, 30.0)]
    assert kl[0] > kl[1] + 0.3 > kl[2] + 0.6


def test_a_circle_is_found_and_generated():
    model, (x, angle) = fitted(Hyperspherical()), circle(seed=1)
    z = model.encode(x).mean.detach()
    turned = torch.atan2(z[:, 1], z[:, 0])
    around = max(torch.exp(1j * (turned + sign * angle)).mean().abs() for sign in (-1, 1))  # 1 if equal but for a turn
    assert around > 0.98
    made = model.sample(500).detach()
    nearest = torch.cdist(made, circle(5000, 2)[0]).min(1).values
    assert nearest.median() < 0.5  # noise of .1 in six directions, on a circle of radius 3
    assert torch.cdist(x, made).min(1).values.median() < 0.6  # and no part of it is left out


def test_the_evidence_is_that_of_quadrature_over_the_circle():
    torch.manual_seed(0)
    model = fitted(Hyperspherical(), Gaussian(0.1), 20).double().eval()
    x = circle(20, seed=1)[0].double()
    angle = torch.arange(4000).double() * 2 * math.pi / 4000
    with torch.no_grad():
        params = model.decode(torch.stack([angle.cos(), angle.sin()], 1))
        cost = torch.stack([model.recipe.likelihood.distortion(params, one.expand(4000, 6)).sum(1) for one in x])
    exact = (-cost).logsumexp(1) - math.log(4000)
    found = evidence(model, x, samples=4000)
    assert found.bound.numpy() == pytest.approx(exact.numpy(), abs=0.1)
    assert found.bound.mean().item() == pytest.approx(exact.mean().item(), abs=0.02)
    assert np.all((-found.distortion - found.rate < found.bound).numpy())


@pytest.mark.parametrize("net", [Linear(), MLP()], ids=repr)
def test_two_numbers_are_the_least(net):
    with pytest.raises(
        ParameterError, match=r"'n_components' must be at least 2 for Hyperspherical.*; got 1\. Choose 2"
    ):
        Recipe(net, Hyperspherical()).build((6,), 1)
    assert Recipe(net, Hyperspherical()).build((6,), 2)(Batch(torch.zeros(3, 6))).loss.isfinite()


def test_members_say_that_they_cannot_draw_together():
    members = [Recipe(Linear(), Hyperspherical()).build((6,), 3) for _ in range(2)]
    with pytest.raises(CapabilityError, match="cannot be computed in one pass"):
        Members(members)(Batch(torch.zeros(3, 6)))

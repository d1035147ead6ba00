"""Total correlation: what it estimates, what its weight moves, and of which codes it can be told."""

import math

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.flow import Batch, Code, Output
from diabolo.latents import FSQ, Gaussian, Plain
from diabolo.members import Members
from diabolo.model import Recipe
from diabolo.nets import Linear
from diabolo.penalties import MMD, TotalCorrelation
from diabolo.priors import Mixture


def coded(mean, log_var):
    free = torch.zeros(len(mean))
    return Output(mean, Code(mean, mean, free, {"log_var": log_var}), mean, free, free)


def estimate(mean, log_var):
    output = coded(mean, log_var)
    return TotalCorrelation(1.0).penalty(torch.nn.Module(), Batch(output.target), output)  # pyright: ignore[reportArgumentType]


def exact(covariance):
    """Return the total correlation of a normal distribution."""
    return 0.5 * (covariance.diagonal(dim1=-2, dim2=-1).log().sum(-1) - torch.logdet(covariance))


def aggregate(correlation, n=2, count=700, variance=0.5):
    """Return codes whose mixture is normal with unit variances and this correlation."""
    covariance = torch.full((n, n), correlation).double() + (1 - correlation) * torch.eye(n).double()
    root = torch.linalg.cholesky(covariance - variance * torch.eye(n).double())
    mean = torch.randn(count, n, generator=torch.Generator().manual_seed(1)).double() @ root.T
    return mean, torch.full_like(mean, math.log(variance)), covariance


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.45])
@pytest.mark.parametrize("n", [2, 3])
def test_it_is_the_total_correlation_of_a_normal_mixture(correlation, n):
    mean, log_var, _ = aggregate(correlation, n)
    covariance = mean.T.cov() + 0.5 * torch.eye(n)  # of these codes
    found = torch.stack([estimate(mean, log_var) for _ in range(4)]).mean()
    assert found.item() == pytest.approx(exact(covariance).item(), abs=0.04)


def test_one_entry_has_none():
    mean, log_var, _ = aggregate(0.0, 1)
    assert estimate(mean, log_var).abs() < 1e-12
    assert estimate(mean[:1].repeat(1, 4), log_var[:1].repeat(1, 4)).abs() < 1e-12  # nor has a batch of one


def test_few_precise_codes_are_told_apart_too_well():
    mean, log_var, covariance = aggregate(0.0, 4, variance=0.1)
    found = [torch.stack([estimate(mean[:count], log_var[:count]) for _ in range(5)]).mean() for count in (10, 60, 400)]
    assert found[0] > found[1] > found[2] > exact(covariance)


def test_many_draws_are_thinned_and_the_mixture_is_not(monkeypatch):
    mean, log_var, covariance = aggregate(0.4)
    whole = estimate(mean, log_var)
    monkeypatch.setattr("diabolo.penalties.total_correlation._LARGEST", 200 * mean.numel())
    mean.requires_grad_()
    thinned = estimate(mean, log_var)
    assert thinned.item() != whole.item()
    assert thinned.item() == pytest.approx(exact(covariance).item(), abs=0.1)
    (slope,) = torch.autograd.grad(thinned, mean)
    assert bool((slope != 0).all())


def test_the_weight_scales_the_term_and_its_gradient_is_that_of_weighted_sampling():
    mean, log_var, _ = aggregate(0.4, 3, 20)
    mean.requires_grad_()
    output = coded(mean, log_var)
    torch.manual_seed(3)
    value = TotalCorrelation(2.0).penalty(torch.nn.Module(), Batch(mean), output)  # pyright: ignore[reportArgumentType]
    torch.manual_seed(3)
    z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
    q = torch.distributions.Normal(mean, (0.5 * log_var).exp())
    log_q = q.log_prob(z[:, None])  # (20, 20, 3)
    size = 1000  # of the data set, as the paper has it
    joint = log_q.sum(2).logsumexp(1) - math.log(20 * size)
    paper = (joint - (log_q.logsumexp(1) - math.log(20 * size)).sum(1)).mean()
    assert torch.allclose(value, 2 * (paper - 2 * math.log(size)))
    ours, theirs = (torch.autograd.grad(x, mean)[0] for x in (value, 2 * paper))
    assert torch.allclose(ours, theirs)


def test_its_weight_lowers_the_total_correlation():
    draw = torch.Generator().manual_seed(3)
    world = torch.randn(100, 3, generator=draw) @ torch.randn(3, 6, generator=draw)
    left = []
    for weight in (0.0, 1.0, 30.0):
        torch.manual_seed(0)
        model = Recipe(Linear(), Gaussian(0.1), penalties=(TotalCorrelation(weight),)).build((6,), 3)
        adam = torch.optim.Adam(model.parameters(), 2e-2)
        for _ in range(120):
            adam.zero_grad()
            model(Batch(world)).loss.backward()
            adam.step()
        code = model.encode(world)
        left.append(exact(code.mean.T.cov() + code.info["log_var"].exp().mean(0).diag()).item())
    assert left[0] > 1.5 * left[1] > 1.5**2 * left[2]
    assert left[2] < 0.1


@pytest.mark.parametrize("extreme", [-1e4, 1e4])
def test_extreme_codes_cost_a_finite_number(extreme):
    model = Recipe(Linear(), Gaussian(), penalties=(TotalCorrelation(),)).build((6,), 3)
    x = torch.randn(10, 6, requires_grad=True)
    output = model(Batch(x * extreme))
    (slope,) = torch.autograd.grad(output.penalties["totalcorrelation"], x)
    assert bool(slope.isfinite().all())


@pytest.mark.parametrize("latent", [Gaussian(samples=3), Gaussian(prior=Mixture(3))], ids=repr)
def test_it_goes_with_several_draws_and_other_priors(latent):
    model = Recipe(Linear(), latent, penalties=(TotalCorrelation(),)).build((6,), 3)
    assert model(Batch(torch.randn(9, 6))).penalties["totalcorrelation"].shape == ()
    assert model(Batch(torch.randn(9, 6)), noise=False).loss.isfinite()


def test_members_have_it_as_each_would_alone():
    models = [Recipe(Linear(), Gaussian(), penalties=(TotalCorrelation(w),)).build((6,), 3) for w in (0.0, 4.0)]
    found = Members(models)(Batch(torch.randn(300, 6))).terms()["totalcorrelation"]
    assert found[0] == 0
    assert found[1].isfinite()


@pytest.mark.parametrize("latent", [Plain(), FSQ()], ids=repr)
def test_codes_without_a_variance_are_refused_when_the_model_is_built(latent):
    words = (
        rf"TotalCorrelation only where codes have a mean and a variance each.*got latent={type(latent).__name__}\(\)"
    )
    with pytest.raises(ParameterError, match=words):
        Recipe(Linear(), latent, penalties=(MMD(), TotalCorrelation())).build((6,), 3)

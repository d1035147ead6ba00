"""Densities fitted to codes: exact where the answer is known, and better where the codes are no normal cloud."""

import math

import pytest
import torch
from sklearn.datasets import make_moons
from torch.distributions import MultivariateNormal

from diabolo.errors import DataError, ParameterError
from diabolo.expost import fit
from diabolo.priors import Composite, Flow, Mixture, Normal, VampPrior, Whitened


def moons(count, seed):
    return torch.tensor(make_moons(count, noise=0.08, random_state=seed)[0])


def clusters(count, seed):
    """Return codes (count, 2) of five clusters far apart, with a spread of 1/10 each."""
    draw = torch.Generator().manual_seed(seed)
    angle = 2 * math.pi * torch.randint(5, (count,), generator=draw) / 5
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(count, 2, generator=draw)


def likely(prior, codes, held_out, **how):
    return fit(prior, codes, **how).log_density(held_out.float()).mean().item()


@pytest.mark.parametrize("prior", [Normal(), Mixture(1), Mixture(1, "full")], ids=str)
def test_one_normal_distribution_is_the_maximum_likelihood_one(prior):
    codes = moons(300, 0) * torch.tensor([1.0, 30.0]) + 50
    exact = MultivariateNormal(codes.mean(0), torch.cov(codes.T, correction=0))
    torch.testing.assert_close(
        fit(prior, codes).double().log_density(codes), exact.log_prob(codes), rtol=1e-4, atol=1e-4
    )


def test_a_mixture_finds_the_clusters():
    torch.manual_seed(5)
    density = fit(Mixture(5), clusters(500, 0))
    drawn = density.sample(1000)
    assert (drawn.norm(dim=1) - 1).abs().max() < 0.6
    entropy = math.log(5) + math.log(2 * math.pi * math.e * 0.01)
    with torch.no_grad():
        assert density.log_density(clusters(2000, 1)).mean().item() == pytest.approx(-entropy, abs=0.08)


def test_more_components_are_more_likely_until_each_cluster_has_one():
    found = [likely(Mixture(k), clusters(500, 0), clusters(1000, 1)) for k in (1, 2, 5)]
    assert found[0] + 0.1 < found[1] < found[2] - 0.2


def test_full_covariances_follow_what_is_curved():
    diagonal, full = (likely(Mixture(8, c), moons(600, 0), moons(1000, 1)) for c in ("diagonal", "full"))
    assert full > diagonal + 0.05


def test_a_flow_fits_two_moons_better_than_a_normal_distribution():
    normal, flow = (likely(prior, moons(1000, 0), moons(1000, 1), steps=800) for prior in (Normal(), Flow(4, 32)))
    assert flow > normal + 0.5


def test_more_steps_fit_better():
    few, many = (likely(Flow(4, 16), moons(1000, 0), moons(1000, 1), steps=steps) for steps in (30, 600))
    assert many > few + 0.1


@pytest.mark.parametrize("prior", [Normal(), Mixture(3), Mixture(3, "full"), Flow(2, 8)], ids=str)
def test_equal_seeds_give_equal_densities_that_travel_in_a_state_dict(prior):
    codes = moons(200, 0).float()
    torch.manual_seed(9)
    before = torch.get_rng_state()
    one, two = (fit(prior, codes, seed=4, steps=20) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    other = Whitened(prior, 2)
    other.load_state_dict(one.state_dict())
    for density in (two, other):
        assert torch.equal(density.log_density(codes), one.log_density(codes))
    torch.testing.assert_close(
        one.double().log_density(codes.double()).float(), two.log_density(codes), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("prior", [Normal(), Mixture(2), Mixture(2, "full"), Flow(2, 8)], ids=str)
@pytest.mark.parametrize(
    "codes",
    [
        torch.ones(30, 3),
        torch.eye(3).repeat(10, 1),
        torch.arange(30.0)[:, None].expand(30, 3) * 1e6,
        torch.eye(3)[:2].repeat(2, 1),
    ],
    ids=["constant", "three points", "a line", "few"],
)
def test_degenerate_codes_give_finite_densities(prior, codes):
    density = fit(prior, codes, steps=20)
    assert bool(density.log_density(codes).isfinite().all())
    assert bool(density.sample(50).isfinite().all())


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (torch.ones(5), r"tensor \(N, n\)"),
        (torch.ones(1, 2), "N >= 2"),
        (torch.ones(5, 2, dtype=torch.long), "floating point"),
        (torch.tensor([[0.0, 1.0], [math.nan, 2.0]]), "finite"),
    ],
)
def test_what_are_no_codes_is_refused(codes, words):
    with pytest.raises(DataError, match=words):
        fit(Normal(), codes)


@pytest.mark.parametrize(
    ("prior", "how", "words"),
    [
        (Mixture(16), {}, "'components' of Mixture must be at most half the number of codes, 27"),
        (VampPrior(), {}, "cannot be VampPrior where a density is fitted"),
        (Composite(), {}, "cannot be Composite where a density is fitted"),
        (Mixture(0), {}, "'components'"),
        (Flow(), {"steps": 0}, "'steps'"),
    ],
    ids=str,
)
def test_what_cannot_be_fitted_is_refused(prior, how, words):
    with pytest.raises(ParameterError, match=words):
        fit(prior, torch.randn(30, 2), **how)


def test_a_code_of_one_number_is_fitted_by_all_but_a_flow():
    codes = torch.cat([torch.randn(200, 1), torch.randn(200, 1) + 9])
    assert likely(Mixture(2), codes, codes) > likely(Normal(), codes, codes) + 0.5
    with pytest.raises(ParameterError, match="Flow for codes of one number"):
        fit(Flow(), codes)


def test_a_condition_goes_with_mixtures_only():
    with pytest.raises(ParameterError, match="'prior' must be a Mixture where codes are fitted beside a condition"):
        fit(Flow(), torch.randn(20, 2), torch.zeros(20, 1))
    with pytest.raises(DataError, match=r"must be finite and \(20, C\).*got shape \(19, 1\)"):
        fit(Mixture(2), torch.randn(20, 2), torch.zeros(19, 1))

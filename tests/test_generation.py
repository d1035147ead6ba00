"""Likelihoods by importance sampling, where the exact ones are known: a linear model is probabilistic PCA."""

import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from diabolo import generation
from diabolo.errors import CapabilityError, ParameterError
from diabolo.generation import evidence, log_likelihood, summary
from diabolo.latents import Gaussian, Plain
from diabolo.likelihoods import SquaredError
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import MLP, Linear, UNet


def world(count=200):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 3)) @ rng.normal(size=(3, 6)) + 0.4 * rng.normal(size=(count, 6)) + 5
    pca = PCA(3).fit(x)
    return torch.tensor(x), pca, torch.tensor(pca.score_samples(x))


def linear(pca: PCA, spread: float = 1.0) -> Autoencoder:
    """The linear model whose p(x) is that of probabilistic PCA; with `spread` 1 its posterior is the exact one."""
    noise = float(pca.noise_variance_)
    model = Recipe(Linear(), Gaussian(), SquaredError(math.sqrt(noise))).build((6,), 3).double().eval()
    into = torch.tensor(
        np.asarray(pca.components_).T * np.sqrt(pca.explained_variance_ - noise)
    )  # (6, 3), orthogonal columns
    variance = noise / torch.tensor(pca.explained_variance_)
    mean, log_var = torch.tensor(pca.mean_), (spread * variance).log()
    posterior = into.T / torch.tensor(pca.explained_variance_)[:, None]
    with torch.no_grad():
        model.get_parameter("decoder.map.weight").copy_(into)
        model.get_parameter("decoder.map.bias").copy_(mean)
        model.get_parameter("encoder.map.weight").copy_(torch.cat([posterior, torch.zeros(3, 6).double()]))
        bent = 20 * torch.atanh(log_var / 20)  # undoes the latent's bend
        model.get_parameter("encoder.map.bias").copy_(torch.cat([-posterior @ mean, bent]))
    return model


def constant(pca: PCA) -> float:
    """What SquaredError leaves out, as it states."""
    return 3 * math.log(2 * math.pi * float(pca.noise_variance_))


@pytest.mark.parametrize("samples", [1, 7, 100])
def test_with_the_exact_posterior_every_draw_gives_the_exact_likelihood(samples):
    x, pca, exact = world()
    torch.testing.assert_close(log_likelihood(linear(pca), x, samples) - constant(pca), exact)


def test_the_bound_rises_to_the_likelihood():
    x, pca, exact = world(1000)
    model = linear(pca, spread=2.0)
    one, two, many = (
        float((log_likelihood(model, x, samples) - constant(pca) - exact).mean()) for samples in (1, 2, 500)
    )
    assert one < -0.3  # the divergence of the wrong posterior from the exact one is 0.46
    assert one + 0.1 < two < -0.05
    assert abs(many) < 0.01


def test_one_draw_costs_distortion_and_rate():
    x, pca, _ = world()
    found = evidence(linear(pca, spread=3.0), x, 1)
    torch.testing.assert_close(found.bound, -(found.distortion + found.rate))
    many = evidence(linear(pca, spread=3.0), x, 500)
    kl = 0.5 * (3.0 - 1 - math.log(3.0)) * 3  # what the wrong posterior loses
    assert float((many.bound + many.distortion + many.rate).mean()) == pytest.approx(kl, rel=0.05)


def test_blocks_do_not_matter(monkeypatch):
    x, pca, exact = world(30)
    for numbers in (1, 5 * generation._WIDTH, 10**9):
        monkeypatch.setattr(generation, "_NUMBERS", numbers)
        torch.testing.assert_close(log_likelihood(linear(pca), x, 9) - constant(pca), exact)


def test_the_seed_decides_and_the_global_random_state_is_left_alone():
    x, pca, _ = world(10)
    model = linear(pca, spread=2.0)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (log_likelihood(model, x, 3, seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_beta_plays_no_part():
    x, pca, exact = world(10)
    model = linear(pca)
    model.revise("latent.beta", 7.0)
    torch.testing.assert_close(log_likelihood(model, x, 2) - constant(pca), exact)


def test_a_condition_is_told():
    torch.manual_seed(0)
    model = Recipe(MLP((8,)), Gaussian()).build((4,), 2, 3).eval()
    x, c = torch.rand(5, 4), torch.eye(3)[[0, 1, 2, 0, 1]]
    told = log_likelihood(model, x, 20, condition=c)
    assert not torch.allclose(told, log_likelihood(model, x, 20, condition=c.flip(1)))
    torch.testing.assert_close(log_likelihood(model, x[:1], 20, condition=c[:1]).shape, torch.Size([1]))


def test_no_samples_have_no_likelihoods():
    _, pca, _ = world()
    assert log_likelihood(linear(pca), torch.zeros(0, 6).double()).shape == (0,)


def test_what_has_no_likelihood_says_so():
    x = torch.rand(3, 8, 2)
    with pytest.raises(CapabilityError, match="Plain has no densities of codes"):
        log_likelihood(Recipe(latent=Plain()).build((8, 2), 2), x)
    with pytest.raises(CapabilityError, match="UNet has no likelihoods"):
        log_likelihood(Recipe(UNet((4,)), Gaussian()).build((8, 2), 2), x)
    with pytest.raises(ParameterError, match="'samples' of log_likelihood must be an integer >= 1; got 0"):
        log_likelihood(Recipe(latent=Gaussian()).build((8, 2), 2), x, 0)


def test_a_summary_has_the_standard_error_of_the_mean_and_bits():
    found = summary([[-2.0, -4.0, -6.0], [1.0, 1.0, 4.0], [2.0, 2.0, 2.0]], 8)
    assert found["log_likelihood"] == -4
    assert found["standard error"] == pytest.approx(2 / math.sqrt(3))
    assert found["bits per number"] == pytest.approx(4 / 8 / math.log(2))
    assert (found["distortion"], found["rate"]) == (2, 2)
    assert math.isnan(summary([[-1.0], [1.0], [0.0]], 1)["standard error"])

"""How probable samples are under a model: the evidence, by importance sampling."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Whole, demand
from diabolo.errors import CapabilityError
from diabolo.model import Autoencoder
from diabolo.seeding import seeded

_NUMBERS = 2**21
"""Numbers of decoded samples at a time: bounds the memory, at a few times as many."""

_WIDTH = 512
"""Numbers that a sample counts as at least: the hidden layers of small samples are about so wide."""


@dataclass(frozen=True)
class Evidence:
    """How probable samples are under a model, in nats.

    Parameters
    ----------
    bound : Tensor (B,)
        log p(x), from below: log 1/K Σₖ p(x | zₖ)·p(zₖ) / q(zₖ | x) with codes zₖ from q(z | x).
    distortion : Tensor (B,)
        The mean of -log p(x | zₖ).
    rate : Tensor (B,)
        The mean of log q(zₖ | x) / p(zₖ); distortion + rate is minus the bound of a single draw.
    """

    bound: Tensor
    distortion: Tensor
    rate: Tensor


@torch.no_grad()
def evidence(
    model: Autoencoder,
    x: Tensor,
    samples: int = 100,
    seed: int = 0,
    condition: Tensor | None = None,
    beside: Callable[[Tensor], Tensor] | None = None,
) -> Evidence:
    """Return how probable each sample is under a model, float64 and on the CPU, by importance sampling.

    The bound is at most log p(x) on average, rises with the number of draws K and tends to log p(x). It is as exact as
    the likelihood: some leave out a constant, which they state. The β of the latent plays no part.

    Parameters
    ----------
    model : Autoencoder
        In evaluation mode, with a latent that has densities.
    x : Tensor (B, *shape)
        Scaled samples, on the device of the model.
    samples : int
        Codes K drawn for each sample.
    seed : int
        Decides the draws; the global random state is left as it was.
    condition : Tensor (B, C), optional
        What is known about each sample, where the model has a condition.
    beside : callable, optional
        Returns what is added to the params (B, *out) of samples, whatever their codes, as parts of a sample may say of
        others.

    Raises
    ------
    CapabilityError
        If the latent has no densities, or the decoder needs the encoder's skips.
    ParameterError
        If `samples` is no positive integer.

    References
    ----------
    Burda, Grosse, Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, equation 8 and theorem 1.

    Examples
    --------
    >>> from diabolo.latents import Gaussian
    >>> from diabolo.likelihoods import Bernoulli
    >>> from diabolo.model import Recipe
    >>> model = Recipe(latent=Gaussian(), likelihood=Bernoulli()).build((6,), 2).eval()
    >>> found = evidence(model, torch.ones(5, 6), samples=10)
    >>> bool((found.bound > -found.distortion - found.rate).all())
    True
    """
    demand("samples", "log_likelihood", samples, Whole(1))
    if not model.decodes_alone:
        raise CapabilityError(
            f"{type(model.recipe.net).__name__} has no likelihoods, as its decoder sees the sample by way of skips. "
            "Use another net, such as Conv()."
        )
    rows = max(1, _NUMBERS // max(math.prod(model.shape), _WIDTH))  # decoded at a time
    size = max(1, min(len(x), rows // min(samples, 64)))
    found = []
    with seeded(seed, x.device):
        for start in range(0, len(x), size):
            known = None if condition is None else condition[start : start + size]
            found.append(_of_block(model, x[start : start + size], samples, max(1, rows // size), known, beside))
    whole = torch.cat(found, 1) if found else torch.zeros(3, 0, dtype=torch.float64)
    return Evidence(*whole)


def log_likelihood(
    model: Autoencoder, x: Tensor, samples: int = 100, seed: int = 0, condition: Tensor | None = None
) -> Tensor:
    """Return log p(x) of each sample (B,) in nats, from below: the bound of `evidence`, whose parameters it has."""
    return evidence(model, x, samples, seed, condition).bound


def _of_block(
    model: Autoencoder,
    x: Tensor,
    samples: int,
    at_once: int,
    condition: Tensor | None,
    beside: Callable[[Tensor], Tensor] | None,
) -> Tensor:
    """Return bound, distortion and rate (3, B) for x (B, *shape), drawing so many codes of each `at_once`."""
    h, _ = model.hidden(x, condition)
    more = None if beside is None else beside(x)
    bound = torch.full((len(x),), -math.inf, dtype=_precise(x), device=x.device)
    means = torch.zeros(2, len(x), dtype=_precise(x), device=x.device)
    for start in range(0, samples, at_once):
        draws = min(at_once, samples - start)
        z, log_ratio = model.latent.draws(h, draws, condition)  # (draws * B, n), (draws * B,)
        params = model.decode(z, None if condition is None else condition.repeat(draws, 1)).to(x.dtype)
        params = params if more is None else params + more.repeat(draws, *[1] * (more.ndim - 1))
        target = x.repeat(draws, *[1] * (x.ndim - 1))
        distortion = model.recipe.likelihood.distortion(params, target).flatten(1).sum(1)
        terms = torch.stack([distortion, log_ratio]).to(bound.dtype).view(2, draws, -1)
        bound = torch.logaddexp(bound, (-terms.sum(0)).logsumexp(0))
        means += terms.sum(1) / samples
    return torch.cat([bound[None] - math.log(samples), means]).cpu().double()


def _precise(x: Tensor) -> torch.dtype:
    return torch.float32 if x.device.type == "mps" else torch.float64  # where there is no float64


def summary(terms: Sequence[Sequence[float]], numbers: int) -> dict[str, float]:
    """Return means of the evidence of samples of so many numbers: bound, distortion and rate (3, N), in nats.

    The standard error is that of the mean. "bits per number" are those of minus the log likelihood: what is called
    bits per dimension.

    Examples
    --------
    >>> summary([[-87.0, -85.0], [62.0, 60.0], [26.0, 26.0]], 784)["standard error"]
    1.0
    """
    bound, distortion, rate = terms
    count, mean = len(bound), statistics.fmean(bound)
    return {
        "log_likelihood": mean,
        "standard error": statistics.stdev(bound) / math.sqrt(count) if count > 1 else math.nan,
        "bits per number": -mean / math.log(2) / numbers,
        "distortion": statistics.fmean(distortion),
        "rate": statistics.fmean(rate),
    }

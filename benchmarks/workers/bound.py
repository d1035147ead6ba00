"""The likelihood of binary images under a variational autoencoder of whatever library, by importance sampling."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.workers.sets import load

Map = Callable[[Tensor], Tensor]
COUNTS = {"mnist": 60_000, "mnist-test": 10_000}
HELD, IMAGES, AT_ONCE = 5000, 1000, 20_000
TRIED = 5000
"""Images that tell how long an epoch takes."""


def binary(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return the training images (60000, 784) and some test images (1000, 784), binarised once, by the seed."""
    draw = torch.Generator().manual_seed(seed)
    greys = [torch.from_numpy(load(name, count)).reshape(count, -1).float() / 255 for name, count in COUNTS.items()]
    train, test = (torch.bernoulli(grey, generator=draw) for grey in greys)
    return train, test[torch.randperm(len(test), generator=draw)[:IMAGES]]


@torch.inference_mode()
def likelihoods(
    moments: Callable[[Tensor], tuple[Tensor, Tensor]], logits: Map, log_prior: Map, x: Tensor, draws: int
) -> Tensor:
    """Return the importance-weighted bound of log p(x) for each image (B,), float64.

    `moments` gives mean and log variance (B, n) of q(z|x), `logits` those of the pixels (B, D) of codes, `log_prior`
    their log densities (B,).
    """
    torch.manual_seed(0)
    found = []
    for image in x:
        mean, log_var = moments(image[None])
        parts = []
        for count in torch.full((draws,), 1).split(AT_ONCE):
            eps = torch.randn(len(count), mean.shape[1])
            z = mean + (0.5 * log_var).exp() * eps
            log_q = -0.5 * (eps.square() + log_var + math.log(2 * math.pi)).sum(1)
            log_p = -F.binary_cross_entropy_with_logits(logits(z), image.expand(len(z), -1), reduction="none").sum(1)
            parts.append((log_p + log_prior(z) - log_q).double())
        found.append(torch.cat(parts).logsumexp(0) - math.log(draws))
    return torch.stack(found)


def standard(z: Tensor) -> Tensor:
    """Return the log densities (B,) of N(0, I) at z (B, n)."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)

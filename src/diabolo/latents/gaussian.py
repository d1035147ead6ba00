"""The variational code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from diabolo.check import Number
from diabolo.flow import Code, Shape
from diabolo.latents.free_bits import Clash, clashes, demand_none, floored
from diabolo.latents.importance import GROUPS, PLAIN, SAMPLES, Bound
from diabolo.latents.latent import Closed, Latent, LatentModule
from diabolo.part import Some, knob
from diabolo.priors import Normal, Prior, PriorModule
from diabolo.priors.diagonal import moments, moments_slope

_STILL = 16  # fixed draws that stand for the posterior without noise, where the prior leaves no closed form


@dataclass(frozen=True)
class Gaussian(Latent):
    """q(z|x) = N(μ, σ²) with μ, log σ² = h, at a cost of β·KL(q ‖ p): the variational autoencoder.

    The prior p is N(0, I) unless another is given, which is then trained with the rest, and the KL divergence is that
    of the draw, log q(z|x)/p(z). With `samples` K > 1 the loss is the importance-weighted bound,

        distortion + rate = -log 1/K Σₖ exp(-dₖ - β·log q(zₖ|x)/p(zₖ)),

    of which the rate is the weighted mean of the log ratios and the distortion the rest; see `Bound` for `groups` and
    `plain`. While training, a dimension
    whose KL, averaged over the batch, lies below `free_bits` costs `free_bits` and is not pushed further down; and with
    a `capacity` C the rate is β·|KL − C|, averaged likewise: the code is to hold C nats, neither less nor more. Without
    noise z = μ and the rate is β·KL, by fixed draws where it has no closed form.

    References
    ----------
    Kingma, Welling, "Auto-encoding variational Bayes", ICLR 2014; β: Higgins et al., "beta-VAE", ICLR 2017; free bits:
    Kingma et al., "Inverse autoregressive flow", NeurIPS 2016, equation 15; samples: Burda, Grosse, Salakhutdinov,
    "Importance weighted autoencoders", ICLR 2016, equation 8; capacity: Burgess et al., "Understanding disentangling in
    β-VAE", 2018, equation 8.

    Examples
    --------
    >>> import torch
    >>> module = Gaussian().build(2)
    >>> code = module(torch.tensor([[1.0, 2.0, 0.0, 0.0]]), noise=False)
    >>> code.z, code.rate
    (tensor([[1., 2.]]), tensor([2.5000]))
    """

    has_prior: ClassVar[bool] = True
    is_normal: ClassVar[bool] = True

    beta: float = knob(1.0, Number(0), "cost of one nat of KL divergence from the prior")
    free_bits: float = knob(0.0, Number(0), "nats per dimension that are not pushed down in training")
    samples: int = knob(1, SAMPLES, "draws per sample; above 1, the importance-weighted bound")
    groups: int = knob(1, GROUPS, "groups that the draws are in for the encoder; divides samples")
    plain: float = knob(0.0, PLAIN, "share of the bound of single draws in that of several")
    capacity: float = knob(0.0, Number(0), "nats that the code is held at in training; 0 for as few as pay")
    prior: Prior = knob(Normal(), Some("priors"), "density that codes are compared with, and drawn from")

    def width(self, n: int) -> int:
        """Return 2n: mean and log variance of each entry."""
        return 2 * n

    def build(self, n: int) -> GaussianModule:
        """Return the module that draws."""
        demand_none(self, *clashes(self), *self._clashes())
        self.bound.check("Gaussian")
        return GaussianModule(self, n)

    def _clashes(self) -> Iterator[Clash]:
        if self.samples > 1:
            yield Clash("capacity", "samples", "samples > 1, as the bound of several draws has no KL to hold")
        if self.free_bits > 0:
            yield Clash("capacity", "free_bits", "free_bits > 0, which holds the KL otherwise")

    @property
    def bound(self) -> Bound:
        """How several draws become one cost."""
        return Bound(self.samples, self.groups, self.plain)

    def equation(self) -> str:
        """Return the formula."""
        kl = f"KL(q(z|x) ‖ {self.prior.equation()})"
        if self.samples > 1:
            p = "p(z)" if isinstance(self.prior, Normal) else f"p(z), p = {self.prior.equation()}"
            return f"{self.beta:g}·log q(z|x)/{p}, the mean of {self.samples} draws inside −log mean exp(−loss)"
        if self.free_bits > 0:
            return f"{self.beta:g}·Σⱼ max({self.free_bits:g}, KL(q(zⱼ|x) ‖ N(0, 1)))"
        return f"{self.beta:g}·|{kl} − {self.capacity:g}|" if self.capacity > 0 else f"{self.beta:g}·{kl}"


class GaussianModule(LatentModule):
    """h (B, 2n) → code with draws z (K * B, n)."""

    part: Gaussian

    def __init__(self, part: Gaussian, n: int) -> None:
        super().__init__(part)
        self.prior = part.prior.build(n)

    def forward(self, h: Tensor, noise: bool) -> Code:
        return self._coded(h, noise, self.prior)

    def of(self, x: Tensor, h: Tensor, noise: bool) -> Code:
        return self._coded(h, noise, self.prior.of(x))

    def _coded(self, h: Tensor, noise: bool, prior: PriorModule) -> Code:
        mean, log_var = moments(h)  # (B, n) each
        kl = prior.kl(mean, log_var)  # (B, n), or None where there is no closed form
        info = {"log_var": log_var} if kl is None else {"log_var": log_var, "kl": kl}
        if not noise:
            cost = still(prior, mean, log_var) if kl is None else kl.sum(1)
            return Code(mean, mean, self.part.beta * cost, info)
        draws = self.part.samples
        eps = torch.randn(draws * len(h), mean.shape[1], dtype=h.dtype, device=h.device)
        if draws == 1 and kl is not None:
            rate = self.part.beta * self._held(floored(kl, self.part.free_bits).sum(1))
            return Code(torch.addcmul(mean, (0.5 * log_var).exp(), eps), mean, rate, info)
        if draws == 1:
            z, ratio = _drawn(prior, mean, log_var, eps)
            return Code(z, mean, self.part.beta * self._held(ratio), info)
        z, ratio, seen = self._several(prior, mean, log_var, eps)
        cost = ratio.view(draws, -1).mean(0) if kl is None else kl.sum(1)
        return Code(seen, mean, self.part.beta * cost, info | {"log_ratio": ratio, "draws": z})

    def closed(self, h: Tensor) -> Closed | None:
        part = self.part
        mean, log_var = moments(h)
        kl = self.prior.kl(mean, log_var)
        held = (part.free_bits, part.capacity) != (0, 0)
        if kl is None or part.samples > 1 or held or not isinstance(part.prior, Normal):
            return None
        eps, scale = torch.randn_like(mean), (0.5 * log_var).exp()

        def back(by_z: Tensor, share: Tensor | float) -> Tensor:
            cost = part.beta * share
            by_mean = torch.add(by_z, mean * cost)
            by_log_var = (by_z.mul_(eps).mul_(scale) + (scale.square() - 1).mul_(cost)).mul_(0.5)
            return torch.cat([by_mean, by_log_var.mul_(moments_slope(log_var))], 1)

        code = Code(torch.addcmul(mean, scale, eps), mean, part.beta * kl.sum(1), {"log_var": log_var, "kl": kl})
        return Closed(code, back)

    def _several(self, prior: PriorModule, mean: Tensor, log_var: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return codes z, log q(z|x) / p(z), and z as the bound sees it: the ratio's gradient comes by way of that."""
        z, mean, log_var = _repeated(mean, log_var, eps)
        seen, log_var = z.view_as(z), log_var.detach()
        eps = (seen - mean.detach()) * (-0.5 * log_var).exp()
        return z, prior.ratio(seen, eps, log_var), seen

    def _held(self, kl: Tensor) -> Tensor:
        """Return what averages to |KL − C|, of KL (B,), averaged over the batch."""
        capacity: float | Tensor = self.part.capacity
        if not isinstance(capacity, Tensor) and capacity == 0:
            return kl
        over = kl - capacity
        return over * over.detach().mean().sign()

    def bound(self, code: Code, distortion: Tensor) -> tuple[Tensor, Tensor, Code]:
        if len(distortion) == len(code.rate):
            return distortion, code.rate, code
        joined = self.part.bound.of(distortion, code.info["log_ratio"], self.part.beta, code.z)
        return *joined, replace(code, z=code.info["draws"])

    def draws(self, h: Tensor, count: int, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        mean, log_var = moments(h)
        eps = torch.randn(count * len(h), mean.shape[1], dtype=h.dtype, device=h.device)
        return _drawn(self.prior.given(condition), mean, log_var, eps)

    def sample(self, count: int) -> Tensor:
        return self.prior.sample(count)

    def attach(self, shape: Shape, encoder: nn.Module) -> None:
        self.prior.attach(shape, encoder)

    def begin(self, blocks: Iterable[Tensor]) -> None:
        self.prior.begin(blocks)


def still(prior: PriorModule, mean: Tensor, log_var: Tensor) -> Tensor:
    """Return the KL divergence (B,) of N(mean, exp(log_var)) from a prior, by fixed draws, the same for each sample.

    Examples
    --------
    >>> still(Normal().build(2), torch.zeros(1, 2), torch.zeros(1, 2)).abs().round(decimals=5)
    tensor([0.])
    """
    eps = torch.from_numpy(_fixed(mean.shape[1])).to(mean).repeat_interleave(len(mean), 0)
    return _drawn(prior, mean, log_var, eps)[1].view(_STILL, -1).mean(0)


def _drawn(prior: PriorModule, mean: Tensor, log_var: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """Return codes z and log q(z|x) / p(z) for eps (K * B, n)."""
    z, _, log_var = _repeated(mean, log_var, eps)
    return z, prior.ratio(z, eps, log_var)


def _repeated(mean: Tensor, log_var: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return codes for eps (K * B, n), and the moments that each is of."""
    draws = len(eps) // len(mean)
    mean, log_var = mean.repeat(draws, 1), log_var.repeat(draws, 1)
    return torch.addcmul(mean, (0.5 * log_var).exp(), eps), mean, log_var


@lru_cache
def _fixed(n: int) -> np.ndarray:
    """Return draws (16, n) whose moments up to the third are those of N(0, 1) in each entry."""
    half = np.random.default_rng(0).standard_normal((_STILL // 2, n))
    half /= np.sqrt(np.mean(half**2, 0))
    return np.concatenate([half, -half])

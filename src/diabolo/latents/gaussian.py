"""The variational code."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.check import Number, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule
from diabolo.part import knob

_WIDEST = 20.0  # |log variance| stays below it, so that no exponential overflows


@dataclass(frozen=True)
class Gaussian(Latent):
    """q(z|x) = N(μ, σ²) with μ, log σ² = h, at a cost of β·KL(q ‖ N(0, I)): the variational autoencoder.

    With `samples` K > 1 the loss is the importance-weighted bound,

        distortion + rate = -log 1/K Σₖ exp(-dₖ - β·log q(zₖ|x)/p(zₖ)),

    of which the rate is the weighted mean of the log ratios and the distortion the rest. While training, a dimension
    whose KL, averaged over the batch, lies below `free_bits` costs `free_bits` and is not pushed further down. Without
    noise z = μ and the rate is β·KL.

    References
    ----------
    Kingma, Welling, "Auto-encoding variational Bayes", ICLR 2014; β: Higgins et al., "beta-VAE", ICLR 2017; free bits:
    Kingma et al., "Inverse autoregressive flow", NeurIPS 2016, equation 15; samples: Burda, Grosse, Salakhutdinov,
    "Importance weighted autoencoders", ICLR 2016, equation 8.

    Examples
    --------
    >>> import torch
    >>> module = Gaussian().build(2)
    >>> code = module(torch.tensor([[1.0, 2.0, 0.0, 0.0]]), noise=False)
    >>> code.z, code.rate
    (tensor([[1., 2.]]), tensor([2.5000]))
    """

    has_prior: ClassVar[bool] = True

    beta: float = knob(1.0, Number(0), "cost of one nat of KL divergence from the prior")
    free_bits: float = knob(0.0, Number(0), "nats per dimension that are not pushed down in training")
    samples: int = knob(1, Whole(1, 1000), "draws per sample; above 1, the importance-weighted bound")

    def width(self, n: int) -> int:
        """Return 2n: mean and log variance of each entry."""
        return 2 * n

    def build(self, n: int) -> GaussianModule:
        """Return the module that draws."""
        if self.samples > 1 and self.free_bits > 0:
            raise ParameterError(
                f"Parameter 'free_bits' of Gaussian must be 0 where samples > 1, as the bound of several draws has no "
                f"KL per dimension; got {self.free_bits} with samples={self.samples}. Set one of the two back."
            )
        return GaussianModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        if self.samples > 1:
            return f"{self.beta:g}·log q(z|x)/p(z), the mean of {self.samples} draws inside −log mean exp(−loss)"
        if self.free_bits > 0:
            return f"{self.beta:g}·Σⱼ max({self.free_bits:g}, KL(q(zⱼ|x) ‖ N(0, 1)))"
        return f"{self.beta:g}·KL(q(z|x) ‖ N(0, I))"


class GaussianModule(LatentModule):
    """h (B, 2n) → code with draws z (K * B, n)."""

    part: Gaussian
    origin: Tensor

    def __init__(self, part: Gaussian, n: int) -> None:
        super().__init__(part)
        self.register_buffer("origin", torch.zeros(n), persistent=False)  # knows device and dtype for `sample`

    def forward(self, h: Tensor, noise: bool) -> Code:
        mean, log_var = h.chunk(2, 1)  # (B, n) each
        log_var = _WIDEST * torch.tanh(log_var / _WIDEST)
        kl = 0.5 * (mean.square() + log_var.exp() - 1 - log_var)  # (B, n)
        if not noise:
            return Code(mean, mean, self.part.beta * kl.sum(1), {"kl": kl})
        draws = self.part.samples
        eps = torch.randn(draws * len(h), mean.shape[1], dtype=h.dtype, device=h.device)
        rate = self.part.beta * self._floored(kl).sum(1)
        if draws == 1:
            return Code(torch.addcmul(mean, (0.5 * log_var).exp(), eps), mean, rate, {"kl": kl})
        z = mean.repeat(draws, 1) + (0.5 * log_var).exp().repeat(draws, 1) * eps  # (K * B, n)
        ratio = 0.5 * (z.square() - eps.square() - log_var.repeat(draws, 1)).sum(1)  # log q(z|x) / p(z): (K * B,)
        return Code(z, mean, rate, {"kl": kl, "log_ratio": ratio})

    def _floored(self, kl: Tensor) -> Tensor:
        """Return the KL of each dimension, `free_bits` where less on average: Kingma's equation 15, averaged."""
        least: float | Tensor = self.part.free_bits  # a tensor where members differ in it
        if not isinstance(least, Tensor) and least == 0:
            return kl
        floor = torch.as_tensor(least, dtype=kl.dtype, device=kl.device)
        return torch.where(kl.mean(0) < floor, floor, kl)

    def bound(self, code: Code, distortion: Tensor) -> tuple[Tensor, Tensor]:
        draws = len(distortion) // len(code.rate)
        if draws == 1:
            return distortion, code.rate
        ratio = self.part.beta * code.info["log_ratio"].view(draws, -1)  # (K, B)
        log_weight = -distortion.view(draws, -1) - ratio
        rate = (log_weight.softmax(0) * ratio).sum(0)  # (B,)
        bound = math.log(draws) - log_weight.logsumexp(0)
        return bound - rate, rate

    def sample(self, count: int) -> Tensor:
        return torch.randn(count, len(self.origin), dtype=self.origin.dtype, device=self.origin.device)

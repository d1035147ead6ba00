"""A penalty on entries of the code that depend on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.errors import ParameterError
from diabolo.flow import Batch, Output
from diabolo.latents import Latent
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty
from diabolo.priors.diagonal import LOG_2_PI

_LARGEST = 2**21  # numbers that are held at once; beyond it, fewer draws stand for all


@dataclass(frozen=True)
class TotalCorrelation(Penalty):
    """KL(q(z) ‖ Πⱼ q(zⱼ)), in nats, where q(z) = E q(z|x): the total correlation variational autoencoder, β-TCVAE.

    It asks for entries of the code that are independent of each other, and not, as a larger β would, for entries that
    tell less. With weight w and β = 1 the total correlation counts 1 + w times, which is what the paper calls β.

    Both densities are those of the mixture of the batch's posteriors, at a draw of each: minibatch-weighted sampling,
    with the batch in place of the data set, whose size a penalty does not know and which would shift the value, not
    the gradient. As the draw's own posterior is among so few, the estimate lies too high where codes are precise, the
    more so the smaller the batch.

    References
    ----------
    Chen, Li, Grosse, Duvenaud, "Isolating sources of disentanglement in variational autoencoders", NeurIPS 2018,
    equations 2 to 4.

    Examples
    --------
    >>> TotalCorrelation(5.0).equation()
    '5·KL(q(z) ‖ Πⱼ q(zⱼ))'
    """

    weight: float = knob(5.0, Number(0), "cost of one nat of total correlation")

    def check_latent(self, latent: Latent) -> None:
        """Raise ParameterError unless the posterior of a sample is normal."""
        if not latent.is_normal:
            raise ParameterError(
                "Parameter 'penalties' may hold TotalCorrelation only where codes have a mean and a variance each, as "
                f"those of latent=Gaussian() have; got latent={latent!r}. Use that one, or another penalty, such as "
                "MMD()."
            )

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the estimate for the batch ()."""
        mean, log_var = output.code.mean, output.code.info["log_var"]  # (B, n) each
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)  # its own draw: several of a code have weights
        every = math.ceil(len(z) * mean.numel() / _LARGEST)
        return self.weight * _total_correlation(z[::every], mean, log_var)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·KL(q(z) ‖ Πⱼ q(zⱼ))"


def _total_correlation(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Return the mean of log q(z) − Σⱼ log q(zⱼ) over draws z (D, n), where q is a mixture of B, mean (B, n)."""
    away = (z[:, None] - mean).square() * (-log_var).exp()
    log_q = -0.5 * (away + log_var + LOG_2_PI)  # (D, B, n)
    joint = log_q.sum(2).logsumexp(1) - math.log(len(mean))  # (D,)
    single = log_q.logsumexp(1) - math.log(len(mean))  # (D, n)
    return (joint - single.sum(1)).mean()

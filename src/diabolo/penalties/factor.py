"""A penalty on entries of the code that a critic sees go together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number, Whole
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.critic import Critic, critic_of
from diabolo.penalties.penalty import Encodes, Penalty


@dataclass(frozen=True)
class Factor(Penalty):
    """KL(q(z) ‖ Πⱼ q(zⱼ)) by the log odds of a critic: the total correlation of codes, as in FactorVAE.

    The critic learns to tell codes from codes of which each entry is that of another sample of the batch. Its log odds
    are an estimate of log q(z) / Πⱼ q(zⱼ), whatever the latent, and 0 where it cannot tell. Both learn at once, from
    one loss; the critic pays for its errors by a term whose value is 0.

    References
    ----------
    Kim, Mnih, "Disentangling by factorising", ICML 2018, equations 2 and 3 and algorithm 1.

    Examples
    --------
    >>> Factor(5.0).equation()
    '5·log c(z) / (1 − c(z)), c ≈ p(q(z) | z) against Πⱼ q(zⱼ)'
    """

    weight: float = knob(10.0, Number(0), "cost of one nat of total correlation")
    hidden: int = knob(64, Whole(1, 2**16), "width of the two hidden layers of the critic")

    def build(self, n: int) -> Critic:
        """Return the critic."""
        return Critic(n, self.hidden)

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the estimate per sample (B,)."""
        z, critic = output.code.z, critic_of(model, self)  # (K * B, n)
        permuted = z.detach().gather(0, torch.rand_like(z).argsort(0))
        together = critic.judged(z).view(-1, len(output.rate)).mean(0)
        return self.weight * together + critic.learning(z, permuted)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·log c(z) / (1 − c(z)), c ≈ p(q(z) | z) against Πⱼ q(zⱼ)"

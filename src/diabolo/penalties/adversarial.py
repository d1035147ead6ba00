"""A penalty on codes that a critic tells from a normal distribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.critic import Critic, critic_of
from diabolo.penalties.penalty import Encodes, Penalty

_CALM = 3.0  # cost of a squared slope of the critic


@dataclass(frozen=True)
class Adversarial(Penalty):
    """-log c(z), where a critic c learns to tell draws of N(0, I), c = 1, from codes, c = 0: adversarial autoencoders.

    Both learn at once, from one loss; the critic pays for its errors by a term whose value is 0. The penalty is log 2
    per unit of weight where the critic cannot tell, and more while it can.

    References
    ----------
    Makhzani et al., "Adversarial autoencoders", 2016, section 2.

    Examples
    --------
    >>> Adversarial(5.0).equation()
    '-5·log c(z), c ≈ p(N(0, I) | z)'
    """

    weight: float = knob(10.0, Number(0), "cost of one nat of what the critic tells of codes")
    hidden: int = knob(64, Whole(1, 2**16), "width of the two hidden layers of the critic")

    def build(self, n: int) -> Critic:
        """Return the critic."""
        return Critic(n, self.hidden)

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term per sample (B,)."""
        z, critic = output.code.z, critic_of(model, self)  # (K * B, n)
        away = F.softplus(-critic.judged(z)).view(-1, len(output.rate)).mean(0)
        return self.weight * away + critic.learning(torch.randn_like(z), z, _CALM)

    def equation(self) -> str:
        """Return the formula."""
        return f"-{self.weight:g}·log c(z), c ≈ p(N(0, I) | z)"

"""A penalty on the distance of the codes from a normal distribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty


@dataclass(frozen=True)
class MMD(Penalty):
    """The maximum mean discrepancy between the codes of a batch and N(0, I): the Wasserstein autoencoder.

    The kernel is the inverse multiquadratic one, k(a, b) = C / (C + ‖a − b‖²) with C = 2n. The estimate is unbiased, so
    it may lie a little below 0; a batch of one tells nothing and costs 0.

    References
    ----------
    Tolstikhin et al., "Wasserstein auto-encoders", ICLR 2018, algorithm 2 and section 4.

    Examples
    --------
    >>> MMD(5.0).equation()
    '5·MMD(z, N(0, I))'
    """

    weight: float = knob(10.0, Number(0), "cost of one unit of discrepancy")

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the estimate for the batch ()."""
        z = output.code.z
        if len(z) < 2:
            return z.new_zeros(())
        prior = torch.randn_like(z)
        return self.weight * (_alike(z) + _alike(prior) - 2 * _kernel(z, prior).mean())

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·MMD(z, N(0, I))"


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    scale = 2 * a.shape[1]
    squares = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T  # without roots: a gradient at 0 as well
    return scale / (scale + squares.clamp_min(0))


def _alike(a: Tensor) -> Tensor:
    count = len(a)
    return (_kernel(a, a).sum() - count) / (count * (count - 1))  # the mean over all pairs of two different rows

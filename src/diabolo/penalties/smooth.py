"""A penalty on the slope of the decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vjp

from diabolo.check import Number
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.contractive import twice_differentiable
from diabolo.penalties.penalty import Encodes, Penalty


@dataclass(frozen=True)
class Smooth(Penalty):
    """‖∂D(z)/∂z‖² at the codes of the batch: codes that are near each other are decoded alike.

    The squared norm of the Jacobian of the decoder's params is estimated without bias from one random projection, as
    that of `Contractive` is.

    References
    ----------
    Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, section 3 (RAE-GP).

    Examples
    --------
    >>> Smooth(0.1).equation()
    '0.1·‖∂D(z)/∂z‖²'
    """

    weight: float = knob(1e-3, Number(0), "cost of the squared norm of the Jacobian")

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the estimate per sample (B,), which has a value, but no gradient, where gradients are off."""
        with twice_differentiable(model.decoder):
            params, *pull = vjp(model.decode, output.code.z[: len(batch.x)])
            (slope,) = pull[0](torch.randn_like(params).sign())  # vᵀJ: (B, n)
        return self.weight * slope.square().sum(1)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·‖∂D(z)/∂z‖²"

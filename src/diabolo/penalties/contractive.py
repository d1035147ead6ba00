"""A penalty on the slope of the encoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import vjp

from diabolo.check import Number
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty
from diabolo.sparse import dense


@dataclass(frozen=True)
class Contractive(Penalty):
    """‖∂z/∂x‖² of the uncorrupted x: what moves x a little should hardly move the code.

    The squared norm of the Jacobian is estimated without bias from one random projection, E ‖vᵀJ‖² = ‖J‖² for v of
    random signs, which costs one further pass through the encoder and back instead of n.

    References
    ----------
    Rifai et al., "Contractive auto-encoders", ICML 2011, equation 2; Hutchinson, "A stochastic estimator of the trace
    of the influence matrix", 1990.

    Examples
    --------
    >>> Contractive(0.1).equation()
    '0.1·‖∂z/∂x‖²'
    """

    weight: float = knob(1e-2, Number(0), "cost of the squared norm of the Jacobian")

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the estimate per sample (B,), which has a value, but no gradient, where gradients are off."""
        with twice_differentiable(model.encoder):
            z, *pull = vjp(lambda x: model.encode(x).mean, dense(batch.x))
            (slope,) = pull[0](torch.randn_like(z).sign())  # vᵀJ: (B, *shape)
        return self.weight * slope.flatten(1).square().sum(1)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·‖∂z/∂x‖²"


@contextmanager
def twice_differentiable(net: nn.Module) -> Iterator[None]:
    """Keep to kernels whose gradient has a gradient: cuDNN's recurrence has none."""
    before = torch.backends.cudnn.enabled
    if any(isinstance(module, nn.RNNBase) for module in net.modules()):
        torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = before

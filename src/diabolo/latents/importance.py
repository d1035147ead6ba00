"""The importance-weighted bound: what several draws of a code cost together, and what the encoder learns from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from diabolo.check import Number, Whole
from diabolo.errors import ParameterError

SAMPLES, GROUPS, PLAIN = Whole(1, 1000), Whole(1, 1000), Number(0, 1)

_STEEPEST = 60.0  # log of what gradients of draws are multiplied by, at most: float32 ends at 88


@dataclass(frozen=True)
class Bound:
    """How K draws of a code become one cost, c·mean (d + r) + (1 − c)·(−log mean exp(−d − r)).

    Decoder and prior follow its gradient. The encoder does so by way of the draws alone, which has less noise and the
    same mean: the weight of a draw then comes in squared (w − β·w·(1 − w) where a nat of rate costs β), and where there
    are several groups it is the draw's weight within its group, the mean of whose bounds is looser but tells an encoder
    more.

    Parameters
    ----------
    samples : int
        Draws, K.
    groups : int
        Groups they are in for the encoder; divides K.
    plain : float
        Share c of the mean, the bound of one draw.

    References
    ----------
    Burda, Grosse, Salakhutdinov, "Importance weighted autoencoders", ICLR 2016; groups (PIWAE) and share (CIWAE):
    Rainforth et al., "Tighter variational bounds are not necessarily better", ICML 2018, section 4; squared weights:
    Tucker et al., "Doubly reparameterized gradient estimators for Monte Carlo objectives", ICLR 2019, equation 8.

    Examples
    --------
    >>> import torch
    >>> Bound(samples=2).of(torch.tensor([1.0, 2.0, 1.0, 9.0]), torch.zeros(4), 1.0)[0]
    tensor([1.0000, 2.6922])
    """

    samples: int = 1
    groups: int = 1
    plain: float = 0.0

    def check(self, owner: str) -> None:
        """Raise ParameterError if draws do not fall into groups; `owner` is the part they are knobs of."""
        if self.samples % self.groups:
            raise ParameterError(
                f"Parameter 'groups' of {owner} must divide samples, {self.samples}; got {self.groups}. Choose another "
                f"number, or samples={self.groups * max(1, self.samples // self.groups)}."
            )

    def of(self, distortion: Tensor, ratio: Tensor, beta: float, z: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return distortion (B,) and rate (B,) of draws (K * B,), whose log ratios (K * B,) cost `beta` a nat.

        Of the draws' codes z (K * B, n), by way of which alone the log ratios must depend on the encoder, the gradient
        is turned. Without z it is that of the bound.
        """
        d, r = distortion.view(self.samples, -1), beta * ratio.view(self.samples, -1)  # (K, B)
        log_weight = -d - r
        rate = (log_weight.softmax(0) * r).sum(0)
        bound = math.log(self.samples) - log_weight.logsumexp(0)
        if z is not None and z.requires_grad:
            factor = self._factor(log_weight.detach(), beta).reshape(-1, 1)
            z.register_hook(lambda slope: slope * factor)
        if self.plain:
            bound = self.plain * (d + r).mean(0) + (1 - self.plain) * bound
            rate = self.plain * r.mean(0) + (1 - self.plain) * rate
        return bound - rate, rate

    def _factor(self, log_weight: Tensor, beta: float) -> Tensor:
        """Return what the gradient of each draw is multiplied by on its way to the encoder, (K, B)."""
        log_share = log_weight.log_softmax(0)  # what the decoder's gradient is multiplied by, but for c
        log_inside = log_weight.view(self.groups, -1, log_weight.shape[1]).log_softmax(1).view_as(log_share)
        inside = log_inside.exp()
        wanted = (1 - beta + beta * inside) / self.groups  # times inside
        if not self.plain:
            return wanted * (log_inside - log_share).clamp_max(_STEEPEST).exp()
        even = self.plain / self.samples
        return ((1 - self.plain) * wanted * inside + even) / ((1 - self.plain) * log_share.exp() + even)

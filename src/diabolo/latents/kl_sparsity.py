"""A sparse code by a target for the mean activation."""

import math
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number
from diabolo.flow import Code
from diabolo.latents.latent import Weightless
from diabolo.part import knob


@dataclass(frozen=True)
class KLSparsity(Weightless):
    """z = sigmoid(h), at a cost for each entry whose mean over the batch is not `rho`.

    The cost belongs to the batch, not to a sample: each sample of a batch is charged the same.

    References
    ----------
    Ng, "Sparse autoencoder", CS294A lecture notes, 2011, section 3.

    Examples
    --------
    >>> import torch
    >>> code = KLSparsity(rho=0.5).code(torch.zeros(2, 3), noise=False)
    >>> code.z[0], code.rate
    (tensor([0.5000, 0.5000, 0.5000]), tensor([0., 0.]))
    """

    rho: float = knob(0.05, Number(0, 1, open_low=True, open_high=True), "mean activation to aim at")
    weight: float = knob(1.0, Number(0), "cost of one nat away from it")

    def code(self, h: Tensor, noise: bool) -> Code:
        """Return sigmoid(h) and its cost."""
        z, rho = h.sigmoid(), self.rho
        log_on = F.logsigmoid(h).logsumexp(0) - math.log(len(h))  # log of the mean of z: (n,), finite however large h
        log_off = F.logsigmoid(-h).logsumexp(0) - math.log(len(h))
        kl = rho * (math.log(rho) - log_on) + (1 - rho) * (math.log1p(-rho) - log_off)
        return Code(z, z, (self.weight * kl.sum().clamp_min(0)).expand(len(h)))

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·Σⱼ KL({self.rho:g} ‖ z̄ⱼ)"

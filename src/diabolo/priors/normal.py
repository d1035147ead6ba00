"""The standard normal prior."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.priors.diagonal import LOG_2_PI
from diabolo.priors.prior import Prior, PriorModule


@dataclass(frozen=True)
class Normal(Prior):
    """p(z) = N(0, I): nothing to learn, and every KL divergence in closed form.

    References
    ----------
    Kingma, Welling, "Auto-encoding variational Bayes", ICLR 2014, appendix B.

    Examples
    --------
    >>> Normal().build(2).log_density(torch.zeros(1, 2)).round(decimals=4)
    tensor([-1.8379])
    """

    def build(self, n: int) -> PriorModule:
        """Return the module."""
        return _NormalModule(n)

    def equation(self) -> str:
        """Return the formula."""
        return "N(0, I)"


class _NormalModule(PriorModule):
    origin: Tensor

    def __init__(self, n: int) -> None:
        super().__init__()
        self.register_buffer("origin", torch.zeros(n), persistent=False)  # knows device and dtype for `sample`

    def log_density(self, z: Tensor) -> Tensor:
        return -0.5 * (z.square() + LOG_2_PI).sum(1)

    def sample(self, count: int) -> Tensor:
        return torch.randn(count, len(self.origin), dtype=self.origin.dtype, device=self.origin.device)

    def kl(self, mean: Tensor, log_var: Tensor) -> Tensor:
        return 0.5 * (mean.square() + log_var.exp() - 1 - log_var)

    def ratio(self, z: Tensor, eps: Tensor, log_var: Tensor) -> Tensor:
        return 0.5 * (z.square() - eps.square() - log_var).sum(1)

    def solve(self, codes: Tensor, held_out: Tensor, seed: int) -> bool:
        return True  # white codes have the moments of N(0, I) already

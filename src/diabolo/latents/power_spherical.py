"""Distributions on the unit sphere that can be drawn from with a gradient, and have closed forms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Dirichlet
from torch.nn import functional as F

_LEAST = 1e-30  # what a root or a logarithm is taken of, at least: there its slope is finite


@dataclass(frozen=True)
class PowerSpherical:
    """q(z) ∝ (1 + μᵀz)^κ for each of B directions μ: as von Mises and Fisher's, but drawn without rejections.

    Ratios and divergences are those to the uniform distribution p, in nats. They are sums of large numbers that nearly
    cancel, and so are computed in float64 where the device has it.

    Parameters
    ----------
    mu : Tensor (B, n)
        Of length 1; n is at least 2.
    kappa : Tensor (B,)
        How concentrated: 0 is uniform.

    References
    ----------
    De Cao, Aziz, "The power spherical distribution", 2020, equations 8 to 20 and algorithm 1.

    Examples
    --------
    >>> mu = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    >>> PowerSpherical(mu, torch.tensor([0.0, 9.0])).divergence().round(decimals=3)
    tensor([0.0000, 1.1990])
    """

    mu: Tensor
    kappa: Tensor

    def divergence(self) -> Tensor:
        """Return KL(q ‖ p) (B,)."""
        kappa, beta = self._precise(self.kappa), self._beta
        alpha = kappa + beta
        log_away = alpha.digamma() - (alpha + beta).digamma()  # E log ½(1 + μᵀz)
        return (kappa * log_away + self._scale(kappa)).to(self.mu.dtype)

    def log_ratio(self, z: Tensor) -> Tensor:
        """Return log q(z) / p(z) (B,) of codes z (B, n)."""
        return self._ratio((1 + self._precise((self.mu * z).sum(1))).clamp_min(_LEAST) / 2)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Draw z (B, n); return it and log q(z) / p(z) (B,).

        ½(1 + μᵀz) has a beta distribution; what is left is uniform around the pole, and is then reflected to μ. Of the
        two poles it is the one farther from μ, so that the reflection is smooth.
        """
        kappa = self._precise(self.kappa)
        weights = torch.stack([kappa + self._beta, torch.full_like(kappa, self._beta)], 1)
        near, far = Dirichlet(weights, validate_args=False).rsample().unbind(1)  # ½(1 + μᵀz) and ½(1 − μᵀz)
        near, far = near.clamp_min(_LEAST), far.clamp_min(_LEAST)
        side = torch.where(self.mu[:, :1] > 0, -1.0, 1.0).to(self.mu.dtype)  # (B, 1)
        around = F.normalize(torch.randn_like(self.mu[:, 1:]), dim=1)
        out = 2 * near.sqrt() * far.sqrt()
        along = torch.cat([side * (near - far)[:, None].to(side.dtype), out[:, None].to(side.dtype) * around], 1)
        normal = torch.cat([side - self.mu[:, :1], -self.mu[:, 1:]], 1)  # of the mirror between pole and μ
        z = along - 2 * normal * (normal * along).sum(1, keepdim=True) / normal.square().sum(1, keepdim=True)
        return z, self._ratio(near)

    @property
    def _beta(self) -> float:
        return (self.mu.shape[1] - 1) / 2

    def _precise(self, value: Tensor) -> Tensor:
        return value if value.device.type == "mps" else value.double()

    def _ratio(self, near: Tensor) -> Tensor:
        """Return log q(z) / p(z) where ½(1 + μᵀz) is `near`, in [0, 1]."""
        kappa = self._precise(self.kappa)
        return (kappa * near.log() + self._scale(kappa)).to(self.mu.dtype)

    def _scale(self, kappa: Tensor) -> Tensor:
        """Return log q(μ) / p(μ), as ½(1 + μᵀz) has the distribution beta(κ + β, β) under q and beta(β, β) under p."""
        alpha, beta = kappa + self._beta, self._beta
        return (alpha + beta).lgamma() - alpha.lgamma() + math.lgamma(beta) - math.lgamma(2 * beta)

"""The variational code on a sphere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number
from diabolo.errors import ParameterError
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule
from diabolo.latents.power_spherical import PowerSpherical
from diabolo.part import knob

_WIDEST = 15.0  # |log concentration per dimension| stays below it, as far as draws can be told apart
_FIRST = 2.0  # log concentration per dimension for h = 0: draws at a mean cosine of .88, which tell of μ from the start
_LEAST = 1e-30  # an h all of whose numbers are smaller has no direction


@dataclass(frozen=True)
class Hyperspherical(Latent):
    """q(z|x) ∝ (1 + μᵀz)^κ on the unit sphere, with direction μ and log κ from h, at a cost of β·KL(q ‖ uniform).

    Codes have a direction and no length, for data on closed curves and surfaces, and for codes that are compared by
    their cosine; the prior is uniform, so that no centre draws codes together. The posterior is the power spherical
    distribution, which is drawn from without rejections and whose divergence is exact, in place of von Mises and
    Fisher's of the reference. `Code.info` holds the divergence as "kl" (B, n), in equal shares, as no entry has one of
    its own. Without noise z = μ.

    References
    ----------
    Davidson, Falorsi, De Cao, Kipf, Tomczak, "Hyperspherical variational auto-encoders", UAI 2018; posterior: De Cao,
    Aziz, "The power spherical distribution", 2020.

    Examples
    --------
    >>> import torch
    >>> code = Hyperspherical().build(2)(torch.tensor([[3.0, 4.0, 0.0]]), noise=False)
    >>> code.z, code.rate.round(decimals=4)
    (tensor([[0.6000, 0.8000]]), tensor([1.1007]))
    """

    has_prior: ClassVar[bool] = True

    beta: float = knob(1.0, Number(0), "cost of one nat of KL divergence from the uniform distribution")

    def width(self, n: int) -> int:
        """Return n + 1: a direction, and how concentrated the code is around it."""
        return n + 1

    def build(self, n: int) -> HypersphericalModule:
        """Return the module that draws."""
        if n < 2:
            raise ParameterError(
                f"Parameter 'n_components' must be at least 2 for Hyperspherical, as a sphere of one dimension is two "
                f"points; got {n}. Choose 2, which is a circle, or latent=Gaussian()."
            )
        return HypersphericalModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.beta:g}·KL(q(z|x) ‖ U(‖z‖ = 1))"


class HypersphericalModule(LatentModule):
    """h (B, n + 1) → code with one draw z (B, n)."""

    part: Hyperspherical
    origin: Tensor

    def __init__(self, part: Hyperspherical, n: int) -> None:
        super().__init__(part)
        self.register_buffer("origin", torch.zeros(n), persistent=False)  # knows device and dtype for `sample`

    def forward(self, h: Tensor, noise: bool) -> Code:
        posterior = self._posterior(h)
        kl = posterior.divergence()
        z = posterior.draw()[0] if noise else posterior.mu
        shares = (kl / z.shape[1])[:, None].expand_as(z)
        return Code(z, posterior.mu, self.part.beta * kl, {"kl": shares})

    def draws(self, h: Tensor, count: int, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._posterior(h.repeat(count, 1)).draw()

    def sample(self, count: int) -> Tensor:
        return F.normalize(torch.randn(count, len(self.origin), dtype=self.origin.dtype, device=self.origin.device))

    def _posterior(self, h: Tensor) -> PowerSpherical:
        away, log_kappa = h[:, :-1], h[:, -1]
        log_kappa = _WIDEST * torch.tanh((log_kappa + _FIRST) / _WIDEST)
        return PowerSpherical(_direction(away), (away.shape[1] - 1) * log_kappa.exp())


def _direction(away: Tensor) -> Tensor:
    """Return vectors (B, n) of length 1; those without a direction get the first."""
    longest = away.detach().abs().amax(1, keepdim=True)
    pole = torch.zeros_like(away)
    pole[:, 0] = 1
    return F.normalize(torch.where(longest > _LEAST, away / longest.clamp_min(_LEAST), pole), dim=1)

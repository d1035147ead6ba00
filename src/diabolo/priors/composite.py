"""The prior that remembers what an older encoder said of the same sample."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diabolo.check import Number
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Shape
from diabolo.part import knob
from diabolo.priors.diagonal import LOG_2_PI, moments
from diabolo.priors.prior import Prior, PriorModule

_KNOWN = 0.6
"""Share of N(0, 1) in what is not the older posterior; the wide distribution has the rest."""

_WIDE = 10.0
"""Log variance that the wide distribution starts with."""


@dataclass(frozen=True)
class Composite(Prior):
    """p(zⱼ|x) = ω·q̄(zⱼ|x) + (1 − ω)·(0.6·N(0, 1) + 0.4·N(0, s²)), q̄ being the posterior by an older encoder.

    So that what was learned of a sample is not forgotten at once, an encoder is held near to what it said before: the
    older one is its running mean over some steps, and sees the sample uncorrupted. The width s is learned, from e⁵ on.
    It lives in a model: ``Recipe(latent=Gaussian(prior=Composite()))``. Where the sample is not known, as when codes
    are drawn, ω is 0. The model file holds both encoders.

    References
    ----------
    Shenbin et al., "RecVAE", WSDM 2020, section 3.3, where the older encoder is that of the epoch before, and s = e⁵.

    Examples
    --------
    >>> from diabolo.latents import Gaussian
    >>> from diabolo.model import Recipe
    >>> model = Recipe(latent=Gaussian(prior=Composite())).build((5,), 2)
    >>> model.sample(3).shape
    torch.Size([3, 5])
    """

    older: float = knob(0.75, Number(0, 1, open_high=True), "weight ω of what the older encoder says")
    pace: float = knob(0.05, Number(0, 1), "share of the way to the present encoder that the older one goes at a step")

    def build(self, n: int) -> PriorModule:
        """Return the module, to be attached to an encoder."""
        return _CompositeModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.older:g}·q̄(z|x) + {1 - self.older:g}·({_KNOWN:g}·N(0, I) + {1 - _KNOWN:g}·N(0, s²))"


class _CompositeModule(PriorModule):
    """The prior of codes whose samples are not known; `of` is that of codes of known ones."""

    def __init__(self, part: Composite, n: int) -> None:
        super().__init__()
        self.part, self.n = part, n
        self.log_var = nn.Parameter(torch.full((1,), _WIDE))
        self.older: nn.Module | None = None
        self._encoder: tuple[nn.Module, ...] = ()  # a tuple: its weights are the model's, not the prior's

    def attach(self, shape: Shape, encoder: nn.Module) -> None:
        self.older, self._encoder = copy.deepcopy(encoder).requires_grad_(False), (encoder,)

    def of(self, x: Tensor) -> PriorModule:
        older = self._followed()
        with torch.no_grad():
            mean, log_var = moments(older(x)[0].to(self.log_var))
        return _KnownModule(self, mean, log_var)

    def log_density(self, z: Tensor) -> Tensor:
        return torch.logaddexp(*self.normals(z)).sum(1)

    def normals(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logarithms of 0.6·N(zⱼ; 0, 1) and of 0.4·N(zⱼ; 0, s²), (B, n) each."""
        shares = torch.tensor([_KNOWN, 1 - _KNOWN]).log().tolist()
        return shares[0] + _log_normal(z, torch.zeros_like(z)), shares[1] + _log_normal(z, self.log_var)

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        z = torch.randn(count, self.n, dtype=self.log_var.dtype, device=self.log_var.device)
        return torch.where(torch.rand_like(z) < _KNOWN, z, z * (0.5 * self.log_var).exp())

    def solve(self, codes: Tensor, held_out: Tensor, seed: int) -> bool:
        raise ParameterError(
            "Parameter 'prior' cannot be Composite where a density is fitted to codes, as it needs the encoder in "
            "training; choose Mixture() or Flow(), or train a model with latent=Gaussian(prior=Composite())."
        )

    @torch.no_grad()
    def _followed(self) -> nn.Module:
        """Return the older encoder, in training once it has made its step."""
        if self.older is None:
            raise CapabilityError(
                "Composite asks an older copy of a model's encoder, and has none here; build it in a model, by "
                "Recipe(latent=Gaussian(prior=Composite())).build(shape, n)."
            )
        if self.training:
            for kept, now in zip(self.older.parameters(), self._encoder[0].parameters(), strict=True):
                kept.add_(now - kept, alpha=self.part.pace)
        return self.older


class _KnownModule(PriorModule):
    """The density of codes of samples whose older posteriors are known, mean and log variance (B, n)."""

    def __init__(self, whole: _CompositeModule, mean: Tensor, log_var: Tensor) -> None:
        super().__init__()
        self.whole, self.mean, self.log_var = (whole,), mean, log_var  # a tuple: no second owner of its weights

    def log_density(self, z: Tensor) -> Tensor:
        whole, draws = self.whole[0], len(z) // len(self.mean)
        away, log_var = z - self.mean.repeat(draws, 1), self.log_var.repeat(draws, 1)
        shares = torch.tensor([1 - whole.part.older, whole.part.older]).log().tolist()
        others = shares[0] + torch.logaddexp(*whole.normals(z))
        return torch.logaddexp(others, shares[1] + _log_normal(away, log_var)).sum(1)


def _log_normal(away: Tensor, log_var: Tensor) -> Tensor:
    """Return log N (B, n) at a distance `away` from the mean."""
    return -0.5 * (away.square() * (-log_var).exp() + log_var + LOG_2_PI)

"""The prior of pseudo-inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diabolo.check import Whole
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Shape
from diabolo.part import knob
from diabolo.priors.diagonal import log_densities, moments
from diabolo.priors.prior import Prior, PriorModule


@dataclass(frozen=True)
class VampPrior(Prior):
    """p(z) = 1/K Σₖ q(z|uₖ): the mean posterior of K learned pseudo-inputs, by the model's own encoder.

    The best prior is the mean posterior of all training samples; this is what K of their kind can do for it. It lives
    in a model, whose encoder it reads: ``Recipe(latent=Gaussian(prior=VampPrior()))``. Where the model has a condition,
    the pseudo-inputs have none.

    References
    ----------
    Tomczak, Welling, "VAE with a VampPrior", AISTATS 2018, equations 9 and 10.

    Examples
    --------
    >>> from diabolo.latents import Gaussian
    >>> from diabolo.model import Recipe
    >>> model = Recipe(latent=Gaussian(prior=VampPrior(20))).build((5,), 2)
    >>> model.sample(3).shape
    torch.Size([3, 5])
    """

    inputs: int = knob(500, Whole(1, 2**20), "pseudo-inputs, each as large as a sample")

    def build(self, n: int) -> PriorModule:
        """Return the module, to be attached to an encoder."""
        return _VampModule(self)

    def equation(self) -> str:
        """Return the formula."""
        return f"1/{self.inputs} Σₖ q(z|uₖ)"


class _VampModule(PriorModule):
    inputs: nn.Parameter | None

    def __init__(self, part: VampPrior) -> None:
        super().__init__()
        self.count = part.inputs
        self.register_parameter("inputs", None)
        self._encoder: tuple[nn.Module, ...] = ()  # a tuple: its weights are the model's, not the prior's

    def attach(self, shape: Shape, encoder: nn.Module) -> None:
        self.inputs = nn.Parameter(torch.randn(self.count, *shape))
        self._encoder = (encoder,)

    @torch.no_grad()
    def begin(self, blocks: Iterable[Tensor]) -> None:
        """Take samples at even distances, each a little moved: two that are equal would stay so."""
        inputs, _ = self._attached()
        x = torch.cat([block.to(inputs) for block in blocks])
        places = torch.linspace(0, len(x) - 1, self.count).round().long()
        noise = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(0))
        inputs.copy_(x[places.to(x.device)]).add_(noise.to(inputs), alpha=0.01)

    def log_density(self, z: Tensor) -> Tensor:
        mean, log_var = self._posteriors(z.dtype)
        return log_densities(z, mean, log_var).logsumexp(1) - math.log(self.count)

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        mean, log_var = self._posteriors()
        which = torch.randint(self.count, (count,), device=mean.device)
        return mean[which] + (0.5 * log_var[which]).exp() * torch.randn_like(mean[which])

    def solve(self, codes: Tensor, held_out: Tensor, seed: int) -> bool:
        raise ParameterError(
            "Parameter 'prior' cannot be VampPrior where a density is fitted to codes, as it needs the encoder in "
            "training; choose Mixture() or Flow(), or train a model with latent=Gaussian(prior=VampPrior())."
        )

    def _posteriors(self, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
        """Return mean and log variance (K, n) of the pseudo-inputs, as the encoder now has them."""
        inputs, encoder = self._attached()
        return moments(encoder(inputs)[0].to(dtype or inputs.dtype))

    def _attached(self) -> tuple[nn.Parameter, nn.Module]:
        if self.inputs is None:
            raise CapabilityError(
                "VampPrior encodes its pseudo-inputs by a model's encoder, and has none here; build it in a model, by "
                "Recipe(latent=Gaussian(prior=VampPrior())).build(shape, n)."
            )
        return self.inputs, self._encoder[0]

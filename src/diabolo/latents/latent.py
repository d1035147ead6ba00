"""What a latent is: it turns the encoder's output h into a code, and says what the code costs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn

from diabolo.errors import CapabilityError
from diabolo.flow import Code, Shape
from diabolo.part import Part


class Latent(Part, role="latents"):
    """From the encoder's output h (B, width) to a `Code`."""

    has_prior: ClassVar[bool] = False
    """True where codes can be drawn from nothing, with `LatentModule.sample`."""

    def width(self, n: int) -> int:
        """Return how many numbers per sample the encoder must give for a code of `n`."""
        return n

    @abstractmethod
    def build(self, n: int) -> LatentModule:
        """Return the module that does the work, for codes of size `n`.

        Raises
        ------
        ParameterError
            If a code of this size cannot be made.
        """

    @abstractmethod
    def equation(self) -> str:
        """Return the rate as a formula, "0" if the code is free."""


class LatentModule(nn.Module):
    """The machine behind a latent. It reads its hyperparameters from `part`, which annealing may revise."""

    def __init__(self, part: Latent) -> None:
        super().__init__()
        self.part = part

    def forward(self, h: Tensor, noise: bool) -> Code:
        """Make the code of h (B, width); without `noise`, z is the deterministic code."""
        raise NotImplementedError

    def bound(self, code: Code, distortion: Tensor) -> tuple[Tensor, Tensor]:
        """Join the distortions (K * B,) of K draws with the code into distortion (B,) and rate (B,)."""
        return distortion, code.rate

    def sample(self, count: int) -> Tensor:
        """Draw `count` codes (count, n) from the prior.

        Raises
        ------
        CapabilityError
            If the latent has no prior.
        """
        raise CapabilityError(
            f"{type(self.part).__name__} has no prior to draw codes from; use latent=Gaussian() to generate."
        )

    def draws(self, h: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Draw `count` codes of each sample from q(z|x), given h (B, width): z (count * B, n), and log q(z|x) / p(z).

        Draw k of sample b is row ``k * B + b``; the log ratios (count * B,) are in nats, whatever a nat costs.

        Raises
        ------
        CapabilityError
            If the latent has no densities.
        """
        raise CapabilityError(
            f"{type(self.part).__name__} has no densities of codes; use latent=Gaussian() for likelihoods of samples."
        )

    def attach(self, shape: Shape, encoder: nn.Module) -> None:
        """Tell the latent of the encoder that it follows, for samples of `shape`; few need it."""

    def begin(self, blocks: Iterable[Tensor]) -> None:
        """Start at scaled training samples, in blocks (B, *shape), where the latent keeps some of their kind."""


class Weightless(Latent, role="latents"):
    """A latent without weights or memory: one function."""

    def build(self, n: int) -> LatentModule:
        """Return the module that calls `code`."""
        self.check_size(n)
        return _Function(self)

    def check_size(self, n: int) -> None:
        """Raise ParameterError if a code of size `n` cannot be made; any size can by default."""

    @abstractmethod
    def code(self, h: Tensor, noise: bool) -> Code:
        """Make the code of h (B, width); without `noise`, z is the deterministic code."""


class _Function(LatentModule):
    part: Weightless

    def forward(self, h: Tensor, noise: bool) -> Code:
        return self.part.code(h, noise)

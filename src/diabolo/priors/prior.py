"""What a prior is: a density of codes, from which codes can be drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from torch import Tensor, nn

from diabolo.flow import Shape
from diabolo.part import Part
from diabolo.priors.diagonal import LOG_2_PI


class Prior(Part, role="priors"):
    """A density p(z) of codes: trained with the autoencoder, or fitted to its codes afterwards."""

    @abstractmethod
    def build(self, n: int) -> PriorModule:
        """Return the module that computes the density, for codes of size `n`.

        Raises
        ------
        ParameterError
            If there is none for codes of this size.
        """

    @abstractmethod
    def equation(self) -> str:
        """Return the density as a formula, such as "N(0, I)"."""


class PriorModule(nn.Module):
    """The machine behind a prior."""

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z) in nats (B,), exact and normalised, for codes z (B, n)."""
        raise NotImplementedError

    def sample(self, count: int) -> Tensor:
        """Draw `count` codes (count, n)."""
        raise NotImplementedError

    def kl(self, mean: Tensor, log_var: Tensor) -> Tensor | None:
        """Return KL(N(mean, exp(log_var)) ‖ p) per dimension (B, n), or None where it has no closed form."""
        return None

    def ratio(self, z: Tensor, eps: Tensor, log_var: Tensor) -> Tensor:
        """Return log N(z; z − σ·eps, σ²) / p(z) (B,) for draws z (B, n), made of standard normal eps (B, n)."""
        return -0.5 * (eps.square() + log_var + LOG_2_PI).sum(1) - self.log_density(z)

    def given(self, condition: Tensor | None) -> PriorModule:
        """Return the density for samples of which this is known, (B, C); itself, where that is of no account.

        Of K draws of codes for each sample, row ``k * B + b`` belongs to sample b.
        """
        return self

    def of(self, x: Tensor) -> PriorModule:
        """Return the density for the codes of samples x (B, *shape), uncorrupted; itself, where they are of no account.

        Of K draws of codes for each sample, row ``k * B + b`` belongs to sample b.
        """
        return self

    def attach(self, shape: Shape, encoder: nn.Module) -> None:
        """Tell the prior of its model's encoder, for samples of `shape`; few priors need it."""

    def begin(self, blocks: Iterable[Tensor]) -> None:
        """Start at scaled training samples, in blocks (B, *shape), where the prior keeps some of their kind."""

    def solve(self, codes: Tensor, held_out: Tensor, seed: int) -> bool:
        """Set the weights to fit whitened `codes` (N, n), and tell whether that can be done without gradients.

        Raises
        ------
        ParameterError
            If this prior cannot be fitted to such codes.
        """
        return False

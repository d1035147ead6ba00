"""What a likelihood is: how far a sample lies from what the decoder says."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from torch import Tensor

from diabolo.flow import Shape
from diabolo.part import Part
from diabolo.sparse import dense

Domain = Literal["real", "unit", "counts", "one-hot"]
"""What a column may hold: any number, a number in [0, 1], a count, or a 0/1 indicator of a category."""


class Likelihood(Part, role="likelihoods"):
    """p(x | params), as numbers per element that sum to -log p up to a stated constant."""

    domain: ClassVar[Domain] = "real"
    """What the target may hold; the readers scale the user's data into it."""

    begins_with_mean: ClassVar[bool] = False
    """True where the first channels of the params are the expected target itself, so that PCA is a good start."""

    tells_noise: ClassVar[bool] = True
    """False where its draws have noise that neither the decoder tells nor the data decided."""

    def domains(self, channels: int) -> tuple[Domain, ...]:
        """Return what each channel (column) of the target may hold."""
        return (self.domain,) * channels

    def shape(self, shape: Shape) -> Shape:
        """Return the shape of one sample's params, for a sample of `shape`.

        Raises
        ------
        ParameterError
            If this likelihood cannot describe samples of this shape.
        """
        return shape

    @abstractmethod
    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return -log p per element (B, *shape), from params (B, *self.shape(shape)) and target (B, *shape)."""

    def total(self, params: Tensor, target: Tensor, share: Tensor | None = None) -> Tensor:
        """Return the distortion of each sample (B,), each element times its `share` (B, *shape) if there is one.

        The target may be sparse (B, I).
        """
        each = self.distortion(params, dense(target))
        return (each if share is None else each * share).flatten(1).sum(1)

    def slope(self, params: Tensor, target: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the distortion and its gradient by the params, per element, or None to leave that to autograd.

        Likelihoods whose gradient is one subtraction give it here: small nets then train faster. Both tensors are new
        ones, which the caller may overwrite.
        """
        return None

    @abstractmethod
    def mean(self, params: Tensor) -> Tensor:
        """Return the expected target (B, *shape): the reconstruction."""

    def through(self, params: Tensor) -> Tensor:
        """Return the same as `mean`, with a gradient where it is cut off too: for errors, which lead back."""
        return self.mean(params)

    @abstractmethod
    def sample(self, params: Tensor) -> Tensor:
        """Draw targets (B, *shape)."""

    @abstractmethod
    def equation(self) -> str:
        """Return the distortion of x given D(z) as a formula."""

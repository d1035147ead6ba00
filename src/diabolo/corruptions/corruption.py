"""What a corruption is: noise on the way in, so that the code must hold more than a copy."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor

from diabolo.flow import Shape
from diabolo.part import Part


class Corruption(Part, role="corruptions"):
    """x → x̃, random, for training only."""

    reads_sparse: ClassVar[bool] = False
    """True where sparse x (B, I) are taken as they are; others get them written out."""

    @abstractmethod
    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return x̃ (B, *shape) and what was hidden.

        What was hidden is a mask (B, *shape), True where only the hidden elements should count in the distortion, or
        None where every element counts.
        """

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError if samples of this shape cannot be corrupted so; any can by default."""

    @abstractmethod
    def equation(self) -> str:
        """Return x̃ as a formula."""

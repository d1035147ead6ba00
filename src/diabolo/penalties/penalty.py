"""What a penalty is: a further term of the loss."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from torch import Tensor, nn

from diabolo.flow import Batch, Code, Output
from diabolo.part import Part


class Encodes(Protocol):
    """What a penalty may ask of a model."""

    encoder: nn.Module

    def encode(self, x: Tensor) -> Code: ...


class Penalty(Part, role="penalties"):
    """A term of the loss beside distortion and rate."""

    @abstractmethod
    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term, per sample (B,) or for the whole batch ()."""

    @abstractmethod
    def equation(self) -> str:
        """Return the term as a formula."""

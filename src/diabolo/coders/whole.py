"""Nets whose weights are whole numbers of a step, and cost what it takes to write them down."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class WholeNet(nn.Module):
    """A net of named weights, each a whole multiple of its step as soon as it is used.

    References
    ----------
    Hinton, Zemel, "Autoencoders, minimum description length and Helmholtz free energy", NIPS 1993.

    Parameters
    ----------
    count : int
        How many samples the weights are paid by.
    """

    steps: ClassVar[Mapping[str, float]]
    """The weights by name, and what they are whole multiples of."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def whole(self, name: str) -> Tensor:
        """Return weights, rounded to multiples of their step; the gradient passes through."""
        weight = getattr(self, name)
        return weight + ((weight / self.steps[name]).round() * self.steps[name] - weight).detach()

    def cost(self) -> Tensor:
        """Return about how many nats a sample the weights take: those of a Laplace distribution for each kind."""
        used = {name: weight for name in self.steps if (weight := self.used(name)).numel()}
        parts = [w.numel() * (w.abs().mean() / self.steps[name] + 0.3).log() for name, w in used.items()]
        return torch.stack(parts).sum() / self.count

    def used(self, name: str) -> Tensor:
        """Return those of the weights that count."""
        return getattr(self, name)

    @abstractmethod
    def integers(self) -> dict[str, NDArray[np.int64]]:
        """Return the weights as whole numbers of their steps."""

    def rounded(self, name: str) -> Tensor:
        """Return weights as whole numbers of their step."""
        return (getattr(self, name) / self.steps[name]).round()

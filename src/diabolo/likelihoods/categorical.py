"""Cross-entropy of one-hot blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.check import Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape, channel_axis
from diabolo.likelihoods.choice import disturbed
from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.part import knob


@dataclass(frozen=True)
class Categorical(Likelihood):
    """-log p(x), exactly, where the channels of x are blocks of `classes` 0/1 indicators and D(z) their logits.

    Examples
    --------
    >>> import torch
    >>> Categorical(2).distortion(torch.zeros(1, 4), torch.tensor([[0.0, 1.0, 1.0, 0.0]]))
    tensor([[0.0000, 0.6931, 0.6931, 0.0000]])
    """

    domain: ClassVar[Domain] = "one-hot"

    classes: int = knob(2, Whole(2), "number of categories: the length of a block of channels")

    def shape(self, shape: Shape) -> Shape:
        """Return `shape`, if its channels can be cut into blocks."""
        channels = shape[0] if len(shape) == 3 else shape[-1]
        if channels % self.classes:
            raise ParameterError(
                f"Parameter 'classes' of Categorical must divide the number of channels, {channels}; got "
                f"{self.classes}. Encode each category as a block of 0/1 channels, or use Mixed()."
            )
        return shape

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return −x·log p per element: 0 but for the category of x."""
        blocks, axis = self._blocks(params)
        return -target * blocks.log_softmax(axis).flatten(axis - 1, axis)

    def mean(self, params: Tensor) -> Tensor:
        """Return the probabilities of the categories."""
        blocks, axis = self._blocks(params)
        return blocks.softmax(axis).flatten(axis - 1, axis)

    def sample(self, params: Tensor) -> Tensor:
        """Draw a category per block, as 0/1 indicators."""
        blocks, axis = self._blocks(params)
        drawn = disturbed(blocks).argmax(axis, keepdim=True)
        return torch.zeros_like(blocks).scatter(axis, drawn, 1).flatten(axis - 1, axis)

    def equation(self) -> str:
        """Return the formula."""
        return f"−Σ x·log softmax(D(z)) in blocks of {self.classes}"

    def _blocks(self, params: Tensor) -> tuple[Tensor, int]:
        axis = channel_axis(params.shape[1:]) % params.ndim
        return params.unflatten(axis, (-1, self.classes)), axis + 1

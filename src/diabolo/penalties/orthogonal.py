"""A penalty on directions that overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diabolo.check import Number
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty


@dataclass(frozen=True)
class Orthogonal(Penalty):
    """‖WWᵀ − I‖² for each weight matrix of the encoder: its rows, or its columns where they are fewer, orthonormal.

    A kernel of a convolution is taken as the matrix with one row per output channel.

    References
    ----------
    Bansal, Chen, Wang, "Can we gain more from orthogonality regularizations in training deep networks?", NeurIPS 2018,
    section 3.1 (soft orthogonality).

    Examples
    --------
    >>> Orthogonal(0.1).equation()
    '0.1·Σ‖WWᵀ − I‖²'
    """

    weight: float = knob(1e-2, Number(0), "cost of one unit of squared overlap")

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term for the whole batch ()."""
        return self.weight * sum((_overlap(w) for w in _matrices(model.encoder)), output.distortion.new_zeros(()))

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·Σ‖WWᵀ − I‖²"


def _matrices(encoder: nn.Module) -> Iterator[Tensor]:
    for name, value in encoder.named_parameters():
        if value.ndim > 1 and "weight" in name.rpartition(".")[2]:  # neither biases nor embeddings of places
            yield value.flatten(1)


def _overlap(w: Tensor) -> Tensor:
    w = w if w.shape[0] <= w.shape[1] else w.T
    return (w @ w.T - torch.eye(len(w), dtype=w.dtype, device=w.device)).square().sum()

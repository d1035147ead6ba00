"""A sparse code by a fixed number of entries for a whole batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.check import Maybe, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule, newest
from diabolo.part import knob
from diabolo.selection import Affine, above, kept, of_all


@dataclass(frozen=True)
class BatchTopK(Latent):
    """Keep the B·k largest entries of relu(h) over a batch of B, so that a rich sample may use more than a poor one.

    While training, the smallest entry kept is averaged into a threshold. Without noise an entry is kept if it lies
    above the threshold, so that the code of a sample depends on no other sample.

    References
    ----------
    Bussmann, Leask, Nanda, "BatchTopK sparse autoencoders", 2024, equations 3-5.

    Examples
    --------
    >>> import torch
    >>> module = BatchTopK(1).build(2)
    >>> module(torch.tensor([[2.0, 3.0], [0.5, 0.1]]), noise=True).z
    tensor([[2., 3.],
            [0., 0.]])
    """

    selects: ClassVar[bool] = True

    k: int | None = knob(
        None, Maybe(Whole(1), "a quarter of the code"), "mean number of entries of a code that may differ from 0"
    )

    def build(self, n: int) -> BatchTopKModule:
        """Return the module with the threshold."""
        if self.kept(n) > n:
            raise ParameterError(
                f"Parameter 'k' of BatchTopK must be at most the size of the code, {n}; got {self.k}. "
                "Choose a smaller k or a larger code."
            )
        return BatchTopKModule(self)

    def kept(self, n: int) -> int:
        """Return how many of n entries are kept."""
        return max(1, n // 4) if self.k is None else self.k

    def equation(self) -> str:
        """Return "0": the code is free."""
        return "0"


class BatchTopKModule(LatentModule):
    """h (B, n) → code, with the threshold learned so far."""

    part: BatchTopK
    threshold: Tensor
    seen: Tensor

    def __init__(self, part: BatchTopK) -> None:
        super().__init__(part)
        self.register_buffer("threshold", torch.zeros(()))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, h: Tensor, noise: bool) -> Code:
        active, free = h.relu(), h.new_zeros(len(h))
        mean = active * (active > self.threshold)
        if not noise:
            return Code(mean, mean, free)
        largest, places = active.flatten().topk(self.part.kept(h.shape[1]) * len(h))
        z = torch.zeros_like(active).flatten().scatter(0, places, largest).view_as(h)
        if self.training:
            self._learn(largest.detach().where(largest > 0, torch.inf).min())
        return Code(z, mean, free)

    def select(self, x: Tensor, map: Affine, noise: bool) -> Code:
        count = self.part.kept(len(map.weight)) * len(x)
        entries = of_all(x, map, count) if noise else above(x, map, self.threshold)
        if noise and self.training and len(entries.values):
            self._learn(entries.values.min())
        z = kept(x, map, entries)
        return Code(z, z, x.new_zeros(len(x)))

    def _learn(self, smallest: Tensor) -> None:
        """Average the smallest entry that a batch kept into the threshold; infinite is none."""
        there = smallest.isfinite()
        self.seen += there
        smallest = smallest.to(self.threshold.dtype).where(there, self.threshold)
        self.threshold.lerp_(smallest, newest(self.seen.clamp_min(1)))

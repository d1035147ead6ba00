"""Masked patches, of which only the hidden ones count."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number, Whole
from diabolo.corruptions.corruption import Corruption
from diabolo.flow import channel_axis
from diabolo.part import knob


@dataclass(frozen=True)
class MaskPatches(Corruption):
    """Hide square patches of images, spans of series or blocks of columns of tables; only the hidden ones count.

    A patch is hidden in all its channels and becomes 0, the mean of scaled data. Every sample hides the same number of
    patches, up to one where share · patches is no whole number; patches at the end are cut where `size` does not fit.

    References
    ----------
    He et al., "Masked autoencoders are scalable vision learners", CVPR 2022, section 3.

    Examples
    --------
    >>> import torch
    >>> seen, hidden = MaskPatches(0.5, size=2).corrupt(torch.ones(1, 4))
    >>> seen.sum().item(), hidden.sum().item()
    (2.0, 2)
    """

    share: float = knob(0.75, Number(0, 1), "share of the patches that are hidden")
    size: int = knob(4, Whole(1), "side of a patch in pixels, time steps or columns")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Hide patches, and return which elements they cover."""
        hidden = self._hidden(x)
        return x.masked_fill(hidden, 0), hidden

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = x·m, m = 0 on {self.share:.0%} of the patches of size {self.size}; only these count"

    def _hidden(self, x: Tensor) -> Tensor:
        sides = {2: x.shape[1:], 3: x.shape[1:2], 4: x.shape[2:]}[x.ndim]
        grid = [math.ceil(side / self.size) for side in sides]
        count = math.prod(grid)
        rank = torch.rand(len(x), count, device=x.device).argsort(1)
        toss = torch.rand(len(x), 1, device=x.device)  # rounds share * count up or down, right on average
        hidden = (rank + toss < self.share * count).unflatten(1, grid)
        for axis, side in enumerate(sides, 1):
            hidden = hidden.repeat_interleave(self.size, axis).narrow(axis, 0, side)
        return hidden if x.ndim == 2 else hidden.unsqueeze(channel_axis(x.shape[1:])).expand_as(x)

"""One small autoencoder of a stack: a layer, its mirror, and the trained layers before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diabolo.corruptions.corruption import Corruption
from diabolo.flow import Batch, Code, Output


class Stage(nn.Module):
    """An autoencoder of one layer on the codes of the layers before it, behind the model protocol.

    Only `layer` and `mirror` are trained; they are shared with the whole model, so training them trains it.
    """

    def __init__(self, before: nn.Module, layer: nn.Module, mirror: nn.Module, corruption: Corruption | None) -> None:
        super().__init__()
        self.layer, self.mirror, self.corruption = layer, mirror, corruption
        self._before = (before,)  # in a tuple: its weights are not this stage's to train

    def forward(self, batch: Batch, noise: bool = True) -> Output:
        """Rebuild the codes of the layers before, corrupted on the way in if there is `noise`."""
        with torch.no_grad():
            x: Tensor = self._before[0](batch.x)
        seen = self.corruption.corrupt(x)[0] if noise and self.corruption else x
        code = self.layer(seen)
        rebuilt = self.mirror(code)
        distortion = 0.5 * (rebuilt - x).square().flatten(1).sum(1)  # (B,)
        free = torch.zeros_like(distortion)
        return Output(x, Code(code, code, free), rebuilt, distortion, free, {}, batch.weight)

"""Small movements of images and series."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.corruptions.neighbours import from_planes, need_neighbours, to_planes
from diabolo.flow import Shape
from diabolo.part import knob


@dataclass(frozen=True)
class Affine(Corruption):
    """Move, turn and stretch each image, or move and stretch each series in time, at random by a little.

    What comes in from beyond the edges is what is at the edges. An autoencoder is to undo it; as a weak or a strong
    view in fine-tuning it says what does not change the label.

    References
    ----------
    Simard, Steinkraus, Platt, "Best practices for convolutional neural networks applied to visual document analysis",
    ICDAR 2003.

    Examples
    --------
    >>> x = torch.zeros(50, 1, 9, 9)
    >>> x[:, :, 4, 4] = 1
    >>> moved, _ = Affine(shift=0.4).corrupt(x)
    >>> bool((moved[:, :, 4, 4] < 0.5).any()), bool((moved.sum((1, 2, 3)) > 0.5).all())
    (True, True)
    """

    shift: float = knob(0.07, Number(0, 1), "farthest movement along each axis, as a share of its length")
    degrees: float = knob(0.0, Number(0, 180), "farthest turn to either side")
    stretch: float = knob(0.0, Number(0, 0.9), "largest relative change of the size along each axis")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Sample each at moved places, linearly between points."""
        planes = to_planes(x)
        maps = self._maps(len(x), planes.shape[3] / planes.shape[2]).to(planes)
        grid = F.affine_grid(maps, list(planes.shape), align_corners=False)
        moved = F.grid_sample(planes, grid, padding_mode="border", align_corners=False)
        return from_planes(moved, x), None

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError unless samples are series or images."""
        need_neighbours(shape, "Affine")

    def equation(self) -> str:
        """Return the formula."""
        return (
            f"x̃ = x ∘ A, A within a shift of {self.shift:g}, a turn of {self.degrees:g}°, a stretch of {self.stretch:g}"
        )

    def _maps(self, count: int, aspect: float) -> Tensor:
        """Return random maps (count, 2, 3) of coordinates from -1 to 1, for planes so many times as wide as high."""
        turn, wide, high, right, down = 2 * torch.rand(5, count) - 1
        angle = turn * math.radians(self.degrees)
        wide, high = 1 + self.stretch * wide, 1 + self.stretch * high
        across = torch.stack([wide * angle.cos(), -wide * angle.sin() / aspect, 2 * self.shift * right], 1)
        along = torch.stack([high * angle.sin() * aspect, high * angle.cos(), 2 * self.shift * down], 1)
        return torch.stack([across, along], 1)

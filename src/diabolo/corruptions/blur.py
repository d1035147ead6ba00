"""Loss of focus."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.corruptions.neighbours import from_planes, need_neighbours, to_planes
from diabolo.flow import Shape
from diabolo.part import knob

_REACH = 4.0  # standard deviations: 6e-5 of a Gaussian lie beyond


@dataclass(frozen=True)
class Blur(Corruption):
    """x̃ = G_σ ∗ x: a Gaussian filter along the two axes of images or the time of series, each channel by itself.

    Beyond the border the nearest value goes on. Nothing is random; with the noise of the sensor, it is
    ``Chain((Blur(), GaussianNoise()))``.

    Examples
    --------
    >>> import torch
    >>> line = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0]).view(1, 5, 1)
    >>> [round(value, 4) for value in Blur(0.5).corrupt(line)[0].flatten().tolist()]
    [0.0003, 0.1065, 0.7866, 0.1065, 0.0003]
    """

    sigma: float = knob(1.0, Number(0, 1000), "standard deviation of the filter, in pixels or time steps")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Blur x (B, T, C) or (B, C, H, W)."""
        radius = int(_REACH * self.sigma + 0.5)
        if radius == 0:
            return x, None
        place = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
        line = torch.exp(-0.5 * (place / self.sigma).square())
        planes = to_planes(x)
        flat = planes.flatten(0, 1).unsqueeze(1)  # (B * C, 1, H, W)
        for shape in ((1, 1, 1, -1), (1, 1, -1, 1))[: x.ndim - 2]:
            flat = _filtered(flat, (line / line.sum()).view(shape))
        return from_planes(flat.view(planes.shape), x), None

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError if samples are rows of a table."""
        need_neighbours(shape, "Blur")

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = G ∗ x, a Gaussian filter of σ = {self.sigma:g}"


def _filtered(flat: Tensor, line: Tensor) -> Tensor:
    high, wide = (side // 2 for side in line.shape[2:])
    return F.conv2d(F.pad(flat, (wide, wide, high, high), mode="replicate"), line)

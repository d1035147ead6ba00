"""Blind spots, of which only the centres count."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number, Whole
from diabolo.corruptions.corruption import Corruption
from diabolo.corruptions.neighbours import from_planes, need_neighbours, to_planes
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.part import knob


@dataclass(frozen=True)
class BlindSpot(Corruption):
    """Replace some pixels, or steps of series, by others nearby; only they count: denoising from noisy data alone.

    As the model cannot see what it is asked for, it can but guess it from around, and noise that is independent from
    pixel to pixel cannot be guessed. Noise that goes on along the rows, or in time, can: then `span` hides the stretch
    over which it does, with the pixel in its middle, and still only the middle counts.

    Each sample hides the same number of pixels in all channels, share · pixels rounded and at least one, spread evenly.
    What is put there comes from the window, `radius` pixels wider than the stretch, but never from the stretch itself.

    References
    ----------
    Krull, Buchholz, Jug, "Noise2Void: learning denoising from single noisy images", CVPR 2019, section 3.4; Broaddus et
    al., "Removing structured noise with self-supervised blind-spot networks", ISBI 2020: stretches.

    Examples
    --------
    >>> import torch
    >>> seen, hidden = BlindSpot(0.25).corrupt(torch.arange(16.0).view(1, 1, 4, 4))
    >>> hidden.sum().item(), torch.equal(seen[~hidden], torch.arange(16.0).view(1, 1, 4, 4)[~hidden])
    (4, True)
    """

    share: float = knob(0.02, Number(0, 1, open_low=True), "share of the pixels that are hidden and count")
    radius: int = knob(2, Whole(1, 1000), "how far away the values put there come from, in pixels or time steps")
    span: int = knob(0, Whole(0, 1000), "neighbours on each side, along rows or time, that are replaced too")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Replace the pixels of x (B, T, C) or (B, C, H, W), and return which count."""
        planes = to_planes(x)
        high, wide = planes.shape[2:]
        spots = _spread(len(x), high * wide, self.share, x.device)  # (B, k)
        source = torch.arange(high * wide, device=x.device).repeat(len(x), 1)  # (B, H * W): whose value each has
        for step in sorted(range(-self.span, self.span + 1), key=abs, reverse=True):  # the middle last: it is sure
            beside = spots % wide + step
            inside = (beside >= 0) & (beside < wide)
            source.scatter_(1, torch.where(inside, spots + step, spots), self._others(spots, high, wide))
        hidden = torch.zeros_like(source, dtype=torch.bool).scatter_(1, spots, True)
        seen = planes.flatten(2).gather(2, source.unsqueeze(1).expand(-1, planes.shape[1], -1)).view(planes.shape)
        counts = hidden.view(len(x), 1, high, wide).expand_as(planes)
        return from_planes(seen, x), from_planes(counts, x)

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError if samples are rows of a table, or have nothing beyond the stretch."""
        need_neighbours(shape, "BlindSpot")
        high, wide = (1, shape[0]) if len(shape) == 2 else shape[1:]
        if high == 1 and wide < 2 * self.span + 2:
            raise ParameterError(
                f"Parameter 'corruption' may be {self!r} for series of {2 * self.span + 2} steps or more, or images of "
                f"two rows or more; got samples of shape {shape}. Choose a smaller span, or longer series."
            )

    def equation(self) -> str:
        """Return the formula."""
        beside = f" and of {self.span} on each side" if self.span else ""
        return f"x̃ᵢ = xⱼ, j near i, on {self.share:g} of the pixels i{beside}; only these pixels count"

    def _others(self, spots: Tensor, high: int, wide: int) -> Tensor:
        """Return for each spot (B, k) a pixel of its window (B, k), any beyond the stretch with equal probability."""
        row, column = spots // wide, spots % wide
        reach = self.radius + self.span
        top, bottom = (row - self.radius).clamp_min(0), (row + self.radius).clamp_max(high - 1)
        left, right = (column - reach).clamp_min(0), (column + reach).clamp_max(wide - 1)
        first, last = (column - self.span).clamp_min(0), (column + self.span).clamp_max(wide - 1)
        across, stretch = right - left + 1, last - first + 1
        place = _below((bottom - top + 1) * across - stretch)  # along the rows of the window without its stretch
        place = place + stretch * (place >= (row - top) * across + first - left)
        return (top + place // across) * wide + left + place % across


def _spread(count: int, pixels: int, share: float, device: torch.device) -> Tensor:
    """Return k different pixels for each of `count` samples (count, k), one from each of k equal parts of all pixels.

    Where the parts begin is random, so that every pixel is as likely as any other.
    """
    k = min(max(1, round(share * pixels)), pixels)
    edges = torch.arange(k + 1, device=device) * pixels // k
    start = torch.randint(pixels, (count, 1), device=device)
    return (start + edges[:-1] + _below(edges.diff().expand(count, k))) % pixels


def _below(most: Tensor) -> Tensor:
    """Return random integers from 0 to below `most`, each its own."""
    drawn = (torch.rand(most.shape, device=most.device) * most).long()
    return torch.minimum(drawn, most - 1)  # the product may round up

"""Gaps of any size in images and series, of which only what is hidden counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number, Whole
from diabolo.corruptions.corruption import Corruption
from diabolo.corruptions.neighbours import from_planes, need_neighbours, to_planes
from diabolo.errors import ParameterError
from diabolo.flow import Shape, channels
from diabolo.part import knob


@dataclass(frozen=True)
class Gaps(Corruption):
    """Hide rectangles of images, or stretches of series, and points of them; only the hidden ones count.

    The first half of the channels of x are values, the others say with 1 which of these are there: what is not becomes
    0 in both, and does not count. The gaps of a sample have one size, from a point to `size`, small ones as likely as
    large ones, and cover a share of it from nothing to `share`. In half of the samples some points of the gaps are
    seen, more or fewer, so that a model learns to fill a gap bit by bit too.

    References
    ----------
    Ivanov, Figurnov, Vetrov, "Variational autoencoder with arbitrary conditioning", ICLR 2019, section 4: gaps that are
    drawn anew each time.

    Examples
    --------
    >>> import torch
    >>> x = torch.ones(2, 50, 2)  # series of one channel, all of it there
    >>> seen, hidden = Gaps(size=10).corrupt(x)
    >>> hidden.shape, torch.equal(seen[:, :, 1:] == 0, hidden)
    (torch.Size([2, 50, 1]), True)
    """

    share: float = knob(0.6, Number(0, 1, open_low=True), "largest share of a sample that gaps cover, on average")
    size: int = knob(24, Whole(1, 4096), "longest side of a gap, in pixels or time steps")
    apart: float = knob(0.25, Number(0, 1), "share of the samples in which each channel has gaps of its own")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Hide gaps of x (B, T, 2V) or (B, 2V, H, W), and return which values (B, T, V) or (B, V, H, W) they cover."""
        values, there = to_planes(x).chunk(2, 1)  # (B, V, H, W)
        hidden = self._covered(values) & (there > 0)
        kept = there * ~hidden
        return from_planes(torch.cat([values * kept, kept], 1), x), from_planes(hidden, x)

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError if samples are rows of a table, or have no indicator for each channel."""
        need_neighbours(shape, "Gaps")
        if channels(shape) % 2:
            raise ParameterError(
                "Parameter 'corruption' may be Gaps for samples of which half of the channels say what is there; got "
                f"samples of shape {shape}. Use MaskPatches(), or an Imputer, which adds those channels."
            )

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = x·m, m = 0 in gaps of up to {self.size}, which cover up to {self.share:.0%}; only these count"

    def _covered(self, values: Tensor) -> Tensor:
        """Return which points of values (B, V, H, W) gaps cover."""
        count, _, *sides = values.shape
        each = (count, 1, 1, 1)
        longest = [min(self.size, side) for side in sides]
        side = torch.exp(torch.rand(each, device=values.device) * math.log(max(longest) + 1)).long()  # 1 … longest
        sizes = [side.clamp_max(most) for most in longest]
        share = self.share * torch.rand(each, device=values.device)
        rate = -torch.expm1(torch.log1p(-share) / math.prod(sizes))  # of gaps that begin at a point
        room = [n + most - 1 for n, most in zip(sides, longest, strict=True)]
        covered = (torch.rand(*values.shape[:2], *room, device=values.device) < rate).float()
        for axis, (n, size) in enumerate(zip(sides, sizes, strict=True), 2):
            covered = _spread(covered, axis, n, size)
        seen = torch.rand(each, device=values.device) * (torch.rand(each, device=values.device) < 0.5)
        covered = (covered > 0) & (torch.rand_like(covered) >= seen)
        own = torch.rand(each, device=values.device) < self.apart
        return torch.where(own, covered, covered[:, :1])


def _spread(begun: Tensor, axis: int, n: int, size: Tensor) -> Tensor:
    """Return how many gaps of a `size` (B, 1, 1, 1) along an axis cover each of n points, (B, V, …, n, …)."""
    sums = torch.cat([torch.zeros_like(begun.narrow(axis, 0, 1)), begun.cumsum(axis)], axis)
    shape = [1, 1, 1, 1]
    shape[axis] = n
    end = torch.arange(n, device=begun.device).view(shape) + size  # (B, 1, …, n, …)
    wanted = list(begun.shape)
    wanted[axis] = n
    return sums.gather(axis, end.expand(wanted)) - sums.narrow(axis, 0, n)

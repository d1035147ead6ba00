"""A sparse code in which every latent has its turn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Maybe, Number, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule, newest
from diabolo.part import knob
from diabolo.selection import Affine, above, kept, of_columns


@dataclass(frozen=True)
class WinnerTakeAll(Latent):
    """Each latent keeps its largest entries over a batch, the same share for all, so that few are never used.

    `TopK` lets the latents of a sample compete; here the samples compete for a latent. Entries below 0 never win: a
    latent falls silent only if it has no others. While training, the smallest winner of each latent is averaged into
    its threshold. Without noise an entry is kept if it lies above the threshold, so that the code of a sample depends
    on no other sample.

    Where the code is a grid, as with ``Lapped()``, the convolutional form is ``WinnerTakeAll(maps=n_components)``: in
    each map of a sample only the largest place is kept, and then the samples compete for the map.

    References
    ----------
    Makhzani, Frey, "Winner-take-all autoencoders", NeurIPS 2015, sections 2 and 3. There all entries above 0 are kept
    once training is over; the thresholds are those of Bussmann et al., 2024, with one for each latent.

    Examples
    --------
    >>> module = WinnerTakeAll(0.5).build(2)
    >>> module(torch.tensor([[2.0, -3.0], [0.5, 0.1]]), noise=True).z
    tensor([[2.0000, 0.0000],
            [0.0000, 0.1000]])
    >>> WinnerTakeAll(1.0, maps=1).build(3)(torch.tensor([[1.0, 5.0, 2.0]]), noise=True).z
    tensor([[0., 5., 0.]])
    """

    selects: ClassVar[bool] = True

    share: float = knob(0.05, Number(0, 1, open_low=True), "share of the samples of a batch that each latent keeps")
    maps: int | None = knob(
        None, Maybe(Whole(1, 2**20), "each entry of the code is one"), "maps over a grid that the code is made of"
    )

    def build(self, n: int) -> WinnerTakeAllModule:
        """Return the module with the thresholds.

        Raises
        ------
        ParameterError
            If a code of this size is not made of so many maps.
        """
        if self.maps is not None and n % self.maps:
            raise ParameterError(
                f"Parameter 'maps' of WinnerTakeAll must divide the size of the code, {n}; got {self.maps}. Choose the "
                "n_components of a net whose code is a grid, or None."
            )
        return WinnerTakeAllModule(self, n)

    def kept(self, count: int) -> int:
        """Return how many of `count` samples a latent keeps: the share, rounded up."""
        return max(1, math.ceil(self.share * count - 1e-9))  # of 0.07 · 100, which is 7.000000000000001, it is 7

    def equation(self) -> str:
        """Return "0": the code is free."""
        return "0"


class WinnerTakeAllModule(LatentModule):
    """h (B, n) → code, with the thresholds (maps,) learned so far."""

    part: WinnerTakeAll
    threshold: Tensor
    seen: Tensor

    def __init__(self, part: WinnerTakeAll, n: int) -> None:
        super().__init__(part)
        maps = part.maps or n
        self.register_buffer("threshold", torch.zeros(maps))
        self.register_buffer("seen", torch.zeros(maps))

    def forward(self, h: Tensor, noise: bool) -> Code:
        active = h.relu().unflatten(1, (len(self.threshold), -1))  # (B, maps, places)
        best, places = active.max(2)  # (B, maps)
        mean = _placed(best * (best > self.threshold), places, active)
        if not noise:
            return Code(mean, mean, h.new_zeros(len(h)))
        winners, rows = best.topk(self.part.kept(len(h)), 0)  # (k, maps)
        if self.training:
            self._learn(winners.detach().masked_fill(winners <= 0, torch.inf).amin(0))
        z = _placed(torch.zeros_like(best).scatter(0, rows, winners), places, active)
        return Code(z, mean, h.new_zeros(len(h)))

    def select(self, x: Tensor, map: Affine, noise: bool) -> Code:
        if len(self.threshold) < len(map.weight):  # maps of several places
            return self(F.linear(x, *map).to(x.dtype), noise)
        found = of_columns(x, map, self.part.kept(len(x))) if noise else above(x, map, self.threshold)
        if noise and self.training:
            none = torch.full_like(self.threshold, torch.inf)
            self._learn(none.scatter_reduce(0, found.columns, found.values.to(none.dtype), "amin"))
        z = kept(x, map, found)
        return Code(z, z, x.new_zeros(len(x)))

    def _learn(self, smallest: Tensor) -> None:
        """Average the smallest winner of each latent (maps,), infinite where there is none."""
        won = smallest.isfinite()
        self.seen += won
        share = won * newest(self.seen.clamp_min(1))
        self.threshold.lerp_(
            smallest.where(won, self.threshold).to(self.threshold.dtype), share.to(self.threshold.dtype)
        )


def _placed(values: Tensor, places: Tensor, grid: Tensor) -> Tensor:
    """Return the code (B, n) that has these values at these places (B, maps) of a grid, and 0 elsewhere."""
    return torch.zeros_like(grid).scatter(2, places[..., None], values[..., None]).flatten(1)

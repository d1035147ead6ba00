"""In what sizes a net looks at an image to tell its colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.estimators.colorization.colouring import FOLD, seen
from diabolo.estimators.tiles import Watch, tiled, tiles
from diabolo.nets import Local
from diabolo.nets.fold import cut, padded, places

_TILE = 2**17
"""Points of a tile: with a logit for each of 100 bins they take 50 MB."""

_AROUND = (0.8, 1.0, 1.25)
"""Shares of the size of images learned from: the mean of three looks is better than one."""

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class Sight:
    """How a net sees images.

    Parameters
    ----------
    channels : int
        Of what it sees: those of lightness, and of hints if it takes such.
    learned : int
        The shorter side of the images that it has learned from; 0 if images are looked at as they are.
    local : Local or None
        How far it sees, so that large images can be computed tile by tile; None for a net that takes one size.
    device : torch.device
        Where it is.
    """

    channels: int
    learned: int
    local: Local | None
    device: torch.device

    def sizes(self, own: Size) -> list[Size]:
        """Return the sizes (H, W) in which an image of its `own` size is looked at.

        What is seen tells a colour, and a net knows it in the size in which it has learned it. So a larger image is
        looked at in that size, a bit smaller and a bit larger, and then twice as large as often as that is not beyond
        its own, for what is small in it; a smaller one in its own size, a bit smaller and a bit larger.

        Examples
        --------
        >>> sight = Sight(4, 32, Local(8, 2), torch.device("cpu"))
        >>> sight.sizes((32, 32)), sight.sizes((400, 300))
        ([(26, 26), (32, 32), (40, 40)], [(34, 26), (42, 32), (54, 40), (106, 80), (214, 160)])
        """
        if self.local is None or not self.learned:
            return [own]
        fit = min(1.0, self.learned / min(own))
        shares = [share * fit for share in _AROUND]
        while 2 * shares[-1] <= 1:
            shares.append(2 * shares[-1])
        return list(dict.fromkeys(own if share == 1 else _scaled(own, share) for share in shares))

    def tinted(
        self,
        tints: Callable[[Tensor], Tensor],
        light: Tensor,
        hints: Sequence[Tensor] | None,
        watch: Watch | None = None,
    ) -> Tensor:
        """Return a and b (B, 2, H, W), in units of `CHROMA`, of lightness (B, 1, H, W): the mean of all looks.

        Parameters
        ----------
        tints : callable
            Gives a and b at half the size for what the net sees.
        light : Tensor
            In [0, 100].
        hints : sequence of Tensor (3, H / 2, W / 2), optional
            What is known of each image: a, b and where.
        watch : callable, optional
            Told how many tiles are done, and of how many.
        """
        own = (light.shape[2], light.shape[3])
        told = None if hints is None else torch.stack(list(hints))
        sizes, total = self.sizes(own), light.new_zeros(len(light), 2, *own)
        for size, step in zip(sizes, self._steps(sizes, watch), strict=True):
            x = self._seen(light, told, size)
            total += _enlarged(self._small(tints, x, step).to(light), size, own)
        return total / len(sizes)

    def _small(self, tints: Callable[[Tensor], Tensor], x: Tensor, step: Watch | None) -> Tensor:
        """Return a and b of what the net sees, tile by tile: of whole units of its grid, also where it is mirrored."""
        if self.local is None:
            return tints(x)
        return cut(tiled(tints, padded(x, self.local.unit), self.local, _TILE, step), tuple(x.shape[2:]))

    def _seen(self, light: Tensor, told: Tensor | None, size: Size) -> Tensor:
        """Return what the net sees of images in a size."""
        x = seen(light if light.shape[2:] == size else _resized(light, size))
        if self.channels > x.shape[1]:
            more = x.new_zeros(len(x), self.channels - x.shape[1], *x.shape[2:])
            x = torch.cat([x, more if told is None else _moved(told, (x.shape[2], x.shape[3]))], 1)
        return x.to(self.device)

    def _steps(self, sizes: Sequence[Size], watch: Watch | None) -> Iterator[Watch | None]:
        """Yield what tells `watch` of the tiles of each size, all counted together."""
        if watch is None or self.local is None:
            yield from (None for _ in sizes)
            return
        counts = [tiles(places(size, FOLD), self.local, _TILE) for size in sizes]
        counts = [count if count > 1 else 0 for count in counts]  # of a tile alone nothing is told
        for i in range(len(sizes)):
            yield _counting(watch, sum(counts[:i]), sum(counts))


def _counting(watch: Watch, before: int, total: int) -> Watch:
    return lambda done, _: watch(before + done, total)


def _scaled(size: Size, share: float) -> Size:
    """Return a share of a size, to whole points of what the net sees."""
    height, width = (FOLD * max(1, round(length * share / FOLD)) for length in size)
    return height, width


def _resized(light: Tensor, size: Size) -> Tensor:
    return F.interpolate(light, size=size, mode="bicubic", antialias=True).clamp(0, 100)


def _enlarged(small: Tensor, size: Size, own: Size) -> Tensor:
    """Return a and b at half of a size as those of images of their own one."""
    if size == own:  # which may be odd
        return cut(F.interpolate(small, scale_factor=FOLD, mode="bilinear"), own)
    return F.interpolate(small, size=own, mode="bilinear")


def _moved(told: Tensor, size: Size) -> Tensor:
    """Return hints (B, 3, h, w) on a grid of another size: none is lost, and those that meet are averaged."""
    if told.shape[2:] == size:
        return told
    pooled = F.adaptive_avg_pool2d(told, size)
    share = pooled[:, 2:]
    return torch.cat([pooled[:, :2] / share.clamp_min(1e-6), (share > 0).to(told)], 1)

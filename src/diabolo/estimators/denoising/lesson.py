"""What a denoiser learns from a batch: what is seen, and what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from diabolo.data import Scaling
from diabolo.flow import Batch

Way = Literal["clean", "pairs", "recorrupted", "neighbours", "blind"]
"""Ways to learn: see `Lesson`."""

WAYS: tuple[Way, ...] = ("clean", "pairs", "recorrupted", "neighbours", "blind")

_AGAIN = 0.5
"""How much of the noise is added once more, where it is known: α of Pang et al."""


@dataclass(frozen=True)
class Lesson:
    """How crops are learned from.

    Parameters
    ----------
    way : str
        "clean" crops are damaged by the model, "blind" ones hidden in part: they are all there is. Of "pairs", the
        channels of noisy samples are followed by those of clean ones. "recorrupted" noisy crops get more of the noise
        that they have, and what is wanted has other noise, independent of that: on average it is as good as the clean
        crop. "neighbours" are crops of half the size, each point one of two or four that lie together, and what is
        wanted is another of them, whose noise is independent.
    sigma : float
        Level of the noise that recorrupted crops have, scaled.

    References
    ----------
    Pang et al., "Recorrupted-to-recorrupted: unsupervised deep learning for image denoising", CVPR 2021, theorem 1;
    neighbours: Huang et al., "Neighbor2Neighbor: self-supervised denoising from single noisy images", CVPR 2021,
    without its regulariser.

    Examples
    --------
    >>> crops = torch.arange(16.0).view(1, 1, 4, 4)
    >>> batch = Lesson("neighbours")(Scaling.fit(crops.numpy(), ("unit",)), crops)
    >>> batch.x.shape, batch.target.shape
    (torch.Size([1, 1, 2, 2]), torch.Size([1, 1, 2, 2]))
    """

    way: Way
    sigma: float = 0.0

    def __call__(self, scaling: Scaling, crops: Tensor) -> Batch:
        """Return the batch of crops (B, C, h, w) or (B, t, C) as `Scaling.tensor` stores them."""
        if self.way == "pairs":
            noisy, clean = crops.chunk(2, 1 if crops.ndim == 4 else 2)
            return Batch(scaling.batch(noisy), scaling.batch(clean))
        x = scaling.batch(crops)
        if self.way == "recorrupted":
            noise = self.sigma * torch.randn_like(x)
            return Batch(x + _AGAIN * noise, x - noise / _AGAIN)
        return Batch(*_neighbours(x)) if self.way == "neighbours" else Batch(x)


def _neighbours(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return two points that lie beside one another of each two steps, or two by two pixels."""
    axes = (2, 3) if x.ndim == 4 else (1,)
    parts = x
    for axis in axes:
        parts = parts.narrow(axis, 0, parts.shape[axis] // 2 * 2)
    for axis in reversed(axes):
        parts = parts.unflatten(axis, (-1, 2))  # (B, C, h, 2, w, 2) or (B, t, 2, C)
    cells = parts.permute(0, 1, 2, 4, 3, 5).flatten(4) if x.ndim == 4 else parts.transpose(2, 3)  # the last: 4 or 2
    first = torch.randint(cells.shape[-1], (*cells.shape[:-1], 1), device=x.device)
    if x.ndim == 4:  # 0 1 over 2 3: the bits are row and column; the same for all channels
        first = first[:, :1].expand_as(cells[..., :1])
        flip = 1 + torch.randint(2, first[:, :1].shape, device=x.device).expand_as(first)
    else:
        first = first[:, :, :1].expand_as(cells[..., :1])
        flip = torch.ones_like(first)
    return cells.gather(-1, first).squeeze(-1), cells.gather(-1, first ^ flip).squeeze(-1)

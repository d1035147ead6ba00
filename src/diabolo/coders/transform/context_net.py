"""The net that guesses each number of an image's code from those before it, in floating point, as it is trained."""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.coders.transform.interlaced import LATE, REACHES, groups, levels
from diabolo.nets.convolution import begun
from diabolo.nets.grid import channels_last

LOWEST, HIGHEST = -3.5, 5.0
"""The logarithm of the smallest and of the largest scale, in steps."""


class ContextNet(nn.Module):
    """Whole code q (B, n, h, w) → the middle μ and the log scale of a logistic distribution for each of its numbers.

    The first channels are told from coarse to fine places, each from the known ones around it. Of every further group
    of channels half of the places, then the other half: from all earlier channels around, and the second half from the
    first too. So a few steps, each of many numbers at once, tell everything.

    References
    ----------
    Minnen, Singh, "Channel-wise autoregressive entropy models for learned image compression", ICIP 2020; halves: He et
    al., "Checkerboard context model for efficient learned image compression", CVPR 2021; groups that grow: He et al.,
    "ELIC", CVPR 2022.

    Parameters
    ----------
    channels : int
        Channels n of the code.
    hidden : int
        Hidden units of each guess.

    Examples
    --------
    >>> middle, log_scale = ContextNet(12, 8)(torch.zeros(2, 12, 5, 7))
    >>> middle.shape, log_scale.shape
    (torch.Size([2, 12, 5, 7]), torch.Size([2, 12, 5, 7]))
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.sizes = groups(channels)
        first, *rest = self.sizes
        self.start = nn.Parameter(torch.zeros(2, first))
        coarse = [Guess(0, first, hidden, reach) for reach in REACHES]
        finer = [Guess(before, own, hidden, 1) for before, own in zip(accumulate(self.sizes), rest, strict=False)]
        self.guesses = nn.ModuleList([*coarse, *finer])

    def forward(self, q: Tensor) -> tuple[Tensor, Tensor]:
        level = torch.as_tensor(levels((q.shape[2], q.shape[3])), device=q.device)
        seen = context_features(q)
        said, at = [self._coarse(seen[:, :, : self.sizes[0]], level)], self.sizes[0]
        early = (level < LATE).to(q.dtype)
        for guess, size in zip(list(self.guesses)[len(REACHES) :], self.sizes[1:], strict=True):
            said.append(guess(seen[:, :, :at], seen[:, :, at : at + size] * early, 1 - early))
            at += size
        middle, log_scale = (torch.cat([part.unflatten(1, (2, -1))[:, i] for part in said], 1) for i in (0, 1))
        return middle, log_scale.clamp(LOWEST, HIGHEST)

    @torch.no_grad()
    def begin(self, spread: Tensor) -> None:
        """Start with scales that suit numbers with these standard deviations (n,)."""
        scale = (spread * 3**0.5 / torch.pi).clamp_min(1e-6).log().clamp(LOWEST, HIGHEST)  # a logistic distribution's
        self.start[1] = scale[: self.sizes[0]]
        of_each = [scale[: self.sizes[0]]] * (len(REACHES) - 1) + list(scale.split(self.sizes))
        for guess, own in zip(self.guesses, of_each, strict=True):
            guess.get_submodule("last").get_parameter("bias")[len(own) :] = own

    def _coarse(self, own: Tensor, level: Tensor) -> Tensor:
        said = self.start.flatten()[:, None, None].expand(len(own), -1, *level.shape)
        for i in range(len(REACHES)):
            now = self.guesses[i](own[:, :, :0], own * (level <= i), 1.0)
            said = torch.where(level == i + 1, now, said)
        return said


class Guess(nn.Module):
    """Told: earlier channels (B, 2, before, h, w), and of own ones (B, 2, own, h, w) → μ, log s (B, 2·own, h, w).

    The latter counts where `late` (h, w) is 1, and not where it is 0.
    """

    def __init__(self, before: int, own: int, hidden: int, reach: int) -> None:
        super().__init__()
        wide = 9 * 2 * (before + own)
        around = nn.Conv2d(2 * own, hidden, 3, padding=reach, dilation=reach, bias=False)
        self.around = begun(around, wide, 1.4)
        self.before: nn.Module | None = None
        if before:
            self.before = begun(nn.Conv2d(2 * before, hidden, 3, padding=1, bias=False), wide, 1.4)
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.middle = begun(nn.Conv2d(hidden, hidden, 1), hidden, 1.4)
        self.last = begun(nn.Conv2d(hidden, 2 * own, 1), hidden, 0.1)

    def forward(self, before: Tensor, own: Tensor, late: Tensor | float) -> Tensor:
        h = self.around(channels_last(own.flatten(1, 2))) * late + self.bias[:, None, None]
        if self.before is not None:
            h = h + self.before(channels_last(before.flatten(1, 2)))
        return self.last(F.relu(self.middle(F.relu(h))))


def context_features(q: Tensor) -> Tensor:
    """Return what guesses see (B, 2, n, h, w) of a code q (B, n, h, w): its numbers, and how large they are."""
    return torch.stack([q / 4, torch.log2(1 + q.abs())], 1)

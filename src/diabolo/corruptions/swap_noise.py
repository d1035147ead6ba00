"""Swap noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.part import knob


@dataclass(frozen=True)
class SwapNoise(Corruption):
    """Some elements are replaced by the same element of another sample of the batch.

    Each element keeps its own distribution, whatever its type or scale: the noise for tables. A batch of one stays as
    it is.

    References
    ----------
    Jahrer, first place of "Porto Seguro's safe driver prediction", Kaggle 2017.

    Examples
    --------
    >>> import torch
    >>> SwapNoise(1.0).corrupt(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))[0]
    tensor([[3., 4.],
            [1., 2.]])
    """

    share: float = knob(0.15, Number(0, 1), "share of the elements that are replaced")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Replace the elements."""
        count = len(x)
        if count < 2:
            return x, None
        own = torch.arange(count, device=x.device).view(-1, *[1] * (x.ndim - 1))
        other = (own + torch.randint(1, count, x.shape, device=x.device)) % count  # never the sample itself
        return torch.where(torch.rand_like(x) < self.share, x.gather(0, other), x), None

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ᵢⱼ = xₖⱼ of another sample k with probability {self.share:g}, else xᵢⱼ"

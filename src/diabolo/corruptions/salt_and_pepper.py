"""Salt-and-pepper noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.flow import channel_axis
from diabolo.part import knob


@dataclass(frozen=True)
class SaltAndPepper(Corruption):
    """Some elements become the smallest or the largest value of their channel in the batch, by the toss of a coin.

    The extremes are those of the batch because scaled data have no fixed range; in a table every column is a channel,
    so a batch of a single row stays as it is.

    References
    ----------
    Vincent et al., "Stacked denoising autoencoders", JMLR 2010, section 3.3.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[0.0], [0.4], [1.0]])
    >>> sorted(set(SaltAndPepper(1.0).corrupt(x)[0].flatten().tolist()) | {0.0, 1.0})
    [0.0, 1.0]
    """

    share: float = knob(0.1, Number(0, 1), "share of the elements that are set to an extreme")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Set the elements to an extreme."""
        axis = channel_axis(x.shape[1:]) % x.ndim
        others = [i for i in range(x.ndim) if i != axis]
        low, high = x.amin(others, keepdim=True), x.amax(others, keepdim=True)  # (1, .., channels, .., 1)
        extreme = torch.where(torch.rand_like(x) < 0.5, low, high)
        return torch.where(torch.rand_like(x) < self.share, extreme, x), None

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = min x or max x with probability {self.share:g}, else x"

"""Masking noise."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.part import knob
from diabolo.sparse import assembled


@dataclass(frozen=True)
class Masking(Corruption):
    """x̃ = x·m, with m ~ Bernoulli(1 - share) per element: some elements become 0, the mean of scaled data.

    All elements count in the distortion, the visible ones too. Sparse x lose that share of their entries.

    References
    ----------
    Vincent et al., "Stacked denoising autoencoders", JMLR 2010, section 3.3; of interactions: Liang et al.,
    "Variational autoencoders for collaborative filtering", WWW 2018, section 2.

    Examples
    --------
    >>> import torch
    >>> Masking(1.0).corrupt(torch.ones(1, 2))[0]
    tensor([[0., 0.]])
    """

    reads_sparse: ClassVar[bool] = True

    share: float = knob(0.3, Number(0, 1), "share of the elements that are set to 0")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Set the elements to 0."""
        if x.is_sparse:
            return _thinned(x.coalesce(), self.share), None
        return x.masked_fill(torch.rand_like(x) < self.share, 0), None

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = x·m, m ~ Bernoulli({1 - self.share:g})"


def _thinned(x: Tensor, share: float) -> Tensor:
    """Return x (B, I), coalesced, without a random share of its entries."""
    kept = (torch.rand_like(x.values()) >= share).nonzero()[:, 0]
    entries, values = x.indices().index_select(1, kept), x.values()[kept]
    return assembled(entries, values, x.shape)

"""A likelihood for numbers of any distribution: in which bin they lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from diabolo.check import Many, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.likelihoods.choice import disturbed
from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.part import knob

_MOST = 2**16  # columns, and bins of each


@dataclass(frozen=True)
class Binned(Likelihood):
    """-log p(x), exactly, of rows of a table whose columns are each in one of their `bins`, and anywhere within it.

    A sample has the 0/1 indicators of the bins of all columns, then one number for each column: its place in the bin,
    from 0 to 1, where all places are alike and cost nothing. D(z) has one logit for each bin. So a column may have any
    number of modes and any tails, and values that repeat have bins of their own. Categories of several numbers of
    levels are bins too. All are computed at once, where `Mixed` goes through its groups one by one.

    References
    ----------
    van den Oord, Kalchbrenner, Kavukcuoglu, "Pixel recurrent neural networks", ICML 2016, section 3: numbers as levels
    of a softmax.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[0.0, 1.0, 1.0, 0.0, 0.0, 0.3, 0.5]])  # the second of 2 bins, the first of 3
    >>> Binned((2, 3)).distortion(torch.zeros(1, 5), x)  # log 2 and log 3
    tensor([[0.0000, 0.6931, 1.0986, 0.0000, 0.0000, 0.0000, 0.0000]])
    """

    bins: tuple[int, ...] = knob((3,), Many(Whole(1, _MOST), _MOST), "number of bins of each column")

    def domains(self, channels: int) -> tuple[Domain, ...]:
        """Return what each channel may hold: indicators, then places."""
        return ("one-hot",) * sum(self.bins) + ("unit",) * len(self.bins)

    def shape(self, shape: Shape) -> Shape:
        """Return the number of bins of all columns, as a shape.

        Raises
        ------
        ParameterError
            If samples are not that many indicators, and a place for each column.
        """
        every = sum(self.bins)
        if len(shape) != 1 or not self.bins or shape[0] != every + len(self.bins):
            raise ParameterError(
                f"Parameter 'bins' of Binned must describe rows of one indicator for each bin and one place for each "
                f"column, {every + len(self.bins)} numbers for {len(self.bins)} columns of {every} bins; got samples "
                f"of shape {shape}. Count the bins of each column, and put the places last."
            )
        return (every,)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return −log p of the bin of each column at its indicator, and 0 at all others and at the places."""
        each = -target[:, : sum(self.bins)] * self._log_p(params)
        return torch.cat([each, each.new_zeros(len(each), len(self.bins))], 1)

    def mean(self, params: Tensor) -> Tensor:
        """Return the probabilities of the bins, and the middle of each."""
        p = self._log_p(params).exp()
        return torch.cat([p, p.new_full((len(p), len(self.bins)), 0.5)], 1)

    def sample(self, params: Tensor) -> Tensor:
        """Draw a bin for each column, and a place in it."""
        place, real, _ = _layout(self.bins)
        winner = disturbed(params)[:, place].masked_fill(~real, -torch.inf).argmax(2, keepdim=True)  # (B, C, 1)
        drawn = torch.zeros(len(params), *place.shape, dtype=params.dtype, device=params.device)
        return torch.cat([drawn.scatter_(2, winner, 1)[:, real], torch.rand_like(drawn[:, :, 0])], 1)

    def equation(self) -> str:
        """Return the formula."""
        return f"−Σ log softmax(D(z)) of the bin of each of {len(self.bins)} columns"

    def _log_p(self, params: Tensor) -> Tensor:
        """Return the log probabilities of all bins (B, P)."""
        place, real, owner = (part.to(params.device) for part in _layout(self.bins))
        owner = owner.to(params)
        with torch.no_grad():  # the largest of each column (B, C); it cancels, and has no gradient
            largest = params[:, place].masked_fill(~real, -torch.inf).amax(2)
        apart = params - largest @ owner.T
        return apart - (apart.exp() @ owner).log() @ owner.T


@lru_cache
def _layout(bins: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Return where the bins of each column lie (C, K), which of these there are (C, K), and whose each is (P, C)."""
    with torch.inference_mode(False):  # they are kept, and may be needed in training next
        sizes = torch.tensor(bins)
        real = torch.arange(max(bins)) < sizes[:, None]
        place = torch.zeros(real.shape, dtype=torch.long)
        place[real] = torch.arange(int(sizes.sum()))
        owner = torch.eye(len(bins)).repeat_interleave(sizes, 0)
        return place, real, owner

"""Exact probabilities of 8-bit images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Whole
from diabolo.flow import Shape, channel_axis, with_channels
from diabolo.likelihoods.choice import draw
from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.part import knob

_HALF = 1 / 255  # half the way from a level to the next, where the first level is −1 and the last one 1
_SHARPEST, _WIDEST = -7.0, 7.0  # log scales: from a ninth of a level to thousands, where all levels are alike


@dataclass(frozen=True)
class DiscretizedLogistic(Likelihood):
    """-log p(x), exactly, of x on the 256 levels k/255: a mixture of logistic distributions, cut into 256 bins.

    A level has what the mixture puts within half a step of it; 0 and 1 have the whole tails as well, so that the
    probabilities of the 256 levels sum to 1, and black and white, which are frequent, are cheap to say. D(z) has
    3·`components` times the channels of x: all logits of the weights, then all means, then all log scales, in units of
    half the range from black to white. The scales are bent smoothly to stay above a ninth of a level. Given z, the
    elements, and so the channels of a colour, are independent, unlike those of the reference.

    Bytes are divided by 255 by the readers. Of other numbers, give k/255: one between two levels costs as the bin
    around it would, which is no probability.

    References
    ----------
    Salimans et al., "PixelCNN++", ICLR 2017, equation 2. The difference of two sigmoids is taken as
    s(a) − s(b) = s(a)·s(−b)·(1 − exp(b − a)), which needs no approximation in the tails.

    Examples
    --------
    >>> import torch
    >>> levels = torch.arange(256).view(256, 1) / 255
    >>> params = torch.randn(1, 15).expand(256, 15)
    >>> bool(((-DiscretizedLogistic().distortion(params, levels)).exp().sum() - 1).abs() < 1e-4)
    True
    """

    domain: ClassVar[Domain] = "unit"

    components: int = knob(5, Whole(1, 100), "number of logistic distributions that are mixed for an element")

    def shape(self, shape: Shape) -> Shape:
        """Return `shape` with 3·`components` times the channels."""
        return with_channels(shape, 3 * self.components)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return −log p of the level of each element."""
        logits, mean, log_scale, axis = self._mixture(params)
        x = (2 * target - 1).unsqueeze(axis)
        sharpness = (-log_scale).exp()
        below = F.logsigmoid((x + _HALF - mean) * sharpness)  # log of what lies below the upper end of the bin
        above = F.logsigmoid((mean + _HALF - x) * sharpness)  # and above the lower one
        within = (-torch.expm1(-2 * _HALF * sharpness)).log()
        first, last = x < _HALF - 1, x > 1 - _HALF
        log_p = torch.where(first, below, torch.where(last, above, below + above + within))
        return -(logits.log_softmax(axis) + log_p).logsumexp(axis)

    def mean(self, params: Tensor) -> Tensor:
        """Return the mean before it is cut into levels, which moves it by less than a fifth of a level."""
        logits, mean, log_scale, axis = self._mixture(params)
        scale = log_scale.exp()
        ends = (F.softplus(-(mean + end).abs() / scale) for end in (1, -1))  # what is cut off pulls the mean inwards
        first, last = ends
        clipped = mean.clamp(-1, 1) + scale * (first - last)
        return ((logits.softmax(axis) * clipped).sum(axis) + 1) / 2

    def sample(self, params: Tensor) -> Tensor:
        """Draw levels."""
        x = draw(*self._mixture(params))
        return ((x + 1) / 2 * 255).round().clamp(0, 255) / 255

    def equation(self) -> str:
        """Return the formula."""
        return f"−Σ log Σₖ πₖ·P(x − ½/255 < Logistic(μₖ, σₖ) < x + ½/255), k = 1…{self.components}"

    def _mixture(self, params: Tensor) -> tuple[Tensor, Tensor, Tensor, int]:
        """Return logits, means and log scales, with the components along an axis of their own, and that axis."""
        axis = channel_axis(params.shape[1:]) % params.ndim
        logits, mean, log_scale = params.unflatten(axis, (3, self.components, -1)).unbind(axis)
        return logits, mean, _SHARPEST + F.softplus(log_scale.clamp(max=_WIDEST) - _SHARPEST), axis

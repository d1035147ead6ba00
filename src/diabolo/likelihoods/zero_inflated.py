"""Counts of which some are 0 for a reason of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import shorten
from diabolo.errors import ParameterError
from diabolo.flow import Shape, channel_axis, channels, with_channels
from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.likelihoods.multinomial import Multinomial
from diabolo.likelihoods.poisson import Poisson
from diabolo.part import Some, knob


@dataclass(frozen=True)
class ZeroInflated(Likelihood):
    """-log p(x), exactly, of counts x that are 0 with probability π and else as the likelihood `of` says.

    D(z) has the channels of `of`, then one more per channel of x: log π/(1 − π).

    References
    ----------
    Lambert, "Zero-inflated Poisson regression", Technometrics 1992.

    Examples
    --------
    >>> import torch
    >>> ZeroInflated().distortion(torch.zeros(1, 4), torch.tensor([[0.0, 1.0]]))  # ½ + ½/e, and ½/e
    tensor([[0.3799, 1.6931]])
    """

    domain: ClassVar[Domain] = "counts"

    of: Likelihood = knob(Poisson(), Some("likelihoods"), "of the other counts: Poisson() or NegativeBinomial()")

    def shape(self, shape: Shape) -> Shape:
        """Return the shape of the params of `of`, with one more channel per channel of a sample.

        Raises
        ------
        ParameterError
            If `of` does not tell each count alone how probable it is.
        """
        if self.of.domain != "counts" or isinstance(self.of, Multinomial):  # whose counts share a given total
            raise ParameterError(
                "Parameter 'of' of ZeroInflated must be a likelihood of single counts, Poisson() or "
                f"NegativeBinomial(); got {shorten(self.of)}."
            )
        return with_channels(shape, 1 + channels(self.of.shape(shape)) // channels(shape))

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return −log[π·1(x = 0) + (1 − π)·p(x)] per element."""
        inner, logit = self._split(params)
        each = self.of.distortion(inner, target)
        zero = -torch.logaddexp(F.logsigmoid(logit), F.logsigmoid(-logit) - each)
        return torch.where(target == 0, zero, F.softplus(logit) + each)

    def mean(self, params: Tensor) -> Tensor:
        """Return 1 − π times the mean of the others."""
        inner, logit = self._split(params)
        return logit.neg().sigmoid() * self.of.mean(inner)

    def sample(self, params: Tensor) -> Tensor:
        """Draw counts."""
        inner, logit = self._split(params)
        return torch.bernoulli(logit.neg().sigmoid()) * self.of.sample(inner)

    def equation(self) -> str:
        """Return the formula."""
        return f"−Σ log[π·1(x = 0) + (1 − π)·p(x)] with −log p: {self.of.equation()}"

    def _split(self, params: Tensor) -> tuple[Tensor, Tensor]:
        axis = channel_axis(params.shape[1:])
        own = params.shape[axis] // (1 + channels(self.of.shape((1,))))
        inner, logit = params.split((params.shape[axis] - own, own), axis)
        return inner, logit

"""A likelihood for values of which some are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.errors import ParameterError
from diabolo.flow import Shape, channel_axis
from diabolo.likelihoods.bernoulli import Bernoulli
from diabolo.likelihoods.gaussian import Gaussian
from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.part import Some, knob


@dataclass(frozen=True)
class Observed(Likelihood):
    """-log p(m) − (1 − m)·log p(x), where the last channel m is 1 if the values x of the others are missing.

    What is not there costs nothing and is not learned from; that it is missing is. D(z) has the channels that `of`
    has for x, then one for the logit of m.

    References
    ----------
    Nazábal et al., "Handling incomplete heterogeneous data using VAEs", Pattern Recognition 2020, section 2; the
    indicator as data: Ipsen, Mattei, Frellsen, "not-MIWAE", ICLR 2021.

    Examples
    --------
    >>> import torch
    >>> from diabolo.likelihoods import SquaredError
    >>> Observed(SquaredError()).distortion(torch.zeros(2, 2), torch.tensor([[3.0, 0.0], [3.0, 1.0]]))
    tensor([[4.5000, 0.6931],
            [0.0000, 0.6931]])
    """

    domain: ClassVar[Domain] = "unit"  # of the indicator

    of: Likelihood = knob(Gaussian(), Some("likelihoods"), "of the values that are there")

    def domains(self, channels: int) -> tuple[Domain, ...]:
        """Return what each channel may hold."""
        return (*self.of.domains(channels - 1), self.domain)

    def shape(self, shape: Shape) -> Shape:
        """Return the shape of the params of `of`, with one more channel.

        Raises
        ------
        ParameterError
            If there is no channel beside the indicator.
        """
        axis = 0 if len(shape) == 3 else len(shape) - 1
        if shape[axis] < 2:
            raise ParameterError(
                "Parameter 'likelihood' cannot be Observed for samples of one channel, as that tells which values of "
                f"others are missing; got samples of shape {shape}. Use {self.of!r}."
            )
        return _wider(self.of.shape(_wider(shape, -1)), 1)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return that of `of` where values are there, 0 where not, and the cross-entropy of the indicator."""
        (inner, logit), (x, missing) = _cut(params), _cut(target)
        each = self.of.distortion(inner, x) * (1 - missing)
        return torch.cat([each, Bernoulli().distortion(logit, missing)], channel_axis(target.shape[1:]))

    def mean(self, params: Tensor) -> Tensor:
        """Return the mean of the values if they are there, and how probable it is that they are not."""
        inner, logit = _cut(params)
        return torch.cat([self.of.mean(inner), Bernoulli().mean(logit)], channel_axis(params.shape[1:]))

    def sample(self, params: Tensor) -> Tensor:
        """Draw values, and indicators of what is missing of them."""
        inner, logit = _cut(params)
        return torch.cat([self.of.sample(inner), Bernoulli().sample(logit)], channel_axis(params.shape[1:]))

    def equation(self) -> str:
        """Return the formula."""
        return f"−log p(m) + (1 − m)·[{self.of.equation()}]"


def _wider(shape: Shape, by: int) -> Shape:
    """Return `shape` with so many more channels."""
    return (shape[0] + by, *shape[1:]) if len(shape) == 3 else (*shape[:-1], shape[-1] + by)


def _cut(whole: Tensor) -> tuple[Tensor, Tensor]:
    """Return all channels but the last one, and that."""
    axis = channel_axis(whole.shape[1:])
    first, last = whole.split((whole.shape[axis] - 1, 1), axis)
    return first, last

"""What the params of images and series tell of each cell: the best guess, draws, a deviation, and ends of intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from diabolo.errors import CapabilityError
from diabolo.flow import channel_axis
from diabolo.likelihoods import Likelihood

Ask = Callable[[Likelihood, Tensor], Tensor]
"""What is asked of params (B, *out): an answer (B, *target), scaled, or several on further channels."""

_DRAWS = 100
"""Draws that tell of a distribution, whatever the likelihood."""


def mean(likelihood: Likelihood, params: Tensor) -> Tensor:
    """Return the expected values."""
    return likelihood.mean(params)


def sample(likelihood: Likelihood, params: Tensor) -> Tensor:
    """Draw values."""
    return likelihood.sample(params)


def deviation(likelihood: Likelihood, params: Tensor) -> Tensor:
    """Return the standard deviations."""
    return draws(likelihood, params).std(0)


def median(likelihood: Likelihood, params: Tensor) -> Tensor:
    """Return the medians."""
    return quantiles(draws(likelihood, params).sort(0).values, torch.tensor([0.5]))[0]


def ends(levels: Sequence[float]) -> Ask:
    """Return what gives the low ends of intervals, then the high ones, of such probabilities for each channel.

    Examples
    --------
    >>> from diabolo.likelihoods import Gaussian
    >>> params = torch.tensor([[[5.0, -50.0]]])  # one step of a series: mean 5, and a deviation of the floor
    >>> ends([0.9])(Gaussian(floor=1e-3), params).round(decimals=1)
    tensor([[[5., 5.]]])
    """

    def ask(likelihood: Likelihood, params: Tensor) -> Tensor:
        ordered = draws(likelihood, params).sort(0).values  # (S, B, *target)
        axis = channel_axis(params.shape[1:])
        channels = ordered.unbind(axis + 1 if axis > 0 else axis)
        both = [quantiles(x, torch.tensor([0.5 - p / 2, 0.5 + p / 2])) for x, p in zip(channels, levels, strict=True)]
        low, high = torch.stack(both, axis + 1 if axis > 0 else axis)
        return torch.cat([low, high], axis)

    return ask


def draws(likelihood: Likelihood, params: Tensor, which: Tensor | None = None) -> Tensor:
    """Return many draws, (S, B, *target), or (S, M) of those cells that `which` (B, *target) says."""
    every = (likelihood.sample(params) for _ in range(_DRAWS))
    return torch.stack([x if which is None else x[which] for x in every])


def quantiles(ordered: Tensor, levels: Tensor) -> Tensor:
    """Return what lies at levels (L,) from 0 to 1 of ordered draws (S, ...), as (L, ...): of as many as there are.

    `torch.quantile` takes 16 million numbers at most, and would order them again.

    Examples
    --------
    >>> quantiles(torch.tensor([[0.0], [1.0], [4.0]]), torch.tensor([0.5, 0.75])).tolist()
    [[1.0], [2.5]]
    """
    place = levels.to(ordered) * (len(ordered) - 1)
    below = place.floor().long()
    part = (place - below).view(-1, *[1] * (ordered.ndim - 1))
    return ordered[below].lerp(ordered[(below + 1).clamp_max(len(ordered) - 1)], part)


def demand_spread(likelihood: Likelihood, asked: str) -> None:
    """Raise unless a likelihood tells how far off its mean may be.

    Raises
    ------
    CapabilityError
        If it does not; `asked` is what needs it.
    """
    if not likelihood.tells_noise:
        raise CapabilityError(
            f"{asked} needs a likelihood that tells how far off a value may be; the Imputer was fitted with "
            f"{likelihood!r}. Leave the likelihood open, or choose one such as LogisticMixture() or Gaussian()."
        )

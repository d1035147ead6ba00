"""Logarithms of factorials and gamma functions of large numbers, without their cancellation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEAST = 1e-6
"""A count below it is 0."""

_LARGE = 16.0  # from it on the series is exact to 1e-11
_WIDEST = 20.0


def bounded(log: Tensor) -> Tensor:
    """Return a logarithm bent smoothly to stay within ±20, so that no exponential overflows.

    Examples
    --------
    >>> import torch
    >>> bounded(torch.tensor([0.1, 1e9]))
    tensor([ 0.1000, 20.0000])
    """
    return _WIDEST * torch.tanh(log / _WIDEST)


def log_factorial(x: Tensor) -> Tensor:
    """Return log x! − (x·log x − x) for x > 0: what is left of the logarithm when its large terms are taken away.

    References
    ----------
    Loader, "Fast and accurate computation of binomial probabilities", 2000: the terms that would cancel are never
    formed, but left to `deviance`.

    Examples
    --------
    >>> import torch
    >>> log_factorial(torch.tensor([1.0, 1e6]))
    tensor([1.0000, 7.8267])
    """
    small, large = x.clamp(max=_LARGE), x.clamp(min=_LARGE)
    exact = (small + 1).lgamma() - small * small.log() + small
    series = (1 / 12 - (1 / 360 - 1 / (1260 * large.square())) / large.square()) / large
    return torch.where(x < _LARGE, exact, 0.5 * (2 * math.pi * large).log() + series)


def deviance(x: Tensor, log_ratio: Tensor) -> Tensor:
    """Return m − x − x·log(m/x) >= 0, half the deviance of a count x from m, given log(m/x).

    Examples
    --------
    >>> import torch
    >>> deviance(torch.tensor([1e4]), torch.tensor([0.01]))
    tensor([0.5017])
    """
    return x * (torch.expm1(log_ratio) - log_ratio)


def log_ratio(a: Tensor, b: Tensor, gap: Tensor) -> Tensor:
    """Return log(a/b) for a, b > 0, given also their `gap` a − b, which may be smaller than the last digit of both.

    Examples
    --------
    >>> import torch
    >>> a, b = torch.tensor([1e9]), torch.tensor([1e9])
    >>> log_ratio(a, b, torch.tensor([1.0]))
    tensor([1.0000e-09])
    """
    near = (gap / b).clamp(-0.5, 0.5)
    return torch.where(near.abs() < 0.5, near.log1p(), (a / b).log())

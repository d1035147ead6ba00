"""Normal distributions with diagonal covariance: what encoders give, and mixtures are made of."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOG_2_PI = math.log(2 * math.pi)

_WIDEST = 20.0  # |log variance| stays below it, so that no exponential overflows


def moments(h: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (B, n) and log variance (B, n) for the encoder's output h (B, 2n).

    Examples
    --------
    >>> moments(torch.tensor([[3.0, 0.0]]))
    (tensor([[3.]]), tensor([[0.]]))
    """
    mean, log_var = h.chunk(2, 1)
    return mean, _WIDEST * torch.tanh(log_var / _WIDEST)


def moments_slope(log_var: Tensor) -> Tensor:
    """Return the slope of the log variance that `moments` gave (B, n) by the encoder's output.

    Examples
    --------
    >>> moments_slope(torch.tensor([[0.0, 20.0]]))
    tensor([[1., 0.]])
    """
    return 1 - (log_var / _WIDEST).square()


def log_densities(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Return log N(z; mean, exp(log_var)) (B, K) of codes z (B, n) under each of K distributions, both (K, n).

    The squares are multiplied out, so that the sums are matrix products, in float64: there, what cancels does no harm.

    Examples
    --------
    >>> log_densities(torch.zeros(1, 2), torch.zeros(3, 2), torch.zeros(3, 2)) + LOG_2_PI
    tensor([[0., 0., 0.]])
    """
    dtype = z.dtype if z.device.type == "mps" else torch.float64
    away, at, log_v = z.to(dtype), mean.to(dtype), log_var.to(dtype)
    precision = (-log_v).exp()
    squares = away.square() @ precision.T - 2 * away @ (at * precision).T + (at.square() * precision).sum(1)
    return (-0.5 * (squares + (log_v + LOG_2_PI).sum(1))).to(z.dtype)

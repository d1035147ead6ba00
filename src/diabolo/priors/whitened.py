"""A density of codes of any scale, by one of codes with mean 0 and covariance I."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.priors.prior import Prior, PriorModule

_FLATTEST = 1e-6  # least variance along an axis, in terms of the largest


class Whitened(PriorModule):
    """p(z) = p(u)·|du/dz| with u = Vᵀ(z − m) / s: `inner` knows the codes with mean 0 and covariance I.

    Directions in which the codes do not vary, or hardly, count as a thousandth as wide as the widest.

    Parameters
    ----------
    prior : Prior
        The density of whitened codes.
    n : int
        Size of the codes.

    Examples
    --------
    >>> from diabolo.priors import Normal
    >>> module = Whitened(Normal(), 2)
    >>> module.whiten(torch.tensor([[1.0, 5.0], [3.0, 5.0]])).abs()
    tensor([[1., 0.],
            [1., 0.]])
    """

    shift: Tensor
    axes: Tensor
    scale: Tensor

    def __init__(self, prior: Prior, n: int) -> None:
        super().__init__()
        self.inner = prior.build(n)
        self.register_buffer("shift", torch.zeros(n))
        self.register_buffer("axes", torch.eye(n))  # columns, by falling variance
        self.register_buffer("scale", torch.ones(n))

    @torch.no_grad()
    def whiten(self, codes: Tensor) -> Tensor:
        """Learn shift, axes and scale from codes (N, n), and return them white."""
        codes = codes.double()
        mean = codes.mean(0)
        variance, axes = torch.linalg.eigh((codes - mean).T @ (codes - mean) / len(codes))
        variance, axes = variance.flip(0), axes.flip(1)
        widest = variance[0] if variance[0] > 0 else variance.new_ones(())
        for buffer, found in (
            (self.shift, mean),
            (self.axes, axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()),
            (self.scale, variance.clamp_min(_FLATTEST * widest).sqrt()),
        ):
            buffer.copy_(found)
        return self._into(codes.to(self.shift))

    def log_density(self, z: Tensor) -> Tensor:
        return self.inner.log_density(self._into(z)) - self.scale.log().sum()

    def sample(self, count: int) -> Tensor:
        return self.back(self.inner.sample(count))

    def back(self, white: Tensor) -> Tensor:
        """Return codes (N, n) for white ones."""
        return (white * self.scale) @ self.axes.T + self.shift

    def _into(self, z: Tensor) -> Tensor:
        return (z - self.shift) @ self.axes / self.scale

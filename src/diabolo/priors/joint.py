"""A density of codes given what is known of their samples, from a mixture fitted to both."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from diabolo.priors.diagonal import LOG_2_PI
from diabolo.priors.mixture import Mixture
from diabolo.priors.normal import Normal
from diabolo.priors.prior import PriorModule
from diabolo.priors.whitened import Whitened

_NEAR = 0.01
"""Variance within which conditions count as the same: labels lie 1 apart, numbers have deviation 1."""

_APART = 10.0
"""How far labels lie apart, in units of how far white codes do."""

_FLAT = 1e-9
"""Added to variances, in units of the mean one, so that rounding leaves them positive."""

_BLOCK = 2048
"""Codes that are looked at a time."""


class Joint(PriorModule):
    """p(z|c) = Σₖ πₖ(c) N(z; mₖ(c), Sₖ), of a mixture of normal distributions of [z | c].

    A component counts as far as its conditions are near c; its mean goes with c as its covariance says. Where no
    condition is given, it is the density of all codes.

    Parameters
    ----------
    prior : Mixture
        The density of codes beside conditions.
    n, condition : int
        Sizes of both.

    References
    ----------
    Sung, "Gaussian mixture regression and classification", thesis, Rice University, 2004.

    Examples
    --------
    >>> module = Joint(Mixture(2), 3, condition=1)
    >>> module.given(torch.zeros(1, 1)).sample(5).shape
    torch.Size([5, 3])
    """

    stretch: Tensor

    def __init__(self, prior: Mixture, n: int, condition: int) -> None:
        super().__init__()
        self.n = n
        self.white = Whitened(Normal(), n)
        self.inner = prior.build(n + condition)
        self.register_buffer("stretch", torch.ones(condition))

    @torch.no_grad()
    def whiten(self, both: Tensor) -> Tensor:
        """Learn how codes beside conditions (N, n + C) vary; return the codes white, and conditions as they count.

        Labels lie so far apart that no component has two of them.
        """
        z, condition = both[:, : self.n], both[:, self.n :]
        labels = ((condition == 0) | (condition == 1)).all(0)
        self.stretch.copy_(torch.where(labels, _APART * self.n**0.5, 1.0))
        return torch.cat([self.white.whiten(z), condition.to(self.stretch) * self.stretch], 1)

    def given(self, condition: Tensor | None) -> PriorModule:
        return self if condition is None else _Given(*self._components(), condition)

    def log_density(self, z: Tensor) -> Tensor:
        log_weight, mean, covariance = self._components()
        n, none = self.n, z.new_zeros(len(z), dtype=torch.long)
        return _log_mixture(z, none, log_weight[None], mean[None, :, :n], covariance[:, :n, :n])

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        return self.white.back(self.inner.sample(count)[:, : self.n])

    def _components(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return log weights (K,), means (K, n + C) and covariances (K, n + C, n + C), float64."""
        log_weight, mean, covariance = self.inner.components()
        white = self.white
        turn = torch.block_diag(white.axes * white.scale, torch.diag(1 / self.stretch)).to(mean)  # [z | c] = turn·u + …
        shift = torch.cat([white.shift, torch.zeros_like(self.stretch)]).to(mean)
        covariance = turn @ covariance @ turn.T
        covariance = 0.5 * (covariance + covariance.mT)
        covariance += _FLAT * covariance.diagonal(dim1=1, dim2=2).mean() * torch.eye(len(turn)).to(turn)
        return log_weight, mean @ turn.T + shift, covariance


class _Given(PriorModule):
    """The density given conditions (B, C), for codes (K * B, n) of which row k * B + b belongs to condition b."""

    def __init__(self, log_weight: Tensor, mean: Tensor, covariance: Tensor, condition: Tensor) -> None:
        super().__init__()
        rows, self.which = condition.to(mean).unique(dim=0, return_inverse=True)  # (R, C), (B,)
        n = mean.shape[1] - rows.shape[1]
        own = covariance[:, n:, n:] + _NEAR * torch.eye(rows.shape[1]).to(mean)
        slope = torch.linalg.solve(own, covariance[:, n:, :n]).mT  # (K, n, C)
        away = rows[:, None] - mean[:, n:]  # (R, K, C)
        near = log_weight + _log_normal(rows, mean[None, :, n:].expand(len(rows), -1, -1), own)
        self.log_weight = near.log_softmax(1)  # (R, K)
        self.mean = mean[:, :n] + torch.einsum("kic,rkc->rki", slope, away)  # (R, K, n)
        self.covariance = covariance[:, :n, :n] - slope @ covariance[:, n:, :n]  # (K, n, n)

    def log_density(self, z: Tensor) -> Tensor:
        which = self.which.repeat(len(z) // len(self.which))
        return _log_mixture(z, which, self.log_weight, self.mean, self.covariance)

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        which = self.which.repeat(math.ceil(count / len(self.which)))[:count]
        component = torch.multinomial(self.log_weight.exp()[which], 1)[:, 0]
        spread = torch.linalg.cholesky(self.covariance)  # (K, n, n)
        away = torch.randn(count, self.mean.shape[2]).to(spread)
        for k in component.unique().tolist():
            mine = component == k
            away[mine] = away[mine] @ spread[k].T
        return (self.mean[which, component] + away).float()


def _log_mixture(z: Tensor, which: Tensor, log_weight: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Return log Σₖ π N(z; m, S) (B,) of codes (B, n), with the weights (R, K) and means (R, K, n) of rows `which`."""
    found = [
        (log_weight[row] + _log_normal(part, mean[row], covariance)).logsumexp(1)
        for part, row in zip(z.split(_BLOCK), which.split(_BLOCK), strict=True)
    ]
    return torch.cat(found).to(z.dtype)


def _log_normal(x: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Return log N(x; mean, covariance) (B, K), float64, of x (B, D), means (B, K, D) and covariances (K, D, D)."""
    lower = torch.linalg.cholesky(covariance)
    inverse = torch.linalg.solve_triangular(lower, torch.eye(lower.shape[1]).to(lower).expand_as(lower), upper=False)
    away = x.to(lower)[:, None] - mean  # (B, K, D)
    u = torch.einsum("bkj,kij->bki", away, inverse)
    return -0.5 * (u.square() + LOG_2_PI).sum(2) - lower.diagonal(dim1=1, dim2=2).log().sum(1)

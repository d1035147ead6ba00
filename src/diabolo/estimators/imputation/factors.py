"""Factor analysis of rows with missing values: what is expected of those, and how far from it they may lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_STEPS = 15
"""Rounds of expectation and maximisation: more change little."""

_PRIOR = 3.0
"""Rows that say nothing, added to the real ones: keeps loadings small where there are few."""

_LEAST = 1e-4
"""The least variance of noise, in units of standardised numbers."""

_ROWS = 1024  # worked on at a time


@dataclass(frozen=True, eq=False)
class Factors:
    """x = μ + W·z + ε with z ~ N(0, I) and ε ~ N(0, Ψ), Ψ diagonal: the linear autoencoder that knows what it misses.

    The code of a row is the mean of z given the numbers that are there, so that a missing one costs nothing but
    precision.

    Parameters
    ----------
    mean : Tensor (P,)
        μ, float64.
    loadings : Tensor (P, K)
        W.
    noise : Tensor (P,)
        The diagonal of Ψ.

    References
    ----------
    Rubin, Thayer, "EM algorithms for ML factor analysis", Psychometrika 1982; Ghahramani, Hinton, "The EM algorithm
    for mixtures of factor analyzers", 1996.

    Examples
    --------
    >>> x = torch.randn(500, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * torch.ones(3)
    >>> factors = Factors.of(x, torch.ones(500, 3, dtype=torch.float64), 1)
    >>> fill, spread = factors.expect(torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 1.0]]))
    >>> bool(0.8 < fill[0, 1] < 1.2), bool(spread[0, 1] < 0.2)
    (True, True)
    """

    mean: Tensor
    loadings: Tensor
    noise: Tensor

    @staticmethod
    def of(x: Tensor, here: Tensor, count: int) -> Factors:
        """Return so many factors of standardised rows x (N, P), of which `here` (N, P) says with 1 what is there."""
        factors = _begun(x, here, count)
        for _ in range(_STEPS):
            factors = factors._better(x, here)
        return factors

    def expect(self, x: Tensor, here: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows (N, P) with what is missing filled in, and the standard deviation of it, 0 of what is there."""
        found = []
        for part, seen in _blocks(x, here):
            code, around = self._posterior(part, seen)
            fill = torch.where(seen > 0, part, self.mean + code @ self.loadings.T)
            variance = self.noise + ((self.loadings @ around) * self.loadings).sum(2)
            found.append((fill, variance.sqrt() * (1 - seen)))
        return torch.cat([fill for fill, _ in found]), torch.cat([spread for _, spread in found])

    def _posterior(self, x: Tensor, here: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean (B, K) and covariance (B, K, K) of the factors of rows, given what is there."""
        count = self.loadings.shape[1]
        certain = here / self.noise  # (B, P)
        pairs = (self.loadings[:, :, None] * self.loadings[:, None, :]).flatten(1)  # (P, K²)
        precision = (certain @ pairs).unflatten(1, (count, count)) + torch.eye(count, dtype=x.dtype, device=x.device)
        around = torch.cholesky_inverse(torch.linalg.cholesky(precision))
        return torch.einsum("bkl,bl->bk", around, ((x - self.mean) * certain) @ self.loadings), around

    def _better(self, x: Tensor, here: Tensor) -> Factors:
        """Return the factors after a round of expectation and maximisation: a regression of each number on them."""
        width, count = self.loadings.shape
        pairs, with_x, squares = x.new_zeros(width, (count + 1) ** 2), x.new_zeros(width, count + 1), x.new_zeros(width)
        for part, seen in _blocks(x, here):
            code, around = self._posterior(part, seen)
            code = torch.cat([code, code.new_ones(len(code), 1)], 1)
            both = code[:, :, None] * code[:, None, :]
            both[:, :count, :count] += around
            pairs += seen.T @ both.flatten(1)
            with_x += (seen * part).T @ code
            squares += (seen * part.square()).sum(0)
        pairs = pairs.unflatten(1, (count + 1, count + 1))
        prior = torch.eye(count + 1, dtype=x.dtype) * _PRIOR
        prior[-1, -1] = 1e-9 * len(x) + 1e-9  # the mean is free, but of what is never there
        slopes = torch.linalg.solve(pairs + self.noise[:, None, None] * prior, with_x)  # (P, K + 1)
        rest = squares - 2 * (slopes * with_x).sum(1) + torch.einsum("pk,pkl,pl->p", slopes, pairs, slopes)
        noise = (rest + _PRIOR * 1e-2) / (here.sum(0) + _PRIOR)
        return Factors(slopes[:, -1].contiguous(), slopes[:, :-1].contiguous(), noise.clamp_min(_LEAST))


def _begun(x: Tensor, here: Tensor, count: int) -> Factors:
    """Return the leading directions of the correlations of pairs, drawn to 0 where few rows have both."""
    both, x = here.T @ here, x * here
    found = (x.T @ x) * both / (both + _PRIOR).square()
    found.fill_diagonal_(1.0)
    values, vectors = torch.linalg.eigh(found)
    loadings = vectors[:, -count:] * (0.9 * values[-count:].clamp_min(1e-3)).sqrt()
    noise = (1 - loadings.square().sum(1)).clamp_min(1e-2)
    return Factors(x.new_zeros(x.shape[1]), loadings.contiguous(), noise)


def _blocks(x: Tensor, here: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(x.double().split(_ROWS), here.double().split(_ROWS), strict=True)

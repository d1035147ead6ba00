"""What is near: where a model places samples, and what tells them apart there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.model import Autoencoder

_TRACE = 0.3
"""What the sample itself counts beside its residual: a model of few samples rebuilds them almost as they are."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Where samples lie.

    Parameters
    ----------
    residual : Tensor (B, D)
        What the model does not rebuild, scaled; 0 where a value is missing.
    code : Tensor (B, n)
        Deterministic codes.
    rebuilt : Tensor (B, D)
        What the codes decode to, scaled.
    counted : Tensor (B, D), bool, optional
        Which numbers count; all do if left out.
    """

    residual: Tensor
    code: Tensor
    rebuilt: Tensor
    counted: Tensor | None = None

    @staticmethod
    @torch.inference_mode()
    def by(model: Autoencoder, x: Tensor, counted: Tensor | None = None) -> Placed:
        """Return where a model places scaled samples x (B, *shape), without noise; only those `counted` are there."""
        code, rebuilt = model.encode(x).mean, model.reconstruct(x)
        residual, code, rebuilt = (part.flatten(1).cpu() for part in (x - rebuilt, code, rebuilt))
        if counted is None:
            return Placed(residual, code, rebuilt)
        counted = counted.flatten(1)
        return Placed(residual * counted, code, rebuilt, counted)

    def part(self, index: Tensor) -> Placed:
        """Return some of the samples."""
        counted = None if self.counted is None else self.counted[index]
        return Placed(self.residual[index], self.code[index], self.rebuilt[index], counted)

    @staticmethod
    def joined(blocks: Iterable[Placed]) -> Placed:
        """Return blocks of samples as one."""
        parts = [(placed.residual, placed.code, placed.rebuilt) for placed in blocks]
        return Placed(*(torch.cat(part) for part in zip(*parts, strict=True)))


@dataclass(frozen=True)
class Neighbourhood:
    """Training samples that are near.

    Parameters
    ----------
    point : callable
        What tells samples apart: the numbers (B, P) of where they lie, given the unit of codes.
    share : float
        How many of the training samples are neighbours, at least 5.
    among : int
        Training samples among which they are looked for, at most: the tenth of few is found faster than that of many,
        and is as wide.
    """

    point: Callable[[Placed, float], Tensor]
    share: float = 0.0
    among: int = 2048


@dataclass(frozen=True)
class Measure:
    """What is near, and who is to be trusted.

    Parameters
    ----------
    each : tuple of Neighbourhood
        What energies come from.
    mean : callable
        How those of each, (S, B), make one of a sample, (B,).
    trusts : float, optional
        How far out a training sample may lie by a wide neighbourhood and still be a neighbour of others: so many times
        the distance of the quantiles .3 and .7 of the logarithms above their median. Left out, all may.
    """

    each: tuple[Neighbourhood, ...]
    mean: Callable[[Tensor], Tensor]
    trusts: float | None = None


def beside(placed: Placed, unit: float) -> Tensor:
    """Return what the model does not rebuild, number by number, beside the code."""
    return torch.cat([placed.residual, placed.code / unit], 1)


def grain(placed: Placed, unit: float) -> Tensor:
    """Return what is rebuilt beside the length of the rest."""
    return torch.cat([placed.rebuilt, placed.residual.norm(dim=1, keepdim=True)], 1)


def row(placed: Placed, unit: float) -> Tensor:
    """Return the sample itself."""
    return placed.residual + placed.rebuilt


def unforeseen(placed: Placed, unit: float) -> Tensor:
    """Return what the model does not rebuild; a trace of the sample, where it rebuilds all there is."""
    return torch.cat([placed.residual, _TRACE * row(placed, unit)], 1)


def arithmetic(energies: Tensor) -> Tensor:
    """Return the mean (B,) of energies (S, B)."""
    return energies.mean(0)


def geometric(energies: Tensor) -> Tensor:
    """Return the geometric mean (B,) of energies (S, B)."""
    return energies.pow(1 / len(energies)).prod(0)


WIDE = Neighbourhood(beside, 0.1, 512)
"""Many neighbours by residual and code: a crowd of anomalies is far from them."""

BESIDE = Measure((Neighbourhood(beside, 0.01), WIDE), arithmetic)
"""Residual beside code, a narrow and a wide neighbourhood: for series and whole images (docs/decisions/0006)."""

ROWS = Measure((Neighbourhood(row), Neighbourhood(unforeseen), WIDE), geometric, trusts=2.6)
"""The row and what is not rebuilt of it, few neighbours; residual beside code, many: for tables (the same decision)."""

GRAIN = Measure((Neighbourhood(grain),), arithmetic)
"""What is rebuilt, the five nearest: for windows of images, of which the residual is grain (docs/decisions/0007)."""

"""How rare a sample is: its distance from the training samples, by what the model rebuilds and what it cannot.

A residual alone forgives a far sample that is rebuilt well, and the code alone one that lies off the manifold. Side by
side they place a sample, and the distance from the training samples there says how rare it is: from few of them for
anomalies that come alone, from many for those that come in crowds. Few only vouch if many others vouch for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diabolo.check import shorten
from diabolo.errors import FileError
from diabolo.nearness import BESIDE, WIDE, Measure, Placed, arithmetic

LEAST = 5
"""Neighbours at least."""

MOST = 2048
"""Training samples kept, at most: more changed nothing (docs/decisions/0006)."""

_NUMBERS = 2**24
"""Numbers kept, at most: wide samples are kept in smaller number."""

_LEAST_VARIANCE = 0.05
"""What is added to the variance of a number among neighbours, where the variance of all is 1."""

_WIDE, _FEW = 256, 512
"""Numbers up to which a sample has forgiving neighbours, and kept samples among which they are looked for."""

_CROWDS = Measure((WIDE,), arithmetic)
"""Who lies far out, be it in a crowd."""

_SAME = 1e-10
"""Squared distance, relative to the squared length, up to which a training sample is taken to be the sample itself."""


@dataclass(frozen=True, eq=False)
class Density:
    """The training samples, as what others are measured by; in float64.

    The energy of a sample is ``D/2 · meanₛ (mean squared distance to the nearest share s) / (its median among the
    training samples)``: in nats of a Gaussian around each neighbour, so wide that the median training sample costs half
    a nat for each of its D numbers. For rows of tables the mean is a geometric one.

    Parameters
    ----------
    placed : Placed
        The training samples that may be neighbours, (R, …).
    unit : float
        Standard deviation of their codes, all entries together: codes are measured in it.
    levels : tuple of float
        Median over them of the mean squared distance to their neighbours, for each neighbourhood.
    measure : Measure
        What is near.

    References
    ----------
    Distance to the k-th neighbour: Ramaswamy, Rastogi, Shim, SIGMOD 2000; code and residual side by side: Zong et al.,
    "Deep autoencoding Gaussian mixture model", ICLR 2018.

    Examples
    --------
    >>> import torch
    >>> line = torch.linspace(0, 1, 50, dtype=torch.float64).unsqueeze(1)
    >>> nothing = torch.zeros(50, 2, dtype=torch.float64)
    >>> density = Density.fit(Placed(nothing, line, nothing))
    >>> near, far = density.energy(Placed(nothing[:2], torch.tensor([[0.505], [3.0]]).double(), nothing[:2])).tolist()
    >>> near < 1 < 100 < far
    True
    """

    placed: Placed
    unit: float
    levels: tuple[float, ...]
    measure: Measure = BESIDE

    @classmethod
    def fit(cls, placed: Placed, measure: Measure = BESIDE) -> Density:
        """Learn from training samples, at least two; see `few` for how many are sensible."""
        if measure.trusts is not None:
            placed = placed.part(_trusted(cls.fit(placed, _CROWDS).energy(placed), measure.trusts))
        bare = cls(placed, _unit(placed.code), (1.0,) * len(measure.each), measure)
        return replace(bare, levels=tuple(_level(distances.mean(1)) for distances, _ in bare._nearest(placed)))

    @staticmethod
    def few(count: int, width: int, generator: torch.Generator) -> Tensor:
        """Return the rising numbers of samples to keep, of `count` that are `width` numbers wide."""
        most = max(min(MOST, _NUMBERS // width), 64)
        if count <= most:
            return torch.arange(count)
        return torch.randperm(count, generator=generator)[:most].sort().values

    def energy(self, placed: Placed) -> Tensor:
        """Return the energies (B,) in nats, float64. A sample that is one of those kept is not its own neighbour."""
        return self._energy(self._nearest(placed))

    def explained(self, placed: Placed) -> tuple[Tensor, Tensor]:
        """Return the energies (B,), and what each number of a sample adds to its own, (B, D): they sum to it.

        The energy is laid on the numbers in proportion to (x − m)² / (v + ¹⁄₂₀), where m and v are mean and variance of
        the number among the neighbours: a number is to blame as far as it leaves their range; one that does not count
        is not to blame. Of neighbours there are two kinds, of which the geometric mean is taken: those that the energy
        comes from, and those that are near but for a number or two, as no number adds more than 1 to their squared
        distance. A single wrong value draws the former after it, not the latter (docs/decisions/0006).
        """
        found = self._nearest(placed)
        energy, shares = self._energy(found), self._shares(found)
        x, kept = placed.residual + placed.rebuilt, self.placed.residual + self.placed.rebuilt
        blame = _deviation(x, kept, shares)
        if x.shape[1] <= _WIDE:
            some = kept[:: -(-len(kept) // _FEW)]
            blame = blame.sqrt_() * _deviation(x, some, _forgiving(x, some)).sqrt_()
        blame = (blame if placed.counted is None else blame * placed.counted) + 1e-30
        return energy, energy.unsqueeze(1) * (blame / blame.sum(1, keepdim=True))

    def _energy(self, found: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Return the energies (B,) of samples whose neighbours were found."""
        each = zip(found, self.levels, strict=True)
        ratios = torch.stack([distances.mean(1) / level for (distances, _), level in each])
        return 0.5 * self.placed.residual.shape[1] * self.measure.mean(ratios)

    def _shares(self, found: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Return how much each kept sample has to do with the energies, (B, R), rows summing to 1."""
        shares = self.placed.code.new_zeros(len(found[0][0]), len(self.placed.code))
        for (distances, nearest), level in zip(found, self.levels, strict=True):
            shares.scatter_add_(1, nearest, torch.full_like(distances, 1 / (level * distances.shape[1])))
        return shares / shares.sum(1, keepdim=True)

    def arrays(self) -> dict[str, Tensor]:
        """Return the tensors to save."""
        placed = {"residual": self.placed.residual, "code": self.placed.code, "rebuilt": self.placed.rebuilt}
        return placed | {"scales": torch.tensor([self.unit, *self.levels], dtype=torch.float64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor], width: int, n: int, measure: Measure = BESIDE) -> Density:
        """Return what `arrays` described, of samples of `width` numbers with codes of `n`.

        Raises
        ------
        FileError
            If a tensor is missing, of another shape, or not finite.
        """
        names = ("residual", "code", "rebuilt", "scales")
        sound = all(name in arrays and bool(arrays[name].isfinite().all()) for name in names)
        if not sound or arrays["scales"].shape != (1 + len(measure.each),) or not bool((arrays["scales"] > 0).all()):
            raise FileError(f"The saved density needs finite arrays {', '.join(names)}; save it anew.")
        residual, code, rebuilt = (arrays[name].double() for name in names[:3])
        shapes = [tuple(array.shape) for array in (residual, code, rebuilt)]
        count = code.numel() // n
        if shapes != [(count, width), (count, n), (count, width)] or count < 2:
            raise FileError(
                f"The saved density needs at least 2 samples of {width} numbers with codes of {n}; got arrays of the "
                f"shapes {shorten(shapes)}: save it anew."
            )
        unit, *levels = arrays["scales"].tolist()
        return cls(Placed(residual, code, rebuilt), unit, tuple(levels), measure)

    def _nearest(self, placed: Placed) -> list[tuple[Tensor, Tensor]]:
        """Return squared distances (B, K), rising, and whose they are, for each neighbourhood.

        What lies at no distance is passed over once: a kept sample is not its own neighbour.
        """
        found = []
        for near in self.measure.each:
            points, kept = (near.point(each, self.unit) for each in (placed, self.placed))
            stride = -(-len(kept) // near.among)
            distances, nearest = _least(points, kept[::stride], near.share)
            found.append((distances, nearest * stride))
        return found


def _least(points: Tensor, kept: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return the least squared distances of points (B, P) from a share of kept ones (R, P), and from which, (B, K)."""
    length = points.square().sum(1, keepdim=True)
    squares = torch.addmm(kept.square().sum(1), points, kept.T, alpha=-2).add_(length).clamp_(min=0)
    count = min(len(kept) - 1, max(LEAST, round(share * len(kept))))
    values, index = squares.topk(count + 1, largest=False)
    itself = (values[:, :1] <= _SAME * length).expand(-1, count)
    pairs = ((values[:, 1:], values[:, :-1]), (index[:, 1:], index[:, :-1]))
    distances, nearest = (torch.where(itself, others, first) for others, first in pairs)
    return distances, nearest


def _trusted(energies: Tensor, reach: float) -> Tensor:
    """Tell which samples (B,) are not far out by their energies; those of many equals, 0, tell nothing of the rest."""
    logs = energies[energies > 1e-9].log()
    if not len(logs):
        return torch.ones_like(energies, dtype=torch.bool)
    low, middle, high = logs.quantile(logs.new_tensor([0.3, 0.5, 0.7]))
    return energies <= (middle + reach * (high - low) + 1e-9).exp()


def _deviation(x: Tensor, kept: Tensor, shares: Tensor) -> Tensor:
    """Return how far numbers (B, D) leave the range of kept ones (R, D), by the shares (B, R) of these."""
    mean = shares @ kept
    variance = (shares @ kept.square() - mean.square()).clamp_(min=0)
    return (x - mean).square() / (variance + _LEAST_VARIANCE)


def _forgiving(x: Tensor, kept: Tensor) -> Tensor:
    """Return equal shares (B, R) of the nearest of kept samples (R, D), if no number counts for more than 1."""
    squares = x.new_zeros(len(x), len(kept))
    for column, others in zip(x.T, kept.T, strict=True):
        squares += (column.unsqueeze(1) - others).square_().clamp_(max=1)
    count = min(len(kept), max(LEAST, len(kept) // 40))
    nearest = squares.topk(count, largest=False).indices
    return torch.zeros_like(squares).scatter_(1, nearest, 1 / count)


def _unit(code: Tensor) -> float:
    """Return the standard deviation of codes, or 1 if they differ by no more than rounding."""
    spread = float(code.std())
    return spread if spread > max(1e-9 * float(code.abs().max()), 1e-12) else 1.0


def _level(distances: Tensor) -> float:
    """Return the median, or what else tells the size of numbers of which half are 0."""
    for value in (float(distances.median()), float(distances.mean())):
        if value > 1e-12:
            return value
    return 1.0

"""Memory: what a detector keeps of the samples gone by, to learn on from and to calibrate with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.check import Maybe, Whole
from diabolo.density import MOST, Density
from diabolo.errors import FileError
from diabolo.estimators.detection import pieces
from diabolo.estimators.detection.pieces import Pieces
from diabolo.estimators.detection.reservoir import Reservoir
from diabolo.flow import Shape

Array = NDArray[Any]

HELD = 0.2
"""Share of the samples held out to calibrate a false alarm rate."""

SPAN = Maybe(Whole(2), "as many as it was fitted on, or 10,000 if that is more")
"""How many samples back a detector may remember."""

_LEAST_SPAN = 10_000

_CALIBRATING = 10_000
"""Held-out samples that are kept, at most."""

_NUMBERS = 2**24
"""Numbers that are kept, at most, of samples learned from and of those held out each."""


@dataclass(frozen=True, eq=False)
class Memory:
    """Samples that stand for those gone by.

    Parameters
    ----------
    learned : Reservoir
        Of those learned from: the training samples of the density.
    held : Reservoir
        Of those held out; empty unless a false alarm rate is calibrated.
    seen : int
        How many samples there were, all in all.
    """

    learned: Reservoir
    held: Reservoir
    seen: int

    @classmethod
    def of(cls, learnt: Pieces, held: Pieces | None, seed: int) -> Memory:
        """Return the memory of a fit, its samples learned from and, if any, those held out; the seed chooses."""
        generator = torch.Generator().manual_seed(seed)
        few = Density.few(len(learnt), learnt.width, generator).numpy()  # as the density has them
        kept = Reservoir(values(learnt, few), float(len(learnt)))
        if held is None:
            return cls(kept, Reservoir(kept.x[:0], 0.0), len(learnt))
        some = torch.randperm(len(held), generator=generator)[: _room(_CALIBRATING, held.width)].sort().values
        return cls(kept, Reservoir(values(held, some.numpy()), float(len(held))), len(learnt) + len(held))

    @property
    def calibrates(self) -> bool:
        """Whether samples are held out."""
        return len(self.held.x) > 0

    def share(self, count: int, span: int | None) -> float:
        """Return how much what was learned before counts, from 0 to 1, beside `count` new samples to learn from."""
        return self.learned.share(count, self._spans(span)[0])

    def joined(self, learnt: Array, held: Array, span: int | None, rng: np.random.Generator) -> Memory:
        """Return the memory once new samples have joined, to learn from (B, *shape) and held out; older ones fade.

        How fast, `span` says: the mean age of those that are remembered, in samples, as `SPAN` allows it.
        """
        of_learned, of_held = self._spans(span)
        width = int(np.prod(learnt.shape[1:]))
        return Memory(
            self.learned.joined(learnt, of_learned, _room(MOST, width), rng),
            self.held.joined(held, of_held, _room(_CALIBRATING, width), rng),
            self.seen + len(learnt) + len(held),
        )

    def scores(self, old: Array, new: Array, span: int | None, rng: np.random.Generator) -> Array:
        """Return the rising scores (m,) of samples learned from once new ones (B,) have joined; older ones fade."""
        kept = Reservoir(old[:, None], self.learned.weight)
        return np.sort(kept.joined(new[:, None], self._spans(span)[0], _CALIBRATING, rng).x[:, 0])

    def arrays(self) -> dict[str, Tensor]:
        """Return the tensors to save."""
        named = {"learned": self.learned, "held": self.held}
        kept = {f"{name}.{key}": value for name, each in named.items() for key, value in each.arrays().items()}
        return kept | {"seen": torch.tensor(self.seen)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor], shape: Shape) -> Memory:
        """Return what `arrays` described, of samples of a shape.

        Raises
        ------
        FileError
            If a tensor is missing, of another shape, or holds what it cannot.
        """
        parts = [{key: arrays.get(f"{name}.{key}") for key in ("x", "weight")} for name in ("learned", "held")]
        learned, held = (
            Reservoir.from_arrays({key: value for key, value in part.items() if value is not None}, shape)
            for part in parts
        )
        seen = arrays.get("seen")
        if seen is None or seen.dtype != torch.int64 or seen.ndim or int(seen) < 1 or not len(learned.x):
            raise FileError("its memory holds no samples, or not how many it has seen; save it anew")
        return cls(learned, held, int(seen))

    def _spans(self, span: int | None) -> tuple[float, float]:
        """Return the memories of the two reservoirs, each in samples of its own."""
        shares = (1 - HELD, HELD) if self.calibrates else (1.0, 0.0)
        if span is None:
            weights = self.learned.weight, self.held.weight
            of_learned, of_held = (max(w, _LEAST_SPAN * share) for w, share in zip(weights, shares, strict=True))
        else:
            of_learned, of_held = (max(1.0, span * share) for share in shares)
        return of_learned, of_held


def values(samples: Pieces, index: NDArray[np.int64]) -> Array:
    """Return samples (B, *shape), bytes or floating point numbers, NaN where a value is missing.

    Examples
    --------
    >>> values(pieces.Whole(np.array([[1.0, 0.0]]), np.array([[True, False]])), np.array([0]))
    array([[ 1., nan]])
    """
    x, counts = samples.take(index)
    if x.dtype != np.uint8:
        x = x.astype(np.float32 if x.dtype == np.float32 else np.float64)
    return x if counts is None else np.where(counts, x, np.nan)


def whole(x: Array) -> pieces.Whole:
    """Return samples (B, *shape), NaN where a value is missing, as a detector's model takes them."""
    missing = np.isnan(x)
    return pieces.Whole(np.where(missing, 0, x), ~missing) if missing.any() else pieces.Whole(x)


def _room(most: int, width: int) -> int:
    """Return how many samples of so many numbers are kept."""
    return max(min(most, _NUMBERS // width), 64)

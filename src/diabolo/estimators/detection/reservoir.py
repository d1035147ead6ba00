"""Samples kept of a stream: as many as there is room for, each standing for equally many of those gone by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.check import shorten
from diabolo.errors import FileError
from diabolo.flow import Shape

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Reservoir:
    """Samples of a stream that stand for the others.

    Until `memory` samples have gone by, all of them count alike. From then on older ones fade: a sample counts e^(-a/m)
    where a samples came after it and m is the memory, which so is their mean age.

    Parameters
    ----------
    x : ndarray (R, *shape)
        Those kept, NaN where a value is missing.
    weight : float
        How many samples they stand for.

    References
    ----------
    Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical Software, 1985; fading: Aggarwal, "On
    biased reservoir sampling in the presence of stream evolution", VLDB, 2006.

    Examples
    --------
    >>> kept = Reservoir(np.zeros((100, 1)), 100.0)
    >>> later = kept.joined(np.ones((50, 1)), memory=1000, most=60, rng=np.random.default_rng(0))
    >>> later.weight, int(later.x.sum()), len(later.x)  # a third of them are new
    (150.0, 20, 60)
    """

    x: Array
    weight: float

    def share(self, count: int, memory: float) -> float:
        """Return how much those kept count, from 0 to 1, beside `count` new samples, which have the rest.

        Examples
        --------
        >>> kept = Reservoir(np.zeros((10, 1)), 1000.0)
        >>> kept.share(1000, memory=5000), round(kept.share(1000, memory=1000), 3)
        (0.5, 0.368)
        """
        before = min(self.weight, memory)
        after = min(before + count, memory)
        return before / after * math.exp((after - before - count) / after)

    def joined(self, new: Array, memory: float, most: int, rng: np.random.Generator) -> Reservoir:
        """Return what is kept of these samples and new ones (B, *shape), in order: `most` of them, at most.

        Which are given up is drawn by `rng`, regardless of what they are, so that each of those kept stands for equally
        many. That no sample is there twice limits their number to `memory` or a little more, where that is less.
        """
        if not len(new):
            return self
        old = self.share(len(new), memory)
        room = min(most, len(new) / (1 - old), len(self.x) / max(old, 1e-300))
        chance = rng.random()  # decides which of the two numbers is rounded up: they sum to the room
        counts = math.floor(room * old + chance), math.floor(room * (1 - old) + 1 - chance)
        parts = [_some(x, count, rng) for x, count in zip((self.x, new), counts, strict=True)]
        return Reservoir(np.concatenate(parts), min(min(self.weight, memory) + len(new), memory))

    def arrays(self) -> dict[str, Tensor]:
        """Return the tensors to save."""
        return {"x": torch.from_numpy(self.x), "weight": torch.tensor(self.weight, dtype=torch.float64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor], shape: Shape) -> Reservoir:
        """Return what `arrays` described, of samples of a shape.

        Raises
        ------
        FileError
            If a tensor is missing, of another shape, or holds what it cannot.
        """
        x, weight = arrays.get("x"), arrays.get("weight")
        if x is None or weight is None or weight.ndim or tuple(x.shape[1:]) != shape:
            shapes = {name: tuple(array.shape) for name, array in arrays.items()}
            raise FileError(
                f"The kept samples need arrays x (R, *{shape}) and weight (); got {shorten(shapes)}: save them anew."
            )
        number = float(weight)
        if x.dtype not in _KINDS or bool(x.isinf().any()) or not (0 < number < math.inf or number == len(x) == 0):
            raise FileError("The kept samples must be finite, and stand for a number of samples; save them anew.")
        return cls(x.numpy(), number)


_KINDS = (torch.uint8, torch.float32, torch.float64)


def _some(x: Array, count: int, rng: np.random.Generator) -> Array:
    """Return so many of the samples x (R, *shape), if there are, drawn at random, in order."""
    return x[np.sort(rng.permutation(len(x))[:count])]

"""Samples as a detector's model takes them, each whole or cut into windows, and what it says of them laid back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data.surroundings import Normalised
from diabolo.data.windows import Cut, Windows
from diabolo.flow import Shape
from diabolo.training import Training

Array = NDArray[Any]
Energies = NDArray[np.float64]

_SEEN = 8
"""Numbers along each axis that a window of an image comes to, if it is at least so large."""

_TOP = 0.01
"""Share of the points of an image whose mean energy is that of the image."""


SAMPLES = Training(steps=400, batch_size=256, validation=0.0)
"""How a model is trained on samples of their own."""

STRETCHES = Training(steps=50, batch_size=64, validation=0.0)
"""How it is trained on windows of series, which overlap: few steps see what there is (docs/decisions/0007)."""


class Pieces(ABC):
    """What the model takes, P pieces of N samples."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of pieces P."""

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """The shape of a piece."""

    @property
    def schedule(self) -> Training:
        """How a model is trained on them, if not said otherwise."""
        return SAMPLES

    @property
    def width(self) -> int:
        """How many numbers a piece holds."""
        return math.prod(self.shape)

    @abstractmethod
    def take(self, index: NDArray[np.int64]) -> tuple[Array, Array | None]:
        """Return pieces (B, *shape), and which of their numbers count, in the same shape; None if all do."""

    @abstractmethod
    def scores(self, energies: Energies) -> Energies:
        """Return the energies (N,) of samples from those of their pieces (P,)."""

    @abstractmethod
    def laid(self, blocks: Iterable[Array]) -> Any:
        """Return pieces (B, *shape), block after block in their order, as samples: an array, or a list if ragged."""


@dataclass(frozen=True, eq=False)
class Whole(Pieces):
    """Samples (N, *shape) that are pieces themselves, and which of their numbers count, if not all."""

    array: Array
    counts: Array | None = None

    def __len__(self) -> int:
        return len(self.array)

    @property
    def shape(self) -> Shape:
        return self.array.shape[1:]

    def take(self, index: NDArray[np.int64]) -> tuple[Array, Array | None]:
        return self.array[index], None if self.counts is None else self.counts[index]

    def part(self, index: NDArray[np.int64]) -> Whole:
        """Return some of the samples."""
        return Whole(*self.take(index))

    def scores(self, energies: Energies) -> Energies:
        return energies

    def laid(self, blocks: Iterable[Array]) -> Array:
        return np.concatenate(list(blocks))


class Cuts(Pieces):
    """Windows of samples that are long or large."""

    cut: Cut

    def __len__(self) -> int:
        return len(self.cut)

    @property
    def shape(self) -> Shape:
        return self.cut.shape

    @abstractmethod
    def maps(self, energies: Energies) -> Array | list[Array]:
        """Return the energy at each point of each sample, (T,) or (H, W), from those of the pieces (P,)."""


@dataclass(frozen=True, eq=False)
class Stretches(Cuts):
    """Windows of long series (T, C), of one length or of several.

    Parameters
    ----------
    cut : Cut
        The windows.
    counts : Cut or None
        Which of their numbers count, if not all.
    single : bool
        Whether there is one series, whose points are the samples.
    """

    cut: Cut
    counts: Cut | None = None
    single: bool = False

    @property
    def schedule(self) -> Training:
        return STRETCHES

    def take(self, index: NDArray[np.int64]) -> tuple[Array, Array | None]:
        return self.cut.take(index), None if self.counts is None else self.counts.take(index)

    def maps(self, energies: Energies) -> Array | list[Array]:
        return self._given(self.cut.spread(energies))

    def scores(self, energies: Energies) -> Energies:
        maps = self.cut.spread(energies)
        return maps[0] if self.single else np.array([each.max() for each in maps])

    def laid(self, blocks: Iterable[Array]) -> Array | list[Array]:
        return self._given(self.cut.merged(blocks))

    def _given(self, samples: list[Array]) -> Array | list[Array]:
        return samples[0] if self.single else _stacked(samples)


@dataclass(frozen=True, eq=False)
class Pictures(Cuts):
    """Windows of large images, of one size or of several, each less the light and the contrast of its surroundings."""

    cut: Cut
    images: Sequence[Normalised]

    @classmethod
    def of(cls, images: Sequence[Array], size: int, least: int = 0) -> Pictures:
        """Return images (C, H, W) in windows of so many pixels along both axes, half a window apart.

        They are closer where there would be less than `least` of them.
        """
        side = side_of(size)
        seen = [Normalised.of(image, size // side, side) for image in images]
        points = sum(each.values[0].size for each in seen)
        stride = max(1, min(side // 2, int((points / least) ** 0.5) if least else side))
        return cls(Windows(side, stride).of([each.values for each in seen]), seen)

    def take(self, index: NDArray[np.int64]) -> tuple[Array, None]:
        return self.cut.take(index), None

    def maps(self, energies: Energies) -> Array | list[Array]:
        maps = self._coarse(energies)
        return _stacked([image.enlarged(each) for image, each in zip(self.images, maps, strict=True)])

    def scores(self, energies: Energies) -> Energies:
        return np.array([_highest(each.ravel()) for each in self._coarse(energies)])

    def _coarse(self, energies: Energies) -> list[Energies]:
        """Return the energies (h, w): of the windows that would cover a point, those beyond the border are usual."""
        full, usual = (self.cut.windows.size // self.cut.windows.stride) ** 2, self.width / 2
        maps = []
        for each, count in zip(self.cut.spread(energies), self.cut.covers, strict=True):
            beyond = np.maximum(full - count, 0)
            maps.append((each * count + usual * beyond) / (count + beyond))
        return maps

    def laid(self, blocks: Iterable[Array]) -> Array | list[Array]:
        merged = self.cut.merged(blocks)
        return _stacked([image.enlarged(each) for image, each in zip(self.images, merged, strict=True)])

    def without(self, residuals: Iterable[Array]) -> Array | list[Array]:
        """Return the images less what windows (B, C, side, side), block after block, hold that is unexpected."""
        merged = self.cut.merged(residuals)
        return _stacked([image.without(each) for image, each in zip(self.images, merged, strict=True)])


def side_of(size: int) -> int:
    """Return how many numbers along each axis a window of an image of so many pixels comes to.

    Examples
    --------
    >>> side_of(16), side_of(12), side_of(37)
    (8, 12, 9)
    """
    return size // max(1, size // _SEEN)


def _stacked(samples: list[Array]) -> Array | list[Array]:
    return np.stack(samples) if len({sample.shape for sample in samples}) == 1 else samples


def _highest(values: Energies) -> float:
    """Return the mean of the highest hundredth."""
    count = max(1, round(_TOP * len(values)))
    return float(np.partition(values, len(values) - count)[-count:].mean())

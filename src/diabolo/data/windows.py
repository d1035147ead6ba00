"""Windows: a long series or a large image in overlapping pieces of one size, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from diabolo.errors import DataError
from diabolo.flow import Shape

Array = NDArray[Any]


@dataclass(frozen=True)
class Windows:
    """How samples are cut: stretches of a series (T, C), squares of an image (C, H, W).

    Parameters
    ----------
    size : int
        Points, or pixels along both axes, of a window.
    stride : int
        From one window to the next; the last one ends where the sample ends.

    Examples
    --------
    >>> series = np.arange(5.0)[:, None]  # (T, 1)
    >>> cut = Windows(size=3, stride=3).of([series])
    >>> cut.take(np.arange(len(cut)))[..., 0].tolist()
    [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]
    """

    size: int
    stride: int = 1

    def of(self, samples: Sequence[Array]) -> Cut:
        """Return samples, all series or all images of as many channels, as windows.

        Raises
        ------
        DataError
            If a sample is shorter, or an image smaller, than a window.
        """
        grids = []
        for number, sample in enumerate(samples):
            lengths = _extent(sample)
            if min(lengths) < self.size:
                raise DataError(
                    f"X must hold samples of at least {self.size} points along each axis, the size of a window; "
                    f"sample {number} has {' x '.join(map(str, lengths))}. Give longer ones, or a smaller window."
                )
            axes = [self._starts(length) for length in lengths]
            grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))  # (W, axes)
            grids.append(np.insert(grid, 0, number, axis=1))
        return Cut(self, tuple(samples), np.concatenate(grids))

    def _starts(self, length: int) -> NDArray[np.int64]:
        last = length - self.size
        return np.append(np.arange(0, last, self.stride), last)


@dataclass(frozen=True, eq=False)
class Cut:
    """Samples, and where their windows lie.

    Parameters
    ----------
    windows : Windows
        How they were cut.
    samples : tuple of arrays
        Series (T, C) or images (C, H, W).
    places : array (W, 2) or (W, 3)
        The number of the sample of each window, and where it starts along each axis; sample after sample.
    """

    windows: Windows
    samples: tuple[Array, ...]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> Shape:
        """The shape of a window: (size, C), or (C, size, size)."""
        size, first = self.windows.size, self.samples[0]
        return (size, first.shape[1]) if first.ndim == 2 else (len(first), size, size)

    def take(self, index: NDArray[np.int64]) -> Array:
        """Return the windows of these numbers, (len(index), *shape)."""
        out = np.empty((len(index), *self.shape), self.samples[0].dtype)
        places = self.places[index]
        for number in np.unique(places[:, 0]):
            here = places[:, 0] == number
            out[here] = self._views(self.samples[number])[tuple(places[here, 1:].T)]
        return out

    def spread(self, values: Array) -> list[Array]:
        """Return the mean of what windows (W,) say of each point that they cover: (T,) or (H, W) of each sample."""
        shape = (self.windows.size, 1) if len(self.shape) == 2 else (1, *self.shape[1:])
        pieces = np.broadcast_to(values.reshape(-1, *(1 for _ in shape)), (len(values), *shape))
        return [sample[:, 0] if len(shape) == 2 else sample[0] for sample in self.merged([pieces])]

    @cached_property
    def covers(self) -> list[Array]:
        """By how many windows each point of the samples is covered: (T,) or (H, W)."""
        counts = [np.zeros(_extent(sample)) for sample in self.samples]
        for number, count in enumerate(counts):
            for place in self._slices(number):
                count[place] += 1
        return counts

    def merged(self, blocks: Iterable[Array]) -> list[Array]:
        """Return windows (B, *shape), block after block in their order, as samples: the mean where they overlap."""
        pieces = (piece for block in blocks for piece in block)
        return [self._one(number, pieces) for number in range(len(self.samples))]

    def _one(self, number: int, pieces: Iterator[Array]) -> Array:
        """Return a sample of its windows, which come next; their channels are the first axis of images."""
        lengths, total = _extent(self.samples[number]), np.zeros(())
        for place, piece in zip(self._slices(number), pieces, strict=False):
            if not total.ndim:
                total = np.zeros((*lengths, piece.shape[1]) if len(lengths) == 1 else (len(piece), *lengths))
            total[place if len(place) == 1 else (slice(None), *place)] += piece
        count = self.covers[number]
        return total / (count[:, None] if len(lengths) == 1 else count)

    def _slices(self, number: int) -> list[tuple[slice, ...]]:
        """Return where the windows of a sample lie."""
        first, end = np.searchsorted(self.places[:, 0], [number, number + 1])
        starts = self.places[first:end, 1:].tolist()
        return [tuple(slice(at, at + self.windows.size) for at in start) for start in starts]

    def _views(self, sample: Array) -> Array:
        """Return the windows at every start: (starts along each axis, *shape), not copied."""
        size = self.windows.size
        if sample.ndim == 2:
            return np.swapaxes(sliding_window_view(sample, size, axis=0), 1, 2)
        return np.moveaxis(sliding_window_view(sample, (size, size), axis=(1, 2)), 0, 2)


def _extent(sample: Array) -> Shape:
    """Return the lengths of the axes along which a sample is cut: (T,) or (H, W)."""
    return sample.shape[:1] if sample.ndim == 2 else sample.shape[1:]

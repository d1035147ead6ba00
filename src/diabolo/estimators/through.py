"""A model applied to samples of any sizes: small ones of one size many at a time, others one by one, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import Scaling
from diabolo.estimators.signals import scaled
from diabolo.estimators.tiles import Watch, tiled
from diabolo.nets.net import Local

Array = NDArray[Any]


def through(
    compute: Callable[[Tensor], Tensor],
    arrays: Sequence[Array] | Array,
    scaling: Scaling,
    local: Local | None,
    points: int,
    watch: Watch | None = None,
) -> Iterator[Tensor]:
    """Yield what is computed of each sample, scaled: (C, H, W) of an image, (T, C) of a series.

    Parameters
    ----------
    compute : callable
        Of a batch (B, *shape), on any device.
    arrays : sequence of arrays
        Samples in the units of the scaling: one array of all, or a list of several sizes.
    scaling : Scaling
        Of the samples.
    local : Local or None
        How far the model sees; None if it takes whole samples only.
    points : int
        Numbers that are computed at a time, about: bounds the memory.
    watch : callable, optional
        Told how many blocks or tiles are done, and of how many.

    Examples
    --------
    >>> scaling = Scaling(np.zeros((1, 1, 1)), np.full((1, 1, 1), 2.0))
    >>> [x.tolist() for x in through(lambda x: -x, np.ones((2, 1, 1, 2)), scaling, None, 9)]
    [[[[-0.5, -0.5]]], [[[-0.5, -0.5]]]]
    """
    if isinstance(arrays, np.ndarray) and arrays[0].size <= points:
        count = max(1, points // 4 // arrays[0].size)
        for start in range(0, len(arrays), count):
            block = scaling.tensor(np.ascontiguousarray(arrays[start : start + count]))
            yield from compute(scaling.batch(block)).cpu()
            if watch is not None:
                watch(min(start + count, len(arrays)), len(arrays))
        return
    for sample in arrays:
        x = scaled(scaling, sample)
        found = compute(x) if local is None else tiled(lambda tile: compute(tile).cpu(), x, local, points, watch)
        yield found[0].cpu()

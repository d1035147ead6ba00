"""Where a fit takes its samples from: an array in memory, or rows on disk."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import Scaling, Stored, joined
from diabolo.errors import DataError, warn
from diabolo.training import Rows, Source, Stream, split
from diabolo.training.batches import resident

Array = NDArray[Any]

BASELINE = 20_000
"""Samples that PCA is judged by where it is only a baseline."""

JUDGED = 10_000
"""Samples that errors are measured on where none are held out."""

BUFFER = 2**26
"""Bytes of a shuffle buffer, and of samples of a stored file that are kept in memory: bounds the memory."""


@dataclass(frozen=True)
class Sources:
    """The samples of a fit.

    Parameters
    ----------
    train, held_out : Source
        Those to train on, and those to judge by.
    few : Source
        About 20,000 of those to train on, at most.
    judged : Array
        The held-out samples in the user's units, or some of all where none are held out.
    """

    train: Source
    held_out: Source
    few: Source
    judged: Array

    @classmethod
    def of(
        cls,
        data: Array | Stored,
        scaling: Scaling,
        share: float,
        seed: int,
        device: torch.device,
        condition: Tensor | None = None,
        target: Tensor | None = None,
    ) -> Sources:
        """Hold out a share of the samples, which `seed` chooses, and train on the rest.

        What is known about samples, their `condition` (N, K), is told of those in memory only, and so is what they are
        to become, the scaled `target` (N, *target).
        """
        if isinstance(data, Stored):
            return _stored(data, scaling, share, seed, device)
        return _in_memory(data, scaling, share, seed, device, condition, target)


def blocks_of(data: Array | Stored) -> Iterator[Array]:
    """Yield the samples in blocks, in order: an array whole, rows on disk as they are read."""
    return data.blocks() if isinstance(data, Stored) else iter([data])


def gathered(X: Any) -> Any:
    """Return rows on disk in memory, all of them, with what is missing in them; anything else unchanged."""
    return X.back(X.with_gaps().take(np.arange(len(X)))) if isinstance(X, Stored) else X


def sampled(X: Any, numbers: int, y: Any = None) -> tuple[Any, Any]:
    """Return rows on disk in memory, and y of these: of many as many, at equal distances, as hold so many `numbers`.

    Missing ones stay; anything else than rows on disk is unchanged.

    Raises
    ------
    DataError
        If y does not hold a value for each row on disk.
    """
    if not isinstance(X, Stored):
        return X, y
    if y is not None and len(y) != len(X):
        raise DataError(f"y must hold one value, or row, for each of {len(X)} samples; got {len(y)} rows.")
    index = X.some(numbers)
    known = y if y is None or len(index) == len(X) else y.iloc[index] if hasattr(y, "iloc") else np.asarray(y)[index]
    return X.back(X.with_gaps().take(index)), known


def part_by_part(method: Callable[[Any], Any], X: Any) -> Any:
    """Return what a method makes of X: rows on disk, some of whose numbers may be missing, come in parts."""
    return joined(map(method, X.with_gaps().parts())) if isinstance(X, Stored) else method(X)


def _in_memory(
    array: Array,
    scaling: Scaling,
    share: float,
    seed: int,
    device: torch.device,
    condition: Tensor | None,
    target: Tensor | None,
) -> Sources:
    samples = resident(scaling.tensor(array), device)
    known = None if condition is None else condition.to(samples.device)
    wanted = None if target is None else target.to(samples.device)
    kept, held = split(len(array), share, seed)
    few = kept[:: math.ceil(len(kept) / BASELINE)]
    train, held_out, few = (Rows(samples, scaling.batch, index, device, known, wanted) for index in (kept, held, few))
    judged = array[held.numpy()] if len(held) else array[:: math.ceil(len(array) / JUDGED)]
    return Sources(train, held_out, few, judged)


def filled(blocks: Iterable[Array], count: int) -> Array:
    """Return the blocks as one array of `count` samples, filled as they come: memory holds them once.

    Examples
    --------
    >>> filled(iter([np.ones((2, 3)), np.zeros((1, 3))]), 3).shape
    (3, 3)
    """
    rest = iter(blocks)
    first = next(rest)
    out = np.empty((count, *first.shape[1:]), first.dtype)
    end = 0
    for block in chain((first,), rest):
        start, end = end, end + len(block)
        out[start:end] = block
    return out


def _stored(stored: Stored, scaling: Scaling, share: float, seed: int, device: torch.device) -> Sources:
    row_bytes = max(1, stored.size // len(stored)) * (1 if stored.dtype == np.uint8 else 4)
    held = _chosen(len(stored), share, seed, max(100, BUFFER // row_bytes))
    few = np.linspace(0, len(stored) - 1, min(len(stored), BASELINE, max(100, BUFFER // row_bytes)), dtype=np.int64)
    few = np.setdiff1d(few, held)
    wanted = np.union1d(few, held)
    array = stored.take(wanted)
    samples = resident(scaling.tensor(array), device)
    held_at, few_at = (torch.from_numpy(np.searchsorted(wanted, index)) for index in (held, few))
    train = _stream(stored, scaling, torch.from_numpy(held), max(1, BUFFER // row_bytes), device)
    held_out, few = (Rows(samples, scaling.batch, index, device) for index in (held_at, few_at))
    return Sources(train, held_out, few, array[(held_at if len(held) else few_at).numpy()])


def _chosen(count: int, share: float, seed: int, most: int) -> Array:
    """Return the rising numbers of rows to hold out: as many as of an array, without a number for every row."""
    held = min(round(count * share), 10_000, most) if count >= 10 else 0
    return np.sort(np.random.default_rng(seed).choice(count, held, replace=False, shuffle=False))


def _stream(stored: Stored, scaling: Scaling, held: torch.Tensor, room: int, device: torch.device) -> Stream:
    chunks = stored.chunks
    longest = max(len(chunk.rows) for chunk in chunks)
    if longest > max(room, len(stored) // 4):
        warn(
            f"{stored.path.name!r} keeps {longest} of its {len(stored)} rows in one row group, which can only be read "
            f"in order, so that about {room} neighbouring rows are mixed at a time; write it with row groups of "
            "100,000 rows if its order means something.",
        )
    return Stream(
        [chunk.rows for chunk in chunks],
        lambda i: map(scaling.tensor, stored.blocks(chunks[i])),
        scaling.batch,
        held,
        room,
        max(1, min(8, 64 // stored.shape[1])),  # an open row group takes about 3 MB a column
        device,
    )

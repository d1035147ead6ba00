"""What every side does with a table: import its library, fit a map of two numbers a row, place other rows, go back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.workers.protocol import Settings, Task
from benchmarks.workers.sets import load

ONES = 20
"""Rows that are placed one at a time."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Map:
    """A fitted map.

    Parameters
    ----------
    fitted : np.ndarray
        Where the rows lie that it was fitted to, (N, 2).
    place : callable, optional
        From rows (M, D) to where they lie, (M, 2).
    back : callable, optional
        From places (M, 2) to rows (M, D).
    most : int, optional
        How many rows it can go back from in reasonable time; all, if none is named.
    """

    fitted: Array
    place: Callable[[Array], Array] | None = None
    back: Callable[[Array], Array] | None = None
    most: int | None = None


Library = Callable[[], Callable[[Array, int], Map]]
"""Imports what it needs, and gives what fits a table (N, D) in [0, 1] with a seed."""


def mapping(libraries: Mapping[str, Library]) -> Callable[[Settings], Task]:
    """Return the task of a worker: a map of the way that the settings name, in a file, and what it cost.

    Times are [wall, processor], in seconds, of a single row in milliseconds. The first block imports, and is the first
    fit of the process.
    """

    def task(settings: Settings) -> Task:
        X, other = pixels("mnist", settings["rows"]), pixels("mnist-test", settings["placed"])
        library: list[Callable[[Array, int], Map]] = []

        def block(asked: Settings) -> Settings:
            told: Settings = {}
            if not library:
                found, told["import"] = timed(libraries[settings["way"]])
                library.append(found)
            made, told["fit"] = timed(partial(library[0], X, asked["seed"]))
            np.savez(asked["path"], allow_pickle=False, fitted=made.fitted, **_used(made, other, told))
            return told

        return Task(block)

    return task


def _used(made: Map, other: Array, told: Settings) -> dict[str, Array]:
    """Return where other rows (M, D) are placed and what comes back of them, and add what that cost."""
    place, back = made.place, made.back
    if place is None:
        return {}
    place(other)  # the first one may compile or index
    placed, told["place"] = timed(partial(place, other))
    pairs = [timed(partial(place, row[None]))[1] for row in other[:ONES]]
    told["one"] = tuple(1e3 * median(some) for some in zip(*pairs, strict=True))
    if back is None:
        return {"placed": placed}
    back(placed[:1])
    rebuilt, told["back"] = timed(partial(back, placed[: made.most]))
    return {"placed": placed, "rebuilt": rebuilt}


def timed(work: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """Return what comes of some work, and its seconds on the wall and of the processor."""
    wall, started = perf_counter(), process_time()
    found = work()
    return found, (perf_counter() - wall, process_time() - started)


def pixels(name: str, rows: int) -> Array:
    """Return images of a set as a table (rows, 784) float32 in [0, 1]."""
    return load(name, rows).reshape(rows, -1).astype(np.float32) / 255

"""What every side does with vectors: learn a dictionary of so many steps, and code and rebuild others with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from benchmarks.workers.protocol import Settings, Task


@dataclass(frozen=True)
class Wanted:
    """What is to be learned.

    Parameters
    ----------
    latents, k, batch : int
        Size of the code, how much of it is active, vectors in a step.
    steps : int
        Of training.
    rate : float, optional
        The learning rate; by default that of the library.
    seed : int
        Decides what is drawn.
    """

    latents: int
    k: int
    batch: int
    steps: int
    rate: float | None
    seed: int


Read = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From vectors (N, D) to what is rebuilt of them (N, D) and which latents fired for any (n,), bool."""
Learn = Callable[[np.ndarray, Wanted], Read]
"""From the vectors of all steps in their order, (steps·batch, D), to what reads others."""


def learning(learners: Mapping[str, Learn]) -> Callable[[Settings], Task]:
    """Return the task of a worker: learn in a way that a block names, and keep in a file what test vectors become.

    "folder" has ``train.npy`` and ``test.npy``. Two steps of each way are made beforehand: no import is counted.
    """

    def task(settings: Settings) -> Task:
        train, test = (np.load(Path(settings["folder"]) / f"{name}.npy") for name in ("train", "test"))

        def block(asked: Settings) -> Settings:
            wanted = Wanted(**{name: asked[name] for name in Wanted.__dataclass_fields__})
            rows = order(len(train), wanted.steps * wanted.batch, wanted.seed)
            X = train[rows]
            wall, started = perf_counter(), process_time()
            read = learners[asked["way"]](X, wanted)
            seconds, wall = process_time() - started, perf_counter() - wall
            rebuilt, fired = read(test)
            np.savez(asked["path"], rebuilt=rebuilt, fired=fired)
            return {"train": [len(X), seconds], "wall": wall}

        for learn in learners.values():
            small = Wanted(settings["latents"], settings["k"], settings["batch"], 2, None, 0)
            learn(train[: 2 * small.batch], small)(test[:10])
        return Task(block)

    return task


def order(rows: int, count: int, seed: int) -> np.ndarray:
    """Return `count` numbers of rows in a random order, each once before any comes again."""
    draw = np.random.default_rng(seed)
    return np.concatenate([draw.permutation(rows) for _ in range(-(-count // rows))])[:count]

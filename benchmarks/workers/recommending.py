"""What every side does with a set of interactions: choose its settings, fit, recommend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from benchmarks.workers.interactions import Part, cut, split
from benchmarks.workers.protocol import Settings, Task
from benchmarks.workers.ranking import ndcg

Recommend = Callable[[Part], np.ndarray]
"""From a part to the items for its tested users (B, 100), the best first."""


@dataclass(frozen=True)
class Learned:
    """A fitted model.

    Parameters
    ----------
    recommend : callable
        Gives the items.
    tune, fit : float
        Processor seconds of choosing the settings, and of the fit with them.
    chosen : dict
        The settings, and what else is worth telling.
    """

    recommend: Recommend
    tune: float
    fit: float
    chosen: Mapping[str, Any]


Learn = Callable[[Part, Part, Settings], Learned]
"""From the part that chooses settings, the part that tests, and what is asked for: "set" and "seed"."""
Fit = Callable[[Part, Mapping[str, Any], int], Recommend]
"""From a part, of which `train` is learnt from, settings and a seed."""


def items(learners: Mapping[str, Learn]) -> Callable[[Settings], Task]:
    """Return the task of a worker: for a set, a seed and the name of a model, its items in a file, and seconds."""

    def block(asked: Settings) -> Settings:
        valid, test = split(asked["set"], asked["seed"])
        try:
            learned = learners[asked["model"]](valid, test, asked)
            started = process_time()
            np.save(asked["path"], learned.recommend(test).astype(np.int32))
        except Exception as error:  # whatever it raises is its result on this set
            return {"failed": f"{type(error).__name__}: {error}"}
        seconds = {"tune": learned.tune, "fit": learned.fit, "recommend": process_time() - started}
        return seconds | {"chosen": dict(learned.chosen)}

    return lambda _: Task(block)


def searched(fit: Fit, grid: Sequence[Mapping[str, Any]]) -> Learn:
    """Return how to learn with the settings of a grid that are best for the validation users, by NDCG@k."""

    def learn(valid: Part, test: Part, asked: Settings) -> Learned:
        started = process_time()
        chosen = max(grid, key=lambda knobs: score(fit(valid, knobs, asked["seed"]), valid, asked))
        tuned = process_time()
        recommend = fit(test, chosen, asked["seed"])
        return Learned(recommend, tuned - started, process_time() - tuned, chosen)

    return learn


def score(recommend: Recommend, part: Part, asked: Settings) -> float:
    """Return the mean NDCG@k over the tested users of a part, with the k of the set."""
    return float(ndcg(recommend(part), part.targets, cut(asked["set"])).mean())

"""Our recommender, one model after another, everything but its name and the seed at its default."""

from __future__ import annotations

from functools import partial
from time import process_time

import numpy as np

from benchmarks.workers.interactions import Part
from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.ranking import LENGTH
from benchmarks.workers.recommending import Learned, items
from diabolo import Recommender


def task(settings: Settings) -> Task:
    """Return the task for the models that the settings name."""
    return items({model: partial(learned, model) for model in settings["models"]})(settings)


def learned(model: str, valid: Part, test: Part, asked: Settings) -> Learned:
    """Fit a model to what is trained on for the test; it never sees the validation users."""
    started = process_time()
    recommender = Recommender(model=model, random_state=asked["seed"]).fit(test.train)
    seconds = process_time() - started

    def recommend(part: Part) -> np.ndarray:
        return recommender.recommend(part.histories if part.users is None else part.users, n=LENGTH)[0]

    return Learned(recommend, 0.0, seconds, {"is": str(recommender.ranker_)})


if __name__ == "__main__":
    serve({"items": task})

"""Histories of a made-up catalogue, as large as asked, and what a model needs to learn from them and to answer."""

from __future__ import annotations

import resource
from time import perf_counter

import numpy as np
from scipy.sparse import csr_array

from benchmarks.workers.protocol import Settings, Task, serve

ANSWERS = 200
"""Users who are answered one by one."""


def histories(users: int, items: int, interactions: int, seed: int = 0) -> csr_array:
    """Return likes of users who have three topics each, fall outside of them one time in five, and differ in zeal.

    How many items a user has is lognormal; within its topic, how many users an item has falls as a power law.
    """
    rng = np.random.default_rng(seed)
    topics = max(50, items // 400)
    zeal = np.exp(rng.normal(0, 1, users))
    who = rng.choice(users, interactions, p=zeal / zeal.sum()).astype(np.int32)
    home = rng.integers(0, topics, (users, 3), dtype=np.int32)
    topic = home[who, rng.integers(0, 3, interactions)]
    astray = rng.random(interactions) < 0.2
    topic[astray] = rng.integers(0, topics, int(astray.sum()), dtype=np.int32)
    size = items // topics
    what = topic * size + (size * rng.random(interactions) ** 2.5).astype(np.int32)
    matrix = csr_array((np.ones(interactions, np.float32), (who, what)), shape=(users, items))
    matrix.data[:] = 1  # those that were drawn twice
    return matrix


def catalogue(settings: Settings) -> Task:
    """Return the task of learning from a catalogue once, and answering new users one by one."""
    X = histories(settings["users"], settings["items"], settings["interactions"])

    def block(_: Settings) -> Settings:
        from diabolo import Recommender  # what it imports counts

        started = perf_counter()
        recommender = Recommender(model=settings["model"], random_state=0, device="cpu").fit(X)
        seconds, took = perf_counter() - started, []
        for row in range(ANSWERS):
            history = X[[row]]
            started = perf_counter()
            recommender.recommend(history, n=20)
            took.append(perf_counter() - started)
        return {
            "interactions": int(X.nnz),
            "seconds": seconds,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
            "answer": [1e3 * float(q) for q in np.quantile(took, (0.5, 0.99))],
        }

    return Task(block)


if __name__ == "__main__":
    serve({"catalogue": catalogue})

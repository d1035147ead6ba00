"""Our dictionaries: of tokens as every side learns them, and of sentences, whose sparse codes are kept."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import numpy as np
from scipy.sparse import save_npz

from benchmarks.workers.atoms import Read, Wanted, learning
from benchmarks.workers.protocol import Settings, Task, serve
from diabolo import Dictionary


def learn(X: np.ndarray, wanted: Wanted) -> Read:
    """Train for one pass, with nothing held out; everything else at its default."""
    training = Dictionary().schedule.revise(epochs=1, batch_size=wanted.batch, validation=0.0)
    if wanted.rate is not None:
        training = training.revise(learning_rate=wanted.rate)
    dictionary = Dictionary(wanted.latents, k=wanted.k, training=training, random_state=wanted.seed).fit(X)

    def read(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fired = np.zeros(wanted.latents, bool)
        fired[dictionary.transform(vectors).indices] = True
        return dictionary.reconstruct(vectors), fired

    return read


def code(settings: Settings) -> Task:
    """Learn from the sentences of a folder; keep codes of them and of the queries, and what the former rebuild."""
    folder = Path(settings["folder"])
    sentences, queries = (np.load(folder / f"{name}.npy") for name in ("sentences", "queries"))

    def block(asked: Settings) -> Settings:
        started = process_time()
        dictionary = Dictionary(settings["latents"], k=settings["k"], random_state=asked["seed"]).fit(sentences)
        seconds = process_time() - started
        for name, vectors in {"sentences": sentences, "queries": queries}.items():
            save_npz(Path(asked["into"]) / f"{name}.npz", dictionary.transform(vectors))
        np.save(Path(asked["into"]) / "rebuilt.npy", dictionary.reconstruct(sentences))
        return {"seconds": seconds}

    return Task(block)


if __name__ == "__main__":
    serve({"learn": learning({"diabolo": learn}), "code": code})

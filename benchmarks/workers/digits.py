"""Our generators on MNIST: trained, and asked for digits."""

from __future__ import annotations

from time import process_time
from typing import Any

import numpy as np

from benchmarks.workers.judge import digits
from benchmarks.workers.protocol import Settings, Task, serve
from diabolo import Generator, Recipe, Training
from diabolo.latents import FSQ, Gaussian, Plain
from diabolo.priors import Flow

MODELS: dict[str, Settings] = {
    "AE, mixture of 100": {"recipe": Recipe(latent=Plain())},
    "AE, flow": {"recipe": Recipe(latent=Plain()), "density": Flow(layers=16, hidden=128)},
    "VAE": {"recipe": Recipe(latent=Gaussian())},
    "FSQ of 32 levels, autoregressive prior": {"recipe": Recipe(latent=FSQ(levels=32))},
}
"""What is measured, each with a code of 16, and nets and training by default."""


def sample(settings: Settings) -> Task:
    """Train on the training images, and write samples to a file: how many, and the minutes that it took."""
    images, labels = digits("train", settings["rows"])

    def block(asked: Settings) -> Settings:
        task = settings | asked
        started = process_time()
        generator = fitted(task, images, None)
        minutes = (process_time() - started) / 60
        np.save(task["file"], generator.sample(task["count"], seed=task["seed"]))
        return {"minutes": minutes, "epochs": len(generator.history_)}

    def conditional(asked: Settings) -> Settings:
        task = settings | asked
        started = process_time()
        generator = fitted(task, images, labels)
        minutes = (process_time() - started) / 60
        wanted = np.random.default_rng(task["seed"]).integers(0, 10, task["count"])
        np.savez(task["file"], images=generator.sample(len(wanted), wanted, seed=task["seed"]), labels=wanted)
        return {"minutes": minutes, "epochs": len(generator.history_)}

    return Task(conditional if settings.get("conditional") else block)


def fitted(task: Settings, images: np.ndarray, labels: Any) -> Generator:
    """Return the generator that a task names, trained."""
    training = Training() if task.get("epochs") is None else Training(epochs=task["epochs"])
    knobs = MODELS[task["model"]] | {"training": training, "random_state": task["seed"]}
    return Generator(16, **knobs).fit(images, labels)


if __name__ == "__main__":
    serve({"sample": sample})

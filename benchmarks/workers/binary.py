"""Ours on binary images: trained for a computing time, scored by importance sampling."""

from __future__ import annotations

import copy
from dataclasses import replace
from time import process_time

import torch

from benchmarks.workers.bound import HELD, TRIED, binary
from benchmarks.workers.protocol import Settings, Task, serve
from diabolo.generation import log_likelihood
from diabolo.latents import Gaussian, Latent
from diabolo.likelihoods import Bernoulli
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import MLP
from diabolo.priors import VampPrior
from diabolo.training import Rows, Training, train

WIDTH, SIZE, BATCH = 500, 40, 256
LATENTS: dict[str, Latent] = {
    "VAE": Gaussian(),
    "VAMP": Gaussian(prior=VampPrior(inputs=500)),
    "IWAE": Gaussian(samples=10),
}


def score(settings: Settings) -> Task:
    """Train for so many minutes of computing time, and return the likelihoods of test images."""
    x, test = binary()
    source, held_out = Rows(x[HELD:], _same), Rows(x[:HELD], _same)

    def block(asked: Settings) -> Settings:
        task = settings | asked
        torch.manual_seed(task["seed"])
        recipe = Recipe(MLP(hidden=(WIDTH, WIDTH)), LATENTS[task["model"]], Bernoulli())
        model, started = recipe.build((784,), SIZE), process_time()
        epochs = trained(model, source, held_out, task["minutes"], task["seed"])
        minutes = (process_time() - started) / 60
        return {
            "likelihoods": log_likelihood(model, test, task["samples"]).tolist(),
            "epochs": epochs,
            "minutes": minutes,
        }

    return Task(block)


def trained(model: Autoencoder, source: Rows, held_out: Rows, minutes: float, seed: int = 0) -> int:
    """Train a model for about so many minutes of computing time, and return for how many epochs.

    Models of several draws are trained as those of one draw for two thirds of it.
    """
    samples = getattr(model.recipe.latent, "samples", 1)
    if samples == 1:
        return _run(model, source, held_out, Training(), minutes, seed)
    model.revise("latent__samples", 1)
    first = _run(model, source, held_out, Training(decay=0.0), minutes * 2 / 3, seed)
    model.revise("latent__samples", samples)
    return first + _run(model, source, held_out, Training(decay=0.9), minutes / 3, seed)


def _run(model: Autoencoder, source: Rows, held_out: Rows, training: Training, minutes: float, seed: int) -> int:
    some, started = Rows(source.samples[:TRIED], source.form), process_time()
    train(copy.deepcopy(model), some, some, replace(training, epochs=1, batch_size=BATCH))
    each = (process_time() - started) * (len(source) + len(held_out) / 3) / (TRIED * 4 / 3)  # no gradients: a third
    epochs = max(2, round(60 * minutes / each))
    train(model, source, held_out, replace(training, epochs=epochs, batch_size=BATCH, patience=epochs), seed=seed)
    return epochs


def _same(x: torch.Tensor) -> torch.Tensor:
    return x


if __name__ == "__main__":
    serve({"score": score})

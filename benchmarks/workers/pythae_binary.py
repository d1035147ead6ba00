"""Pythae's VAE, VAMP and IWAE on binary images: trained for a computing time, scored by importance sampling."""

from __future__ import annotations

import math
import tempfile
from functools import partial
from time import process_time
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import IWAE, VAE, VAMP, IWAEConfig, VAEConfig, VAMPConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor, nn

from benchmarks.workers.bound import HELD, TRIED, binary, likelihoods, standard
from benchmarks.workers.protocol import Settings, Task, serve

WIDTH, SIZE = 500, 40
MODELS: dict[str, tuple[type[VAE], type[VAEConfig], Settings]] = {
    "VAE": (VAE, VAEConfig, {}),
    "VAMP": (VAMP, VAMPConfig, {"number_components": 500, "linear_scheduling_steps": 0}),
    "IWAE": (IWAE, IWAEConfig, {"number_samples": 10}),
}


class Encoder(BaseEncoder):
    """784-500-500, and twice the code."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(784, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU())
        self.mean, self.log_var = nn.Linear(WIDTH, SIZE), nn.Linear(WIDTH, SIZE)

    def forward(self, x: Tensor) -> ModelOutput:
        h = self.body(x)
        return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):
    """The mirror image; it gives probabilities, as the library wants them."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(SIZE, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU())
        self.last = nn.Linear(WIDTH, 784)

    def logits(self, z: Tensor) -> Tensor:
        """Return the logits of the pixels."""
        return self.last(self.body(z))

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.logits(z).sigmoid())


def score(settings: Settings) -> Task:
    """Train for so many minutes of computing time, and return the likelihoods of test images."""
    train, test = binary()

    def block(asked: Settings) -> Settings:
        task = settings | asked
        _train(_model(task), train[:TRIED], 1, task)  # the first epoch of a process takes longer
        started = process_time()
        _train(_model(task), train[:TRIED], 1, task)
        each = (process_time() - started) * (len(train) - HELD) / TRIED
        epochs, started = max(1, round(60 * task["minutes"] / each)), process_time()
        model = _train(_model(task), train[HELD:], epochs, task)
        minutes = (process_time() - started) / 60
        model.eval()
        prior = partial(_vamp, model) if isinstance(model, VAMP) else standard
        found = likelihoods(partial(_moments, model), model.decoder.logits, prior, test, task["samples"])
        return {"likelihoods": found.tolist(), "epochs": epochs, "minutes": minutes}

    return Task(block)


def _model(task: Settings) -> Any:
    torch.manual_seed(task["seed"])
    model, config, knobs = MODELS[task["model"]]
    made = config(input_dim=(784,), latent_dim=SIZE, reconstruction_loss="bce", **knobs)
    return model(made, Encoder(), Decoder())


def _train(model: Any, x: Tensor, epochs: int, task: Settings) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            per_device_train_batch_size=100,
            learning_rate=task["learning_rate"],
            seed=task["seed"],
            no_cuda=True,
        )
        BaseTrainer(model, BaseDataset(x, torch.zeros(len(x))), training_config=config).train()
    return model


def _moments(model: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    found = model.encoder(x)
    return found.embedding, found.log_covariance


def _vamp(model: VAMP, z: Tensor) -> Tensor:
    return model._log_p_z(z) - 0.5 * SIZE * math.log(2 * math.pi)  # which it leaves out


if __name__ == "__main__":
    serve({"score": score})

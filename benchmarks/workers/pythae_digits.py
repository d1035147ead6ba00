"""Pythae's VAE and RAE on MNIST: trained for a computing time, and asked for digits by their samplers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import RAE_L2, VAE, RAE_L2_Config, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.samplers import GaussianMixtureSampler, GaussianMixtureSamplerConfig, NormalSampler
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor, nn

from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.sets import load

SIZE, WIDTHS, TRIED = 16, (32, 64, 128), 5000


class Encoder(BaseEncoder):
    """Three halving convolutions, about as large as our default net, and a code, or its mean and log variance."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c = WIDTHS
        self.body = nn.Sequential(
            *(nn.Conv2d(1, a, 4, 2, 1), nn.BatchNorm2d(a), nn.ReLU()),
            *(nn.Conv2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.ReLU()),
            *(nn.Conv2d(b, c, 3, 2, 1), nn.BatchNorm2d(c), nn.ReLU(), nn.Flatten()),
        )
        self.mean, self.log_var = nn.Linear(c * 16, SIZE), nn.Linear(c * 16, SIZE)

    def forward(self, x: Tensor) -> ModelOutput:
        h = self.body(x)
        return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))


class Decoder(BaseDecoder):
    """The mirror image."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c = WIDTHS
        self.first = nn.Linear(SIZE, c * 16)
        self.body = nn.Sequential(
            *(nn.Unflatten(1, (c, 4, 4)), nn.ConvTranspose2d(c, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU()),
            *(nn.ConvTranspose2d(b, a, 4, 2, 1), nn.BatchNorm2d(a), nn.ReLU()),
            *(nn.ConvTranspose2d(a, 1, 4, 2, 1), nn.Sigmoid()),
        )

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.body(self.first(z)))


MODELS: dict[str, Callable[[Any], Any]] = {
    "VAE": lambda nets: VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=SIZE), *nets),
    "RAE": lambda nets: RAE_L2(RAE_L2_Config(input_dim=(1, 28, 28), latent_dim=SIZE), *nets),
}
SAMPLERS: dict[str, Callable[[Any], Any]] = {
    "normal": lambda model: NormalSampler(model),
    "mixture": lambda model: GaussianMixtureSampler(model, GaussianMixtureSamplerConfig(n_components=10)),
}


def sample(settings: Settings) -> Task:
    """Train for so many minutes of computing time, and write samples to files, one for each sampler."""
    x = torch.from_numpy(load("mnist", settings["rows"])).float() / 255

    def block(asked: Settings) -> Settings:
        task = settings | asked
        _trained(task, x[:TRIED], 1)  # the first epoch of a process takes longer
        started = process_time()
        _trained(task, x[:TRIED], 1)
        each = (process_time() - started) * len(x) / TRIED
        epochs, started = max(1, round(60 * task["minutes"] / each)), process_time()
        model = _trained(task, x, epochs)
        minutes = (process_time() - started) / 60
        model.eval()
        for name, file in task["files"].items():
            sampler = SAMPLERS[name](model)
            sampler.fit(x)
            np.save(file, sampler.sample(num_samples=task["count"], return_gen=True).clamp(0, 1).numpy())
        return {"minutes": minutes, "epochs": epochs}

    return Task(block)


def _trained(task: Settings, x: Tensor, epochs: int) -> Any:
    torch.manual_seed(task["seed"])
    model = MODELS[task["model"]]((Encoder(), Decoder()) if task["net"] == "conv" else ())
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            per_device_train_batch_size=128,
            learning_rate=1e-3,
            seed=task["seed"],
            no_cuda=True,
        )
        BaseTrainer(model, BaseDataset(x, torch.zeros(len(x))), training_config=config).train()
    return model


if __name__ == "__main__":
    serve({"sample": sample})

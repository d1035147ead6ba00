"""Pythae's trainer on its own nets: the default dense one, a small one, and the one for MNIST of convolutions."""

from __future__ import annotations

import tempfile
from time import perf_counter
from typing import Any

import numpy as np
import torch
from pythae.data.datasets import BaseDataset, DatasetOutput
from pythae.models import AE, VAE, AEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.models.nn.benchmarks.mnist import Decoder_Conv_AE_MNIST, Encoder_Conv_AE_MNIST, Encoder_Conv_VAE_MNIST
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

from benchmarks.workers.counting import flop
from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.sets import load

SMALL = 64
"""Width of the hidden layer of the small net."""


def fit(settings: Settings) -> Task:
    """Train on a set: samples per second in the epochs, and of the whole training call."""
    x = _scaled(load(*settings["data"]))
    data = _dataset(x)
    _train(_model(settings, x), _dataset(x[: 2 * settings["batch_size"]]), settings | {"epochs": 1})

    def block(_: Settings) -> Settings:
        model, watch = _model(settings, x), Watch()
        started = perf_counter()
        _train(model, data, settings, watch)
        whole, count = perf_counter() - started, settings["epochs"] * len(x)
        return {"epoch": [count, sum(watch.seconds)], "fit": [count, whole]}

    return Task(block, _flop(settings, x[: settings["batch_size"]]))


def quality(settings: Settings) -> Task:
    """Train as the library does by default, and tell after each epoch the clock and the test error per pixel."""
    x = _scaled(load(*settings["data"]))
    test = _scaled(load("mnist-test", 10_000))
    _train(_model(settings, x), _dataset(x[:128]), settings | {"epochs": 1})

    def block(_: Settings) -> Settings:
        model = _model(settings, x)
        watch = Watch(lambda: _error(model, test))
        _train(model, _dataset(x), settings, watch)
        return {"seconds": np.cumsum(watch.seconds).tolist(), "errors": watch.errors}

    return Task(block)


class Watch(TrainingCallback):
    """Times epochs, and tests after each, outside of the clock."""

    def __init__(self, test: Any = None) -> None:
        self.test = test
        self.seconds: list[float] = []
        self.errors: list[float] = []

    def on_epoch_begin(self, training_config: Any, **_: Any) -> None:
        """Start the clock."""
        self.started = perf_counter()

    def on_epoch_end(self, training_config: Any, **_: Any) -> None:
        """Stop it."""
        self.seconds.append(perf_counter() - self.started)
        if self.test is not None:
            self.errors.append(self.test())


class SmallEncoder(BaseEncoder):
    """A hidden layer of 64, and the code."""

    def __init__(self, config: AEConfig) -> None:
        super().__init__()
        inputs = int(np.prod(config.input_dim))
        self.layers = nn.Sequential(nn.Linear(inputs, SMALL), nn.ReLU(), nn.Linear(SMALL, config.latent_dim))

    def forward(self, x: Tensor) -> ModelOutput:
        return ModelOutput(embedding=self.layers(x))


class SmallDecoder(BaseDecoder):
    """The mirror image."""

    def __init__(self, config: AEConfig) -> None:
        super().__init__()
        outputs = int(np.prod(config.input_dim))
        self.layers = nn.Sequential(nn.Linear(config.latent_dim, SMALL), nn.ReLU(), nn.Linear(SMALL, outputs))

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z))


def _ae(config: Settings) -> AE:
    return AE(AEConfig(**config))


def _vae(config: Settings) -> VAE:
    return VAE(VAEConfig(**config))


def _small(config: Settings) -> AE:
    made = AEConfig(**config)
    return AE(made, SmallEncoder(made), SmallDecoder(made))


def _conv_ae(config: Settings) -> AE:
    made = AEConfig(**config)
    return AE(made, Encoder_Conv_AE_MNIST(made), Decoder_Conv_AE_MNIST(made))


def _conv_vae(config: Settings) -> VAE:
    made = VAEConfig(**config)
    return VAE(made, Encoder_Conv_VAE_MNIST(made), Decoder_Conv_AE_MNIST(made))


NETS = {"ae": _ae, "vae": _vae, "small": _small, "conv-ae": _conv_ae, "conv-vae": _conv_vae}


def _model(settings: Settings, x: Tensor) -> AE | VAE:
    torch.manual_seed(settings.get("seed", 0))
    return NETS[settings["net"]]({"input_dim": tuple(x.shape[1:]), "latent_dim": settings["n"]})


def _train(model: AE | VAE, data: BaseDataset, settings: Settings, watch: Watch | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=settings["epochs"],
            per_device_train_batch_size=settings["batch_size"],
            no_cuda=True,
        )
        BaseTrainer(model, data, training_config=config, callbacks=[watch] if watch else None).train()


def _dataset(x: Tensor) -> BaseDataset:
    return BaseDataset(x, torch.zeros(len(x)))


def _scaled(X: np.ndarray) -> Tensor:
    return torch.from_numpy(X).float() / 255 if X.dtype == np.uint8 else torch.from_numpy(X)


def _flop(settings: Settings, x: Tensor) -> float:
    model = _model(settings, x)
    return flop(lambda: model(DatasetOutput(data=x)).loss, len(x))


@torch.inference_mode()
def _error(model: AE | VAE, test: Tensor) -> float:
    """Return the mean squared error per pixel, by way of the mean of the code."""
    model.eval()
    rebuilt = [model.decoder(model.encoder(x).embedding)["reconstruction"].reshape(x.shape) for x in test.split(1000)]
    return float((torch.cat(rebuilt) - test).square().double().mean())


if __name__ == "__main__":
    serve({"fit": fit, "quality": quality})

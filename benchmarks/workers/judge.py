"""The judge of digits: a small convolutional net that learned the labels of MNIST, for its classes and its features.

Fréchet distances and coverages of digits are taken in these features. They compare with each other as long as the seed
of the judge is the same, and with nothing that another net gave.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.workers.sets import FOLDER

FEATURES = 128
EPOCHS = 2
_BATCH, _RATE = 64, 4e-3
_CACHE = Path(tempfile.gettempdir()) / "diabolo-judge"


@dataclass(frozen=True, eq=False)
class Judge:
    """A trained net.

    Parameters
    ----------
    body : Module
        From images (N, 1, 28, 28) in [0, 1] to features (N, 128), each at least 0.
    head : Module
        From features to logits (N, 10).
    """

    body: nn.Sequential
    head: nn.Linear

    def features(self, images: np.ndarray) -> np.ndarray:
        """Return the features (N, 128), float32, of images (N, 1, 28, 28): uint8, or numbers in [0, 1]."""
        return np.concatenate([block.numpy() for block in self._features(images)])

    def classes(self, images: np.ndarray) -> np.ndarray:
        """Return the digit (N,) that each image shows."""
        with torch.inference_mode():
            return np.concatenate([self.head(block).argmax(1).numpy() for block in self._features(images)])

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Return the share of the images told right."""
        return float((self.classes(images) == labels).mean())

    def _features(self, images: np.ndarray) -> Iterator[Tensor]:
        with torch.inference_mode():
            for start in range(0, len(images), 1000):
                yield self.body(scaled(images[start : start + 1000]))


def judge(seed: int = 0, rows: int = 60_000, epochs: int = EPOCHS) -> Judge:
    """Return the judge of a seed: trained on the first training images, or read where that was done before."""
    made = untrained(seed)
    net = nn.Sequential(made.body, made.head)
    file = _CACHE / f"mnist-{seed}-{rows}-{epochs}-{_BATCH}-{_RATE:g}.safetensors"
    try:
        net.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError):  # none there, cut, or of another net
        trained(made, *digits("train", rows), seed, epochs)
        _CACHE.mkdir(exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        save_file(net.state_dict(), unfinished)
        unfinished.replace(file)
    net.eval()
    return made


def untrained(seed: int) -> Judge:
    """Return a judge with the first weights of a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(32 * 7 * 7, FEATURES), nn.ReLU()),
        )
        return Judge(body, nn.Linear(FEATURES, 10))


def trained(made: Judge, images: np.ndarray, labels: np.ndarray, seed: int, epochs: int) -> Judge:
    """Train a judge on images (N, 1, 28, 28) and labels (N,), in one cycle of the learning rate; return it."""
    net = nn.Sequential(made.body, made.head).train()
    y, steps = torch.from_numpy(labels).long(), -(-len(images) // _BATCH) * epochs
    optimiser = torch.optim.Adam(net.parameters(), _RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for index in torch.randperm(len(images), generator=generator).split(_BATCH):
            optimiser.zero_grad()
            F.cross_entropy(net(scaled(images[index.numpy()])), y[index]).backward()
            optimiser.step()
            schedule.step()
    net.eval()
    return made


def digits(part: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first images (rows, 1, 28, 28) uint8 and labels (rows,) of "train" or "test"."""
    with np.load(FOLDER / "mnist" / "mnist.npz", allow_pickle=False) as file:
        return file[f"x_{part}"][:rows, None], file[f"y_{part}"][:rows].astype(np.int64)


def scaled(images: np.ndarray) -> Tensor:
    """Return images as float32 in [0, 1].

    Raises
    ------
    ValueError
        If they are not of shape (N, 1, 28, 28), or leave [0, 1].
    """
    x = torch.as_tensor(images)
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    if x.shape[1:] != (1, 28, 28) or not bool(((x >= 0) & (x <= 1)).all()):
        raise ValueError(f"Images must be (N, 1, 28, 28), uint8 or in [0, 1]; got {tuple(x.shape)}, or other numbers.")
    return x


if __name__ == "__main__":
    for seed in range(3):
        print(f"seed {seed}: accuracy on the test images {judge(seed).accuracy(*digits('test', 10_000)):.4f}")

"""Measure how well `Denoiser` restores digits from heavy noise: the task of the tutorials.

``python -m benchmarks.restore_digits [--rounds R] [--steps N] [--write FILE]``: MNIST in [0, 1], plus 0.5 · N(0, 1),
cut to [0, 1] again; learned from the 60,000 training images on one thread, tested on all 10,000 test images with noise
drawn once. Beside it PCA of 40 components of clean digits, and the best linear map from noisy to clean ones (ridge
regression on 20,000 digits). PSNR is the mean over images. A round is a seed.

Target: at least 21 dB in at most 10 minutes.
"""

from __future__ import annotations

from argparse import Namespace
from importlib.metadata import version
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from benchmarks.report import Report, parser
from benchmarks.workers.sets import mnist, mnist_test
from diabolo import Denoiser, Recipe, Training
from diabolo.corruptions import Chain, Clip, GaussianNoise
from diabolo.metrics import psnr
from diabolo.nets import ResUNet
from diabolo.training.device import brief

Images = NDArray[Any]

NOISE = Chain((GaussianNoise(0.5), Clip(0.0, 1.0)))
NET = ResUNet((32, 64, 128), blocks=2)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    report = Report("Digits under heavy noise", arguments, seeds="weights from seeds 0, 1, ...; test noise from seed 0")
    report.versions |= {name: version(name) for name in ("diabolo", "torch", "scikit-learn")}
    train, test = (part.astype(np.float32) / 255 for part in (mnist(60_000), mnist_test(10_000)))
    seen = damaged(test, 0)
    report.add("| who | PSNR, dB | minutes of one thread | waited |", "|---|---|---|---|")
    report.add(line("noisy", test, seen, 0, 0))
    for name, estimate in (("PCA-40 of clean digits", compressed), ("best linear map", mapped)):
        started, waited = process_time(), perf_counter()
        found = estimate(train[:20_000], seen)
        report.add(line(name, test, found, process_time() - started, perf_counter() - waited))
    for seed in range(arguments.rounds):
        training = Training(steps=arguments.steps, batch_size=64, decay=0.8, precision=brief(torch.device("cpu")))
        denoiser = Denoiser(recipe=Recipe(NET, corruption=NOISE), training=training, random_state=seed, device="cpu")
        started, waited = process_time(), perf_counter()
        denoiser.fit(train)
        took, waited = process_time() - started, perf_counter() - waited
        report.add(line(f"diabolo, seed {seed}, {NET}", test, denoiser.transform(seen), took, waited))
    report.finish()


def damaged(x: Images, seed: int) -> Images:
    """Return images with the noise of the task."""
    return np.clip(x + 0.5 * np.random.default_rng(seed).standard_normal(x.shape, np.float32), 0, 1)


def compressed(train: Images, seen: Images) -> Images:
    """Return noisy images by way of 40 principal components of clean ones."""
    pca = PCA(40, random_state=0).fit(train.reshape(len(train), -1))
    return pca.inverse_transform(pca.transform(seen.reshape(len(seen), -1))).reshape(seen.shape)


def mapped(train: Images, seen: Images) -> Images:
    """Return what the best linear map makes of noisy images."""
    flat = damaged(train, 1).reshape(len(train), -1)
    ridge = Ridge(100.0).fit(flat, train.reshape(len(train), -1))
    return ridge.predict(seen.reshape(len(seen), -1)).reshape(seen.shape)


def line(who: str, truth: Images, found: Images, seconds: float, waited: float) -> str:
    """Return the row of a method."""
    times = f"{seconds / 60:.1f} | {waited / 60:.1f}" if seconds else " | "
    return f"| {who} | {psnr(truth, found, 1.0).mean():.2f} | {times} |"


def _arguments() -> Namespace:
    options = parser(__doc__, rounds=1, threads=(1,))
    options.add_argument("--steps", type=int, default=3300, help="steps of training")
    return options.parse_args()


if __name__ == "__main__":
    main()

"""Measure how well every kind of autoencoder rebuilds MNIST from 32 numbers, and how long it takes to train.

``python -m benchmarks.types [--data mnist.npz] [--only NAME ...] [--write FILE]``: one row per named recipe, all
defaults untouched but the number of epochs of the few nets that would take much longer. Test error is the mean squared
error per pixel in [0, 1] on the 10,000 test images, of reconstructions from the deterministic code.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import warnings
from datetime import date
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from scipy.linalg import subspace_angles

from diabolo import Recipe, Reducer, Training
from diabolo.errors import DiaboloWarning
from diabolo.model import count_weights
from diabolo.recipes import RECIPES

CODE = 32
HERE = Path(__file__).parent
DATA = Path(os.environ.get("DIABOLO_DATA", HERE.parent.parent / "shared" / "data")) / "mnist" / "mnist.npz"
FEWER = {
    "lstm": 4,
    "gru": 4,
    "lstm-vae": 4,
    "unet": 3,
    "masked": 2,
    "contractive": 8,
    "iwae": 8,
    "stacked-denoising": 8,
}
"""Epochs of the recipes that take long for each one."""


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    with np.load(arguments.data, allow_pickle=False) as file:
        train, test = (file[name][:, None] for name in ("x_train", "x_test"))  # (N, 1, 28, 28) uint8
    pca, angle = linear(train, test)
    lines = [header(pca, angle), *head()]
    known: dict[Recipe, str] = {}  # some names share a composition: the same run, measured once
    for name in arguments.only or RECIPES:
        recipe = RECIPES[name].recipe
        if recipe not in known:
            known[recipe] = row(name, train, test, pca)
        lines.append(f"| {name} | {known[recipe]}")
        sys.stderr.write(lines[-1] + "\n")
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if arguments.write:
        Path(arguments.write).write_text(text, encoding="utf-8")


def linear(train: np.ndarray, test: np.ndarray) -> tuple[float, float]:
    """Return the test error of exact PCA, and the largest angle in degrees between it and the linear recipe."""
    flat = train.reshape(len(train), -1) / 255.0
    mean = flat.mean(0)
    _, vectors = np.linalg.eigh((flat - mean).T @ (flat - mean))
    axes = vectors[:, ::-1][:, :CODE]  # (784, 32)
    x = test.reshape(len(test), -1) / 255.0 - mean
    error = float(np.square(x - x @ axes @ axes.T).mean())
    reducer = Reducer(CODE, recipe="linear", training=Training(validation=0), random_state=0).fit(train)
    weight = reducer.model_.get_parameter("encoder.map.weight").detach().numpy()
    return error, float(np.degrees(subspace_angles(weight.T, axes).max()))


def row(name: str, train: np.ndarray, test: np.ndarray, pca: float) -> str:
    """Fit one recipe and return its line of the table, but for the name."""
    training = Training(epochs=FEWER.get(name))
    started = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiaboloWarning)  # the table says which are not better than PCA
        reducer = Reducer(CODE, recipe=name, training=training, random_state=0).fit(train)
    seconds = perf_counter() - started
    error = float(np.mean([np.square(b.astype(float) - a).mean() for a, b in _rebuilt(reducer, test)])) / 255**2
    weights, epochs = count_weights(reducer.model_), len(reducer.history_)
    return f"{error:.5f} | {error / pca:.3f} | {seconds:.0f} | {epochs} | {weights:,} |"


def header(pca: float, angle: float) -> str:
    """Return what was measured, where and when."""
    return (
        f"# Every kind of autoencoder on MNIST, code of {CODE}\n\n"
        f"{date.today()}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"torch {torch.__version__} on {torch.get_num_threads()} threads, {_rate():.0f} GFLOP/s in matrix products; "
        "seed 0.\n\n"
        f"Exact PCA: test error {pca:.5f}; largest angle between it and the subspace of the linear recipe {angle:.4f} "
        "degrees.\n"
    )


def head() -> list[str]:
    """Return the head of the table."""
    return ["| recipe | test error | / PCA | seconds | epochs | weights |", "|---|---|---|---|---|---|"]


def _rebuilt(reducer: Reducer, test: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(part, reducer.reconstruct(part)) for part in np.array_split(test, 10)]


def _rate(size: int = 1024, times: int = 20) -> float:
    x = torch.randn(size, size)
    _ = x @ x
    started = perf_counter()
    for _ in range(times):
        _ = x @ x
    return 2 * size**3 * times / (perf_counter() - started) / 1e9


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="an .npz with x_train and x_test, uint8")
    parser.add_argument("--only", nargs="*", choices=sorted(RECIPES), help="some recipes instead of all")
    parser.add_argument("--write", type=Path, help="where to keep the result")
    return parser.parse_args()


if __name__ == "__main__":
    main()

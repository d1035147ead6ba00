"""The data of the benchmarks, by name: read from the data folder, or drawn from a fixed seed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

FOLDER = Path(os.environ.get("DIABOLO_DATA", Path(__file__).parents[3] / "shared" / "data"))


def mnist(rows: int, columns: int = 0) -> np.ndarray:
    """Return the first training images, (rows, 1, 28, 28) uint8."""
    return _images("x_train", rows)


def mnist_test(rows: int, columns: int = 0) -> np.ndarray:
    """Return the first test images, (rows, 1, 28, 28) uint8."""
    return _images("x_test", rows)


def blobs(rows: int, columns: int = 0) -> np.ndarray:
    """Return images of the shape of MNIST and about its share of black, (rows, 1, 28, 28) uint8, drawn."""
    draw = np.random.default_rng(0)
    centre, width = draw.uniform(8, 20, (rows, 2, 1)), draw.uniform(2, 6, (rows, 2, 1))
    axes = np.exp(-0.5 * ((np.arange(28) - centre) / width) ** 2).astype(np.float32)  # (rows, 2, 28)
    return (255 * axes[:, 0, :, None] * axes[:, 1, None, :]).astype(np.uint8)[:, None]


def normal(rows: int, columns: int) -> np.ndarray:
    """Return independent standard normal numbers, (rows, columns) float32."""
    return np.random.default_rng(0).standard_normal((rows, columns), dtype=np.float32)


def table(rows: int, columns: int) -> np.ndarray:
    """Return correlated normal columns, (rows, columns) float32: a quarter as many factors, and noise of 0.3."""
    draw = np.random.default_rng(0)
    factors = max(2, columns // 4)
    loadings = draw.standard_normal((factors, columns), dtype=np.float32) / factors**0.5
    x = draw.standard_normal((rows, factors), dtype=np.float32) @ loadings
    x += 0.3 * draw.standard_normal((rows, columns), dtype=np.float32)
    return x


def series(rows: int, columns: int = 0) -> np.ndarray:
    """Return heartbeats (rows, 140, 1) float32, over again where there are too few."""
    with np.load(FOLDER / "ecg5000" / "ECG5000.npz", allow_pickle=False) as file:
        parts = [file[key] for key in file.files if file[key].ndim == 2 and file[key].shape[1] == 140]
    return np.resize(np.concatenate(parts).astype(np.float32), (rows, 140))[:, :, None]


SETS: dict[str, Callable[[int, int], np.ndarray]] = {
    "mnist": mnist,
    "mnist-test": mnist_test,
    "blobs": blobs,
    "normal": normal,
    "table": table,
    "series": series,
}


def load(name: str, rows: int, columns: int = 0) -> np.ndarray:
    """Return so many samples of a set."""
    return SETS[name](rows, columns)


def one_class(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the "one-class" split of an anomaly table as `anomaly_split`, standardised by train, in float32."""
    train, test, y = anomaly_split(name, seed, "one-class")
    train, test = standardised(train, test)
    return train.astype(np.float32), test.astype(np.float32), y


def anomaly_split(name: str, seed: int, setting: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return train (N, D), test (M, D) and y (M,) of an anomaly table in its own units, float64; 1 is an anomaly.

    Rows that occur twice are dropped. "one-class": a random half of the normal rows trains; the rest and all anomalies
    are tested. "contaminated": a random 70 % of the normal rows and of the anomalies trains, shuffled.
    """
    with np.load(FOLDER / "adbench" / f"{name}.npz", allow_pickle=False) as file:
        both = np.unique(np.column_stack([file["X"].astype(np.float64), file["y"]]), axis=0)
    X, y = both[:, :-1], both[:, -1]
    train, test = SPLITS[setting](y, np.random.default_rng(seed))
    return X[train], X[test], y[test]


def _half_of_the_normal(y: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    half, rest = np.array_split(draw.permutation(np.flatnonzero(y == 0)), 2)
    return half, np.concatenate([rest, np.flatnonzero(y == 1)])


def _stratified(y: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    classes = [draw.permutation(np.flatnonzero(y == label)) for label in (0, 1)]
    train, test = zip(*(np.split(rows, [round(0.7 * len(rows))]) for rows in classes), strict=True)
    return draw.permutation(np.concatenate(train)), np.concatenate(test)


SPLITS = {"one-class": _half_of_the_normal, "contaminated": _stratified}


def standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both less the mean of train, over its standard deviation, or over 1 where that is 0."""
    mean, std = train.mean(0), train.std(0)
    std = np.where(std > 0, std, 1)
    return (train - mean) / std, (test - mean) / std


def anomaly_tables() -> list[str]:
    """Return the names of the anomaly tables."""
    return sorted(path.stem for path in (FOLDER / "adbench").glob("*.npz"))


def _images(name: str, rows: int) -> np.ndarray:
    with np.load(FOLDER / "mnist" / "mnist.npz", allow_pickle=False) as file:
        return np.resize(file[name], (rows, 1, 28, 28)) if rows > len(file[name]) else file[name][:rows, None]

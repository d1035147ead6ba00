"""Tiny worlds in which it is known what is an anomaly."""

from typing import Any

import numpy as np
import pandas as pd

from diabolo import Detector, Training

QUICK = Training(steps=100, batch_size=256, validation=0.0)


def quick(**knobs: Any) -> Detector:
    """A detector that is fitted in a fraction of a second."""
    return Detector(**{"training": QUICK, "random_state": 0, **knobs})


def curve(count: int, seed: int = 0) -> np.ndarray:
    """A curve in five dimensions (N, 5) that leaves the middle of its range empty."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-2.5, 2.5, count)
    points = np.column_stack([np.cos(t), np.sin(t), np.cos(2 * t), np.sin(2 * t), np.cos(3 * t)])
    return points + 0.02 * rng.normal(size=points.shape)


def middle(count: int, seed: int = 1) -> np.ndarray:
    """Points (N, 5) beside the curve and near its mean: nearer to it than the curve itself."""
    return 0.3 * np.random.default_rng(seed).normal(size=(count, 5)) + curve(2000).mean(0)


def plane(count: int, seed: int = 0) -> np.ndarray:
    """Eight correlated columns (N, 8): three normal numbers tell all but a little noise."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 3)) @ np.random.default_rng(7).normal(size=(3, 8)) + 0.1 * rng.normal(
        size=(count, 8)
    )


def corrupted(x: np.ndarray, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """The same rows with one value of each moved by four standard deviations, and which column that is (N,)."""
    rng = np.random.default_rng(seed)
    column, bad = rng.integers(0, x.shape[1], len(x)), x.copy()
    bad[np.arange(len(x)), column] += 4 * x.std(0)[column] * rng.choice([-1, 1], len(x))
    return bad, column


def orders(count: int, seed: int = 0) -> pd.DataFrame:
    """A frame of every kind of column, a tenth of two of them missing, numbered from 100."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=count)
    city = np.where(size > 0, "Rome", rng.choice(["Oslo", "Bern"], count)).tolist()
    frame = pd.DataFrame(
        {
            "price": 50 + 10 * size + rng.normal(size=count),
            "weight": np.where(rng.random(count) < 0.1, np.nan, size),
            "city": [None if lost else name for lost, name in zip(rng.random(count) < 0.1, city, strict=True)],
            "paid": rng.random(count) < 0.8,
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366 * 24, count), "h"),
            "kids": pd.array(rng.integers(0, 4, count), dtype="Int64"),
        },
        index=pd.RangeIndex(100, 100 + count),
    )
    frame.loc[frame.index[::10], "kids"] = pd.NA
    return frame


def waves(count: int, seed: int = 0) -> np.ndarray:
    """Sine waves of two channels (N, 24, 2) that begin anywhere."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, 6, 24)[None, :, None] + rng.uniform(0, 6, (count, 1, 2))
    return np.sin(phase) + 0.05 * rng.normal(size=phase.shape)


def turns(count: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """A long series (T, C) that turns around every 25 points, each channel a little later than the one before."""
    rng = np.random.default_rng(seed)
    phase = np.arange(count)[:, None] * 2 * np.pi / 25 + np.arange(channels)
    return np.sin(phase) + 0.05 * rng.normal(size=phase.shape)


def reordered(x: np.ndarray, at: int, channel: int = 0) -> np.ndarray:
    """The same series with the values of one turn of a channel in rising order: no point tells, only their order."""
    bad = x.copy()
    bad[at : at + 25, channel] = np.sort(x[at : at + 25, channel])
    return bad


def hours(count: int, seed: int = 0, start: str = "2026-01-01") -> pd.DataFrame:
    """A frame with a row for each hour, numbered from 100: the time, two numbers, one often missing, and a category."""
    rng, hour = np.random.default_rng(seed), np.arange(count) % 24
    return pd.DataFrame(
        {
            "load": 500 + 100 * np.sin(hour * np.pi / 12) + 5 * rng.normal(size=count),
            "time": pd.date_range(start, periods=count, freq="h"),
            "heat": np.where(rng.random(count) < 0.1, np.nan, np.cos(hour * np.pi / 12)),
            "shift": np.where(hour < 12, "early", "late"),
        },
        index=pd.RangeIndex(100, 100 + count),
    )


def weaves(count: int, seed: int = 0) -> list[np.ndarray]:
    """Images (1, H, W) of three sizes, of cloth that repeats every 8 pixels and begins with a thread or between two."""
    rng, sizes = np.random.default_rng(seed), ((40, 32), (32, 48), (36, 36))
    images = []
    for i in range(count):
        y, x = np.mgrid[: sizes[i % 3][0], : sizes[i % 3][1]] + 4 * rng.integers(0, 2, (2, 1, 1))
        images.append(np.sin(y * np.pi / 4) * np.sin(x * np.pi / 4) + 0.05 * rng.normal(size=y.shape))
    return [image[None] for image in images]


def torn(image: np.ndarray, y: int, x: int) -> np.ndarray:
    """The same image with a flat square of 6 pixels."""
    bad = image.copy()
    bad[:, y : y + 6, x : x + 6] = 0
    return bad

"""Magnetic tiles, good ones and cracked ones with masks; and cutting images into square windows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmarks.workers.sets import FOLDER

TRAINED = 40
"""Good tiles to train on, of 50."""


@dataclass(frozen=True)
class Tiles:
    """A split: good tiles to train on, and others to find the cracks in.

    Parameters
    ----------
    train, test : list of np.ndarray
        Grey images (1, H, W) uint8 of different sizes.
    masks : list of np.ndarray
        For each image of `test` where it is cracked, (H, W) bool: nowhere in a good one.
    """

    train: list[np.ndarray]
    test: list[np.ndarray]
    masks: list[np.ndarray]

    @property
    def cracked(self) -> np.ndarray:
        """Which images of `test` are cracked, bool."""
        return np.array([mask.any() for mask in self.masks])


def tiles(seed: int) -> Tiles:
    """Return the good tiles split by a seed, 40 to train on and the rest to test on beside all that are cracked."""
    folder = FOLDER / "defects" / "magnetic_tile"
    good = [_grey(path)[None] for path in sorted((folder / "MT_Free").glob("*.jpg"))]
    names = sorted((folder / "MT_Crack").glob("*.jpg"))
    order = np.random.default_rng(seed).permutation(len(good))
    rest = [good[i] for i in order[TRAINED:]]
    masks = [np.zeros(image.shape[1:], dtype=bool) for image in rest]
    return Tiles(
        [good[i] for i in order[:TRAINED]],
        rest + [_grey(path)[None] for path in names],
        masks + [_grey(path.with_suffix(".png")) > 127 for path in names],
    )


def shrunk(image: np.ndarray, times: int) -> np.ndarray:
    """Return the means of squares of `times` pixels along, (C, H', W') float64; those at the end may hold fewer."""
    image = image.astype(np.float64)
    for axis in (1, 2):
        starts = np.arange(0, image.shape[axis], times)
        counts = np.minimum(times, image.shape[axis] - starts).astype(np.float64)
        image = np.add.reduceat(image, starts, axis) / (counts[:, None] if axis == 1 else counts)
    return image


def evened(image: np.ndarray, sigma: float, soft: float = 0.3) -> np.ndarray:
    """Return an image (C, H, W) less its local mean, over its local contrast: Gaussian, of this standard deviation.

    A share `soft` of the mean variance of a channel is added to the local one, so that noise is not blown up.
    """
    away = image - _smooth(image, sigma)
    local = _smooth(away**2, sigma)
    return away / np.sqrt(local + soft * local.mean((1, 2), keepdims=True) + 1e-12)


def windows(image: np.ndarray, side: int, stride: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the windows (R * S, C * side * side) of an image (C, H, W), and their first rows (R,) and columns (S,).

    The last ones end with the image, however much they overlap with those before.
    """
    rows, columns = (np.unique(np.append(np.arange(0, size - side, stride), size - side)) for size in image.shape[1:])
    every = np.lib.stride_tricks.sliding_window_view(image, (side, side), (1, 2))  # (C, H', W', side, side)
    chosen = np.moveaxis(every[:, rows][:, :, columns], 0, 2)
    return chosen.reshape(len(rows) * len(columns), -1), rows, columns


def laid(
    values: np.ndarray, rows: np.ndarray, columns: np.ndarray, side: int, size: tuple[int, ...], usual: float
) -> np.ndarray:
    """Return for each pixel the mean of the values (R * S,) of the windows that cover it, (H, W).

    Where fewer windows cover it than elsewhere, at the borders, those that lack count as `usual`.
    """
    down, across = _covers(rows, side, size[0]), _covers(columns, side, size[1])  # (H, R), (W, S)
    counts = down.sum(1)[:, None] * across.sum(1)
    share = np.minimum(counts / np.median(counts), 1.0)
    return share * (down @ values.reshape(len(rows), -1) @ across.T) / counts + (1 - share) * usual


def _covers(starts: np.ndarray, side: int, size: int) -> np.ndarray:
    offsets = np.arange(size)[:, None] - starts
    return ((offsets >= 0) & (offsets < side)).astype(np.float64)


def _smooth(image: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter(image, (0, sigma, sigma))


def _grey(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))  # (H, W)

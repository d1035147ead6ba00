"""`Compressor` on arrays, records, digits and photographs: fitted, then timed as the others are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.workers.coding import same, timed, told, trial, worst
from benchmarks.workers.curves import psnr
from benchmarks.workers.intrusions import alike, frame
from benchmarks.workers.protocol import Settings, Task, serve
from diabolo import Compressor, decompress, load
from diabolo.codec import Absolute, Exact, Rate

ONCE = 0.0
"""Seconds to repeat a timed call for: ours takes long enough to be timed once."""


def learned(compressor: Any, X: Any) -> tuple[Any, float]:
    """Return the fitted compressor, and the seconds of the processor that it took."""
    started = process_time()
    compressor.fit(X)
    return compressor, process_time() - started


def measured(compressor: Any, X: Any, fit: float, check: Callable[[Any], Settings]) -> Settings:
    """Return bytes without the model, seconds and what `check` says; "model" is how many more a file with it has."""
    found = trial(lambda: compressor.compress(X, embed=False), compressor.decompress, check, ONCE)
    whole = compressor.compress(X, embed=True)
    check(decompress(whole))  # knows nothing but the file
    return found | {"fit": fit, "model": len(whole) - found["bytes"]}


def arrays(settings: Settings) -> Task:
    """Fit on the values (N, D) of a file and compress them within a bound."""

    def block(asked: Settings) -> Settings:
        X = np.load(asked["path"])
        compressor, fit = learned(Compressor(fidelity=Absolute(asked["bound"]), random_state=asked["seed"]), X)
        return measured(compressor, X, fit, lambda back: worst(X, back))

    return Task(told(block))


def records(settings: Settings) -> Task:
    """Fit on the data frame of NSL-KDD and compress it exactly."""
    rows = frame()

    def block(asked: Settings) -> Settings:
        compressor, fit = learned(Compressor(fidelity=Exact(), random_state=asked["seed"]), rows)
        return measured(compressor, rows, fit, lambda back: alike(rows, back))

    return Task(told(block))


def digits(settings: Settings) -> Task:
    """Fit on grey images (M, H, W) of one file and compress those (N, H, W) of another exactly."""

    def block(asked: Settings) -> Settings:
        train, X = (np.load(asked[name])[:, None] for name in ("train", "path"))
        compressor, fit = learned(Compressor(fidelity=Exact(), random_state=asked["seed"]), train)
        return measured(compressor, X, fit, lambda back: same(X, back))

    return Task(told(block))


def pictures(settings: Settings) -> Task:
    """Compress photographs (H, W, 3) of a file at several rates by one model, saved or fitted to those of a file.

    Bits per pixel are those of files without the model. Seconds are those an image at the rate that `asked` names.
    """
    if settings["model"]:
        compressor, fit = load(Path(settings["model"])), 0.0
    else:
        train = np.load(settings["train"])
        compressor = Compressor(fidelity=Rate(settings["at"]), random_state=0)
        compressor, fit = learned(compressor, [_upright(train[name]) for name in train.files])

    def block(asked: Settings) -> Settings:
        photos, spent = np.load(asked["path"]), []
        curves: dict[str, list[list[float]]] = {name: [] for name in photos.files}
        for rate in (*asked["rates"], asked["at"]):
            compressor.set_params(fidelity=Rate(rate))
            for name in photos.files:
                X = [_upright(photos[name])]
                file, there = timed(lambda X=X: compressor.compress(X, embed=False), ONCE)
                back, again = timed(lambda file=file: compressor.decompress(file), ONCE)
                curves[name].append([8 * len(file) / X[0][0].size, psnr(X[0], back[0])])
                spent.append((there, again))
        there, back = np.mean(spent[-len(photos.files) :], 0)
        return {"curves": curves, "encode": there, "decode": back, "fit": fit, "model": _weight(compressor, photos)}

    return Task(told(block))


def _upright(photo: np.ndarray) -> np.ndarray:
    """Return a photograph (H, W, 3) as (3, H, W)."""
    return np.ascontiguousarray(photo.transpose(2, 0, 1))


def _weight(compressor: Any, photos: Any) -> int:
    X = [_upright(photos[photos.files[0]])]
    return len(compressor.compress(X, embed=True)) - len(compressor.compress(X, embed=False))


if __name__ == "__main__":
    serve({"arrays": arrays, "records": records, "digits": digits, "pictures": pictures})

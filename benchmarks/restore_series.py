"""Measure how well `Denoiser` restores heartbeats, beside wavelets and the smoothing of Savitzky and Golay.

``python -m benchmarks.restore_series [--rounds R] [--write FILE]``: ECG5000, learned from its 500 training series,
tested on the 4,499 others, with Gaussian noise of 0, 5 and 10 dB below the power of all series, which have mean 0. One
model of ours is blind to the level. The others are told all that can be tuned: of 24 windows and orders, and of 60
wavelets, depths and thresholds, those are taken that do best at each level on the training series, whose truth is shown
to them. "noisy" is a second model of ours, which learned from the training series with noise of 5 dB alone. A round is
a seed of noise and weights; SNR is the mean over series, in dB.

Target: a higher SNR than both, at each level.
"""

from __future__ import annotations

import tempfile
from argparse import Namespace
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from time import process_time

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import Side, environment, running
from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Denoiser
from diabolo.metrics import snr

Series = NDArray[np.float64]

LEVELS = (0, 5, 10)
PEERS = ("Savitzky–Golay", "wavelet")


def heartbeats() -> tuple[Series, Series]:
    """Return the training series (500, 140) and the test series (4499, 140)."""
    with np.load(FOLDER / "ecg5000" / "ECG5000.npz", allow_pickle=False) as file:
        return file["X_train"].astype(np.float64), file["X_test"].astype(np.float64)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    report = Report("Heartbeats: ours, wavelets and Savitzky–Golay", arguments, seeds="one for each round, from 0")
    report.versions |= {name: version(name) for name in ("diabolo", "torch")}
    environment("restoration")
    train, test = heartbeats()
    found: dict[str, list[list[float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides = [Side(name, "restorers", {"task": "series", "method": name}, "restoration") for name in PEERS]
        workers = [stack.enter_context(running(side, 1)) for side in sides]
        for seed in range(arguments.rounds):
            rng = np.random.default_rng(seed)
            seen = {level: (noisy(train, level, rng), noisy(test, level, rng)) for level in LEVELS}
            ours = {"diabolo, clean examples": fitted(train, "clean", seed)}
            ours |= {"diabolo, noisy examples": fitted(seen[5][0], "noisy", seed)}
            found.setdefault("noisy", []).append([float(snr(test, seen[level][1]).mean()) for level in LEVELS])
            for name, (denoiser, _) in ours.items():
                clean = [denoiser.transform(seen[level][1][:, :, None])[:, :, 0] for level in LEVELS]
                found.setdefault(name, []).append([float(snr(test, x).mean()) for x in clean])
            report.add(*(f"Seed {seed}: {name}, {seconds:.0f} s, {d.way_}." for name, (d, seconds) in ours.items()))
            for worker in workers:
                reached = []
                for level in LEVELS:
                    data = {"train": train, "noisy_train": seen[level][0], "noisy_test": seen[level][1]}
                    np.savez(folder / "noisy.npz", **data)  # pyright: ignore[reportArgumentType]
                    said = worker.go(noisy=str(folder / "noisy.npz"), into=str(folder / "found.npz"))
                    reached.append(float(snr(test, np.load(folder / "found.npz")["found"]).mean()))
                    report.add(f"Seed {seed}: {worker.measured.side.name} at {level} dB chose {said['chosen']}.")
                found.setdefault(worker.measured.side.name, []).append(reached)
    report.add("", "| who | " + " | ".join(f"{level} dB" for level in LEVELS) + " |", "|---" * 4 + "|")
    for name, rounds in found.items():
        cells = [f"{np.mean(values):.2f} ({min(values):.2f}–{max(values):.2f})" for values in zip(*rounds, strict=True)]
        report.add(f"| {name} | {' | '.join(cells)} |")
    report.finish()


def noisy(series: Series, level: int, rng: np.random.Generator) -> Series:
    """Return series with noise so many dB below their power."""
    sigma = np.sqrt((series**2).mean() / 10 ** (level / 10))
    return series + sigma * rng.normal(size=series.shape)


def fitted(series: Series, examples: str, seed: int) -> tuple[Denoiser, float]:
    """Return a denoiser with its defaults, and the processor seconds of its fit."""
    started = process_time()
    denoiser = Denoiser(examples=examples, random_state=seed, device="cpu").fit(series[:, :, None])
    return denoiser, process_time() - started


def _arguments() -> Namespace:
    return parser(__doc__, rounds=3, threads=(1,)).parse_args()


if __name__ == "__main__":
    main()

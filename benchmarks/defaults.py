"""Measure whether the defaults work untouched: error over that of PCA of the same size, on tables, series and images.

``python -m benchmarks.defaults [--data FOLDER] [--only NAME ...] [--write FILE]``: ``Reducer(n)`` on every set, three
seeds, a random fifth of the samples held out for the test (never seen by `fit`). Rows that occur twice in a table are
dropped first. The code is a third of the columns of a table, between 2 and 16, and 16 numbers for series and images.
Data are reduced to 10,000 samples.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from diabolo import Reducer
from diabolo.errors import DiaboloWarning

DATA = Path(os.environ.get("DIABOLO_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
MOST, SEEDS = 10_000, (0, 1, 2)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    lines = [
        _header(),
        "| data | sample | rows | code | error / PCA, test (min–max) | seconds |",
        "|---|---|---|---|---|---|",
    ]
    ratios = []
    for name, X in sets(arguments.data):
        if arguments.only and name not in arguments.only:
            continue
        ratio, line = row(name, X)
        ratios.append(ratio)
        lines.append(line)
        sys.stderr.write(line + "\n")
    worse = sum(ratio >= 1 for ratio in ratios)
    mean = np.exp(np.mean(np.log(ratios)))
    lines.append(f"\nGeometric mean {mean:.3f}; not better than PCA on {worse} of {len(ratios)}.")
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")


def sets(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every set by name, as it comes."""
    for path in sorted((folder / "adbench").glob("*.npz")):
        X = np.load(path, allow_pickle=False)["X"]
        yield path.stem.split("_", 1)[1], np.unique(X, axis=0)
    with np.load(folder / "ecg5000" / "ECG5000.npz", allow_pickle=False) as file:
        series = [file[key] for key in file.files if file[key].ndim == 2 and file[key].shape[1] == 140]
        yield "ECG5000", np.concatenate(series)[:, :, None].astype(np.float32)
    with np.load(folder / "frey" / "freyfaces.npz", allow_pickle=False) as file:
        yield "Frey faces", file["x"][:, None]
    with np.load(folder / "cifar10_sub" / "cifar10_jpg.npz", allow_pickle=False) as file:
        yield "CIFAR-10", _decoded(file["jpg"], file["off"])
    with np.load(folder / "mnist" / "mnist.npz", allow_pickle=False) as file:
        yield "MNIST", file["x_train"][:, None]


def row(name: str, X: np.ndarray) -> tuple[float, str]:
    """Fit every seed; return the mean ratio and the line of the table."""
    shape = X.shape[1:]
    n = int(np.clip(shape[0] // 3, 2, 16)) if len(shape) == 1 else 16
    ratios, started = [], perf_counter()
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(X))[:MOST]
        test, train = X[order[: len(order) // 5]], X[order[len(order) // 5 :]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DiaboloWarning)
            reducer = Reducer(n, random_state=seed).fit(train)
        errors = reducer._errors(reducer._take(test))
        ratios.append(errors["model"] / errors["pca"])
    seconds = (perf_counter() - started) / len(SEEDS)
    sample, ratio = " × ".join(map(str, shape)), float(np.mean(ratios))
    spread = f"{ratio:.3f} ({min(ratios):.3f}–{max(ratios):.3f})"
    return ratio, f"| {name} | {sample} | {min(len(X), MOST)} | {n} | {spread} | {seconds:.1f} |"


def _header() -> str:
    return (
        f"# The defaults, untouched, against PCA of the same size\n\n{date.today()}, "
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, "
        f"{torch.get_num_threads()} thread(s); seeds {SEEDS}.\n"
    )


def _decoded(jpg: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    from PIL import Image

    data = jpg.tobytes()
    ends = [*offsets[1:].tolist(), len(data)] if offsets[-1] != len(data) else offsets[1:].tolist()
    images = [Image.open(io.BytesIO(data[a:b])) for a, b in zip(offsets.tolist(), ends, strict=False)]
    return np.stack([np.asarray(image.convert("RGB")).transpose(2, 0, 1) for image in images])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of data sets")
    parser.add_argument("--only", nargs="*", help="some sets instead of all")
    parser.add_argument("--write", type=Path, help="where to keep the result")
    return parser.parse_args()


if __name__ == "__main__":
    main()

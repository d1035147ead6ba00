"""Measure how well `Imputer` fills gaps of heartbeats, digits and photographs, beside interpolation and inpainting.

``python -m benchmarks.restore_gaps [--only SET ...] [--steps N] [--write FILE]``: one fit of ours on each set, on one
thread, from samples without gaps. Seed 0 draws where the gaps are.

- heartbeats: ECG5000, learned from its 500 training series; one stretch of 10 to 30 of the 140 points is missing of
  each of 1,000 test series. Interpolation holds the last value where a stretch touches an end; the mean beat is that of
  the training series; `KNNImputer` sees the series as rows of a table, as our imputer of tables does, "diabolo, as
  rows".
- digits: MNIST, learned from 10,000; of 300 test digits three squares of 8 x 8, or one of 14 x 14, are missing: a
  quarter, or less where squares overlap.
- photographs: learned from the 250 of `bsd400_gray_180`; the middle 128 x 128 of the 12 of Set12, of which each 16 x 16
  lacks a square of 8 x 8, or each 32 x 32 one of 16 x 16: a quarter. "biharmonic" is that of scikit-image.

The error is the root mean square over the missing cells, of images also as peak signal-to-noise ratio of these.
Coverage is the share of them in our intervals of 90 %, which are measured on gaps of all sizes. Targets: below all
others, and 87 to 93 % of the cells in the intervals.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import version
from time import process_time

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.interpolate import CubicSpline
from skimage.restoration import inpaint_biharmonic
from sklearn.impute import KNNImputer

from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER, mnist, mnist_test
from diabolo import Imputer, Training
from diabolo.training.device import brief

Array = NDArray[np.floating]
Gone = NDArray[np.bool_]

HEAD = "| gaps | who | RMSE | PSNR, dB | coverage of 90 % | width | seconds |"


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    report = Report("Gaps in series and images: ours, interpolation and inpainting", arguments)
    report.versions |= {name: version(name) for name in ("diabolo", "scikit-image", "scikit-learn", "torch")}
    report.add(
        f"Seconds are those of the processor: for fitting ours ({arguments.steps} steps), for filling the others."
    )
    for name in arguments.only:
        report.add("", f"## {name.capitalize()}", "", HEAD, "|" + "---|" * 7)
        SETS[name](report)
    report.finish()


def heartbeats(report: Report) -> None:
    """Add the rows of heartbeats."""
    with np.load(FOLDER / "ecg5000" / "ECG5000.npz", allow_pickle=False) as file:
        train, test = file["X_train"].astype(np.float64), file["X_test"].astype(np.float64)[:1000]
    rng, gone = np.random.default_rng(0), np.zeros(test.shape, bool)
    for own in gone:
        length = rng.integers(10, 31)
        start = rng.integers(0, len(own) - length + 1)
        own[start : start + length] = True
    gaps = np.where(gone, np.nan, test)
    others: dict[str, Callable[[Array], Array]] = {
        "linear interpolation": lambda x: np.stack([linear(own) for own in x]),
        "cubic spline": lambda x: np.stack([cubic(own) for own in x]),
        "mean beat": lambda x: np.where(np.isnan(x), train.mean(0), x),
        "KNNImputer": lambda x: np.asarray(KNNImputer().fit(train).transform(x)),
    }
    for name, fill in others.items():
        began = process_time()
        found = fill(gaps)
        report.add(row("10–30 points", name, test, found, gone, process_time() - began))
    for name, shape in (("diabolo", (140, 1)), ("diabolo, as rows", (140,))):
        imputer, seconds = fitted(train.reshape(-1, *shape), report.arguments.steps, len(shape) > 1)
        given, hidden = test.reshape(-1, *shape), gone.reshape(-1, *shape)
        report.add(ours("10–30 points", name, imputer, given, hidden, seconds))


def digits(report: Report) -> None:
    """Add the rows of digits."""
    imputer, seconds = fitted(mnist(10_000), report.arguments.steps, True)
    test = mnist_test(300).astype(np.float64)
    for side, count in ((8, 3), (14, 1)):
        rng, gone = np.random.default_rng(0), np.zeros(test.shape, bool)
        for image in gone:
            for top, left in rng.integers(0, 28 - side + 1, (count, 2)):
                image[:, top : top + side, left : left + side] = True
        inpainted(report, f"{count} of {side} x {side}", imputer, test, gone, seconds)


def photographs(report: Report) -> None:
    """Add the rows of photographs."""
    folder = FOLDER / "img"
    train = [grey(file) for file in sorted((folder / "bsd400_gray_180").glob("*.png"))]
    imputer, seconds = fitted(train, report.arguments.steps, True)
    test = np.stack([middle(grey(file), 128) for file in sorted((folder / "set12_gray").glob("*.png"))])
    for side in (8, 16):
        rng, gone = np.random.default_rng(0), np.zeros(test.shape, bool)
        for image in gone:
            for top in range(0, 128, 2 * side):
                for left in range(0, 128, 2 * side):
                    down, right = rng.integers(0, side + 1, 2)
                    image[:, top + down : top + down + side, left + right : left + right + side] = True
        inpainted(report, f"{side} x {side}", imputer, test.astype(np.float64), gone, seconds)


SETS: dict[str, Callable[[Report], None]] = {
    "heartbeats": heartbeats,
    "digits": digits,
    "photographs": photographs,
}


def inpainted(report: Report, gaps: str, imputer: Imputer, test: Array, gone: Gone, seconds: float) -> None:
    """Add the rows of images (N, 1, H, W) of one kind of gaps."""
    began = process_time()
    pairs = zip(test[:, 0] / 255, gone[:, 0], strict=True)
    found = 255 * np.stack([inpaint_biharmonic(np.where(own, 0, x), own) for x, own in pairs])[:, None].clip(0, 1)
    report.add(row(gaps, "biharmonic", test, found, gone, process_time() - began))
    report.add(ours(gaps, "diabolo", imputer, test, gone, seconds))


def fitted(train: Array | list[Array], steps: int, grids: bool) -> tuple[Imputer, float]:
    """Return an imputer with its defaults but for the steps of series and images, and the seconds of its fit."""
    training = Training(steps=steps, decay=0.8, precision=brief(torch.device("cpu"))) if grids else None
    began = process_time()
    imputer = Imputer(training=training, random_state=0, device="cpu").fit(train)
    return imputer, process_time() - began


def ours(gaps: str, name: str, imputer: Imputer, test: Array, gone: Gone, seconds: float) -> str:
    """Return the row of ours."""
    given = np.where(gone, np.nan, test)
    low, high = imputer.intervals(given)
    inside = float(((low <= test) & (test <= high))[gone].mean())
    cells = f"{100 * inside:.1f} %", f"{(high - low)[gone].mean():.3g}"
    return row(gaps, name, test, imputer.transform(given), gone, seconds, cells)


def row(
    gaps: str, name: str, test: Array, found: Array, gone: Gone, seconds: float, cells: tuple[str, str] = ("", "")
) -> str:
    """Return a row of the table."""
    error = float(np.sqrt(np.square((found - test)[gone]).mean()))
    decibels = f"{20 * np.log10(255 / error):.2f}" if test.ndim == 4 else ""
    return f"| {gaps} | {name} | {error:.3g} | {decibels} | {' | '.join(cells)} | {seconds:.1f} |"


def linear(x: Array) -> Array:
    """Return a series (T,) with its gaps filled along straight lines."""
    there = ~np.isnan(x)
    return np.interp(np.arange(len(x)), np.flatnonzero(there), x[there])


def cubic(x: Array) -> Array:
    """Return a series (T,) with its gaps filled by a natural cubic spline, beyond whose ends the last value holds."""
    there = np.flatnonzero(~np.isnan(x))
    place = np.arange(len(x)).clip(there[0], there[-1])
    return CubicSpline(there, x[there], bc_type="natural")(place)


def grey(file: object) -> Array:
    """Return an image file as (1, H, W)."""
    with Image.open(str(file)) as image:
        return np.asarray(image.convert("L"))[None]


def middle(image: Array, side: int) -> Array:
    """Return the middle of an image (1, H, W)."""
    top, left = ((length - side) // 2 for length in image.shape[1:])
    return image[:, top : top + side, left : left + side]


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1, threads=(1,))
    reader.add_argument("--only", nargs="+", choices=list(SETS), default=list(SETS), help="some sets instead of all")
    reader.add_argument("--steps", type=int, default=3000, help="of training on series and images")
    return reader.parse_args()


if __name__ == "__main__":
    main()

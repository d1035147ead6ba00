"""Measure how well `Imputer()` fills missing cells, beside three imputers of scikit-learn.

``python -m benchmarks.restore_tables [--only TABLE ...] [--rounds R] [--rows N] [--write FILE]``: ten tables of
ADBench, none of those set aside by the hash of their name, rows that occur twice dropped, 3,000 rows at most. Cells are
hidden at random, a fifth of all, or by column: half of those of a fifth of the columns, at least one. Each imputer is
fitted to the table with gaps and fills it; ours and scikit-learn's have their defaults.

The error is the root mean square over the hidden cells, in standard deviations of their columns: 1 for the mean. Of the
categories of NSL-KDD (three of text, 5,000 rows, a fifth of all cells hidden) it is how many are filled rightly, the
others as numbers of their codes.

Targets: on average below the mean, `KNNImputer` and `IterativeImputer`; 87 to 93 % of the hidden cells in the intervals
of 90 %; more categories right than the most frequent one of each column.
"""

from __future__ import annotations

import time
import warnings
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  (scikit-learn asks for it)
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from benchmarks.report import Report, parser
from benchmarks.workers.records import INTRUSIONS, LABEL, records
from benchmarks.workers.sets import FOLDER
from diabolo import Imputer

TABLES = (
    "18_Ionosphere",
    "19_landsat",
    "23_mammography",
    "29_Pima",
    "32_shuttle",
    "35_SpamBase",
    "41_Waveform",
    "43_WDBC",
    "47_yeast",
    "4_breastw",
)
PEERS: dict[str, Callable[[], Any]] = {
    "mean": SimpleImputer,
    "KNNImputer": KNNImputer,
    "IterativeImputer": lambda: IterativeImputer(random_state=0),
}
HIDE = {"random": "a fifth of all cells", "column": "half of the cells of a fifth of the columns"}
ABOUT = (
    "Root mean squared error of hidden cells in standard deviations of their columns, means over seeds; coverage of",
    "our intervals of 90 %. Seconds are those of the processor, for fitting and filling, one seed, on one thread.",
)
_RECORDS = 5000


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    report = Report("Missing cells: ours and scikit-learn's imputers", arguments, seeds="one seed for each, from 0")
    report.versions = {"scikit-learn": sklearn.__version__, "torch": torch.__version__}
    report.add(*ABOUT)
    for how, said in HIDE.items():
        if set(arguments.only) - {INTRUSIONS}:
            on(how, said, report)
    if INTRUSIONS in arguments.only:
        categories(report)
    report.finish()


def on(how: str, said: str, report: Report) -> None:
    """Add the tables with cells hidden in one way, and their means."""
    sides, found = [*PEERS, "diabolo"], []
    report.add("", f"## Hidden: {said}", "", "| table | rows | " + " | ".join(sides) + " | coverage | seconds |")
    report.add("|" + "---|" * (len(sides) + 4))
    for name in (name for name in TABLES if name in report.arguments.only):
        seeds = [one(table(name, seed, report.arguments.rows), seed, how) for seed in range(report.arguments.rounds)]
        found.append(np.mean(seeds, 0))
        rows = len(table(name, 0, report.arguments.rows))
        report.add(f"| {name} | {rows:,} | {line(found[-1])} |")
    if found:
        report.add(f"| **mean of {len(found)}** | | {line(np.mean(found, 0))} |")


def one(X: np.ndarray, seed: int, how: str) -> list[float]:
    """Return the error of each side on a table (4), our coverage, and the seconds of each side (4)."""
    hidden = hide(X.shape, seed, how)
    gapped = np.where(hidden, np.nan, X)
    errors, seconds, ours = [], [], Imputer(random_state=seed)
    for imputer in (*(make() for make in PEERS.values()), ours):
        began = time.process_time()
        filled = imputer.fit_transform(gapped)
        seconds.append(time.process_time() - began)
        errors.append(error(X, filled, hidden))
    low, high = ours.intervals(gapped)
    slack = 1e-9 * np.abs(X)
    inside = (low - slack <= X) & (high + slack >= X)
    return [*errors, float(inside[hidden].mean()), *seconds]


def table(name: str, seed: int, rows: int) -> np.ndarray:
    """Return distinct rows of a table of ADBench, at most so many, and those columns that are not constant."""
    with np.load(FOLDER / "adbench" / f"{name}.npz", allow_pickle=False) as file:
        X = np.unique(file["X"].astype(np.float64), axis=0)
    X = X[np.random.default_rng(seed).permutation(len(X))[:rows]]
    return X[:, X.std(0) > 0]


def hide(shape: tuple[int, ...], seed: int, how: str) -> np.ndarray:
    """Return which cells are hidden, (N, D)."""
    draw = np.random.default_rng(seed)
    if how == "random":
        return draw.random(shape) < 0.2
    hidden = np.zeros(shape, bool)
    columns = draw.choice(shape[1], max(1, round(0.2 * shape[1])), replace=False)
    hidden[:, columns] = draw.random((shape[0], len(columns))) < 0.5
    return hidden


def error(X: np.ndarray, filled: np.ndarray, hidden: np.ndarray) -> float:
    """Return the root mean squared error of hidden cells, in standard deviations of their columns."""
    return float(np.sqrt(np.square(((filled - X) / X.std(0))[hidden]).mean()))


def line(values: np.ndarray) -> str:
    """Return the cells of a row of the page."""
    *errors, coverage = (float(value) for value in values[: len(PEERS) + 2])
    seconds = " / ".join(f"{value:.1f}" for value in values[len(PEERS) + 2 :])
    best = min(errors)
    cells = [f"**{value:.3f}**" if value == best else f"{value:.3f}" for value in errors]
    return " | ".join([*cells, f"{100 * coverage:.1f} %", seconds])


def categories(report: Report) -> None:
    """Add how many categories of NSL-KDD are filled rightly."""
    report.add(
        "", "## Categories of NSL-KDD, filled rightly", "", "| column | most frequent | diabolo |", "|---|---|---|"
    )
    found = [rightly(seed) for seed in range(report.arguments.rounds)]
    for name in found[0]:
        mode, ours = np.mean([each[name] for each in found], 0)
        report.add(f"| {name} | {100 * mode:.1f} % | {100 * ours:.1f} % |")


def rightly(seed: int) -> dict[str, Sequence[float]]:
    """Return for each column of text which share of hidden cells the most frequent one is, and ours is."""
    frame = records(INTRUSIONS, seed).train.drop(columns=LABEL).iloc[:_RECORDS].reset_index(drop=True)
    hidden = hide(frame.shape, seed, "random")
    filled = Imputer(random_state=seed).fit_transform(frame.astype(_types(frame)).mask(hidden))
    shares = {}
    for i, name in enumerate(frame.columns):
        if frame.dtypes.iloc[i].kind in "if":
            continue
        true, seen = frame[name][hidden[:, i]], frame[name][~hidden[:, i]]
        shares[str(name)] = (float((true == seen.mode()[0]).mean()), float((true == filled[name][true.index]).mean()))
    every = np.array(list(shares.values()))
    return shares | {"mean": every.mean(0).tolist()}


def _types(frame: pd.DataFrame) -> dict[Any, str]:
    return {name: "float64" if dtype.kind in "if" else "object" for name, dtype in frame.dtypes.items()}


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    every = [*TABLES, INTRUSIONS]
    reader.add_argument("--only", nargs="+", choices=every, default=every, help="some tables instead of all")
    reader.add_argument("--rows", type=int, default=3000, help="rows of a table, at most")
    return reader.parse_args()


if __name__ == "__main__":
    main()

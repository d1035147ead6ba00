"""Measure classifiers of tables at few labels: `Pretrainer` and what it tunes, gradient boosting, a net from scratch.

``python -m benchmarks.features_tables [--only TABLE ...] [--rounds R] [--share S] [--write FILE]``: three tables chosen
before any result: NSL-KDD (mixed columns; normal or one of four kinds of attack, 8,000 rows drawn to learn from and
4,000 to test), SpamBase of ADBench (57 numbers, two classes) and the digits of scikit-learn (64 numbers, ten classes),
of both 70 % to learn from. Of these rows 5 % have labels, drawn by class, at least one of each; all others are
unlabelled. A round is a draw; ours and scikit-learn's have their defaults.

Beside it: `HistGradientBoostingClassifier` of the labelled rows, and the same net as ours, not pretrained, with these
labels alone. The measures are accuracy, and the mean recall of the classes.

Targets: on average above gradient boosting, or within its deviation over draws; above the net from scratch.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from importlib.metadata import version
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import balanced_accuracy_score

from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Pretrainer, Training
from diabolo.estimators import Tuning
from diabolo.estimators.pretraining.consistencies import PseudoLabels

Array = NDArray[Any]
Side = Callable[[pd.DataFrame, Array, Array, int], Callable[[pd.DataFrame], Array]]
"""From rows, their classes, which of these are known and a seed to what predicts."""


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    report = Report("Tables at few labels", arguments, seeds="draws and nets from seeds 0, 1, ...")
    report.versions |= {name: version(name) for name in ("diabolo", "torch", "scikit-learn")}
    means = []
    for name in arguments.only:
        found: dict[str, list[tuple[float, ...]]] = {side: [] for side in SIDES}
        y = known = np.zeros(0)
        for seed in range(arguments.rounds):
            (X, y), (test, true) = TABLES[name](seed)
            known = labelled(y, arguments.share, seed)
            for side, fitted in SIDES.items():
                began = process_time()
                told = fitted(X, y, known, seed)(test)
                scores = float((told == true).mean()), float(balanced_accuracy_score(true, told))
                found[side].append((*scores, process_time() - began))
        means.append(table(report, f"{name}: {len(y):,} rows, {known.sum()} with a label", found))
    report.add("", "## Mean of the tables", "", "| who | accuracy, % | mean recall, % |", "|---|---|---|")
    for i, side in enumerate(SIDES):
        accuracy, recall, _ = np.mean(means, 0)[i]
        report.add(f"| {side} | {100 * accuracy:.2f} | {100 * recall:.2f} |")
    report.finish()


def table(report: Report, title: str, found: dict[str, list[tuple[float, ...]]]) -> Array:
    """Add the table of one data set, and return its means."""
    report.add("", f"## {title}", "", "| who | accuracy, % (deviation over draws) | mean recall, % | seconds |")
    report.add("|---|---|---|---|")
    for side, each in found.items():
        (accuracy, recall, seconds), (spread, wide, _) = np.mean(each, 0), np.std(each, 0)
        cells = f"{100 * accuracy:.2f} ± {100 * spread:.2f} | {100 * recall:.2f} ± {100 * wide:.2f}"
        report.add(f"| {side} | {cells} | {seconds:.1f} |")
    return np.array([np.mean(each, 0) for each in found.values()])


def labelled(y: Array, share: float, seed: int) -> Array:
    """Return which rows (N,) have a label: so many of each class, one at least."""
    draw, known = np.random.default_rng(seed), np.zeros(len(y), bool)
    for label in np.unique(y):
        rows = draw.permutation(np.flatnonzero(y == label))
        known[rows[: max(1, round(share * len(rows)))]] = True
    return known


def boosted(X: pd.DataFrame, y: Array, known: Array, seed: int) -> Callable[[pd.DataFrame], Array]:
    """Return gradient boosting of the labelled rows, text as categories."""
    text = [name for name, dtype in X.dtypes.items() if dtype.kind == "O"]
    levels = {name: sorted(X[name].unique()) for name in text}

    def typed(rows: pd.DataFrame) -> pd.DataFrame:
        known = {name: rows[name].where(rows[name].isin(levels[name])) for name in text}
        return rows.assign(**{name: pd.Categorical(known[name], levels[name]) for name in text})

    model: Any = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
    model.fit(typed(X.loc[known]), y[known])
    return lambda rows: model.predict(typed(rows))


def tuned(X: pd.DataFrame, y: Array, known: Array, seed: int) -> Callable[[pd.DataFrame], Array]:
    """Return what is pretrained on all rows, and fine-tuned with those that have a label and the others."""
    few = y.astype(object)
    few[~known] = None
    return Pretrainer(random_state=seed).fit(X).fine_tune(X, few).predict


def scratch(X: pd.DataFrame, y: Array, known: Array, seed: int) -> Callable[[pd.DataFrame], Array]:
    """Return the same net, as it was built but for its linear path, trained with the labelled rows alone."""
    built = Pretrainer(training=Training(steps=1, learning_rate=1e-9), random_state=seed).fit(X)
    tuning = Tuning(frozen=0.0, consistency=PseudoLabels(weight=0.0))
    return built.fine_tune(X.loc[known], y[known], tuning=tuning).predict


SIDES: dict[str, Side] = {
    "gradient boosting": boosted,
    "the same net from scratch": scratch,
    "**pretrained, fine-tuned**": tuned,
}


def intrusions(seed: int) -> Iterator[tuple[pd.DataFrame, Array]]:
    """Yield rows of NSL-KDD to learn from and to test, and their kinds."""
    folder = FOLDER / "nsl_kdd"
    names = [line.partition(",")[0] for line in (folder / "Field_Names.csv").read_text("utf-8").split()]
    kinds = dict(line.split(",") for line in (folder / "Attack_Types.csv").read_text("utf-8").split())
    frame = pd.read_csv(folder / "KDDTrain+_20Percent.txt.gz", header=None).iloc[:, : len(names) + 1]
    frame.columns = [*names, "label"]
    y = frame.pop("label").map(kinds).to_numpy().astype(str)
    frame = frame.astype({name: object for name, dtype in frame.dtypes.items() if dtype.kind not in "if"})
    order = np.random.default_rng(seed).permutation(len(y))
    for rows in (order[:8000], order[8000:12_000]):
        yield frame.iloc[rows].reset_index(drop=True), y[rows]


def spam(seed: int) -> Iterator[tuple[pd.DataFrame, Array]]:
    """Yield rows of SpamBase, each once."""
    with np.load(FOLDER / "adbench" / "35_SpamBase.npz", allow_pickle=False) as file:
        both = np.unique(np.column_stack([file["X"], file["y"]]), axis=0)
    yield from _halves(both[:, :-1], both[:, -1].astype(np.int64), seed)


def digits(seed: int) -> Iterator[tuple[pd.DataFrame, Array]]:
    """Yield the small digits of scikit-learn."""
    found: Any = load_digits()
    yield from _halves(found.data, found.target, seed)


def _halves(X: Array, y: Array, seed: int) -> Iterator[tuple[pd.DataFrame, Array]]:
    order, count = np.random.default_rng(seed).permutation(len(y)), round(0.7 * len(y))
    for rows in (order[:count], order[count:]):
        yield pd.DataFrame(X[rows]).rename(columns=lambda i: f"x{i}"), y[rows]


TABLES: dict[str, Callable[[int], Any]] = {"NSL-KDD": intrusions, "SpamBase": spam, "digits": digits}


def _arguments() -> Namespace:
    options = parser(__doc__, rounds=5, threads=(1,))
    options.add_argument("--only", nargs="+", choices=list(TABLES), default=list(TABLES), help="some tables")
    options.add_argument("--share", type=float, default=0.05, help="share of the rows that have a label")
    return options.parse_args()


if __name__ == "__main__":
    main()

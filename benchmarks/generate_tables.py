"""Measure how good generated rows of tables are, beside TVAE and CTGAN of the package ctgan.

``python -m benchmarks.generate_tables [--only TABLE ...] [--sides S ...] [--rounds R] [--seconds S] [--write FILE]``:
NSL-KDD, and of ADBench the three tables of most distinct rows among those with at least 5 % of anomalies. The label is
one more column, that each has to generate. Ours is `Generator()`; TVAE and CTGAN have their defaults, and are told
which columns are categories, but their 300 epochs end with the first one after so many processor seconds, the encoding
of columns included. Each makes as many rows as it has learnt from. All take turns at each table and seed, each in a
process of its own, on one thread.

A forest of 100 trees that learnt from the rows made is tested on real ones, those of KDDTest+ for NSL-KDD. Column
shapes and pair trends are those of SDMetrics, against the rows that were learnt from; "nearer" is how probable it is
that a row made lies nearer to its nearest training row than one held out does; "of training" is the share of rows whose
nearest real one is a training row, of as many held-out ones: .5 if none is learnt by heart, however far rows are.

Targets: a better forest than TVAE's and better trends, in less time, no closer to the training rows; on NSL-KDD an
AUROC of at least .94.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness import Side, Worker, environment, running
from benchmarks.report import Report, parser
from benchmarks.workers.records import INTRUSIONS, LABEL, Records, records
from diabolo.metrics import closest, column_shapes, pair_trends, transfer

TABLES = {INTRUSIONS: 230.0, "32_shuttle": 45.0, "24_mnist": 45.0, "2_annthyroid": 45.0}
"""Processor seconds after which peers begin no other epoch; 230 is what TVAE took where the target was set."""

SIDES = {
    "diabolo": Side("diabolo", "generator", {"task": "rows"}),
    "tvae": Side("TVAE", "ctgan", {"task": "rows", "model": "TVAE"}, "ctgan"),
    "ctgan": Side("CTGAN", "ctgan", {"task": "rows", "model": "CTGAN"}, "ctgan"),
}
ABOUT = (
    "Means over seeds, ± their standard deviation. Seconds are those of the processor, for fit and sample together, as",
    "other programs ran beside. Real rows: the forest that learnt from the training rows, and held-out rows instead of",
    "made ones. Distances to the nearest training row: their 5 % quantile and median.",
)
MEASURES = ("accuracy", "AUROC", "shapes", "trends", "near", "median", "nearer", "share")
_COMPARED = 2500
"""Rows whose nearest training row is looked for, at most."""


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Rows of tables: ours, TVAE and CTGAN", arguments, seeds="one seed for each, from 0")
    report.add(*ABOUT)
    sides = [SIDES[name] for name in arguments.sides]
    for side in sides:
        if side.peer is not None:
            environment(side.peer)  # installs before anything waits to be measured
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers = [stack.enter_context(running(side, 1)) for side in sides]
        for worker in workers:
            report.versions |= worker.measured.versions
        for table in arguments.only or TABLES:
            on(table, report, workers, folder / "made.csv")
    report.finish()


def on(table: str, report: Report, workers: Sequence[Worker], path: Path) -> None:
    """Add the rows of a table to the report: real ones, then those of each side."""
    seconds = min(TABLES[table], report.arguments.seconds)
    found: dict[str, list[dict[str, float]]] = {"real rows": []}
    for seed in range(report.arguments.rounds):
        real = records(table, seed)
        found["real rows"].append(of_real(real))
        for worker in workers:
            name = worker.measured.side.name
            if seed < (report.arguments.adversarial if name == "CTGAN" else report.arguments.rounds):
                block = worker.go(table=table, seed=seed, seconds=seconds, path=str(path))
                found.setdefault(name, []).append(block | judged(real, read(path, real.train)))
                sys.stderr.write(f"{table}, seed {seed}: {line(name, found[name][-1:])}\n")
    report.add("", f"## {table}{f', peers end after {seconds:.0f} s' * (len(workers) > 1)}", "", *head())
    for name, blocks in found.items():
        report.add(line(name, blocks))


def judged(real: Records, made: pd.DataFrame) -> dict[str, float]:
    """Return what rows made are worth, by name of the measure."""
    told = transfer(real.train, made, real.test, LABEL, seeds=1)
    share = of_training(real.train, real.held_out, made)
    return {"accuracy": told.accuracy.score, "AUROC": told.auroc.score, "share": share} | alike(real, made)


def of_real(real: Records) -> dict[str, float]:
    """Return what real rows are worth: those learnt from to the forest, held-out ones otherwise."""
    told = transfer(real.train, real.train[:500], real.test, LABEL, seeds=1)
    half = len(real.held_out) // 2
    share = of_training(real.train, real.held_out.iloc[:half], real.held_out.iloc[half:])
    return {"accuracy": told.accuracy.floor, "AUROC": told.auroc.floor, "share": share} | alike(real, real.held_out)


def alike(real: Records, made: pd.DataFrame) -> dict[str, float]:
    """Return how alike rows are to those learnt from, in columns and pairs of them, and how near."""
    shapes, trends = column_shapes(real.train, made), pair_trends(real.train, made)
    near = closest(real.train, real.held_out[:_COMPARED], made[:_COMPARED])
    low, median = np.quantile(near.samples, (0.05, 0.5))
    means = {"shapes": np.mean(list(shapes.values())), "trends": np.mean(list(trends.values()))}
    return {name: float(mean) for name, mean in means.items()} | {
        "near": float(low),
        "median": float(median),
        "nearer": near.nearer,
    }


def of_training(train: pd.DataFrame, held_out: pd.DataFrame, made: pd.DataFrame) -> float:
    """Return the share of rows whose nearest real one is a training row, of as many of these as held-out ones."""
    even = min(len(train), len(held_out), _COMPARED)
    return closest(train.iloc[:even], held_out.iloc[:even], made.iloc[:_COMPARED]).share


def read(path: Path, like: pd.DataFrame) -> pd.DataFrame:
    """Return rows made, of the types of the training rows."""
    made = pd.read_csv(path, keep_default_na=False, na_values=[""])
    return made.reindex(columns=like.columns).astype(dict(like.dtypes))


def head() -> list[str]:
    """Return the head of a table."""
    names = (
        "seeds",
        "epochs",
        "seconds",
        "accuracy",
        "AUROC",
        "shapes",
        "trends",
        "5 %",
        "median",
        "nearer",
        "of training",
    )
    return ["| rows | " + " | ".join(names) + " |", "|" + "---|" * (1 + len(names))]


def line(name: str, blocks: Sequence[dict[str, Any]]) -> str:
    """Return the row of a side, of what came out for each seed."""
    timed = "seconds" in blocks[0]
    cells = [f"{np.mean([b['epochs'] for b in blocks]):.0f}", spread(blocks, "seconds", 0)] if timed else ["", ""]
    cells += [spread(blocks, measure, 2 if measure in ("near", "median") else 3) for measure in MEASURES]
    return f"| {name} | {len(blocks)} | " + " | ".join(cells) + " |"


def spread(blocks: Sequence[dict[str, Any]], measure: str, digits: int) -> str:
    """Return the mean over seeds and, of several, the standard deviation."""
    values = np.array([block[measure] for block in blocks])
    more = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{more}"


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    reader.add_argument("--only", nargs="+", choices=TABLES, help="some tables instead of all")
    reader.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="some sides instead of all")
    reader.add_argument("--adversarial", type=int, default=1, help="seeds of CTGAN: it is slow")
    reader.add_argument("--seconds", type=float, default=1e9, help="at most, where peers would have more")
    arguments = reader.parse_args()
    if arguments.rounds < 1 or arguments.adversarial < 1:
        reader.error(f"--rounds and --adversarial must be at least 1; got {arguments.rounds}, {arguments.adversarial}.")
    return arguments


if __name__ == "__main__":
    main()

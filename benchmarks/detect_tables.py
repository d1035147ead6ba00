"""Measure how well `Detector` finds anomalies in tables, against PyOD's detectors, with everything left at its default.

``python -m benchmarks.detect_tables [--only TABLE ...] [--settings S ...] [--sides S ...] [--rounds R] [--vae-rows N]
[--write FILE]``: rows that occur twice are dropped, then the table is split. "one-class": a random half of the normal
rows trains; the rest and all anomalies are tested. "contaminated": 70 % of the rows train, anomalies among them, and
30 % are tested, stratified. One seed for each round; each side in a process of its own, on one thread, by turns at
each table and seed. PyOD gets columns standardised by the training rows, ours gets them as they are.

The design of `Detector` is tuned on the tables of "development" only: those "set aside" (`set_aside`) have means of
their own. A side that raises, or gives a score that is not finite, fails at that table and seed: means are over the
tables where no side fails, and again over all of them with what chance gives for a failure: an AUROC of 50, and the
share of anomalies as average precision.

Targets: 87.6 one-class, above PyOD's AutoEncoder by an interval without 0 and not below KNN; 77.5 contaminated, above
AutoEncoder and IForest; no more seconds of fit than AutoEncoder; gains that hold on the tables set aside.
"""

from __future__ import annotations

import zlib
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.harness import Side, Worker, running
from benchmarks.report import Report, parser
from benchmarks.workers.sets import SPLITS, anomaly_split, anomaly_tables

TASK = {"task": "anomalies"}
SIDES = {
    "diabolo": Side("diabolo", "ours", TASK | {"model": "Detector"}),
    "autoencoder": Side("PyOD AutoEncoder", "pyod", TASK | {"model": "AutoEncoder"}, "pyod"),
    "vae": Side("PyOD VAE", "pyod", TASK | {"model": "VAE"}, "pyod"),
    "knn": Side("PyOD KNN", "pyod", TASK | {"model": "KNN"}, "pyod"),
    "iforest": Side("PyOD IForest", "pyod", TASK | {"model": "IForest"}, "pyod"),
    "ecod": Side("PyOD ECOD", "pyod", TASK | {"model": "ECOD"}, "pyod"),
    "distance": Side("distance to the mean", "ours", TASK | {"model": "distance"}),
}
ABOUT = (
    "Each table has its AUROC in percent. Means are over tables, ± the standard deviation over seeds; intervals are",
    "of the mean paired difference, 95 %, by bootstrap over tables. Seconds are those of one seed, on one thread: the",
    "scaling of columns is not counted for PyOD, the scores of the training rows are, as its `fit` computes them.",
)
AUROC, PRECISION, SHARE, FIT, SCORE = range(5)
"""The last axis of `Found.values`: two measures and the share of anomalies among the tested in percent, and seconds."""


@dataclass(frozen=True)
class Found:
    """What came out of one setting.

    Parameters
    ----------
    sides : sequence of str
        As the page calls them, P.
    tables : sequence of str
        The names, T.
    values : np.ndarray
        (T, P, S, 5) by table, side, seed and measure; nan where a side failed, except for the share of anomalies.
    failures : mapping
        From who failed where and how, to the seeds.
    """

    sides: Sequence[str]
    tables: Sequence[str]
    values: np.ndarray
    failures: Mapping[str, Sequence[int]]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Anomalies in tables: ours against PyOD", arguments, seeds="one seed for each, from 0")
    report.add(*ABOUT)
    with ExitStack() as stack:
        workers = [stack.enter_context(running(side, 1)) for side in _chosen(arguments)]
        for worker in workers:
            report.versions |= worker.measured.versions
        for setting in arguments.settings:
            summary(measure(setting, report, workers), report)
    report.finish()


def measure(setting: str, report: Report, workers: Sequence[Worker]) -> Found:
    """Add the AUROC of every table and side, and return all that came out."""
    sides, tables = [worker.measured.side.name for worker in workers], report.arguments.only or anomaly_tables()
    report.add("", f"## {setting}", "", "| table | " + " | ".join(sides) + " |", "|" + "---|" * (1 + len(sides)))
    failures: dict[str, list[int]] = {}
    values = []
    for table in tables:
        values.append(on(table, setting, report.arguments.rounds, workers, failures))
        cells = [cell(side) for side in values[-1][..., AUROC]]
        report.add(f"| {table}{' (set aside)' * set_aside(table)} | " + " | ".join(cells) + " |")
    return Found(sides, tables, np.array(values), failures)


def on(table: str, setting: str, seeds: int, workers: Sequence[Worker], failures: dict[str, list[int]]) -> np.ndarray:
    """Return the measures (P, S, 5) of a table, and note who failed."""
    values = np.empty((len(workers), seeds, 5))
    for seed in range(seeds):
        y = anomaly_split(table, seed, setting)[2]
        for side, worker in enumerate(workers):
            values[side, seed], failure = judged(worker.go(table=table, seed=seed, setting=setting), y)
            if failure:
                failures.setdefault(f"{worker.measured.side.name} on {table}: {failure}", []).append(seed)
    return values


def judged(block: dict[str, Any], y: np.ndarray) -> tuple[list[float], str]:
    """Return the measures of a block (5), and what failed, empty if nothing did."""
    share, scores = 100 * float(y.mean()), np.array(block.get("scores", []))
    odd = int((~np.isfinite(scores)).sum())
    if "failed" in block or odd:
        failure = block.get("failed", f"{odd} of {len(y)} scores are not finite")
        return [np.nan, np.nan, share, np.nan, np.nan], " ".join(failure.split())[:200]
    auroc, precision = roc_auc_score(y, scores), average_precision_score(y, scores)
    return [100 * float(auroc), 100 * float(precision), share, block["fit"], block["score"]], ""


def cell(values: np.ndarray) -> str:
    """Return the mean over seeds (S,), or at how many of them a side failed."""
    failed = int(np.isnan(values).sum())
    return f"fails ({failed} of {len(values)})" if failed else f"{values.mean():.2f}"


def set_aside(table: str) -> bool:
    """Tell whether nothing may be tuned on a table: a hash of its name decides, so that nobody chose."""
    return zlib.crc32(table.encode()) % 3 == 0


def summary(found: Found, report: Report) -> None:
    """Add the means and the seconds to the table, then the failures, and the differences if the first side is ours."""
    parts = groups(found)
    for measure, name in ((AUROC, "AUROC"), (PRECISION, "average precision")):
        for label, values in parts.items():
            cells = [f"{mean:.2f} ± {spread:.2f}" for mean, spread in zip(*over_seeds(values, measure), strict=True)]
            report.add(f"| **{name}, {label}** | " + " | ".join(cells) + " |")
    for measures, name in (([FIT], "fit"), ([FIT, SCORE], "fit and score")):
        seconds = np.nansum(found.values[..., measures], (0, 2, 3)) / found.values.shape[2]
        report.add(f"| **seconds of {name}** | " + " | ".join(f"{each:.1f}" for each in seconds) + " |")
    for failure, seeds in found.failures.items():
        report.add("", f"Fails, in no sum of seconds: {failure} (seeds {', '.join(map(str, seeds))}).")
    if found.sides[0] == SIDES["diabolo"].name and len(found.sides) > 1:
        differences(found.sides, parts, report)


def differences(sides: Sequence[str], parts: Mapping[str, np.ndarray], report: Report) -> None:
    """Add a row for each peer: the AUROC of the first side less its own, in each group of tables."""
    report.add("", f"| AUROC of {sides[0]} less that of | " + " | ".join(parts) + " |", "|" + "---|" * (1 + len(parts)))
    for side, name in enumerate(sides[1:], 1):
        means = [values[..., AUROC].mean(2) for values in parts.values()]  # (T', P) each
        report.add(f"| {name} | " + " | ".join(difference(mean[:, 0] - mean[:, side]) for mean in means) + " |")


def groups(found: Found) -> dict[str, np.ndarray]:
    """Return the values (T', P, S, 5) of the groups of tables that have any, by what the page calls them."""
    aside = np.array([set_aside(table) for table in found.tables])
    parts = {"all": np.ones_like(aside), "development": ~aside, "set aside": aside}
    whole, filled = ~np.isnan(found.values).any((1, 2, 3)), with_chance(found.values)
    some = {("" if whole.all() else ", where none fails"): whole}
    some |= {} if whole.all() else {", chance for a failure": np.ones_like(whole)}
    chosen = {(name, kind): part & which for kind, which in some.items() for name, part in parts.items()}
    return {f"{name} ({which.sum()}){kind}": filled[which] for (name, kind), which in chosen.items() if which.any()}


def with_chance(values: np.ndarray) -> np.ndarray:
    """Return (T, P, S, 5) with the measures of scores that say nothing in place of nan."""
    filled, failed = values.copy(), np.isnan(values[..., AUROC])
    filled[failed, AUROC] = 50
    filled[failed, PRECISION] = values[failed, SHARE]
    return filled


def over_seeds(values: np.ndarray, measure: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over tables, and its standard deviation over seeds, (P,) each."""
    means = values[..., measure].mean(0)  # (P, S)
    return means.mean(1), means.std(1, ddof=1)


def difference(values: np.ndarray) -> str:
    """Return the mean of differences (T,), its interval, and how many are wins."""
    low, high = bootstrap(values)
    return f"{values.mean():+.2f} [{low:+.2f}, {high:+.2f}], better on {(values > 0).sum()} of {len(values)}"


def bootstrap(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean of (T,): 10,000 draws with replacement, seed 0."""
    means = np.random.default_rng(0).choice(values, (10_000, len(values))).mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _chosen(arguments: Namespace) -> list[Side]:
    vae, rows = SIDES["vae"], arguments.vae_rows
    capped = replace(vae, name=f"{vae.name}, at most {rows:,} rows", settings=vae.settings | {"rows": rows})
    return [side for name, side in (SIDES | {"vae": capped}).items() if name in arguments.sides]


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    reader.add_argument("--only", nargs="+", choices=anomaly_tables(), help="some tables instead of all")
    reader.add_argument(
        "--settings", nargs="+", choices=SPLITS, default=list(SPLITS), help="some splits instead of all"
    )
    reader.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="some sides instead of all")
    reader.add_argument("--vae-rows", type=int, default=3000, help="training rows of PyOD's VAE at most: it is slow")
    arguments = reader.parse_args()
    if arguments.rounds < 3 or arguments.vae_rows < 1:
        reader.error(f"--rounds >= 3 and --vae-rows >= 1; got {arguments.rounds} and {arguments.vae_rows}.")
    return arguments


if __name__ == "__main__":
    main()

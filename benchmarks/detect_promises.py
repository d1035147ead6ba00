"""Measure whether `Detector` keeps its promises: false alarms as stated, reasons that name the fault, mixed types.

``python -m benchmarks.detect_promises [--only PART ...] [--rounds R] [--write FILE]``

- rates: on 20 tables of `benchmarks.detect_tables`, ``Detector(false_alarm_rate=.)`` is fitted on a random half of the
  usual rows; the share of the other half that is flagged, mean over seeds, beside the stated rate. It should lie within
  two standard errors of it or below: those of the binomials of calibration and test, averaged over the seeds.
- reasons: in unseen usual rows one value, of a random column, is moved to that of another row at the other end of the
  column's values, at least 3 standard deviations away; how often `explain` has the corrupted column first.
- sets: AUROC on NSL-KDD as a data frame of mixed types, trained on the usual rows of its train file and tested on its
  test file, and on ECG5000 as series, trained on half of class 1 and tested on the rest.

Targets: within two standard errors on 20 tables at 1 %, 5 % and 10 %; 90 % of the columns named; .96 and .985.
"""

from __future__ import annotations

import warnings
from argparse import Namespace
from collections.abc import Iterator
from importlib.metadata import version

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.report import Report, parser, spread
from benchmarks.workers.sets import FOLDER, anomaly_split, anomaly_tables
from diabolo import Detector
from diabolo.errors import DiaboloWarning

RATES = (0.01, 0.05, 0.1)
LEAST = 400
"""Usual rows to train on, at least, in the tables for rates and reasons: a rate of 1 % needs 99 to calibrate with."""


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore", DiaboloWarning)
    arguments = _arguments()
    report = Report("Promises of the detector", arguments, seeds="one seed for each, from 0")
    for part in arguments.only:
        PARTS[part](report, range(arguments.rounds))
    report.versions |= {"diabolo": version("diabolo"), "torch": version("torch")}
    report.finish()


def rates(report: Report, seeds: range) -> None:
    """Add the table of false alarm rates, and how many lie where they should."""
    heads = " | ".join(f"stated {rate:.0%} | error" for rate in RATES)
    report.add(
        "\n## False alarms\n", f"| table | calibrated by | tested | {heads} |", "|" + "---|" * (3 + 2 * len(RATES))
    )
    kept = []
    for name in [name for name in anomaly_tables() if usual(name, 0)[0].shape[0] >= LEAST][:20]:
        found = [_false_alarms(*usual(name, seed), seed) for seed in seeds]
        m, n = found[0][1:]
        means = np.mean([flagged for flagged, _, _ in found], 0)
        errors = [(rate * (1 - rate) * (1 / m + 1 / n) / len(seeds)) ** 0.5 for rate in RATES]
        kept.append([mean <= rate + 2 * error for mean, rate, error in zip(means, RATES, errors, strict=True)])
        cells = " | ".join(f"{mean:.2%} | {error:.2%}" for mean, error in zip(means, errors, strict=True))
        report.add(f"| {name} | {m} | {n} | {cells} |")
    counts = ", ".join(f"{int(k)} of {len(kept)} at {rate:.0%}" for k, rate in zip(np.sum(kept, 0), RATES, strict=True))
    report.add(f"\nNot above the stated rate by more than two standard errors: {counts}.")


def _false_alarms(train: np.ndarray, test: np.ndarray, seed: int) -> tuple[list[float], int, int]:
    detector = Detector(random_state=seed, false_alarm_rate=RATES[0]).fit(train)
    scores = detector.score_samples(test)
    shares = [float((scores < detector.set_threshold(false_alarm_rate=rate).offset_).mean()) for rate in RATES]
    return shares, len(detector.scores_), len(test)


def reasons(report: Report, seeds: range) -> None:
    """Add how often the corrupted column is named first, table by table."""
    report.add("\n## Reasons\n", "| table | columns | rows | named first (min–max) |", "|" + "---|" * 4)
    shares = []
    for name in [name for name in anomaly_tables() if usual(name, 0)[0].shape[0] >= LEAST]:
        found = [_named(*usual(name, seed), seed) for seed in seeds]
        shares.append(np.mean([share for share, _, _ in found]))
        told = spread(np.array([share for share, _, _ in found]), "{:.1%}")
        report.add(f"| {name} | {found[0][1]} | {found[0][2]} | {told} |")
    report.add(
        f"\nMean {np.mean(shares):.1%}; at least 90 % on {int((np.array(shares) >= 0.9).sum())} of {len(shares)}."
    )


def _named(train: np.ndarray, test: np.ndarray, seed: int) -> tuple[float, int, int]:
    """Return the share of corrupted rows whose column is named first, and how many columns and rows there were."""
    rng = np.random.default_rng(seed)
    varied = np.flatnonzero(train.std(0) > 0)
    rows, columns = test[rng.permutation(len(test))[:1000]].copy(), rng.choice(varied, min(len(test), 1000))
    for row, column in zip(rows, columns, strict=True):
        values, std = train[:, column], train[:, column].std()
        end = values.max() if row[column] < np.median(values) else values.min()
        away = 1 if end > row[column] else -1
        row[column] = row[column] + away * max(abs(end - row[column]), 3 * std)
    parts = Detector(random_state=seed).fit(train).explain(rows)
    return float((parts.argmax(1) == columns).mean()), train.shape[1], len(rows)


def sets(report: Report, seeds: range) -> None:
    """Add AUROC on NSL-KDD and ECG5000."""
    report.add("\n## Mixed types, and series\n", "| data | AUROC (min–max) |", "|---|---|")
    for name, make in (("NSL-KDD, mixed types", _intrusions), ("ECG5000, series", _heartbeats)):
        found = []
        for train, test, y in make(seeds):
            detector = Detector(random_state=len(found)).fit(train)
            found.append(float(roc_auc_score(y, -detector.score_samples(test))))
        report.add(f"| {name} | {spread(np.array(found), '{:.4f}')} |")


def _intrusions(seeds: range) -> Iterator[tuple[pd.DataFrame, pd.DataFrame, np.ndarray]]:
    train, test = (
        pd.read_csv(FOLDER / "nsl_kdd" / f"KDD{part}.txt.gz", header=None).rename(columns=str)
        for part in ("Train+_20Percent", "Test+")
    )
    for _ in seeds:
        yield train[train["41"] == "normal"].iloc[:, :41], test.iloc[:, :41], (test["41"] != "normal").to_numpy()


def _heartbeats(seeds: range) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    with np.load(FOLDER / "ecg5000" / "ECG5000.npz", allow_pickle=False) as file:
        X = np.concatenate([file["X_train"], file["X_test"]])[:, :, None]
        y = np.concatenate([file["y_train"], file["y_test"]])
    for seed in seeds:
        first = np.random.default_rng(seed).permutation(np.flatnonzero(y == 1))
        train = first[: len(first) // 2]
        rest = np.setdiff1d(np.arange(len(y)), train)
        yield X[train], X[rest], y[rest] != 1


def usual(name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two random halves of the usual rows of a table."""
    train, test, y = anomaly_split(name, seed, "one-class")
    return train, test[y == 0]


PARTS = {"rates": rates, "reasons": reasons, "sets": sets}


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=5)
    reader.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="which parts")
    return reader.parse_args()


if __name__ == "__main__":
    main()

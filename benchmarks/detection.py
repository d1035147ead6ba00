"""Measure how well anomalies are found, against PyOD's autoencoder, with everything left at its default.

``python -m benchmarks.detection [--only TABLE ...] [--rounds R] [--write FILE]``: one class. Rows that occur twice are
dropped, a random half of the normal rows trains, the rest and all anomalies are tested, standardised by the training
rows. Ours: the squared standardised residual of ``Reducer(n)`` with n a third of the columns, between 2 and 16; theirs:
``AutoEncoder().decision_function``. The table gives the mean AUROC in percent over seeds, one for each round, and the
seconds of fit and scores together, on one thread.

Target: a mean AUROC that is not lower.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np

from benchmarks.harness import Side, Worker, running
from benchmarks.report import Report, parser
from benchmarks.workers.sets import anomaly_tables

SIDES = (
    Side("diabolo", "ours", {"task": "detection"}),
    Side("PyOD AutoEncoder", "pyod", {"task": "detection"}, "pyod"),
)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Anomalies in tables: AUROC against PyOD", arguments, seeds="one seed for each, from 0")
    report.add("| table | diabolo | PyOD AutoEncoder | difference | seconds | seconds of PyOD |", "|" + "---|" * 6)
    with running(SIDES[0], 1) as ours, running(SIDES[1], 1) as theirs:
        for worker in (ours, theirs):
            report.versions |= worker.measured.versions
        rows = [row(name, report, ours, theirs) for name in arguments.only or anomaly_tables()]
    summary(np.array(rows), report)
    report.finish()


def row(name: str, report: Report, ours: Worker, theirs: Worker) -> list[list[list[float]]]:
    """Add the line of a table; return AUROC and seconds by side and seed, (2, S, 2)."""
    found: list[list[list[float]]] = [[], []]
    for seed in range(report.arguments.rounds):
        for side, worker in zip(found, (ours, theirs), strict=True):
            block = worker.go(table=name, seed=seed)
            side.append([block["auroc"], block["seconds"]])
    report.add(_line(name, np.array(found)[None]))
    return found


def summary(found: np.ndarray, report: Report) -> None:
    """Add the means over all tables of (tables, 2, S, 2), and an interval of their difference."""
    report.add(_line("**mean; seconds of all**", found))
    difference = 100 * (found[:, 0, :, 0] - found[:, 1, :, 0]).mean(1)  # (tables,)
    draw = np.random.default_rng(0)
    means = draw.choice(difference, (10_000, len(difference))).mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    spread = 100 * found[..., 0].mean(0).std(1)
    report.add(
        f"\nDifference {difference.mean():+.2f} [{low:+.2f}, {high:+.2f}] (95 %, bootstrap over tables), better on "
        f"{int((difference > 0).sum())} of {len(difference)}; standard deviation of the mean over the seeds "
        f"{spread[0]:.2f} and {spread[1]:.2f}."
    )


def _line(name: str, found: np.ndarray) -> str:
    auroc = 100 * found[..., 0].mean((0, 2))  # (2,)
    seconds = found[..., 1].mean(2).sum(0)  # (2,): of one seed
    return (
        f"| {name} | {auroc[0]:.2f} | {auroc[1]:.2f} | {auroc[0] - auroc[1]:+.2f} | {seconds[0]:.1f} "
        f"| {seconds[1]:.1f} |"
    )


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    reader.add_argument("--only", nargs="+", choices=anomaly_tables(), help="some tables instead of all")
    return reader.parse_args()


if __name__ == "__main__":
    main()

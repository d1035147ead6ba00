"""Measure how fast a fitted estimator is applied, and in how much memory.

``python -m benchmarks.scoring [--rounds R] [--write FILE]``: `transform`, `reconstruct` and `score` of the default
recipe, code 16, on the 60,000 images of MNIST as bytes and on a table of a million rows and 20 columns, on one thread
and on two. Memory is the peak over what the process held before, in MB, the answer included, whose size stands beside.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np

from benchmarks.harness import Side, alternate
from benchmarks.report import Report, parser, spread

VERBS = ("transform", "reconstruct", "score")


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Applying a fitted estimator: samples per second, and memory", arguments)
    report.add("| data | verb | threads | per second (min–max) | peak MB | answer MB |", "|" + "---|" * 6)
    for data in (("mnist", arguments.images, 0), ("table", arguments.rows, 20)):
        for verb in VERBS:
            for threads in arguments.threads:
                report.add(row(data, verb, threads, report))
    report.finish()


def row(data: tuple[str, int, int], verb: str, threads: int, report: Report) -> str:
    """Measure one verb in a fresh process; return its line."""
    settings = {"task": "apply", "data": data, "n": 16, "recipe": "Recipe()", "verb": verb}
    settings |= {"epochs": 1, "batch_size": None, "validation": 0.1}
    (measured,) = alternate([Side("diabolo", "ours", settings)], report.arguments.rounds, threads)
    report.versions |= measured.versions
    rates, memory = spread(measured.rates("apply"), "{:,.0f}"), measured.values("memory").max()
    return f"| {data[0]} | {verb} | {threads} | {rates} | {memory:.0f} | {np.median(measured.values('answer')):.1f} |"


def _arguments() -> Namespace:
    reader = parser(__doc__, threads=(1, 2))
    reader.add_argument("--images", type=int, default=60_000, help="images of MNIST")
    reader.add_argument("--rows", type=int, default=1_000_000, help="rows of the table")
    return reader.parse_args()


if __name__ == "__main__":
    main()

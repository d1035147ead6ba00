"""Measure how much memory a fit takes beside its data.

``python -m benchmarks.memory [--rounds R] [--write FILE]``: each round a fresh process that fits 60,000 × 784 bytes,
once as rows of a table and once as images, with the default recipe, code 16 and one epoch. Memory is resident, in MB;
"above" is the peak less the data and the weights. What imports alone take is part of it, and stands beside.

Target: above the data and the weights below 350 MB.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np

from benchmarks.harness import Side, running
from benchmarks.report import Report, parser, spread

COLUMNS = ("imported", "data", "weights", "peak")


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Memory of a fit, in MB", arguments)
    head = "| as | threads | after imports | data | weights | peak | above data and weights (min–max) |"
    report.add(head, "|" + "---|" * 7)
    for threads in arguments.threads:
        for name, flat in (("rows", True), ("images", False)):
            report.add(f"| {name} | {threads} | {row(flat, threads, report)}")
    report.finish()


def row(flat: bool, threads: int, report: Report) -> str:
    """Fit in a fresh process each round; return the rest of the line."""
    settings = {"task": "memory", "data": ("mnist", report.arguments.samples, 0), "flat": flat, "n": 16}
    settings |= {"recipe": "Recipe()", "epochs": 1, "batch_size": None, "validation": 0.1}
    blocks = []
    for _ in range(report.arguments.rounds):
        with running(Side("diabolo", "ours", settings), threads) as worker:
            blocks.append(worker.go())
            report.versions |= worker.measured.versions
    above = np.array([block["peak"] - block["data"] - block["weights"] for block in blocks])
    return (
        " | ".join(f"{np.median([b[name] for b in blocks]):.0f}" for name in COLUMNS)
        + f" | {spread(above, '{:.0f}')} |"
    )


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3, threads=(1, 2))
    reader.add_argument("--samples", type=int, default=60_000, help="images to fit")
    return reader.parse_args()


if __name__ == "__main__":
    main()

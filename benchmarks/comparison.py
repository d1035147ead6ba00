"""A benchmark that is a list of cases, each with its sides: the loop that all such scripts share."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.harness import Side, alternate
from benchmarks.machine import Machine
from benchmarks.report import COMPARED, Report


@dataclass(frozen=True)
class Case:
    """One comparison.

    Parameters
    ----------
    sides : sequence of Side
        Ours first.
    measures : sequence of str
        What to tell of the blocks: "epoch", "fit", "score".
    threads : int, optional
        On how many, whatever the arguments say.
    """

    sides: Sequence[Side]
    measures: Sequence[str] = ("epoch", "fit")
    threads: int | None = None


def compare(title: str, arguments: Namespace, cases: Mapping[str, Case]) -> None:
    """Measure the machine, then every case, on each number of threads; print, and write where asked."""
    report = Report(title, arguments, Machine.measure(sorted({1, 2, *arguments.threads})))
    done: set[str] = set()
    for threads in arguments.threads:
        report.add("" if report.lines else "## Results", "", *COMPARED)
        for name, case in cases.items():
            if (arguments.only and name not in arguments.only) or name in done:
                continue
            count = case.threads or threads
            measured = alternate(case.sides, arguments.rounds, count)
            for measure in case.measures:
                report.compare(f"{name}, {measure}, {count} thread{'s' * (count > 1)}", measured, measure, count)
            done |= {name} if case.threads else set()
    report.finish()

"""A benchmark's page: what was asked, where and when, and the tables; and the arguments that all scripts share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.harness import Measured
from benchmarks.machine import Machine, name

COMPARED = (
    "| what | who | per second (min–max) | MFLOP each | share of the machine | ours is faster by (min–max) |",
    "|" + "---|" * 6,
)
"""The head of a table of `Report.compare`."""


@dataclass
class Report:
    """Lines of Markdown, shown as they come and printed as a whole at the end.

    Parameters
    ----------
    title : str
        The question.
    arguments : Namespace
        Those of `parser`.
    machine : Machine, optional
        With its rates, where shares of them are given.
    lines : list of str
        What is added.
    versions : dict of str
        Of the packages that were measured.
    seeds : str
        Which were used.
    """

    title: str
    arguments: argparse.Namespace
    machine: Machine | None = None
    lines: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    seeds: str = "seed 0"

    def add(self, *lines: str) -> None:
        """Add lines."""
        for line in lines:
            self.lines.append(line)
            sys.stderr.write(line + "\n")

    def compare(self, what: str, measured: Sequence[Measured], measure: str, threads: int) -> None:
        """Add a row per side that has a measure; ours comes first."""
        ours = measured[0].rates(measure)
        for side in measured:
            self.versions |= side.versions
            rates = side.rates(measure)
            if not len(rates):
                continue
            cost = self._cost(side, measure, rates, threads)
            ratio = "" if side is measured[0] else spread(ours / rates, "{:.2f}")
            self.add(f"| {what} | {side.side.name} | {spread(rates, '{:,.0f}')} | {cost} | {ratio} |")

    def finish(self) -> None:
        """Print the page, and keep it where asked."""
        text = "\n".join([*self._head(), *self.lines]) + "\n"
        sys.stdout.write(text)
        if self.arguments.write:
            self.arguments.write.write_text(text, encoding="utf-8")

    def _cost(self, side: Measured, measure: str, rates: np.ndarray, threads: int) -> str:
        """Return what training on a sample costs, and the share of the machine's rate that it comes to."""
        if side.flop is None or self.machine is None or measure not in ("epoch", "fit"):
            return " | "
        share = np.median(rates) * side.flop / self.machine.peak(threads)
        return f"{side.flop / 1e6:.4g} | {100 * share:.1f} %"

    def _head(self) -> list[str]:
        versions = ", ".join(f"{package} {version}" for package, version in sorted(self.versions.items()))
        told = f"{date.today()}, {name()}; {versions}; {self.arguments.rounds} rounds; {self.seeds}."
        head = [f"# {self.title}", "", told, ""]
        if self.machine is not None:
            head += ["Matrix products in float32, GFLOP/s, measured first:", "", *self.machine.lines(), ""]
        return head


def spread(values: np.ndarray, form: str) -> str:
    """Return the median, and the smallest and the largest in brackets."""
    low, middle, high = (form.format(value) for value in (values.min(), np.median(values), values.max()))
    return f"{middle} ({low}–{high})"


def parser(about: str | None, rounds: int = 5, threads: Sequence[int] = (2,)) -> argparse.ArgumentParser:
    """Return the parser of a script with the arguments that all share."""
    most = os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help="blocks of every side; at least 3")
    usual = sorted({min(count, most) for count in threads})
    parser.add_argument("--threads", type=int, nargs="+", default=usual, help="threads per worker, one table for each")
    parser.add_argument("--write", type=Path, help="where to keep the result")
    return parser

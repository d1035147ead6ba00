"""The machine that is measured on: its rate in float32 matrix products, and its name."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import torch

SHAPES = ((1000, 784, 512), (100, 784, 512), (2000, 2000, 2000))
"""Rows, inner size and columns of the products that are tried: those of the dense net, and large ones."""


@dataclass(frozen=True)
class Machine:
    """What was measured: GFLOP/s of each shape by number of threads."""

    rates: dict[int, tuple[float, ...]]

    @classmethod
    def measure(cls, threads: Sequence[int] = (1, 2)) -> Machine:
        """Measure all shapes on each number of threads."""
        return cls({count: tuple(matmul(count, shape) for shape in SHAPES) for count in threads})

    def peak(self, threads: int) -> float:
        """Return the best rate on so many threads, in FLOP/s."""
        return max(self.rates[threads]) * 1e9

    def lines(self) -> list[str]:
        """Return the rates as a table."""
        head = " | ".join(" × ".join(map(str, shape)) for shape in SHAPES)
        rows = [
            f"| {threads} | " + " | ".join(f"{rate:.0f}" for rate in rates) + " |"
            for threads, rates in self.rates.items()
        ]
        return [f"| threads | {head} |", "|" + "---|" * (1 + len(SHAPES)), *rows]


def matmul(threads: int, shape: tuple[int, int, int], seconds: float = 0.6) -> float:
    """Return the best rate of a float32 matrix product of this shape over a few short spells, in GFLOP/s."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    rows, inner, columns = shape
    a, b, out = torch.randn(rows, inner), torch.randn(inner, columns), torch.empty(rows, columns)
    work = 2 * rows * inner * columns
    times = max(1, int(2e9 / work))  # some 20 ms a spell
    best, until = 0.0, perf_counter() + seconds
    while perf_counter() < until:
        started = perf_counter()
        for _ in range(times):
            torch.mm(a, b, out=out)
        best = max(best, work * times / (perf_counter() - started) / 1e9)
    torch.set_num_threads(before)
    return best


def name() -> str:
    """Return processor and number of cores."""
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"

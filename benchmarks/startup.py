"""Measure how long it takes until something happens, in a fresh process.

``python -m benchmarks.startup [--rounds R] [--write FILE]``: wall time of ``diabolo --help``, of ``import diabolo`` and
of a first tiny fit, beside that of Python alone and of ``import torch``, by turns.

Targets: ``diabolo --help`` below 0.5 s, ``import diabolo`` below 0.3 s.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.report import Report, parser, spread

FIT = (
    "import numpy; from diabolo import Reducer, Training; "
    "Reducer(2, training=Training(epochs=1)).fit(numpy.random.default_rng(0).normal(size=(64, 5)))"
)
PYTHON = (sys.executable, "-W", "ignore", "-c")
COMMANDS = {
    "Python alone": (*PYTHON, "pass"),
    "import torch": (*PYTHON, "import torch"),
    "import diabolo": (*PYTHON, "import diabolo"),
    "diabolo --help": (str(Path(sys.executable).parent / "diabolo"), "--help"),
    "a first fit of 64 × 5": (*PYTHON, FIT),
}


def main() -> None:
    """Measure and print."""
    arguments = parser(__doc__, rounds=9).parse_args()
    report = Report("Start-up, in seconds", arguments)
    report.versions = {package: version(package) for package in ("diabolo", "torch")}
    for command in COMMANDS.values():
        seconds(command)  # the files come from memory from now on
    times = np.array([[seconds(command) for command in COMMANDS.values()] for _ in range(arguments.rounds)])
    report.add("| what | seconds (min–max) |", "|---|---|")
    report.add(*(f"| {name} | {spread(column, '{:.3f}')} |" for name, column in zip(COMMANDS, times.T, strict=True)))
    report.finish()


def seconds(command: tuple[str, ...]) -> float:
    """Return the wall time of a command in a fresh process.

    Raises
    ------
    RuntimeError
        If it fails; with what it wrote.
    """
    started = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    taken = perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return taken


if __name__ == "__main__":
    main()

"""Run ours and theirs by turns: each side is a process of its own, in an environment of its own.

Two programs compare only if the machine was the same for both. So all sides load their data first and then wait; in
each round every one does a timed block (an epoch, a fit) while the others sleep, and the round gives a ratio. What is
reported is the median ratio over the rounds, with the smallest and the largest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS, ENVIRONMENTS = ROOT / "benchmarks" / "peers", ROOT / ".peers"
PAUSE = 0.3
"""Seconds before each block, in which the threads of the last one fall asleep."""


@dataclass(frozen=True)
class Side:
    """One of those compared.

    Parameters
    ----------
    name : str
        As the tables call it.
    worker : str
        A module of ``benchmarks.workers``.
    settings : dict
        What that worker is told; ``task`` says which of its tasks.
    peer : str, optional
        Whose environment it runs in: a file of ``benchmarks/peers`` without ".txt"; by default the one that runs now.
    """

    name: str
    worker: str
    settings: dict[str, Any]
    peer: str | None = None


@dataclass
class Measured:
    """What one side said when it was ready, and after each of its blocks."""

    side: Side
    flop: float | None
    versions: dict[str, str]
    blocks: list[dict[str, Any]] = field(default_factory=list)

    def rates(self, measure: str) -> np.ndarray:
        """Return the rate of each round, (R,), per second; empty where this side does not measure it."""
        return np.array([block[measure][0] / block[measure][1] for block in self.blocks if measure in block])

    def values(self, name: str) -> np.ndarray:
        """Return a plain number of each round, (R,)."""
        return np.array([block[name] for block in self.blocks])


def alternate(sides: Sequence[Side], rounds: int, threads: int) -> list[Measured]:
    """Do `rounds` blocks of every side, by turns, on so many threads.

    Raises
    ------
    ValueError
        If there are fewer than 3 rounds: the spread would say nothing.
    RuntimeError
        If a worker ends early; with the end of what it wrote.
    """
    if rounds < 3:
        raise ValueError(f"--rounds must be at least 3; got {rounds}.")
    for side in sides:
        if side.peer is not None:
            environment(side.peer)  # installs before anything waits to be measured
    with ExitStack() as stack:
        workers = [stack.enter_context(running(side, threads)) for side in sides]
        for _ in range(rounds):
            for worker in workers:
                worker.go()
        return [worker.measured for worker in workers]


@contextmanager
def running(side: Side, threads: int) -> Iterator[Worker]:
    """Start a side, wait until it is ready, and end it at last."""
    with tempfile.TemporaryFile("w+") as said:
        worker = Worker(side, threads, said)
        try:
            yield worker
        finally:
            worker.close()


class Worker:
    """A process that does a block when told to.

    Parameters
    ----------
    side : Side
        What it is.
    threads : int
        How many it may use.
    said : file
        Takes what it writes besides its answers.
    """

    def __init__(self, side: Side, threads: int, said: Any) -> None:
        self._said = said
        python = sys.executable if side.peer is None else str(environment(side.peer))
        command = [python, "-m", f"benchmarks.workers.{side.worker}", json.dumps(side.settings)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_surroundings(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            bufsize=1,
        )
        ready = self._answer()
        self.measured = Measured(side, ready["flop"], ready["versions"])

    def go(self, **asked: Any) -> dict[str, Any]:
        """Do a block, the one that is asked for where a worker has several, and return what came out."""
        time.sleep(PAUSE)
        assert self._process.stdin is not None
        self._process.stdin.write(f"go {json.dumps(asked)}\n")
        block = self._answer()
        self.measured.blocks.append(block)
        return block

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._said.seek(0)
            raise RuntimeError(f"The worker of {self._process.args} ended early:\n{self._said.read()[-4000:]}")
        return json.loads(line)


def environment(peer: str) -> Path:
    """Return the Python of a peer's environment; make it where it is missing or its requirements have changed.

    Raises
    ------
    FileNotFoundError
        If there are no requirements for it.
    """
    wanted = (REQUIREMENTS / f"{peer}.txt").read_text("utf-8")
    folder = ENVIRONMENTS / peer
    python, done = folder / "bin" / "python", folder / "installed.txt"
    if not done.exists() or done.read_text("utf-8") != wanted:
        sys.stderr.write(f"Installing {peer} in {folder.relative_to(ROOT)}\n")
        if not python.exists():
            venv.create(folder, with_pip=True)
        requirements = str(REQUIREMENTS / f"{peer}.txt")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True, stdout=sys.stderr)
        done.write_text(wanted, "utf-8")
    return python


def _surroundings(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return os.environ | dict.fromkeys(names, str(threads)) | {"PYTHONWARNINGS": "ignore"}

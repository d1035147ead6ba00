"""How a worker talks to the harness: a line in, a line of JSON out.

``python -m benchmarks.workers.NAME SETTINGS`` takes a JSON object of settings, loads what it needs, warms up, and says
that it is ready. For each line ``go`` that it then reads, it does one timed block and writes what came out; the line
may carry a JSON object that says which block. Nothing here needs more than the standard library.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Settings = dict[str, Any]
NAMED = (
    *("diabolo", "torch", "pythae", "pyod", "implicit", "recbole", "scikit-learn", "numpy"),
    *("umap-learn", "pacmap", "openTSNE", "eai-sparsify", "sae-lens", "dictionary_learning"),
)


@dataclass(frozen=True)
class Task:
    """What a worker is ready to do.

    Parameters
    ----------
    block : callable
        Takes the settings of a block, does it and returns what came out: a rate as ``[count, seconds]``, anything else
        as it is.
    flop : float, optional
        Floating point operations of training on one sample.
    """

    block: Callable[[Settings], Settings]
    flop: float | None = None


def serve(tasks: dict[str, Callable[[Settings], Task]]) -> None:
    """Prepare the task that the settings name, then do a block for every ``go``, until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a peer prints is no answer
    settings = json.loads(sys.argv[1])
    task = tasks[settings["task"]](settings)
    answers.write(json.dumps({"flop": task.flop, "versions": _versions()}) + "\n")
    for line in sys.stdin:
        _, _, asked = line.partition(" ")
        answers.write(json.dumps(task.block(json.loads(asked or "{}"))) + "\n")


def _versions() -> dict[str, str]:
    found = {}
    for name in NAMED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

"""Tables of more than 20,000 rows, of numbers alone."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.workers.sets import FOLDER

Numbers = NDArray[np.float64]


def intrusions() -> Numbers:
    """Return both files of NSL-KDD, without their text, label and difficulty: (47736, 38)."""
    lines = [line for name in ("Train+_20Percent", "Test+") for line in _lines(f"nsl_kdd/KDD{name}.txt.gz", ",")]
    return np.array([[float(cell) for cell in (line[0], *line[4:41])] for line in lines])


def pumps() -> Numbers:
    """Return the eight sensors of all runs of SKAB, one after another."""
    files = sorted(path.relative_to(FOLDER).as_posix() for path in (FOLDER / "skab").rglob("*.csv.gz"))
    lines = [line for name in files for line in _lines(name, ";")[1:]]
    return np.array([[float(cell) for cell in line[1:9]] for line in lines])


def ratings() -> Numbers:
    """Return user, film, stars and second of MovieLens: (100000, 4)."""
    return np.array([[float(cell) for cell in line] for line in _lines("cf/ml-100k/ml-100k.inter.gz", "\t")[1:]])


def _lines(name: str, separator: str) -> list[list[str]]:
    with gzip.open(FOLDER / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=separator))


TABLES: dict[str, Callable[[], Numbers]] = {"NSL-KDD": intrusions, "SKAB": pumps, "MovieLens": ratings}

"""Long series with labelled events, by set and name; and what all sides do alike: windows, and points from windows.

Reads with NumPy alone, for it also runs where a peer is installed.
"""

from __future__ import annotations

import ast
import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.workers.protocol import Settings, Task
from benchmarks.workers.sets import FOLDER, standardised

Scores = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From rows to train on (N, D) and rows to score (M, D) to scores (M,), higher where more anomalous."""

_SKAB_TRAIN = 400
"""Points of a run of SKAB that train, as in its own leader board."""

_PROBATION, _PROBATION_OF = 0.15, 5000
"""Share of a series of NAB that trains, and of how many points at most, as NAB has it."""


@dataclass(frozen=True)
class Series:
    """A series to learn from, and one to find events in.

    Parameters
    ----------
    train : np.ndarray
        (T, C), float64, in time order.
    test : np.ndarray
        (M, C), float64.
    labels : np.ndarray
        (M,), 1 inside events.
    """

    train: np.ndarray
    test: np.ndarray
    labels: np.ndarray


def names(group: str) -> list[str]:
    """Return the names of the series of a set that have an event to find and a normal point beside it."""
    return [name for name in LISTS[group]() if 0 < load(group, name).labels.mean() < 1]


@cache
def load(group: str, name: str) -> Series:
    """Return a series of a set: "smap", "msl", "skab" or "nab"."""
    series = READERS[group](name)
    for part in (series.train, series.test):
        if not np.isfinite(part).all():
            raise ValueError(f"{group} {name} holds values that are not finite.")
    return series


def length_of(series: Series, most: int) -> int:
    """Return the length of windows: `most`, but no more than a third of the points to learn from."""
    return min(most, len(series.train) // 3)


def by_windows(series: Series, length: int, stride: int, scores: Scores) -> np.ndarray:
    """Return a score per point (M,) by one that knows rows only.

    Channels are standardised by the points to learn from. All windows of those are rows to train on; of the others a
    window every `stride` points is scored.
    """
    train, test = (part.astype(np.float32) for part in standardised(series.train, series.test))
    rows = (
        windows(part, length, every).reshape(-1, length * part.shape[1]) for part, every in ((train, 1), (test, stride))
    )
    return points(np.asarray(scores(*rows), dtype=np.float64), len(test), length, stride)


def task(scores: Callable[[Series, Settings], np.ndarray]) -> Task:
    """Return the task of scoring series: scores of points, and seconds of fit and scoring together; or the failure."""

    def block(asked: Settings) -> Settings:
        series = load(asked["group"], asked["name"])
        started = perf_counter()
        try:
            found = scores(series, asked)
        except Exception as error:  # whatever it raises is its result on this series
            return {"failed": f"{type(error).__name__}: {error}"}
        return {"scores": found.tolist(), "seconds": perf_counter() - started}

    return Task(block)


def windows(x: np.ndarray, length: int, stride: int) -> np.ndarray:
    """Return the windows (W, length, C) of x (T, C) that begin at `starts`."""
    return x[starts(len(x), length, stride)[:, None] + np.arange(length)]


def starts(total: int, length: int, stride: int) -> np.ndarray:
    """Return where windows begin, (W,): every `stride` points, and one that ends with the series."""
    return np.unique(np.append(np.arange(0, total - length + 1, stride), total - length))


def points(scores: np.ndarray, total: int, length: int, stride: int) -> np.ndarray:
    """Return the score of each point (T,): the mean of the scores (W,) of the windows that cover it."""
    total_score, count = np.zeros(total + 1), np.zeros(total + 1)
    begin = starts(total, length, stride)
    for sums, values in ((total_score, scores), (count, np.ones(len(begin)))):
        np.add.at(sums, begin, values)
        np.add.at(sums, begin + length, -values)
    covered = np.rint(np.cumsum(count)[:-1])
    return np.cumsum(total_score)[:-1] / covered


def _spacecraft(group: str, name: str) -> Series:
    train, test = (_spacecraft_file(group)[f"{part}_{name}"].astype(np.float64) for part in ("train", "test"))
    labels = np.zeros(len(test), dtype=np.int8)
    for craft, channel, first, last in _spacecraft_events():
        if (craft, channel) == (group.upper(), name):
            labels[first : last + 1] = 1
    return Series(train, test, labels)


@cache
def _spacecraft_file(group: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{group}.npz", allow_pickle=False) as file:
        return dict(file)


@cache
def _spacecraft_events() -> list[tuple[str, str, int, int]]:
    """Return spacecraft, channel, first and last point of each event; a channel may have several lines."""
    with (FOLDER / "smap_msl_labels.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    return [
        (line["spacecraft"], line["chan_id"], first, last)
        for line in lines
        for first, last in ast.literal_eval(line["anomaly_sequences"])
    ]


def _spacecraft_names(group: str) -> list[str]:
    return sorted(key.removeprefix("train_") for key in _spacecraft_file(group) if key.startswith("train_"))


def _skab(name: str) -> Series:
    lines = _lines(FOLDER / "skab" / f"{name}.csv.gz", ";")
    values = np.array([[float(cell) for cell in line[1:]] for line in lines[1:]])
    X, labels = values[:, : lines[0].index("anomaly") - 1], values[:, lines[0].index("anomaly") - 1]
    return Series(X[:_SKAB_TRAIN], X[_SKAB_TRAIN:], labels[_SKAB_TRAIN:].astype(np.int8))


def _nab(name: str) -> Series:
    lines = _lines(FOLDER / "nab" / "data" / f"{name}.csv.gz", ",")[1:]
    times = np.array([np.datetime64(line[0]) for line in lines])
    X, labels = np.array([[float(line[1])] for line in lines]), np.zeros(len(lines), dtype=np.int8)
    with (FOLDER / "nab" / "combined_windows.json").open(encoding="utf-8") as file:
        events = json.load(file)[f"{name}.csv"]
    for first, last in events:
        labels[(times >= np.datetime64(first)) & (times <= np.datetime64(last))] = 1
    count = int(_PROBATION * min(len(X), _PROBATION_OF))
    return Series(X[:count], X[count:], labels[count:])


def _lines(path: Path, separator: str) -> list[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix().removesuffix(".csv.gz") for path in folder.rglob("*.csv.gz"))


LISTS = {
    "smap": lambda: _spacecraft_names("smap"),
    "msl": lambda: _spacecraft_names("msl"),
    "skab": lambda: [name for name in _files(FOLDER / "skab") if not name.startswith("anomaly-free")],
    "nab": lambda: _files(FOLDER / "nab" / "data"),
}
READERS = {
    "smap": lambda name: _spacecraft("smap", name),
    "msl": lambda name: _spacecraft("msl", name),
    "skab": _skab,
    "nab": _nab,
}

"""Measure how well `Detector` finds events in long series, against windows given to other detectors.

``python -m benchmarks.detect_series [--groups G ...] [--only NAME ...] [--sides S ...] [--rounds R] [--length L]
[--write FILE]``: SMAP and MSL (telemetry, trained on the train part of a channel), SKAB (a test bench, on the first 400
points of a run), NAB (single series, on the first 15 %, 750 points at most). A series without events in the part to
score, or with nothing else, is left out. One seed for each round; each side in a process of its own, on one thread.

All sides have windows of the same length, a third of the training points at most. Peers get channels standardised by
training, all windows of the training points as rows, and score a window every quarter of its length: a point has the
mean of the scores of the windows that cover it. The distance to the mean looks at points alone. Ours gets the series as
it is and cuts it itself.

Measures: VUS-PR, its buffer as wide as 100 points; best event F1; best range F1 (Tatbul et al. 2018, flat); recall of
events with 1 % of the normal points flagged; AUROC of points. The design is tuned on the series of "development" only:
those "set aside" (`set_aside`) have means of their own. A side that raises, or gives a score that is not finite, has
the score of all points equal there.

Targets: ahead of every peer on the mean of each of the four sets, in VUS-PR first.
"""

from __future__ import annotations

import zlib
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.detect_tables import difference
from benchmarks.harness import Side, Worker, running
from benchmarks.report import Report, parser
from benchmarks.workers.series import LISTS, length_of, load, names
from diabolo.metrics import best_event_f1, best_range_f1, event_recall_at, vus_pr

TASK = {"task": "series"}
SIDES = {
    "diabolo": Side("diabolo", "ours", TASK | {"model": "Detector"}),
    "autoencoder": Side("PyOD AutoEncoder", "pyod", TASK | {"model": "AutoEncoder"}, "pyod"),
    "iforest": Side("PyOD IForest", "pyod", TASK | {"model": "IForest"}, "pyod"),
    "components": Side("Sub-PCA, 90 %", "ours", TASK | {"model": "Sub-PCA"}),
    "distance": Side("distance to the mean", "ours", TASK | {"model": "distance"}),
}
WIDEST = 100
"""Points of the widest buffer of VUS-PR."""

MEASURES = ("VUS-PR", "event F1", "range F1", "event recall at 1 %", "AUROC of points")
ABOUT = (
    "In percent. Means are over series, ± the standard deviation over seeds; intervals are of the mean paired",
    "difference, 95 %, by bootstrap over series. Seconds are those of fit and scoring, of one seed, on one thread.",
)


@dataclass(frozen=True)
class Found:
    """What came out of one set.

    Parameters
    ----------
    sides : sequence of str
        As the page calls them, P.
    series : sequence of str
        The names, N.
    values : np.ndarray
        (N, P, S, 5) by series, side, seed and measure, in percent.
    seconds : np.ndarray
        (N, P, S), of fit and scoring; nan where a side failed.
    failures : mapping
        From who failed where and how, to the seeds.
    """

    sides: Sequence[str]
    series: Sequence[str]
    values: np.ndarray
    seconds: np.ndarray
    failures: Mapping[str, Sequence[int]]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Events in long series: ours against windows as rows", arguments, seeds="one for each, from 0")
    report.add(*ABOUT)
    with ExitStack() as stack:
        workers = [stack.enter_context(running(side, 1)) for name, side in SIDES.items() if name in arguments.sides]
        for worker in workers:
            report.versions |= worker.measured.versions
        for group in arguments.groups:
            summary(group, measure(group, arguments, workers), report)
    report.finish()


def measure(group: str, arguments: Namespace, workers: Sequence[Worker]) -> Found:
    """Return all that came out of a set."""
    series = [name for name in names(group) if not arguments.only or name in arguments.only]
    shape = len(series), len(workers), arguments.rounds
    values, seconds = np.empty((*shape, len(MEASURES))), np.empty(shape)
    failures: dict[str, list[int]] = {}
    for at, name in enumerate(series):
        given = load(group, name)
        length = length_of(given, arguments.length)
        for seed in range(arguments.rounds):
            for side, worker in enumerate(workers):
                asked = {"group": group, "name": name, "seed": seed, "length": length, "stride": max(1, length // 4)}
                block = worker.go(**asked)
                scores, failure = scored(block, len(given.labels))
                values[at, side, seed], seconds[at, side, seed] = (
                    judged(given.labels, scores),
                    block.get("seconds", np.nan),
                )
                if failure:
                    failures.setdefault(f"{worker.measured.side.name} on {name}: {failure}", []).append(seed)
    return Found([worker.measured.side.name for worker in workers], series, values, seconds, failures)


def scored(block: dict[str, Any], count: int) -> tuple[np.ndarray, str]:
    """Return the scores of a block (M,), all equal if it failed, and what failed, empty if nothing did."""
    scores = np.array(block.get("scores", []))
    if "failed" not in block and np.isfinite(scores).all():
        return scores, ""
    failure = block.get("failed", f"{(~np.isfinite(scores)).sum()} of {count} scores are not finite")
    return np.zeros(count), " ".join(failure.split())[:200]


def judged(labels: np.ndarray, scores: np.ndarray) -> list[float]:
    """Return the measures (5) in percent."""
    return [
        100 * vus_pr(labels, scores, min(WIDEST, len(labels))),
        100 * best_event_f1(labels, scores),
        100 * best_range_f1(labels, scores),
        100 * event_recall_at(labels, scores, 0.01),
        100 * float(roc_auc_score(labels, scores)),
    ]


def set_aside(series: str) -> bool:
    """Tell whether nothing may be tuned on a series: a hash of its name decides, so that nobody chose."""
    return zlib.crc32(series.encode()) % 2 == 0


def summary(group: str, found: Found, report: Report) -> None:
    """Add the series of a set, the means, the seconds and the failures, and the differences if the first is ours."""
    report.add("", f"## {group}", "", row(["VUS-PR", *found.sides]), "|" + "---|" * (1 + len(found.sides)))
    for name, values in zip(found.series, found.values, strict=True):
        cells = [f"{mean:.1f}" for mean in values[..., 0].mean(1)]
        report.add(row([name + " (set aside)" * set_aside(name), *cells]))
    for label, part in halves(found).items():
        for at, measure in enumerate(MEASURES):
            means = found.values[part, ..., at].mean(0)  # (P, S)
            cells = [f"{mean:.1f}{deviation(values)}" for mean, values in zip(means.mean(1), means, strict=True)]
            report.add(row([f"**{measure}, {label}**", *cells]))
    seconds = np.nansum(found.seconds, (0, 2)) / found.seconds.shape[2]
    report.add(row(["**seconds**", *(f"{each:.0f}" for each in seconds)]))
    for failure, seeds in found.failures.items():
        report.add("", f"Fails: {failure} (seeds {', '.join(map(str, seeds))}).")
    if found.sides[0] == SIDES["diabolo"].name and len(found.sides) > 1:
        differences(found, report)


def differences(found: Found, report: Report) -> None:
    """Add a row for each measure and peer: the first side less it, in all series and in each half."""
    parts = halves(found)
    report.add("", row([f"{found.sides[0]} less", *parts]), "|" + "---|" * (1 + len(parts)))
    for at, measure in enumerate(MEASURES):
        means = found.values[..., at].mean(2)  # (N, P)
        for side, name in enumerate(found.sides[1:], 1):
            cells = [difference(means[part, 0] - means[part, side]) for part in parts.values()]
            report.add(row([f"{name}, {measure}", *cells]))


def halves(found: Found) -> dict[str, np.ndarray]:
    """Return which series belong to each of the groups that have any, by what the page calls them."""
    aside = np.array([set_aside(name) for name in found.series], dtype=bool)
    parts = {"all": np.ones_like(aside), "development": ~aside, "set aside": aside}
    return {f"{name} ({part.sum()})": part for name, part in parts.items() if part.any()}


def deviation(values: np.ndarray) -> str:
    """Return the standard deviation over seeds (S,) as it stands behind a mean; nothing for one seed."""
    return f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""


def row(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    reader.add_argument("--groups", nargs="+", choices=LISTS, default=list(LISTS), help="some sets instead of all")
    reader.add_argument("--only", nargs="+", help="some series of theirs instead of all")
    reader.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="some sides instead of all")
    reader.add_argument("--length", type=int, default=WIDEST, help="points of a window")
    arguments = reader.parse_args()
    if arguments.rounds < 1 or arguments.length < 2:
        reader.error(f"--rounds >= 1 and --length >= 2; got {arguments.rounds} and {arguments.length}.")
    return arguments


if __name__ == "__main__":
    main()

"""Measure how good `Recommender` is, beside the ALS of implicit and RecBole's EASE and MultiVAE.

``python -m benchmarks.recommend_quality [--only SET ...] [--models M ...] [--rounds R] [--write FILE]``: ml-1m (ratings
of 3 to 5) and ml-100k (4 and 5) by strong generalisation (Liang et al., WWW, 2018): 1,000 and 150 users are never
trained on, four fifths of their items are told, and the rest is to be found; 500 and 100 others choose the settings of
peers.
lastfm and amazon-sports with their given splits, whose users are known; settings are chosen on their validation items,
or on a fifth of the training items, and the fit then has all but the test. One seed for each round.

Ours is fitted to what is trained on, everything but the model at its default, and never sees the validation users.
ALS is the best of 12 settings by NDCG on them, RecBole's EASE the best of 4; its MultiVAE has its defaults, and stops
by the same measure, or with the first epoch after 600 processor seconds. All take turns at each set and seed, each
library in a process of its own, on one thread.

Targets: on ml-1m one model of .4785 NDCG@100 and a blend of .485, on another copy of the set, where EASE has .4738 and
ALS .4716: here the differences count; on ml-100k EDLAE >= EASE > Mult-VAE > popularity within standard errors; on the
given splits Recall@20 and NDCG@20 above ALS and RecBole's EASE.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Side, Worker, environment, running
from benchmarks.report import Report, parser
from benchmarks.workers.interactions import GIVEN, STRONG, Part, cut, size, split
from benchmarks.workers.ranking import LENGTH, hits, ndcg, recall

TRAINED = ["elsa", "mult-vae", "deep-vae", "rec-vae"]
OURS = ["edlae", "ease", "neighbourhood", "low-rank", *TRAINED, "blend", "auto", "popularity"]
TASK = {"task": "items"}
SIDES = {
    "diabolo": Side("diabolo", "ours_items", TASK | {"models": OURS}),
    "implicit": Side("implicit", "als", TASK, "implicit"),
    "RecBole": Side("RecBole", "recbole_items", TASK, "recbole"),
}
PEERS = {"implicit": ["ALS"], "RecBole": ["EASE", "MultiVAE"]}
MODELS = {f"{side} {model}": (side, model) for side, models in ({"diabolo": OURS} | PEERS).items() for model in models}
ABOUT = (
    "Means over users and seeds, ± the standard error over the users of one seed; in brackets the lowest and highest",
    f"seed. Recall@k is over the targets of a user, of which {' and '.join(STRONG)} count k at most. Seconds are those",
    "of the processor, on one thread, of one seed; those of RecBole count the reading of its file.",
)
Found = dict[str, np.ndarray]
"""From the name of a measure to its value for each tested user (B,)."""


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Recommendations: ours, implicit's and RecBole's", arguments, seeds="one seed for each, from 0")
    report.add(*ABOUT)
    chosen = {name: SIDES[name] for name in dict.fromkeys(MODELS[model][0] for model in arguments.models)}
    for side in chosen.values():
        if side.peer is not None:
            environment(side.peer)  # installs before anything waits to be measured
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        workers = {name: stack.enter_context(running(side, 1)) for name, side in chosen.items()}
        for worker in workers.values():
            report.versions = worker.measured.versions | report.versions  # that of ours, where several use a package
        for name in arguments.only:
            on(name, report, workers, Path(folder) / "items.npy")
    report.finish()


def on(name: str, report: Report, workers: Mapping[str, Worker], path: Path) -> None:
    """Add a set to the report: a row for each model, then the differences between ours and the peers."""
    found: dict[str, list[Found]] = {model: [] for model in report.arguments.models}
    told: dict[str, list[dict[str, Any]]] = {model: [] for model in report.arguments.models}
    failures: dict[str, str] = {}
    for seed in range(report.arguments.rounds):
        _, test = split(name, seed)
        for model in (model for model in report.arguments.models if model not in failures):
            side, asked = MODELS[model]
            block = workers[side].go(set=name, seed=seed, model=asked, path=str(path))
            failed = block.get("failed") or wrong(np.load(path), test)
            if failed:
                failures[model] = f"{model} fails with seed {seed}: {' '.join(failed.split())[:200]}"
                continue
            told[model].append(block)
            found[model].append(measured(name, np.load(path), test))
            sys.stderr.write(f"{name}, seed {seed}: {row(model, found[model][-1:], [block])}\n")
    done = [model for model in found if model not in failures]
    report.add("", f"## {name}", "", *head(name), *(row(model, found[model], told[model]) for model in done))
    report.add(*(f"\n{failure}." for failure in failures.values()))
    differences({model: [each[f"NDCG@{cut(name)}"] for each in found[model]] for model in done}, report)


def wrong(items: np.ndarray, test: Part) -> str:
    """Return what is wrong with items (B, 100), empty if they are such that the measures hold."""
    if items.shape != (size(test.histories)[0], LENGTH):
        return f"items of shape {items.shape}"
    ordered = np.sort(items, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        return "an item twice"
    return "items of the history" if hits(items, test.histories).any() else ""


def measured(name: str, items: np.ndarray, test: Part) -> Found:
    """Return the measures of a set for items (B, 100)."""
    recalls = {f"Recall@{k}": recall(items, test.targets, k, capped=name in STRONG) for k in (20, 50)}
    return {f"NDCG@{cut(name)}": ndcg(items, test.targets, cut(name))} | recalls


def differences(values: Mapping[str, Sequence[np.ndarray]], report: Report) -> None:
    """Add the NDCG of each model of ours less that of each peer, paired by users."""
    ours, peers = ([m for m in values if (MODELS[m][0] == "diabolo") == own] for own in (True, False))
    if not ours or not peers:
        return
    report.add("", "| NDCG, less that of | " + " | ".join(peers) + " |", "|" + "---|" * (1 + len(peers)))
    for model in ours:
        pairs = [[own - other for own, other in zip(values[model], values[peer], strict=True)] for peer in peers]
        report.add(f"| {model} | " + " | ".join(mean(pair, "+.4f") for pair in pairs) + " |")


def head(name: str) -> list[str]:
    """Return the head of the table of a set."""
    names = (f"NDCG@{cut(name)}", "Recall@20", "Recall@50", "to tune, s", "to fit, s", "to recommend, s", "settings")
    return ["| model | " + " | ".join(names) + " |", "|" + "---|" * (1 + len(names))]


def row(model: str, found: Sequence[Found], told: Sequence[Mapping[str, Any]]) -> str:
    """Return the row of a model, of what came out for each seed."""
    cells = [mean([each[measure] for each in found], ".4f") for measure in found[0]]
    cells += [f"{np.mean([each[what] for each in told]):.2f}" for what in ("tune", "fit", "recommend")]
    settings = dict.fromkeys(", ".join(f"{name} {value}" for name, value in each["chosen"].items()) for each in told)
    return f"| {model} | " + " | ".join([*cells, "; ".join(settings)]) + " |"


def mean(values: Sequence[np.ndarray], form: str) -> str:
    """Return the mean over users and seeds, the standard error over users (B,) of one seed, and the range of seeds."""
    errors = [value.std(ddof=1) / len(value) ** 0.5 for value in values]
    text = f"{np.mean([value.mean() for value in values]):{form}} ± {np.mean(errors):.4f}"
    low, high = (f"{find(value.mean() for value in values):{form}}" for find in (min, max))
    return text if low == high else f"{text} ({low} to {high})"


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    sets, models = [*STRONG, *GIVEN], list(MODELS)
    reader.add_argument("--only", nargs="+", choices=sets, default=sets, help="some sets instead of all")
    reader.add_argument("--models", nargs="+", choices=models, default=models, help="some models instead of all")
    return reader.parse_args()


if __name__ == "__main__":
    main()

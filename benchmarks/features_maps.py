"""Measure maps of two dimensions: `Reducer(2, recipe="map")`, a plain autoencoder, PCA, UMAP, PaCMAP and openTSNE.

``python -m benchmarks.features_maps [--only METHOD ...] [--rows N] [--rounds R] [--threads T] [--write FILE]``: the
first 10,000 training images of MNIST as a table of 784 pixels in [0, 1] are fitted, the 10,000 test images placed
afterwards. Everything is at its default. One fit for each round, by turns, each method in a process of its own, which
imports its library in the first round: that fit stands apart from the later, warm ones. Placing is measured when warm.

kNN is the accuracy of 10 neighbours in the map: of placed rows among the fitted ones, and within the fitted ones in
five folds; in the pixels it is .941. Trustworthiness and continuity have 12 neighbours and the first 3,000 rows, of
those fitted and of those placed. Spearman's correlation is that of the distances of 50,000 pairs of placed rows, in the
pixels and in the map. The inverse has the mean squared error of placed rows, in pixels from 0 to 1; UMAP's of the
first 100 alone.

Targets: kNN of placed rows at least .92, their trustworthiness at least .937; a fit within UMAP's first one; placing at
least 100 times as fast as UMAP's when warm.
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
from scipy.stats import rankdata
from sklearn.manifold import trustworthiness
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.harness import Side, environment, running
from benchmarks.report import Report, parser
from benchmarks.workers.mapping import pixels
from benchmarks.workers.sets import FOLDER

METHODS: dict[str, tuple[str, str, str | None]] = {
    "diabolo, map": ("ours_maps", "map", None),
    "diabolo, plain": ("ours_maps", "plain", None),
    "PCA": ("ours_maps", "pca", None),
    "UMAP": ("maps", "umap", "maps"),
    "PaCMAP": ("maps", "pacmap", "maps"),
    "openTSNE": ("maps", "tsne", "maps"),
}
"""In which worker, in which of its ways, and in whose environment."""
NEIGHBOURS, NEAR, SOME, PAIRS = 10, 12, 3000, 50_000
COSTS = (
    "| method | import, s | first fit, s | warm fit, s | placing all, warm, s | placing one, ms | going back, s |",
    "|" + "---|" * 7,
)
QUALITY = (
    "| method | kNN, placed | kNN, fitted | trustworthiness, placed | fitted | continuity, placed | fitted | Spearman "
    "| inverse MSE |",
    "|" + "---|" * 9,
)
Measures = dict[str, float]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Maps of two dimensions", arguments, seeds="ours with one seed for each, from 0; peers unseeded")
    for threads in arguments.threads:
        told, found = maps(report, threads)
        report.add("", f"## {threads} thread{'s' * (threads > 1)}", "", "On the wall (of the processor).", "")
        report.add(*COSTS, *(cost(name, blocks) for name, blocks in told.items()))
        report.add("", "Means (smallest–largest) over the fits.", "", *QUALITY)
        report.add(*(quality(name, measures) for name, measures in found.items()))
    report.finish()


def maps(report: Report, threads: int) -> tuple[dict[str, list[Any]], dict[str, list[Measures]]]:
    """Return for each method what its fits cost, and how good the maps are."""
    arguments = report.arguments
    sizes = {"task": "map", "rows": arguments.rows, "placed": arguments.rows}
    told: dict[str, list[Any]] = {name: [] for name in arguments.only}
    found: dict[str, list[Measures]] = {name: [] for name in arguments.only}
    world = World.of_mnist(arguments.rows)
    for _, _, peer in (METHODS[name] for name in arguments.only):
        if peer is not None:
            environment(peer)  # installs before anything waits to be measured
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "map.npz"
        workers = {}
        for name in arguments.only:
            worker, way, peer = METHODS[name]
            workers[name] = stack.enter_context(running(Side(name, worker, sizes | {"way": way}, peer), threads))
            report.versions |= workers[name].measured.versions
        for seed in range(arguments.rounds):
            for name, worker in workers.items():
                told[name].append(worker.go(seed=seed, path=str(path)))
                with np.load(path) as file:
                    found[name].append(world.measured(dict(file)))
                sys.stderr.write(f"seed {seed}: {told[name][-1]}\n{quality(name, found[name][-1:])}\n")
    return told, found


class World:
    """Rows that are fitted and others that are placed, with their classes.

    Parameters
    ----------
    X, other : np.ndarray
        Fitted and placed rows, (N, D) and (M, D).
    y, true : np.ndarray
        Their classes, (N,) and (M,).
    """

    def __init__(self, X: np.ndarray, other: np.ndarray, y: np.ndarray, true: np.ndarray) -> None:
        self.X, self.other, self.y, self.true = X, other, y, true

    @classmethod
    def of_mnist(cls, rows: int) -> World:
        """Return as many training and test images."""
        with np.load(FOLDER / "mnist" / "mnist.npz", allow_pickle=False) as file:
            y, true = file["y_train"][:rows], file["y_test"][:rows]
        return cls(pixels("mnist", rows), pixels("mnist-test", rows), y, true)

    def measured(self, made: Mapping[str, np.ndarray]) -> Measures:
        """Return how good a map is: "fitted" (N, 2), and, where it has them, "placed" (M, 2) and "rebuilt" (K, D)."""
        fitted = made["fitted"]
        found = {"kNN, fitted": among(fitted, self.y)} | near(self.X, fitted, "fitted")
        if "placed" in made:
            placed = made["placed"]
            found["kNN, placed"] = accuracy(fitted, self.y, placed, self.true)
            found |= near(self.other, placed, "placed") | {"Spearman": spearman(self.other, placed)}
        if "rebuilt" in made:
            rebuilt = made["rebuilt"]
            found["inverse MSE"] = float(np.square(self.other[: len(rebuilt)] - rebuilt).mean())
        return found


def accuracy(fitted: np.ndarray, y: np.ndarray, placed: np.ndarray, true: np.ndarray) -> float:
    """Return how often most of the 10 fitted rows (N, 2) nearest to a placed one (M, 2) are of its class."""
    return float(KNeighborsClassifier(NEIGHBOURS).fit(fitted, y).score(placed, true))


def among(fitted: np.ndarray, y: np.ndarray) -> float:
    """Return the same for fitted rows (N, 2), each fifth of them placed among the others."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(KNeighborsClassifier(NEIGHBOURS), fitted, y, cv=folds).mean())


def near(rows: np.ndarray, places: np.ndarray, which: str) -> Measures:
    """Return whether neighbours in the map (N, 2) are neighbours (N, D), and whether neighbours stay so, of 3,000."""
    x, z = rows[:SOME], places[:SOME]
    kept = trustworthiness(x, z, n_neighbors=NEAR), trustworthiness(z, x, n_neighbors=NEAR)
    return {f"trustworthiness, {which}": float(kept[0]), f"continuity, {which}": float(kept[1])}


def spearman(rows: np.ndarray, places: np.ndarray) -> float:
    """Return the correlation of the ranks of distances between rows (N, D) and in the map (N, 2), of 50,000 pairs."""
    a, b = np.random.default_rng(0).integers(0, len(rows), (2, PAIRS))
    ranks = [rankdata(np.linalg.norm(x[a] - x[b], axis=1)[a != b]) for x in (rows, places)]
    return float(np.corrcoef(ranks)[0, 1])


def cost(name: str, blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return the row of a method of what its fits cost."""
    first, warm = blocks[0], blocks[1:]
    cells = [seconds([first["import"]]), seconds([first["fit"]]), seconds([block["fit"] for block in warm])]
    cells += [seconds([block[what] for block in blocks if what in block]) for what in ("place", "one", "back")]
    return f"| {name} | " + " | ".join(cells) + " |"


def seconds(pairs: Sequence[Sequence[float]]) -> str:
    """Return the medians of times on the wall and of the processor; nothing where there are none."""
    if not pairs:
        return ""
    wall, own = np.median(np.array(pairs), axis=0)
    return f"{wall:.3g} ({own:.3g})"


def quality(name: str, found: Sequence[Measures]) -> str:
    """Return the row of a method of how good its maps are."""
    names = ["kNN, placed", "kNN, fitted", "trustworthiness, placed", "trustworthiness, fitted"]
    names += ["continuity, placed", "continuity, fitted", "Spearman", "inverse MSE"]
    cells = [middle([each[what] for each in found if what in each], 4 if "MSE" in what else 3) for what in names]
    return f"| {name} | " + " | ".join(cells) + " |"


def middle(values: Sequence[float], digits: int) -> str:
    """Return the mean, and the smallest and the largest in brackets; nothing where there are no values."""
    if not values:
        return ""
    mean, low, high = (f"{value:.{digits}f}" for value in (np.mean(values), min(values), max(values)))
    return f"{mean} ({low}–{high})"


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    names = list(METHODS)
    reader.add_argument("--only", nargs="+", choices=names, default=names, help="some methods instead of all")
    reader.add_argument("--rows", type=int, default=10_000, help="fitted, and as many placed; at most 10,000")
    return reader.parse_args()


if __name__ == "__main__":
    main()

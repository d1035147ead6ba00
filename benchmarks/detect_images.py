"""Measure how well `Detector` finds defects in large images, by windows: cracks in magnetic tiles.

``python -m benchmarks.detect_images [--sides S ...] [--rounds R] [--threads T] [--pages FOLDER] [--write FILE]``: of
50 good tiles, photographs of some 300 by 350 pixels and of different sizes, 40 train; the other 10 and 57 cracked ones
are tested. The seed decides which; one for each round.

Sides, on the same windows of images made even alike, spread over the pixels and made a score of the image alike:
`Detector`; the squared error of PCA with as many components as its code has numbers; the mean squared distance to the 5
nearest of 2,048 training windows; the squared distance to the mean window; and the nearest windows of images that are
not made even.

- image AUROC: how well the score of an image tells cracked tiles from good ones.
- pixel AUROC: how well the energy map tells the pixels of the cracks from all others, those of all tested images as
  one; beside it the mean over the cracked images, each with its own pixels.

Targets: .9 and .9 as means over the seeds, a fit in a minute, an image in a second, on one thread.
"""

from __future__ import annotations

import time
import warnings
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from benchmarks.report import Report, parser
from benchmarks.workers.tiles import Tiles, evened, laid, shrunk, tiles, windows
from diabolo import Detector
from diabolo.errors import DiaboloWarning
from diabolo.report import Page
from diabolo.report.canvas import GRADIENT, blank, picture, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOW, SEEN, STRIDE = 16, 8, 4
"""Pixels along a window; the means of pixels along it that are seen; and how many of them lie between windows."""

LEARNT, KEPT, NEAREST = 20_000, 2048, 5
"""Windows learnt from, those kept to compare with, and how many of them count: as `Detector` has it."""

SHOWN = 8
"""Images in a figure of a page."""

MEASURES = ("image AUROC", "pixel AUROC", "mean per image", "seconds of fit", "seconds per image")


class Scorer(Protocol):
    """What says how unusual windows are."""

    def __call__(self, rows: np.ndarray, /) -> np.ndarray:
        """Return a value (N,) for each of the rows (N, D)."""
        ...


@dataclass(frozen=True)
class Found:
    """What a side says of the tested images of a split.

    Parameters
    ----------
    maps : list of np.ndarray
        Energies at the pixels, (H, W).
    scores : np.ndarray
        Of the images, (N,).
    fit, score : float
        Seconds of learning, and of scoring an image.
    """

    maps: list[np.ndarray]
    scores: np.ndarray
    fit: float
    score: float


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore", DiaboloWarning)
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("Cracks in magnetic tiles", arguments, seeds="one seed for each, from 0")
    report.versions |= {"diabolo": version("diabolo"), "torch": version("torch")}
    report.add("Means over the seeds, with the smallest and the largest.", "")
    report.add("| side | " + " | ".join(MEASURES) + " |", "|" + "---|" * (1 + len(MEASURES)))
    for name in arguments.sides:
        values = [measured(name, seed, arguments.pages) for seed in range(arguments.rounds)]
        report.add(f"| {name} | " + " | ".join(cell(column) for column in np.array(values).T) + " |")
    report.finish()


def measured(name: str, seed: int, pages: Path | None) -> list[float]:
    """Return the measures of a side on the split of a seed; save the pages of the first."""
    split = tiles(seed)
    found = SIDES[name](split, seed)
    if pages is not None and seed == 0:
        pages.mkdir(parents=True, exist_ok=True)
        pictured(name, split, found).save(pages / f"{name}.html")
    energies, cracked = (np.concatenate([each.ravel() for each in every]) for every in (found.maps, split.masks))
    own = [roc_auc_score(m.ravel(), e.ravel()) for e, m in zip(found.maps, split.masks, strict=True) if m.any()]
    image = roc_auc_score(split.cracked, found.scores)
    return [float(image), float(roc_auc_score(cracked, energies)), float(np.mean(own)), found.fit, found.score]


def cell(values: np.ndarray) -> str:
    """Return the mean of (S,), and the smallest and the largest in brackets."""
    return f"{values.mean():.3f} ({values.min():.3f}–{values.max():.3f})"


def ours(split: Tiles, seed: int) -> Found:
    """Return what `Detector` finds: the only place that names what is measured."""
    start = time.perf_counter()
    detector = Detector(window=WINDOW, random_state=seed).fit(split.train)
    fitted = time.perf_counter()
    scores = -detector.score_samples(split.test)
    scoring = time.perf_counter() - fitted
    return Found(detector.energy_map(split.test), scores, fitted - start, scoring / len(scores))


def plainly(learn: Callable[[np.ndarray, int], Scorer], even: bool = True) -> Callable[[Tiles, int], Found]:
    """Return a side that scores windows by what `learn` makes of the rows of training windows and of a seed."""

    def side(split: Tiles, seed: int) -> Found:
        start = time.perf_counter()
        every = np.concatenate([windows(prepared(image, even), SEEN, STRIDE)[0] for image in split.train])
        rows = np.random.default_rng(seed).permutation(every)[:LEARNT]
        scorer = learn(rows, seed)
        usual = float(np.median(scorer(rows[KEPT : 2 * KEPT])))
        fitted = time.perf_counter()
        maps = [mapped(scorer, usual, image, even) for image in split.test]
        scores = np.array([scored(each) for each in maps])
        return Found(maps, scores, fitted - start, (time.perf_counter() - fitted) / len(maps))

    return side


def prepared(image: np.ndarray, even: bool) -> np.ndarray:
    """Return an image (C, H, W) as small as `Detector` sees it, and as even, or else as it is."""
    small = shrunk(image, WINDOW // SEEN)
    return evened(small, SEEN) if even else small


def mapped(scorer: Scorer, usual: float, image: np.ndarray, even: bool) -> np.ndarray:
    """Return the map (H, W) of an image (C, H, W); windows beyond its borders count as usual."""
    small = prepared(image, even)
    rows, tops, lefts = windows(small, SEEN, STRIDE)
    energies = laid(scorer(rows), tops, lefts, SEEN, small.shape[1:], usual)
    wide = np.kron(energies, np.ones((WINDOW // SEEN, WINDOW // SEEN)))
    return wide[: image.shape[1], : image.shape[2]]


def scored(energies: np.ndarray) -> float:
    """Return the score of an image by its map (H, W): the mean of the highest hundredth."""
    count = max(energies.size // 100, 1)
    return float(np.partition(energies.ravel(), -count)[-count:].mean())


def principal(rows: np.ndarray, seed: int) -> Scorer:
    """Return the squared error of PCA, of a quarter as many components as there are numbers."""
    pca = PCA(rows.shape[1] // 4, svd_solver="covariance_eigh").fit(rows)
    return lambda x: np.square(x - pca.inverse_transform(pca.transform(x))).sum(1)


def neighbours(rows: np.ndarray, seed: int) -> Scorer:
    """Return the mean squared distance to the nearest of some windows, as they are."""
    search = NearestNeighbors(n_neighbors=NEAREST, algorithm="brute").fit(rows[:KEPT])
    return lambda x: np.square(search.kneighbors(x)[0]).mean(1)


def central(rows: np.ndarray, seed: int) -> Scorer:
    """Return the squared distance to the mean window."""
    mean = rows.mean(0)
    return lambda x: np.square(x - mean).sum(1)


SIDES: dict[str, Callable[[Tiles, int], Found]] = {
    "diabolo": ours,
    "PCA": plainly(principal),
    "neighbours": plainly(neighbours),
    "distance": plainly(central),
    "neighbours, uneven": plainly(neighbours, even=False),
}


def pictured(name: str, split: Tiles, found: Found) -> Page:
    """Return the page of the images with the highest scores and the lowest of cracked ones, each with its map."""
    cracked = np.flatnonzero(split.cracked)
    groups = {
        "Highest scores": np.argsort(-found.scores),
        "Highest scores of good tiles": [i for i in np.argsort(-found.scores) if not split.cracked[i]],
        "Lowest scores of cracked tiles": cracked[np.argsort(found.scores[cracked])],
    }
    page = Page(f"Cracks in magnetic tiles: {name}")
    page.paragraph("Tile, energy map on one scale, and where it is cracked. Brighter is less usual.")
    limit = float(np.quantile(np.concatenate([each.ravel() for each in found.maps]), 0.999))
    for heading, order in groups.items():
        page.heading(heading)
        page.figure(rows_of(list(order)[:SHOWN], split, found, limit), heading)
    return page


def rows_of(order: Sequence[int], split: Tiles, found: Found, limit: float) -> Figure:
    """Draw images, their maps up to a limit, and their masks, one below the other."""
    figure = blank(1.5 * len(order), 5)
    grid = figure.subplots(3, len(order), squeeze=False)
    for column, i in enumerate(order):
        picture(grid[0, column], split.test[i][0] / 255)
        picture(grid[1, column], found.maps[i], GRADIENT, (0.0, limit))
        picture(grid[2, column], split.masks[i].astype(float))
        title(grid[0, column], f"{found.scores[i]:.3g}")
    return figure


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=5, threads=(1,))
    reader.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="some sides instead of all")
    reader.add_argument("--pages", type=Path, help="a folder for pages with the maps of the first split")
    return reader.parse_args()


if __name__ == "__main__":
    main()

"""Measure what `Pretrainer` makes of few labels of MNIST, beside the same net from scratch and two plain models.

``python -m benchmarks.features_labels [--only N ...] [--rounds R] [--write FILE]``: pretrained once, without labels, on
the 60,000 training images; then fine-tuned with 100, 1,000 or all labels, drawn with as many of each digit by seeds 0,
1, ...: 10 draws of 100, 5 of 1,000 and 3 of all, or fewer with `--rounds`. The others are unlabelled. Accuracy on the
10,000 test images; one thread.

Beside it, with the same labels: the same net from scratch (not pretrained, with the labels alone); of fewer draws, that
with small shifts, pretrained with the labels alone, and from scratch with the unlabelled. PCA of 32 components and its
nearest neighbours (one at 100 labels, else 5, nearer ones counting more), and logistic regression of pixels (C = 0.1, 1
at 100 labels).

Targets: at least 95 %, 98 % and 99.2 %; at 100 labels ten points above the same net from scratch.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import version
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Pretrainer, Recipe, Training
from diabolo.corruptions import Chain, MaskPatches
from diabolo.estimators import Tuning
from diabolo.estimators.pretraining.consistencies import PseudoLabels
from diabolo.nets import Conv
from diabolo.training.device import brief

Array = NDArray[Any]

DRAWS = {100: 10, 1000: 5, 60_000: 3}
TARGETS = {100: 95.0, 1000: 98.0, 60_000: 99.2}
RECIPE = Recipe(Conv((16, 32, 64)), corruption=MaskPatches(0.5, 4))
STEPS = {100: 500, 1000: 700, 60_000: 3300}
FEWER = {"from scratch, with small shifts": 2, "pretrained, labels alone": 2, "from scratch, with the unlabelled": 2}
"""Draws of what is only there to see which part does what."""

LEAN = ("**pretrained, fine-tuned**", "the same net from scratch")
PLAIN = ("PCA-32 and neighbours", "logistic regression of pixels")
ALONE = PseudoLabels(weight=0.0)
STILL = Chain(())


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    report = Report("Few labels of MNIST", arguments, seeds="draws, and what is tuned, from seeds 0, 1, ...")
    report.versions |= {name: version(name) for name in ("diabolo", "torch", "scikit-learn")}
    (train, y), (test, true) = digits("train"), digits("test")
    began = process_time()
    pretrainer = pretrained(train, arguments.steps)
    report.add(f"{RECIPE}, {arguments.steps} steps of pretraining: {(process_time() - began) / 60:.1f} minutes.")
    scratch = pretrained(train[:2000], 1, 1e-9)
    plain = Plain(train)
    for labels in arguments.only:
        sides = {**plain.sides(labels), **tuned(pretrainer, scratch, train, labels)}
        if arguments.lean:
            sides = {name: sides[name] for name in (*PLAIN, *LEAN)}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for seed in range(min(DRAWS[labels], arguments.rounds)):
            rows = drawn(y, labels, seed)
            for name, side in sides.items():
                if seed >= (1 if labels == len(y) and name in PLAIN else FEWER.get(name, seed + 1)):
                    continue
                began = process_time()
                accuracy = 100 * float((side(rows, y, seed)(test) == true).mean())
                found[name].append((accuracy, process_time() - began))
        table(report, labels, found)
    report.finish()


def digits(part: str) -> tuple[Array, Array]:
    """Return images (N, 1, 28, 28), bytes, and which digit each is."""
    with np.load(FOLDER / "mnist" / "mnist.npz", allow_pickle=False) as file:
        return file[f"x_{part}"][:, None], file[f"y_{part}"].astype(np.int64)


def pretrained(X: Array, steps: int, rate: float = 3e-3) -> Pretrainer:
    """Return what was learnt without labels; with a rate of nearly 0, a net as it was built."""
    training = Training(steps=steps, batch_size=256, learning_rate=rate, precision=brief(torch.device("cpu")))
    return Pretrainer(32, recipe=RECIPE, training=training, random_state=0, device="cpu", layer=-1, pooling="all").fit(
        X
    )


def drawn(y: Array, labels: int, seed: int) -> Array:
    """Return which images are labelled: as many of each digit, or all."""
    draw = np.random.default_rng(seed)
    if labels >= len(y):
        return np.arange(len(y))
    return np.concatenate([draw.permutation(np.flatnonzero(y == digit))[: labels // 10] for digit in range(10)])


Side = Callable[[Array, Array, int], Callable[[Array], Array]]


def tuned(pretrainer: Pretrainer, scratch: Pretrainer, train: Array, labels: int) -> dict[str, Side]:
    """Return what is fine-tuned, and how, by its name."""
    usual, steps = Tuning(steps=STEPS[labels]), STEPS[labels]
    alone = usual(consistency=ALONE)

    def side(start: Pretrainer, tuning: Tuning, more: bool) -> Side:
        def fitted(rows: Array, y: Array, seed: int) -> Callable[[Array], Array]:
            few = np.full(len(y), -1)
            few[rows] = y[rows]
            start.set_params(random_state=seed)
            X, known = (train, few) if more else (train[rows], y[rows])
            return start.fine_tune(X, known, tuning=tuning).predict

        return fitted

    sides = {
        LEAN[0]: side(pretrainer, usual, True),
        LEAN[1]: side(scratch, alone(weak=STILL, steps=min(steps, 2000), frozen=0.0), False),
        "from scratch, with small shifts": side(scratch, alone(frozen=0.0), False),
    }
    if labels < 60_000:
        sides["pretrained, labels alone"] = side(pretrainer, alone, False)
        sides["from scratch, with the unlabelled"] = side(scratch, usual(frozen=0.0), True)
    return sides


class Plain:
    """Neighbours after PCA, and logistic regression."""

    def __init__(self, train: Array) -> None:
        self.train = train.reshape(len(train), -1) / np.float32(255)
        self.pca = PCA(32, random_state=0).fit(self.train)
        self.codes: Array = self.pca.transform(self.train)

    def sides(self, labels: int) -> dict[str, Side]:
        """Return both, by their names."""

        def neighbours(rows: Array, y: Array, seed: int) -> Callable[[Array], Array]:
            model: Any = KNeighborsClassifier(1 if labels == 100 else 5, weights="distance")
            model.fit(self.codes[rows], y[rows])
            return lambda X: model.predict(self.pca.transform(X.reshape(len(X), -1) / np.float32(255)))

        def logistic(rows: Array, y: Array, seed: int) -> Callable[[Array], Array]:
            model: Any = LogisticRegression(C=1.0 if labels == 100 else 0.1, max_iter=200).fit(
                self.train[rows], y[rows]
            )
            return lambda X: model.predict(X.reshape(len(X), -1) / np.float32(255))

        return dict(zip(PLAIN, (neighbours, logistic), strict=True))


def table(report: Report, labels: int, found: dict[str, list[tuple[float, float]]]) -> None:
    """Add the table of one number of labels."""
    draws = max(map(len, found.values()))
    report.add("", f"## {labels:,} labels, {draws} draws (target {TARGETS[labels]:g} %)", "")
    report.add("| who | draws | accuracy, % (deviation over draws; least) | seconds each |", "|---|---|---|---|")
    for name, each in found.items():
        accuracy, seconds = np.array(each).T
        spread = f"{accuracy.mean():.2f} ± {accuracy.std():.2f}; {accuracy.min():.2f}"
        report.add(f"| {name} | {len(each)} | {spread} | {np.median(seconds):.0f} |")


def _arguments() -> Namespace:
    options = parser(__doc__, rounds=10, threads=(1,))
    options.add_argument("--only", type=int, nargs="+", choices=list(DRAWS), default=list(DRAWS), help="labels")
    options.add_argument("--lean", action="store_true", help="only ours, the net from scratch, and the plain models")
    options.add_argument("--steps", type=int, default=1000, help="steps of pretraining")
    return options.parse_args()


if __name__ == "__main__":
    main()

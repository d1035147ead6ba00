"""Measure training and scoring on a CUDA machine; needs no peers and no data folder, and torch 2.11 or later.

``python -m benchmarks.gpu [--device cuda] [--rounds R] [--write FILE]``: dense nets (784-512-16-512-784, plain and
variational) in batches of 100, 1000 and 8192, tables of 5, 20, 100 and 500 columns with the default recipe and batch,
convolutional nets, and scoring, all through the public estimators, in absolute times. ``--device cpu --small`` is for
trying it out.

Each row of training gives two shares of what the card was measured to reach first: "products", of its rate in bfloat16
matrix products, by the operations of training on a sample; and "copies", of its rate in copies within its memory, by
the bytes that a step cannot but move: the batch as it is stored, and 40 bytes per weight (read twice by the net;
gradient written; weight, gradient and two moments read and three of them written by the optimiser, in float32). A net
is limited by the larger one, and by the overhead of single operations where both are small. Scoring starts and ends in
arrays of the host, so that its share is of the rate from the host.
"""

from __future__ import annotations

import argparse
import warnings
from argparse import Namespace
from dataclasses import dataclass
from importlib.metadata import version
from time import perf_counter

import numpy as np
import torch

from benchmarks.card import Card, wait
from benchmarks.report import Report, parser, spread
from benchmarks.workers.counting import flop
from benchmarks.workers.sets import FOLDER, load
from diabolo import Reducer, Training
from diabolo.flow import Batch
from diabolo.model import count_weights
from diabolo.training import Plan

MOVED = 40
"""Bytes per weight and step, at least."""

HEAD = (
    "| what | batch | samples per second (min–max) | ms a step | s an epoch | s of the whole fit | products | copies "
    "| peak MB |"
)
SCORES = "| what | verb | samples per second (min–max) | seconds | share of the rate from the host |"
COLUMNS = (5, 20, 100, 500)
VERBS = ("transform", "reconstruct", "score")


@dataclass(frozen=True)
class Case:
    """What is trained: its name, the data, the recipe, the size of the code and of a batch."""

    name: str
    X: np.ndarray
    recipe: str
    n: int
    batch: int | None = None


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    warnings.simplefilter("ignore")
    small, device = arguments.small, torch.device(arguments.device)
    card = Card.measure(device, 512 if small else 8192, 16 if small else 1024)
    report = Report("The same on a card, in absolute times", arguments)
    report.versions = {package: version(package) for package in ("diabolo", "torch")}
    report.add(card.line(), "", "## Training", "", HEAD, "|" + "---|" * 9)
    every = cases(small)
    fitted = {case.name: train(case, card, report) for case in every}
    report.add("", "## Scoring", "", SCORES, "|" + "---|" * 5)
    for case in every:
        if case.batch is None:
            score(case, fitted[case.name], card, report)
    report.finish()


def cases(small: bool) -> list[Case]:
    """Return all cases; `small` ones take seconds on a processor."""
    images = _images(2_000 if small else 60_000)
    net = "MLP(hidden=(512,), activation='relu', norm='none', bypass=False)"
    found = [
        Case(f"dense {kind}, {batch}", images, f"Recipe(net={net}, latent={latent})", 16, batch)
        for kind, latent in (("AE", "Plain()"), ("VAE", "Gaussian()"))
        for batch in ((100, 1000) if small else (100, 1000, 8192))
    ]
    rows = 2_000 if small else 100_000
    found += [Case(f"table, d = {d}", load("table", rows, d), "Recipe()", min(max(d // 3, 2), 16)) for d in COLUMNS]
    for kind, latent in (("AE", "Plain()"), ("VAE", "Gaussian()")):
        found += [
            Case(f"conv {kind}", images, f"Recipe(net=Conv(), latent={latent})", 16),
            Case(f"conv {kind}, 1000", images, f"Recipe(net=Conv(), latent={latent})", 16, 1000),
        ]
    return found


def train(case: Case, card: Card, report: Report) -> Reducer:
    """Fit a few times, add the line, and return the last one."""
    arguments = report.arguments
    training = Training(epochs=arguments.epochs, batch_size=case.batch, validation=0.0)
    reducer = Reducer(case.n, recipe=case.recipe, training=training, random_state=0, device=arguments.device)
    reducer.fit(case.X)  # warms up
    _forget(card.device)
    epochs, wholes = [], []
    for _ in range(arguments.rounds):
        started = perf_counter()
        reducer.fit(case.X)
        wait(card.device)
        wholes.append(perf_counter() - started)
        epochs.append(float(np.mean(reducer.history_.columns["seconds"])))
    plan, seconds = Plan.of(training, len(case.X)), float(np.median(epochs))
    step = seconds / plan.steps_per_epoch
    rates = len(case.X) / np.array(epochs)
    products = np.median(rates) * _flop(reducer, case.X[: plan.batch_size]) / card.matmul
    moved = MOVED * count_weights(reducer.model_) + plan.batch_size * _stored(case.X)
    report.add(
        f"| {case.name} | {plan.batch_size} | {spread(rates, '{:,.0f}')} | {1000 * step:.3f} | {seconds:.3f} | "
        f"{np.median(wholes):.2f} | {100 * products:.2f} % | {100 * moved / step / card.copy:.2f} % | "
        f"{_peak(card.device)} |"
    )
    return reducer


def score(case: Case, reducer: Reducer, card: Card, report: Report) -> None:
    """Apply each verb a few times and add its line."""
    for name in VERBS:
        verb = getattr(reducer, name)
        verb(case.X)
        seconds = []
        for _ in range(report.arguments.rounds):
            started = perf_counter()
            verb(case.X)
            seconds.append(perf_counter() - started)
        rates, middle = len(case.X) / np.array(seconds), float(np.median(seconds))
        share = case.X.nbytes / middle / card.upload
        report.add(f"| {case.name} | {name} | {spread(rates, '{:,.0f}')} | {middle:.4f} | {100 * share:.2f} % |")


def _images(rows: int) -> np.ndarray:
    return load("mnist" if (FOLDER / "mnist" / "mnist.npz").exists() else "blobs", rows)


def _flop(reducer: Reducer, X: np.ndarray) -> float:
    model = reducer.model_.train()
    tensor = reducer.scaling_.tensor(X).to(next(model.parameters()).device)
    batch = Batch(reducer.scaling_.batch(tensor))
    found = flop(lambda: model(batch, noise=True).loss, len(X))
    model.zero_grad(set_to_none=True)
    model.eval()
    return found


def _stored(X: np.ndarray) -> int:
    """Return the bytes of a sample as training keeps it: bytes stay bytes, all else is float32."""
    return X[0].size * (1 if X.dtype == np.uint8 else 4)


def _forget(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: torch.device) -> str:
    return f"{torch.cuda.max_memory_allocated(device) / 1e6:.0f}" if device.type == "cuda" else "–"


def _arguments() -> Namespace:
    reader: argparse.ArgumentParser = parser(__doc__, rounds=3)
    reader.add_argument("--device", default="cuda", help="where to compute")
    reader.add_argument("--small", action="store_true", help="small sizes, to try it out")
    reader.add_argument("--epochs", type=int, default=2, help="epochs of a fit")
    return reader.parse_args()


if __name__ == "__main__":
    main()

"""Measure what many members cost: 8 trained in one pass, against one, and against 8 one after another.

``python -m benchmarks.members [--members M] [--rounds R] [--write FILE]``: tables of 1,000, 5,000 and 50,000 rows with
20 columns, the default recipe and training, 20 epochs, from different seeds. Seconds of the training alone, by turns in
one process; two threads are allowed, of which small steps take one.

Target: 8 members take at most 3 times as long as one.
"""

from __future__ import annotations

from argparse import Namespace
from time import perf_counter

import numpy as np
import torch

from benchmarks.report import Report, parser, spread
from diabolo.members import Members
from diabolo.model import Autoencoder, Recipe
from diabolo.training import Rows, Training, train

COLUMNS, CODE = 20, 6


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Members in one pass: seconds of training", arguments, seeds="0 and up, one for each member")
    report.add(f"| rows | one | {arguments.members} in one pass | in turn | all / one (min–max) | in turn / all |")
    report.add("|" + "---|" * 6)
    for rows in arguments.rows:
        report.add(line(rows, arguments))
    report.finish()


def line(rows: int, arguments: Namespace) -> str:
    """Return a row of the table."""
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(rows, CODE, generator=generator)
    x = latent @ torch.randn(CODE, COLUMNS, generator=generator) + 0.3 * torch.randn(rows, COLUMNS, generator=generator)
    source, training = Rows(x, lambda batch: batch), Training(epochs=arguments.epochs)
    one, many, turns, seeds = [], [], [], range(arguments.members)
    for _ in range(arguments.rounds + 1):  # the first to warm up
        one.append(_seconds(lambda: train(_built(0), source, None, training)))
        many.append(_seconds(lambda: train(Members(list(map(_built, seeds))), source, None, training)))
        turns.append(_seconds(lambda: [train(_built(seed), source, None, training) for seed in seeds]))
    single, together, apart = (np.array(values[1:]) for values in (one, many, turns))
    cells = [spread(values, "{:.2f}") for values in (single, together, apart, together / single, apart / together)]
    return f"| {rows:,} | " + " | ".join(cells) + " |"


def _built(seed: int) -> Autoencoder:
    torch.manual_seed(seed)
    return Recipe().build((COLUMNS,), CODE)


def _seconds(work: object) -> float:
    started = perf_counter()
    work()  # type: ignore[operator]
    return perf_counter() - started


def _arguments() -> Namespace:
    reader = parser(__doc__)
    reader.add_argument("--members", type=int, default=8, help="how many")
    reader.add_argument("--epochs", type=int, default=20, help="epochs of each training")
    reader.add_argument("--rows", type=int, nargs="+", default=[1000, 5000, 50_000], help="rows of the tables")
    return reader.parse_args()


if __name__ == "__main__":
    main()

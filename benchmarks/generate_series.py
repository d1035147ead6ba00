"""Measure how real new series are that `Generator` makes, against a block bootstrap with jitter and a VAR.

``python -m benchmarks.generate_series [--sets S ...] [--rounds R] [--judges J] [--write FILE]``: normal heartbeats
(ECG5000, class 1) and readings of a sensor (MoteStrain, both classes). Of the series of a set, a random half is learnt
from and the other one is what samples are compared with; the design was chosen on the first half alone, cut in two.
`Generator` has its defaults, and its samples are as `sample` gives them; a round is a seed of its training. The
bootstrap puts blocks of training series together, each in its place, with noise of 5 % of the standard deviation; the
order of the VAR is the one of the least BIC.

Discriminative and predictive scores are those of `diabolo.metrics`, with their own judges and five seeds of them;
"real data" is what real series get from the same judge. Autocorrelation and spectrum are distances from the series set
aside; "nearer" is how probably a sample is nearer to the nearest training series than one set aside is, 0.5 if nothing
is remembered.

Targets: a discriminative score below that of the bootstrap and of the VAR, on both sets.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from time import perf_counter

import numpy as np
import torch

from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Generator
from diabolo.metrics import (
    autocorrelation_distance,
    autoregressive,
    bootstrapped,
    discriminative,
    memorising,
    predictive,
    spectrum_distance,
)


def heartbeats() -> np.ndarray:
    """Return normal heartbeats, (2918, 140, 1)."""
    with np.load(FOLDER / "ecg5000" / "ECG5000.npz", allow_pickle=False) as file:
        X, y = (np.concatenate([file[f"{name}_train"], file[f"{name}_test"]]) for name in "Xy")
    return X[y == 1, :, None].astype(np.float64)


def sensor() -> np.ndarray:
    """Return readings of a sensor, (1265, 84, 1)."""
    with np.load(FOLDER / "ucr" / "MoteStrain.npz", allow_pickle=False) as file:
        return np.concatenate([file["X_train"], file["X_test"]])[:, :, None].astype(np.float64)


SETS: dict[str, Callable[[], np.ndarray]] = {"ECG5000, class 1": heartbeats, "MoteStrain": sensor}
HEAD = ("who", "discriminative", "predictive", "autocorrelation", "spectrum", "nearer", "seconds")


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("New series: ours against a block bootstrap and a VAR", arguments, seeds="one for each, from 0")
    report.versions |= {"diabolo": version("diabolo"), "torch": version("torch")}
    report.add(f"Scores are means of {arguments.judges} seeds of the judge, ± their standard deviation.")
    for name in arguments.sets:
        learnt, aside = halves(SETS[name]())
        report.add("", f"## {name}", "", f"{len(learnt)} series of {learnt.shape[1]} steps to learn from.", "")
        report.add(f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD))
        sides = {"block bootstrap": partial(bootstrapped, learnt, len(learnt))}
        sides |= {"VAR": partial(autoregressive, learnt, len(learnt))}
        sides |= {f"diabolo, seed {seed}": partial(ours, learnt, seed) for seed in range(arguments.rounds)}
        for side, make in sides.items():
            report.add(line(side, learnt, aside, make, arguments))
    report.finish()


def halves(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a random half of series to learn from, and the other one."""
    order = np.random.default_rng(0).permutation(len(series))
    return series[order[: len(series) // 2]], series[order[len(series) // 2 :]]


def ours(learnt: np.ndarray, seed: int) -> np.ndarray:
    """Return as many new series of a generator with its defaults."""
    generator = Generator(random_state=seed, device="cpu").fit(learnt)
    return np.asarray(generator.sample(len(learnt), seed=seed))


def line(side: str, learnt: np.ndarray, aside: np.ndarray, make: Callable[[], np.ndarray], arguments: Namespace) -> str:
    """Return the row of a side."""
    started = perf_counter()
    made = make()
    seconds = perf_counter() - started
    told = discriminative(aside, made, seeds=arguments.judges)
    learned = predictive(aside, made, seeds=arguments.judges)
    near = memorising(flat(learnt), flat(aside), flat(made)).nearer
    cells = (
        side,
        str(told),
        str(learned),
        f"{autocorrelation_distance(aside, made):.4f}",
        f"{spectrum_distance(aside, made):.4f}",
        f"{near:.3f}",
        f"{seconds:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def flat(series: np.ndarray) -> np.ndarray:
    """Return series (N, T, C) as rows (N, T * C)."""
    return series.reshape(len(series), -1)


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3, threads=(1,))
    reader.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="one set instead of both")
    reader.add_argument("--judges", type=int, default=5, help="seeds of each judge")
    return reader.parse_args()


if __name__ == "__main__":
    main()

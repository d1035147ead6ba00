"""Compare generated digits with real ones, ours and pythae's, after the same computing time.

``python -m benchmarks.generate_digits [--only MODEL ...] [--seeds S ...] [--conditional] [--write FILE]``: generators
learn the 60,000 training images of MNIST with a code of 16. Ours has its defaults; then pythae's VAE and RAE train for
as long as the slowest of ours, with their default dense net and with a convolutional one about as large as ours, Adam
at 1e-3 and batches of 128; their conv net for MNIST takes 14 minutes an epoch. Times are computing times of all
threads together, so that other work on the machine is of no account.

10,000 samples of each are told from as many test images by the squared Fréchet distance in the features of a
classifier that learned real digits (never comparable with that of other features), by the share of real images that
have a sample near (coverage) and of samples that have a real one near (density). Training images, in place of samples,
are the floor. With ``--conditional`` generators are told the digit, and the classifier says how many samples show it.
"""

from __future__ import annotations

import tempfile
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.harness import Side, running
from benchmarks.report import Report, parser
from benchmarks.workers.digits import MODELS
from benchmarks.workers.judge import Judge, digits, judge
from diabolo.metrics import coverage, frechet

COUNT, NEAR = 10_000, 2000
PEERS = [(model, net) for model in ("VAE", "RAE") for net in ("dense", "conv")]
HEAD = "| who | seed | minutes | epochs | Fréchet distance | density | coverage |"


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Digits: samples beside real ones", arguments)
    report.seeds = f"seeds {', '.join(map(str, arguments.seeds))}"
    with tempfile.TemporaryDirectory() as folder:
        if arguments.conditional:
            _conditional(report, arguments, Path(folder))
        else:
            _compare(report, arguments, Path(folder))
    report.finish()


def _compare(report: Report, arguments: Namespace, folder: Path) -> None:
    told = judge()
    real = told.features(digits("test", COUNT)[0])
    report.add(HEAD, "|" + "---|" * 7)
    report.add(f"| real training images | | | | {_near(real, told, digits('train', COUNT)[0])} |")
    for seed in arguments.seeds:
        longest, ours = 0.0, {"task": "sample", "rows": arguments.rows, "count": COUNT, "seed": seed}
        with running(Side("diabolo", "digits", ours), arguments.threads[0]) as worker:
            report.versions |= worker.measured.versions
            for model in arguments.only or MODELS:
                file = folder / "ours.npy"
                found = worker.go(model=model, file=str(file), epochs=arguments.epochs)
                longest = max(longest, found["minutes"])
                report.add(_line(f"diabolo: {model}", seed, found, _near(real, told, np.load(file))))
        with ExitStack() as stack:
            side = Side("pythae", "pythae_digits", ours | {"minutes": longest}, "pythae")
            worker = stack.enter_context(running(side, arguments.threads[0]))
            report.versions |= worker.measured.versions
            for model, net in PEERS:
                files = {name: str(folder / f"{name}.npy") for name in ("normal", "mixture")}
                files = files if model == "VAE" else {"mixture": files["mixture"]}  # a RAE has no prior
                found = worker.go(model=model, net=net, files=files)
                for name, file in files.items():
                    who = f"pythae: {model}, {net}, {name} sampler"
                    report.add(_line(who, seed, found, _near(real, told, np.load(file))))


def _conditional(report: Report, arguments: Namespace, folder: Path) -> None:
    told, file = judge(), folder / "asked.npz"
    asked = {"task": "sample", "rows": arguments.rows, "count": COUNT, "conditional": True, "file": str(file)}
    report.add("| who | seed | minutes | epochs | shown as asked |", "|" + "---|" * 5)
    real = told.accuracy(*digits("test", COUNT))
    report.add(f"| real test images | | | | {100 * real:.2f} % |")
    with running(Side("diabolo", "digits", asked), arguments.threads[0]) as worker:
        report.versions |= worker.measured.versions
        for model in arguments.only or ("VAE",):
            for seed in arguments.seeds:
                found = worker.go(model=model, seed=seed, epochs=arguments.epochs)
                with np.load(file) as drawn:
                    share = told.accuracy(drawn["images"], drawn["labels"])
                report.add(_line(f"diabolo: {model}", seed, found, f"{100 * share:.2f} %"))


def _near(real: np.ndarray, told: Judge, images: np.ndarray) -> str:
    """Return how near samples are to real images, in the features of the judge."""
    other = told.features(images)
    near = coverage(real[:NEAR], other[:NEAR])
    return f"{frechet(real, other):.2f} | {near.density:.3f} | {near.coverage:.3f}"


def _line(who: str, seed: int, found: dict[str, float], rest: str) -> str:
    return f"| {who} | {seed} | {found['minutes']:.1f} | {found['epochs']} | {rest} |"


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1, threads=(1,))
    reader.add_argument("--only", nargs="+", choices=MODELS, help="some of our models instead of all")
    reader.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of training and sampling")
    reader.add_argument("--rows", type=int, default=60_000, help="training images")
    reader.add_argument("--epochs", type=int, help="of ours, instead of the default")
    reader.add_argument("--conditional", action="store_true", help="digits asked for, instead of any")
    return reader.parse_args()


if __name__ == "__main__":
    main()

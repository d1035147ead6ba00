"""Compare the likelihood of MNIST with pythae's, binarised once, after the same computing time.

``python -m benchmarks.generate_fixed [--only MODEL ...] [--minutes M] [--samples K] [--seeds S ...] [--write FILE]``:
the VAE, that with a VampPrior of 500 and the IWAE of 10 draws, ours and theirs by turns, with nets of the same size
(784-500-500-40). Each trains for so many minutes of computing time, of all threads together, so that other work on the
machine is of no account. Ours has its defaults, with 5,000 images held out to choose the epoch by and batches of 256;
pythae trains on the same other 55,000 with its own loop, batches of 100 and both the learning rate 1e-3 and its default
1e-4, of which the better one counts.

All pixels are drawn once, by seed 0, 1 with the probability of their grey. The negative log-likelihood is the
importance-weighted bound, in nats an image, over 1,000 test images drawn by the same seed.
"""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack

import numpy as np

from benchmarks.harness import Side, Worker, running
from benchmarks.report import Report, parser

MODELS = ("VAE", "VAMP", "IWAE")
RATES = (1e-3, 1e-4)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Likelihood of MNIST, fixed binarisation, beside pythae", arguments)
    report.seeds = f"seeds {', '.join(map(str, arguments.seeds))}"
    asked = {"task": "score", "minutes": arguments.minutes, "samples": arguments.samples}
    with ExitStack() as stack:
        threads = arguments.threads[0]
        ours = stack.enter_context(running(Side("diabolo", "binary", asked), threads))
        theirs = stack.enter_context(running(Side("pythae", "pythae_binary", asked, "pythae"), threads))
        report.versions |= ours.measured.versions | theirs.measured.versions
        sides = "ours: epochs | NLL | pythae: epochs | NLL | its learning rate"
        report.add(f"| model | seed | minutes | {sides} | ours − pythae |")
        report.add("|" + "---|" * 9)
        for model in arguments.only:
            for seed in arguments.seeds:
                report.add(line(model, seed, ours, theirs))
    report.finish()


def line(model: str, seed: int, ours: Worker, theirs: Worker) -> str:
    """Let both sides train a model, and return the row."""
    own = ours.go(model=model, seed=seed)
    each = [theirs.go(model=model, seed=seed, learning_rate=rate) | {"rate": rate} for rate in RATES]
    other = max(each, key=lambda found: np.mean(found["likelihoods"]))
    nll, peer = -np.array(own["likelihoods"]), -np.array(other["likelihoods"])
    less = nll - peer  # of the same images, so that their difference is told more exactly than either
    return (
        f"| {model} | {seed} | {own['minutes']:.1f} and {other['minutes']:.1f} | {own['epochs']} | {told(nll)} | "
        f"{other['epochs']} | {told(peer)} | {other['rate']:g} | {told(less)} |"
    )


def told(values: np.ndarray) -> str:
    """Return the mean with its standard error."""
    return f"{values.mean():.2f} ± {values.std(ddof=1) / len(values) ** 0.5:.2f}"


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1, threads=(1,))
    reader.add_argument("--only", nargs="+", choices=MODELS, default=MODELS, help="some models instead of all")
    reader.add_argument("--minutes", type=float, default=3, help="of computing time for each training")
    reader.add_argument("--samples", type=int, default=5000, help="draws of the bound")
    reader.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of training")
    return reader.parse_args()


if __name__ == "__main__":
    main()

"""Measure how probable the test images of MNIST are under variational autoencoders, dynamically binarised.

``python -m benchmarks.generate_likelihood [--only MODEL ...] [--minutes M] [--samples K] [--images N] [--write FILE]``:
each pixel is drawn anew, 1 with the probability of its grey, whenever an image is seen in training; test images are
chosen and drawn once, by the seed. The negative log-likelihood is the importance-weighted bound of
`diabolo.generation`, in nats an image, with the standard error over images, and for 1 and 50 draws beside. Dense nets
of two layers, a code of 40, or of 40 and 20 above, or of 20 and 40 above.

Training ends after so many minutes of computing time, of all threads together, so that other work on the machine is of
no account: the epochs are as many as fit, counted by the first one, so that the learning rate falls in time. Models of
several draws are trained as those of one draw for two thirds of the time.

Targets, 30 minutes of two cores each: VAE <= 87.0, IWAE-50 <= 85.5, the best of the learned priors <= 84.5, a ladder
<= 83.
"""

from __future__ import annotations

import time
from argparse import Namespace
from importlib.metadata import version

import torch
from torch import Tensor

from benchmarks.report import Report, parser
from benchmarks.workers.binary import trained
from benchmarks.workers.bound import HELD
from benchmarks.workers.sets import load
from diabolo.generation import evidence, summary
from diabolo.latents import Gaussian, Ladder, Latent
from diabolo.likelihoods import Bernoulli
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.priors import Flow, Mixture, VampPrior
from diabolo.training import Rows

SHAPE = (784,)
COUNTS = {"mnist": 60_000, "mnist-test": 10_000}
MODELS: dict[str, tuple[Latent, int]] = {
    "VAE": (Gaussian(), 40),
    "IWAE-50": (Gaussian(samples=50), 40),
    "PIWAE-50": (Gaussian(samples=50, groups=10), 40),
    "VAE, mixture of 100": (Gaussian(prior=Mixture(components=100)), 40),
    "VAE, flow": (Gaussian(prior=Flow()), 40),
    "IWAE-50, flow": (Gaussian(samples=50, prior=Flow()), 40),
    "VAE, VampPrior of 500": (Gaussian(prior=VampPrior(inputs=500)), 40),
    "ladder": (Ladder(levels=(20,)), 60),
    "ladder, 50 draws": (Ladder(levels=(20,), samples=50), 60),
    "ladder, flow, 50 draws": (Ladder(levels=(20,), samples=50, prior=Flow()), 60),
    "ladder below 40, flow, 50 draws": (Ladder(levels=(40,), samples=50, prior=Flow()), 60),
}
"""What is measured: the latent, and the size of the code."""


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("Likelihood of MNIST, dynamic binarisation", arguments, seeds="seed 0")
    report.versions |= {"diabolo": version("diabolo"), "torch": version("torch")}
    draws = (1, 50, arguments.samples)
    report.add(
        "| model | epochs | minutes of one core | "
        + " | ".join(f"NLL, {k:,} draws" for k in draws)
        + " | distortion | rate |"
    )
    report.add("|" + "---|" * (len(draws) + 5))
    for name in arguments.only or MODELS:
        report.add(line(name, arguments, draws))
    report.finish()


def line(name: str, arguments: Namespace, draws: tuple[int, ...]) -> str:
    """Train a model, and return its row."""
    train_images, test_images = images()
    latent, size = MODELS[name]
    torch.manual_seed(0)
    model = Recipe(MLP(hidden=tuple(arguments.hidden)), latent, Bernoulli()).build(SHAPE, size)
    started = time.process_time()
    source, held_out = (Rows(part, torch.bernoulli) for part in (train_images[HELD:], train_images[:HELD]))
    epochs = trained(model, source, held_out, arguments.minutes)
    minutes = (time.process_time() - started) / 60
    draw = torch.Generator().manual_seed(0)
    some = torch.randperm(len(test_images), generator=draw)[: arguments.images]
    test = torch.bernoulli(test_images[some], generator=draw)
    told = []
    for count in draws:
        found = evidence(model, test, count)
        told.append(summary([part.tolist() for part in (found.bound, found.distortion, found.rate)], SHAPE[0]))
    cells = [f"{-each['log_likelihood']:.2f} ± {each['standard error']:.2f}" for each in told]
    cells += [f"{told[-1]['distortion']:.1f}", f"{told[-1]['rate']:.1f}"]
    return f"| {name} | {epochs} | {minutes:.1f} | " + " | ".join(cells) + " |"


def images() -> tuple[Tensor, Tensor]:
    """Return the greys of training and of test images, (N, 784) in [0, 1]."""
    train_images, test_images = (torch.from_numpy(load(name, count)) for name, count in COUNTS.items())
    return train_images.reshape(-1, *SHAPE).float() / 255, test_images.reshape(-1, *SHAPE).float() / 255


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1, threads=(2,))
    reader.add_argument("--only", nargs="+", choices=MODELS, help="some models instead of all")
    reader.add_argument("--minutes", type=float, default=30, help="of training, each")
    reader.add_argument("--samples", type=int, default=5000, help="draws of the bound")
    reader.add_argument("--images", type=int, default=1000, help="test images")
    reader.add_argument("--hidden", type=int, nargs="+", default=[500, 500], help="units of the layers")
    return reader.parse_args()


if __name__ == "__main__":
    main()

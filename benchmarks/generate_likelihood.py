"""Measure how probable the test images of MNIST are under variational autoencoders, dynamically binarised.

``python -m benchmarks.generate_likelihood [--only MODEL ...] [--minutes M] [--samples K] [--images N] [--write FILE]``:
each pixel is drawn anew, 1 with the probability of its grey, whenever an image is seen in training; test images are
drawn once, by the seed. The negative log-likelihood is the importance-weighted bound of `diabolo.generation`, in nats
an image, with the standard error over images, and for 1 and 50 draws beside. Dense nets of two layers, a code of 40.

Training ends after so many minutes of wall time: the epochs are as many as fit, counted by the first ones, so that the
learning rate falls in time.

Targets, 30 minutes each: VAE <= 87.0, IWAE-50 <= 85.5, the best of the learned priors <= 84.5.
"""

from __future__ import annotations

import time
from argparse import Namespace
from importlib.metadata import version

import torch
from torch import Tensor

from benchmarks.report import Report, parser
from benchmarks.workers.sets import load
from diabolo.generation import evidence, summary
from diabolo.latents import Gaussian
from diabolo.likelihoods import Bernoulli
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import MLP
from diabolo.priors import Flow, Mixture, VampPrior
from diabolo.training import Rows, Training, train

SHAPE, SIZE, HELD, BATCH = (784,), 40, 5000, 256
COUNTS = {"mnist": 60_000, "mnist-test": 10_000}
LATENTS = {
    "VAE": Gaussian(),
    "IWAE-50": Gaussian(samples=50),
    "VAE, mixture of 100": Gaussian(prior=Mixture(components=100)),
    "VAE, flow": Gaussian(prior=Flow()),
    "VAE, VampPrior of 500": Gaussian(prior=VampPrior(inputs=500)),
}


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("Likelihood of MNIST, dynamic binarisation", arguments, seeds="seed 0")
    report.versions |= {"diabolo": version("diabolo"), "torch": version("torch")}
    draws = (1, 50, arguments.samples)
    report.add(
        "| model | epochs | minutes | " + " | ".join(f"NLL, {k:,} draws" for k in draws) + " | distortion | rate |"
    )
    report.add("|" + "---|" * (len(draws) + 5))
    for name in arguments.only or LATENTS:
        report.add(line(name, arguments, draws))
    report.finish()


def line(name: str, arguments: Namespace, draws: tuple[int, ...]) -> str:
    """Train a model, and return its row."""
    train_images, test_images = images()
    recipe = Recipe(MLP(hidden=tuple(arguments.hidden)), LATENTS[name], Bernoulli())
    started = time.perf_counter()
    model, epochs = trained(recipe, train_images, arguments)
    minutes = (time.perf_counter() - started) / 60
    test = torch.bernoulli(test_images[: arguments.images], generator=torch.Generator().manual_seed(0))
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


def trained(recipe: Recipe, greys: Tensor, arguments: Namespace) -> tuple[Autoencoder, int]:
    """Return a model trained for the minutes asked for, and for how many epochs."""
    torch.manual_seed(0)
    source, held_out = Rows(greys[HELD:], torch.bernoulli), Rows(greys[:HELD], torch.bernoulli)
    started = time.perf_counter()
    train(recipe.build(SHAPE, SIZE), source, held_out, Training(epochs=2, batch_size=BATCH))
    each = (time.perf_counter() - started) / 2
    epochs = max(2, int(60 * arguments.minutes / each))
    model = recipe.build(SHAPE, SIZE)
    history = train(model, source, held_out, Training(epochs=epochs, batch_size=BATCH, patience=epochs))
    return model, len(history)


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1, threads=(2,))
    reader.add_argument("--only", nargs="+", choices=LATENTS, help="some models instead of all")
    reader.add_argument("--minutes", type=float, default=30, help="of training, each")
    reader.add_argument("--samples", type=int, default=5000, help="draws of the bound")
    reader.add_argument("--images", type=int, default=1000, help="test images")
    reader.add_argument("--hidden", type=int, nargs="+", default=[500, 500], help="units of the layers")
    return reader.parse_args()


if __name__ == "__main__":
    main()

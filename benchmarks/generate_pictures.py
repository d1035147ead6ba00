"""Measure new pictures of `Generator`: Frey's faces and small photographs.

``python -m benchmarks.generate_pictures [--sets S ...] [--rounds R] [--steps N] [--draws K] [--grids FOLDER]
[--write FILE]``: 1,965 faces of 28 x 20 grey pixels, and 4,500 photographs of 32 x 32 in colour (CIFAR-10, from JPEG
files). A random tenth is set aside, the rest is learnt from, by a convolutional variational autoencoder under
`DiscretizedLogistic`. A round is a seed of training.

Bits per dimension are minus the importance-weighted bound, over the numbers of a picture: a code length, without any
constant left out; beside it that of each pixel for itself, by its smoothed histogram over training pictures. Expected
pictures for new codes are compared with those set aside in the leading 50 principal components of training pictures:
there is no classifier of faces. Density and coverage are of balls to the fifth neighbour, "Fréchet" is the squared
distance of normal distributions, and "nearer" is how probably a new picture is nearer to the nearest training picture
than one set aside is. Beside ours: as many training pictures ("real"), and the normal distribution of those components.

With ``--grids``, a grid of training pictures and one of new ones of each seed is written there, as PNG.
"""

from __future__ import annotations

import io
from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from PIL import Image
from sklearn.decomposition import PCA

from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Generator, Recipe, Training
from diabolo.latents import Gaussian
from diabolo.likelihoods import DiscretizedLogistic
from diabolo.metrics import coverage, frechet, memorising
from diabolo.nets import Conv
from diabolo.priors import Mixture

SIZE, COMPONENTS, SIDE = 32, 50, 10


def faces() -> tuple[np.ndarray, np.ndarray]:
    """Return faces to learn from and those set aside, (N, 1, 28, 20) uint8."""
    with np.load(FOLDER / "frey" / "freyfaces.npz", allow_pickle=False) as file:
        return tenth(file["x"][:, None])


def photographs() -> tuple[np.ndarray, np.ndarray]:
    """Return photographs to learn from and those set aside, (N, 3, 32, 32) uint8."""
    with np.load(FOLDER / "cifar10_sub" / "cifar10_jpg.npz", allow_pickle=False) as file:
        data, ends = file["jpg"].tobytes(), file["off"].tolist()
    images = [Image.open(io.BytesIO(data[a:b])).convert("RGB") for a, b in pairwise(ends)]
    return tenth(np.stack([np.asarray(image) for image in images]).transpose(0, 3, 1, 2))


def tenth(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return images to learn from, and a random tenth set aside."""
    order = np.random.default_rng(0).permutation(len(images))
    return images[order[len(images) // 10 :]], images[order[: len(images) // 10]]


SETS: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {"faces": faces, "photographs": photographs}
HEAD = ("who", "bits per dimension", "Fréchet", "density", "coverage", "nearer", "seconds")


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("New pictures: faces and photographs", arguments, seeds="one for each, from 0")
    report.versions |= {"diabolo": version("diabolo"), "torch": version("torch")}
    report.add(
        f"Trained for {arguments.steps} steps; {arguments.draws} draws of the bound; in {COMPONENTS} principal",
        "components, against the pictures set aside.",
    )
    for name in arguments.sets:
        learnt, aside = SETS[name]()
        report.add("", f"## {name}", "", f"{len(learnt)} to learn from, {len(aside)} set aside.", "")
        report.add(f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD))
        measured(name, learnt, aside, arguments, report)
    report.finish()


def measured(name: str, learnt: np.ndarray, aside: np.ndarray, arguments: Namespace, report: Report) -> None:
    """Add the rows of a set."""
    draw, count = np.random.default_rng(0), 2 * len(aside)
    pca = PCA(COMPONENTS, random_state=0).fit(flat(learnt))
    seen, held = pca.transform(flat(learnt)), pca.transform(flat(aside))
    normal = draw.standard_normal((count, COMPONENTS)) * pca.explained_variance_**0.5
    report.add(f"| real | | {told(seen, held, seen[draw.permutation(len(seen))[:count]])} | |")
    report.add(f"| normal | {alone(learnt, aside):.3f} | {told(seen, held, normal)} | |")
    grid(arguments.grids, f"{name}-real", learnt[draw.permutation(len(learnt))])
    for seed in range(arguments.rounds):
        started = perf_counter()
        generator = trained(learnt, seed, arguments.steps)
        seconds = perf_counter() - started
        bits = generator.evidence(aside, samples=arguments.draws)["bits per number"]
        made = np.asarray(generator.sample(count, seed=seed))
        cells = f"{bits:.3f} | {told(seen, held, pca.transform(flat(made)))} | {seconds:.0f}"
        report.add(f"| diabolo, seed {seed} | {cells} |")
        grid(arguments.grids, f"{name}-diabolo-{seed}", made)


def trained(learnt: np.ndarray, seed: int, steps: int) -> Generator:
    """Return a generator of training pictures."""
    recipe = Recipe(Conv(), Gaussian(), DiscretizedLogistic(components=2))
    training = Training(steps=steps)
    return Generator(
        SIZE, recipe=recipe, training=training, random_state=seed, device="cpu", density=Mixture(10, "full")
    ).fit(learnt)


def alone(learnt: np.ndarray, aside: np.ndarray) -> float:
    """Return the bits per dimension of each pixel for itself: half a count is added to each of the 256 levels."""
    rows, held = learnt.reshape(len(learnt), -1), aside.reshape(len(aside), -1)
    columns = np.arange(rows.shape[1])
    counts = np.full((rows.shape[1], 256), 0.5)
    np.add.at(counts, (columns, rows), 1)
    return float(-np.log2(counts[columns, held] / counts.sum(1)[columns]).mean())


def told(seen: np.ndarray, held: np.ndarray, other: np.ndarray) -> str:
    """Return how good other pictures are in their components, as cells."""
    found = coverage(held, other)
    near = memorising(seen, held, other).nearer
    return f"{frechet(held, other) / 255**2:.2f} | {found.density:.2f} | {found.coverage:.2f} | {near:.2f}"


def flat(images: np.ndarray) -> np.ndarray:
    """Return images as rows of numbers."""
    return images.reshape(len(images), -1).astype(np.float64)


def grid(folder: Path | None, name: str, images: np.ndarray) -> None:
    """Write the first 100 images (N, C, H, W) side by side."""
    if folder is None:
        return
    some = images[: SIDE * SIDE].reshape(SIDE, SIDE, *images.shape[1:])  # rows, columns, C, H, W
    whole = some.transpose(0, 3, 1, 4, 2).reshape(SIDE * images.shape[2], SIDE * images.shape[3], -1)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(whole.squeeze().astype(np.uint8)).save(folder / f"{name}.png")


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3, threads=(1,))
    reader.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="one set instead of both")
    reader.add_argument("--steps", type=int, default=1000, help="of training")
    reader.add_argument("--draws", type=int, default=100, help="codes of the bound")
    reader.add_argument("--grids", type=Path, help="folder for grids of pictures")
    return reader.parse_args()


if __name__ == "__main__":
    main()

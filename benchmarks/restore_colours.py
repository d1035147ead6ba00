"""Measure the colours that `Colorizer` gives to grey photographs.

``python -m benchmarks.restore_colours [--sets S ...] [--steps N] [--hints P] [--keep FOLDER] [--write FILE]``: 4,500
photographs of 32 x 32 (CIFAR-10, from JPEG files), of which 500 are set aside, and 40 of 481 x 321 (BSDS), of which 10
are. Who is set aside is drawn with seed 0. A tenth of the others (of BSDS six) is not learned from either: temperature
and balance are chosen on it, as those with the highest signal-to-noise ratio among those that keep 0.52 of the
colourfulness. Those set aside are looked at once.

The peak signal-to-noise ratio is the mean over images, none above 60 dB: five of the 500 are grey, and without a bound
grey would be infinitely good there. "ab" is the root mean squared error of a and b of Lab over all pixels, and
"colourful" the mean colourfulness of Hasler and Süsstrunk over that of the originals. Beside ours: the lightness alone
("grey"), and the mean a and b of the images learned from ("one colour"). Targets: above 25.24 dB, below 12.85, and
above 0.5, all three together.
"""

from __future__ import annotations

import io
from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise, product
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from PIL import Image

from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Colorizer
from diabolo.estimators.colorization.tinting import STEPS
from diabolo.training.device import brief

Images = list[np.ndarray]

TEMPERATURES, BALANCES, COLOURFUL = (0.38, 1.0), (0.0, 0.02, 0.04, 0.06, 0.08, 0.12, 0.2), 0.52

HEAD = ("who", "temperature", "balance", "PSNR, dB", "ab", "colourful", "seconds")


def small() -> tuple[Images, Images, Images]:
    """Return photographs of 32 x 32 to learn from, to choose by, and those set aside."""
    with np.load(FOLDER / "cifar10_sub" / "cifar10_jpg.npz", allow_pickle=False) as file:
        data, ends = file["jpg"].tobytes(), file["off"].tolist()
    return parted([_opened(io.BytesIO(data[a:b])) for a, b in pairwise(ends)], 500, 400)


def large() -> tuple[Images, Images, Images]:
    """Return photographs of 481 x 321 or upright to learn from, to choose by, and those set aside."""
    return parted([_opened(file) for file in sorted((FOLDER / "img" / "bsds_color_train80").glob("*.jpg"))], 10, 6)


def parted(images: Images, aside: int, chosen: int) -> tuple[Images, Images, Images]:
    """Return images to learn from, to choose by, and those set aside, drawn with seed 0."""
    order = np.random.default_rng(0).permutation(len(images))
    held, by, rest = np.split(order, [aside, aside + chosen])
    return [images[i] for i in rest], [images[i] for i in by], [images[i] for i in held]


SETS: dict[str, Callable[[], tuple[Images, Images, Images]]] = {"small": small, "large": large}


def main() -> None:
    """Run it."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("Colours for grey photographs", arguments, seeds="one for each round, from 0")
    report.versions = {name: version(name) for name in ("diabolo", "torch")}
    report.add(f"Trained for {arguments.steps} steps; {arguments.hints:g} of the images with hints.")
    for name in arguments.sets:
        learnt, by, aside = SETS[name]()
        report.add(
            "", f"## {name}", "", f"{len(learnt)} to learn from, {len(by)} to choose by, {len(aside)} set aside."
        )
        report.add("", f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD))
        for seed in range(arguments.rounds):
            measured(learnt, by, aside, seed, arguments, report)
    report.finish()


def measured(learnt: Images, by: Images, aside: Images, seed: int, arguments: Namespace, report: Report) -> None:
    """Add the rows of a seed."""
    training = STEPS(steps=arguments.steps, validation=0.0, precision=brief(torch.device("cpu")))
    started = perf_counter()
    colorizer = Colorizer(training=training, hints=arguments.hints, random_state=seed, device="cpu").fit(learnt)
    seconds = perf_counter() - started
    chosen = choose(colorizer, by)
    if arguments.keep:
        colorizer.save(arguments.keep / f"{len(learnt)}-{seed}")
    settings = {"mean": (1.0, 0.0), "chosen": chosen}
    for who, (temperature, balance) in settings.items():
        facts = colorizer.set_params(temperature=temperature, balance=balance).quality(aside)
        row = (facts["psnr"], facts["ab rmse"], facts["colourfulness"])
        told = f"{temperature:g} | {balance:g} | {row[0]:.2f} | {row[1]:.2f} | {row[2]:.2f} | {seconds:.0f}"
        report.add(f"| diabolo, {who}, seed {seed} | {told} |")
        if seed == 0 and who == "mean":
            report.add(f"| grey | | | {facts['psnr, grey']:.2f} | {facts['ab rmse, grey']:.2f} | 0.00 | |")
            one = (facts["psnr, one colour"], facts["ab rmse, one colour"], facts["colourfulness, one colour"])
            report.add(f"| one colour | | | {one[0]:.2f} | {one[1]:.2f} | {one[2]:.2f} | |")


def choose(colorizer: Colorizer, by: Images) -> tuple[float, float]:
    """Return the temperature and the balance with the highest signal-to-noise ratio that are colourful enough."""
    found = {}
    for temperature, balance in product(TEMPERATURES, BALANCES):
        facts = colorizer.set_params(temperature=temperature, balance=balance).quality(by)
        found[temperature, balance] = (min(facts["colourfulness"], COLOURFUL), facts["psnr"])
    return max(found, key=lambda setting: found[setting])


def _opened(file: io.BytesIO | Path) -> np.ndarray:
    return np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1)


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1, threads=(1,))
    reader.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="one set instead of both")
    reader.add_argument("--steps", type=int, default=1100, help="of training")
    reader.add_argument("--hints", type=float, default=0.0, help="share of images that are learned from with hints")
    reader.add_argument("--keep", type=Path, help="folder for the models")
    return reader.parse_args()


if __name__ == "__main__":
    main()

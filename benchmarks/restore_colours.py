"""Measure the colours that `Colorizer` gives to grey photographs.

``python -m benchmarks.restore_colours [--sets S ...] [--steps N] [--hints P] [--keep FOLDER] [--write FILE]``: 4,500
photographs of 32 x 32 (CIFAR-10, from JPEG files), of which 500 are set aside, and 40 of 481 x 321 (BSDS), of which 10
are; who that is, is drawn by the seed of the round, and so are the weights. A tenth of the others (of BSDS six) is not
learned from either: temperature, balance and in how many sizes images are looked at are chosen on it, as those with the
highest signal-to-noise ratio among those that keep 0.52 of the colourfulness. All but those set aside are then learned
from with what was chosen, and those set aside are looked at once. "small to large" colours the large ones by the model
of the small ones, with settings chosen on the 30 large ones that are not set aside.

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

Setting = tuple[float, float, bool]
"""Temperature, balance, and whether images are looked at in several sizes."""

BALANCES, COLOURFUL = (0.0, 0.02, 0.04, 0.05, 0.06, 0.07, 0.08, 0.12), 0.52
SETTINGS: dict[str, list[Setting]] = {
    "small": list(product((0.38, 1.0), BALANCES, (False, True))),
    "large": list(product((0.38,), (0.0, 0.04, 0.08, 0.12), (True,))),
}
"""What is tried: of large images fewer, as they take long."""

HEAD = ("who", "temperature", "balance", "sizes", "PSNR, dB", "ab", "colourful", "seconds")


def small(seed: int) -> tuple[Images, Images, Images]:
    """Return photographs of 32 x 32 to learn from, to choose by, and those set aside."""
    with np.load(FOLDER / "cifar10_sub" / "cifar10_jpg.npz", allow_pickle=False) as file:
        data, ends = file["jpg"].tobytes(), file["off"].tolist()
    return parted([_opened(io.BytesIO(data[a:b])) for a, b in pairwise(ends)], 500, 400, seed)


def large(seed: int) -> tuple[Images, Images, Images]:
    """Return photographs of 481 x 321 or upright to learn from, to choose by, and those set aside."""
    files = sorted((FOLDER / "img" / "bsds_color_train80").glob("*.jpg"))
    return parted([_opened(file) for file in files], 10, 6, seed)


def parted(images: Images, aside: int, chosen: int, seed: int) -> tuple[Images, Images, Images]:
    """Return images to learn from, to choose by, and those set aside, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(images))
    held, by, rest = np.split(order, [aside, aside + chosen])
    return [images[i] for i in rest], [images[i] for i in by], [images[i] for i in held]


SETS: dict[str, Callable[[int], tuple[Images, Images, Images]]] = {"small": small, "large": large}


def main() -> None:
    """Run it."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("Colours for grey photographs", arguments, seeds="one for each round, from 0")
    report.versions = {name: version(name) for name in ("diabolo", "torch")}
    report.add(f"Trained for {arguments.steps} steps; {arguments.hints:g} of the images with hints.")
    for name in arguments.sets:
        for seed in range(arguments.rounds):
            parts = SETS[name](seed)
            said = "{} to learn from, {} to choose by, {} set aside.".format(*map(len, parts))
            report.add("", f"## {name}, seed {seed}", "", said, "", f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD))
            measured(name, parts, seed, arguments, report)
    report.finish()


def measured(name: str, parts: tuple[Images, Images, Images], seed: int, arguments: Namespace, report: Report) -> None:
    """Add the rows of a seed."""
    learnt, by, aside = parts
    chosen = choose(fitted(learnt, seed, arguments), by, SETTINGS[name])
    started = perf_counter()
    colorizer = fitted([*learnt, *by], seed, arguments)
    seconds = perf_counter() - started
    if arguments.keep:
        colorizer.save(arguments.keep / f"{name}-{seed}")
    for who, setting in (("mean", (1.0, 0.0, chosen[2])), ("chosen", chosen)):
        rows(f"diabolo, {who}", colorizer, aside, setting, seconds, who == "mean", report)
    if name == "small":
        given, more, others = large(seed)
        setting = choose(colorizer, [*given, *more], SETTINGS["large"])
        report.add("", f"The same model on {len(others)} large ones, settings chosen on the others:", "")
        report.add(f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD))
        for who, each in (("mean", (1.0, 0.0, True)), ("mean, as they are", (1.0, 0.0, False)), ("chosen", setting)):
            rows(f"small to large, {who}", colorizer, others, each, seconds, who == "mean", report)


def fitted(images: Images, seed: int, arguments: Namespace) -> Colorizer:
    """Return a colorizer that has learned from all of these."""
    training = STEPS(steps=arguments.steps, validation=0.0, precision=brief(torch.device("cpu")))
    return Colorizer(training=training, hints=arguments.hints, random_state=seed, device="cpu").fit(images)


def rows(
    who: str, colorizer: Colorizer, aside: Images, setting: Setting, seconds: float, floors: bool, report: Report
) -> None:
    """Add the row of a setting and, if wanted, those of the floors."""
    facts = judged(colorizer, setting, aside)
    temperature, balance, several = setting
    told = f"{temperature:g} | {balance:g} | {'several' if several else 'its own'}"
    names = ("psnr", "ab rmse", "colourfulness")
    report.add(f"| {who} | {told} | {' | '.join(f'{facts[name]:.2f}' for name in names)} | {seconds:.0f} |")
    if floors:
        report.add(f"| grey | | | | {facts['psnr, grey']:.2f} | {facts['ab rmse, grey']:.2f} | 0.00 | |")
        one = " | ".join(f"{facts[f'{name}, one colour']:.2f}" for name in names)
        report.add(f"| one colour | | | | {one} | |")


def judged(colorizer: Colorizer, setting: Setting, images: Images) -> dict[str, float]:
    """Return how good the colours are by a setting."""
    temperature, balance, several = setting
    return colorizer.set_params(temperature=temperature, balance=balance, several_sizes=several).quality(images)


def choose(colorizer: Colorizer, by: Images, settings: list[Setting]) -> Setting:
    """Return the setting with the highest signal-to-noise ratio that is colourful enough."""
    found = {}
    for setting in settings:
        facts = judged(colorizer, setting, by)
        found[setting] = (min(facts["colourfulness"], COLOURFUL), facts["psnr"])
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

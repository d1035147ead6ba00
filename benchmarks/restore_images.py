"""Measure how well `Denoiser` restores photographs, beside BM3D and the methods of scikit-image.

``python -m benchmarks.restore_images [--examples clean noisy] [--steps N] [--write FILE]``: one model, blind to the
level of the noise, learns from the 250 photographs of 180 x 180 pixels of ``bsd400_gray_180``, in so many steps on one
thread; another one, of "noisy", from the same photographs with Gaussian noise of σ = 25 on them, drawn once, and sees
no clean one. Both are tested on Set12 with σ = 15, 25 and 50 of 255, drawn with the index of the image as the seed, not
clipped. The other methods learn nothing, and are told σ. PSNR and SSIM are those of scikit-image, which looks at all
results alike; seconds are those of the processor, an image.

Targets: at σ = 25, 29.5 dB from clean photographs in at most 90 minutes, better than BM3D, at a tenth of its time; from
noisy ones alone at least what non-local means reach, and within 1.5 dB of the former.
"""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import Side, Worker, environment, running
from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Denoiser, Recipe, Training
from diabolo.nets import ResUNet
from diabolo.training import Progress
from diabolo.training.device import brief

Images = dict[str, NDArray[Any]]

LEVELS = (15, 25, 50)
PEERS = ("BM3D", "non-local means", "total variation", "wavelet, db4")
NET = ResUNet((48, 96, 128), blocks=1)
TRAINING = Training(decay=0.8, learning_rate=1.5e-3, clip=0.02)


def photographs(folder: str) -> Images:
    """Return grey photographs (H, W) in [0, 1], by name."""
    from PIL import Image

    files = sorted((FOLDER / "img" / folder).iterdir())
    return {file.stem: np.asarray(Image.open(file).convert("L"), np.float32) / 255 for file in files}


def with_noise(images: Images, sigma: float) -> Images:
    """Return images with Gaussian noise of σ of 255, each drawn with its index as the seed."""
    each = enumerate(images.items())
    return {n: x + sigma / 255 * np.random.default_rng(i).standard_normal(x.shape, np.float32) for i, (n, x) in each}


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    report = Report("Photographs: ours, BM3D and others", arguments, seeds="weights from seed 0; noise as said below")
    report.versions |= {name: version(name) for name in ("diabolo", "torch")}
    environment("restoration")
    truth = photographs("set12_gray")
    seen = {level: with_noise(truth, level) for level in LEVELS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        judge = stack.enter_context(running(Side("judge", "restorers", {"task": "judge"}, "restoration"), 1))
        report.versions |= judge.measured.versions
        kept(folder / "truth.npz", truth)
        found = {"noisy": {level: (images, 0.0) for level, images in seen.items()}}
        for name in PEERS:
            side = Side(name, "restorers", {"task": "images", "method": name}, "restoration")
            found[name] = of_peer(stack.enter_context(running(side, 1)), seen, folder)
        for examples in arguments.examples:
            denoiser, told = learned(examples, arguments)
            report.add(told)
            found[f"diabolo, {examples} examples"] = of_ours(denoiser, seen)
        report.add("", *table(found, judge, folder))
    report.finish()


def learned(examples: str, arguments: Namespace) -> tuple[Denoiser, str]:
    """Return the denoiser that learned from clean or from noisy photographs, and how long that took."""
    images = photographs("bsd400_gray_180")
    images = images if examples == "clean" else with_noise(images, 25)
    training = TRAINING(steps=arguments.steps, precision=brief(torch.device("cpu")))
    denoiser = Denoiser(recipe=Recipe(NET), examples=examples, training=training, random_state=0, device="cpu")
    started = process_time()
    denoiser.fit([x[None] for x in images.values()], callbacks=[Progress(20)])
    minutes, history = (process_time() - started) / 60, denoiser.history_
    return denoiser, (
        f"From {examples} examples: {minutes:.1f} minutes of one thread, {len(history)} epochs ({history.stopped}), "
        f"{denoiser.recipe_.net}, {denoiser.way_}, corruption {denoiser.recipe_.corruption}."
    )


def of_ours(denoiser: Denoiser, seen: Mapping[int, Images]) -> dict[int, tuple[Images, float]]:
    """Return what our model makes of noisy images, and the seconds an image, by the level of the noise."""
    found = {}
    for level, images in seen.items():
        started = process_time()
        clean = denoiser.transform([x[None] for x in images.values()])
        seconds = (process_time() - started) / len(images)
        found[level] = {name: x[0] for name, x in zip(images, clean, strict=True)}, seconds
    return found


def of_peer(worker: Worker, seen: Mapping[int, Images], folder: Path) -> dict[int, tuple[Images, float]]:
    """Return what a peer makes of noisy images, and the seconds an image, by the level of the noise."""
    found = {}
    for level, images in seen.items():
        kept(folder / "noisy.npz", images)
        into = folder / "found.npz"
        said = worker.go(noisy=str(folder / "noisy.npz"), into=str(into), sigma=level / 255)
        with np.load(into) as made:
            found[level] = {name: made[name] for name in images}, said["seconds"]
    return found


def kept(path: Path, images: Images) -> None:
    """Write images for a worker."""
    np.savez(path, **cast(Any, images))


def table(found: Mapping[str, Mapping[int, tuple[Images, float]]], judge: Worker, folder: Path) -> list[str]:
    """Return the rows of all sides."""
    heads = " | ".join(f"σ = {level}: PSNR | SSIM | seconds" for level in LEVELS)
    lines = [f"| who | {heads} |", "|" + "---|" * (1 + 3 * len(LEVELS))]
    for who, levels in found.items():
        cells = []
        for images, seconds in levels.values():
            said = judged(judge, images, folder)
            cells.append(f"{said['psnr']:.2f} | {said['ssim']:.3f} | {seconds:.2f}")
        lines.append(f"| {who} | {' | '.join(cells)} |")
    return lines


def judged(judge: Worker, images: Images, folder: Path) -> dict[str, Any]:
    """Return PSNR and SSIM of images, which the judge compares with the truth."""
    kept(folder / "found.npz", images)
    return judge.go(truth=str(folder / "truth.npz"), found=str(folder / "found.npz"))


def _arguments() -> Namespace:
    options = parser(__doc__, rounds=1, threads=(1,))
    options.add_argument("--examples", nargs="*", default=["clean", "noisy"], choices=["clean", "noisy"])
    options.add_argument("--steps", type=int, default=40_000, help="steps of each of our models")
    return options.parse_args()


if __name__ == "__main__":
    main()

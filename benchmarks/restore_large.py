"""Measure whether a large image comes back as the whole would, in how much memory, and how fast.

``python -m benchmarks.restore_large [--size HIGH WIDE] [--write FILE]``: a `Denoiser` with the default net, trained for
one epoch on noise (what it computes matters here, not how well), restores an image of 3000 x 4000 pixels of 8 bits with
progress, tile by tile; memory is the peak of the whole process, imports included. Before that, an image of 1200 x 1300
pixels in floating point numbers is computed as a whole and in tiles of several sizes, and the largest difference of any
number is told, of images in [0, 1].

Targets: differences of at most 1e-5; less than 2 GB; progress shown.
"""

from __future__ import annotations

import resource
from argparse import Namespace
from importlib.metadata import version
from time import perf_counter

import numpy as np
import torch

from benchmarks.report import Report, parser
from diabolo import Denoiser, Training
from diabolo.estimators.tiles import tiled


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("A large image, tile by tile", arguments)
    report.versions |= {name: version(name) for name in ("diabolo", "torch")}
    rng = np.random.default_rng(0)
    learnt = rng.random((20, 1, 64, 64), np.float32)
    denoiser = Denoiser(training=Training(epochs=1), random_state=0, device="cpu").fit(learnt)
    net, local = denoiser.recipe_.net, denoiser.recipe_.net.local
    report.add(f"{net}, which sees {local.reach if local else 0} pixels far.", "")
    report.add("| tiles of | largest difference from the whole |", "|---|---|")
    image = torch.from_numpy(rng.random((1, 1, 1200, 1300), np.float32))
    with torch.inference_mode():
        whole = denoiser.model_.reconstruct(image)
        for side in (128, 256, 512, 1024):
            parts = tiled(denoiser.model_.reconstruct, image, local, side**2) if local else whole
            report.add(f"| {side} x {side} | {float((parts - whole).abs().max()):.1e} |")
    del whole, image, parts
    large = rng.integers(0, 256, (1, 1, *arguments.size), np.uint8)
    before, told = peak(), []
    started = perf_counter()
    found = denoiser.transform(large, watch=lambda *tile: told.append(tile))
    seconds = perf_counter() - started
    report.add(
        "",
        f"{large.shape[2:]}, {found.dtype}: {seconds:.1f} s on {arguments.threads[0]} thread(s), "
        f"{len(told)} tiles, each told of; {peak():.2f} GB at the most ({before:.2f} before).",
    )
    report.finish()


def peak() -> float:
    """Return the most memory that this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _arguments() -> Namespace:
    options = parser(__doc__, rounds=1, threads=(1,))
    options.add_argument("--size", type=int, nargs=2, default=[3000, 4000], help="of the image, high and wide")
    return options.parse_args()


if __name__ == "__main__":
    main()

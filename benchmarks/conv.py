"""Measure how fast convolutional nets train against pythae's for MNIST, and what a sample costs each.

``python -m benchmarks.conv [--only CASE ...] [--rounds R] [--write FILE]``: `Conv()` as it comes against the net that
pythae's own benchmarks use, as an autoencoder and as a variational one, code 16, batches of 100. Pythae's takes over a
second a step, so that it is given fewer images.

Target: quality for less, see ``benchmarks.quality``; the default net takes 10 to 40 MFLOP a sample.
"""

from __future__ import annotations

from argparse import Namespace

from benchmarks.comparison import Case, compare
from benchmarks.harness import Side
from benchmarks.report import parser

LATENTS = {"ae": "Plain()", "vae": "Gaussian()"}


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    compare("Convolutional nets: images per second", arguments, {name: case(name, arguments) for name in LATENTS})


def case(name: str, arguments: Namespace) -> Case:
    """Return the case of this name."""
    common = {"task": "fit", "n": 16, "batch_size": 100, "epochs": 1}
    recipe = f"Recipe(net=Conv(), latent={LATENTS[name]})"
    ours = common | {"data": ("mnist", arguments.samples, 0), "recipe": recipe, "validation": 0.0}
    theirs = common | {"data": ("mnist", 100 * arguments.steps, 0), "net": f"conv-{name}"}
    return Case([Side("diabolo", "ours", ours), Side("pythae", "pythae", theirs, "pythae")])


def _arguments() -> Namespace:
    reader = parser(__doc__)
    reader.add_argument("--only", nargs="+", choices=LATENTS, help="some cases instead of all")
    reader.add_argument("--samples", type=int, default=6000, help="images of a block of ours")
    reader.add_argument("--steps", type=int, default=3, help="batches of a block of pythae's")
    return reader.parse_args()


if __name__ == "__main__":
    main()

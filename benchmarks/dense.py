"""Measure how fast dense nets train, against pythae and the loop of the tutorials.

``python -m benchmarks.dense [--only CASE ...] [--rounds R] [--write FILE]``: pythae's default net, 784-512-16-512-784
with ReLU, as an autoencoder and as a variational one, on MNIST in batches of 100 and 1000; and 30-64-8-64-30 on 20,000
random rows in batches of 100, on one thread. "Epoch" counts the time of the epochs alone; "fit" that of the whole
public call, with scaling, the PCA baseline and its errors for ours, with copies and files for pythae. The share of the
machine is that of its float32 products; ours computes in bfloat16 where the processor has it, and in float32 beside.

Targets: batch 1000, 80 % of the machine and 1.35 times pythae; batch 100, 55 % and 1.7 times (2 with gradients written
out); the small net, 4 times.
"""

from __future__ import annotations

from argparse import Namespace

from benchmarks.comparison import Case, compare
from benchmarks.harness import Side
from benchmarks.report import parser

NAMES = ("ae-100", "ae-1000", "vae-100", "vae-1000", "small-100")
HIDDEN = {"ae": 512, "vae": 512, "small": 64}
LATENTS = {"ae": "Plain()", "vae": "Gaussian()", "small": "Plain()"}


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    compare("Dense nets: samples per second in training", arguments, {name: case(name, arguments) for name in NAMES})


def case(name: str, arguments: Namespace) -> Case:
    """Return the case of this name: a net and a batch size."""
    net, batch = name.split("-")
    data = ("normal", 20_000, 30) if net == "small" else ("mnist", arguments.samples, 0)
    n = 8 if net == "small" else 16
    common = {"task": "fit", "data": data, "n": n, "batch_size": int(batch), "epochs": arguments.epochs}
    part = f"MLP(hidden=({HIDDEN[net]},), activation='relu', norm='none', bypass=False)"
    ours = common | {"recipe": f"Recipe(net={part}, latent={LATENTS[net]})", "validation": 0.0}
    theirs = common | {"net": net}
    exact = [] if net == "small" else [Side("diabolo, float32", "ours", ours | {"precision": "float32"})]
    sides = [
        Side("diabolo", "ours", ours),
        *exact,
        Side("pythae", "pythae", theirs, "pythae"),
        Side("plain loop", "plain", theirs, "pythae"),
    ]
    return Case(sides, threads=1 if net == "small" else None)


def _arguments() -> Namespace:
    reader = parser(__doc__)
    reader.add_argument("--only", nargs="+", choices=NAMES, help="some cases instead of all")
    reader.add_argument("--epochs", type=int, default=2, help="epochs of a block")
    reader.add_argument("--samples", type=int, default=60_000, help="images to train on")
    return reader.parse_args()


if __name__ == "__main__":
    main()

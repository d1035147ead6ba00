"""Measure how fast recurrent nets train, against the loop of the tutorials.

``python -m benchmarks.lstm [--rounds R] [--write FILE]``: `Recurrent()`, an LSTM of 64 that reads and one that writes,
against `nn.LSTM` of the same sizes in the plain loop, on 5,000 heartbeats of 140 steps, code 16, in batches of 32 and
of 256. Our decoder also sees sixteen sines of the position, which a sample pays for.
"""

from __future__ import annotations

from argparse import Namespace

from benchmarks.comparison import Case, compare
from benchmarks.harness import Side
from benchmarks.report import parser

BATCHES = (32, 256)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    compare("Recurrent nets: series per second", arguments, {f"b{b}": case(b, arguments) for b in BATCHES})


def case(batch: int, arguments: Namespace) -> Case:
    """Return the case of this batch size."""
    data = ("series", arguments.samples, 0)
    common = {"task": "fit", "data": data, "n": 16, "batch_size": batch, "epochs": arguments.epochs}
    ours = common | {"recipe": "Recipe(net=Recurrent(hidden=64))", "validation": 0.0}
    return Case([Side("diabolo", "ours", ours), Side("plain loop", "plain", common | {"net": "lstm"}, "pythae")])


def _arguments() -> Namespace:
    reader = parser(__doc__, threads=(1, 2))
    reader.add_argument("--only", nargs="+", choices=[f"b{b}" for b in BATCHES], help="some cases instead of all")
    reader.add_argument("--epochs", type=int, default=1, help="epochs of a block")
    reader.add_argument("--samples", type=int, default=5000, help="series to train on")
    return reader.parse_args()


if __name__ == "__main__":
    main()

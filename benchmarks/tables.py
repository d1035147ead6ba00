"""Measure how fast tables are trained on and scored, against PyOD's autoencoder and scikit-learn's perceptron.

``python -m benchmarks.tables [--only CASE ...] [--rounds R] [--write FILE]``: 5, 20, 100 and 500 correlated columns,
100,000 rows, on one thread and on two. Ours is the default recipe with the default batch and held-out share, and a code
of a third of the columns, between 2 and 16; PyOD's AutoEncoder and its defaults but for the number of epochs;
MLPRegressor(64, 32, 64) from X to X. Rows per second: "epoch" in training, "fit" of the whole call, "score" of an error
per row (ours by `reconstruct`).

Targets: at 20 columns 30 times PyOD in training and 50 times in scoring. Whether what is found is as good,
``benchmarks.detection`` tells.
"""

from __future__ import annotations

from argparse import Namespace

from benchmarks.comparison import Case, compare
from benchmarks.harness import Side
from benchmarks.report import parser

COLUMNS = (5, 20, 100, 500)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    compare("Tables: rows per second", arguments, {f"d{d}": case(d, arguments) for d in COLUMNS})


def case(columns: int, arguments: Namespace) -> Case:
    """Return the case of so many columns."""
    common = {"task": "fit", "data": ("table", arguments.rows, columns), "epochs": arguments.epochs}
    ours = common | {"n": min(max(columns // 3, 2), 16), "recipe": "Recipe()", "batch_size": None, "validation": 0.1}
    sides = [
        Side("diabolo", "ours", ours | {"score": True}),
        Side("PyOD", "pyod", common, "pyod"),
        Side("scikit-learn", "scikit", common | {"hidden": (64, 32, 64)}, "scikit-learn"),
    ]
    return Case(sides, ("epoch", "fit", "score"))


def _arguments() -> Namespace:
    reader = parser(__doc__, threads=(1, 2))
    reader.add_argument("--only", nargs="+", choices=[f"d{d}" for d in COLUMNS], help="some cases instead of all")
    reader.add_argument("--epochs", type=int, default=1, help="epochs of a block")
    reader.add_argument("--rows", type=int, default=100_000, help="rows of each table")
    return reader.parse_args()


if __name__ == "__main__":
    main()

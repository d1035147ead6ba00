"""Measure what a step of Mult-VAE takes on sparse histories, against the loop of the tutorials.

``python -m benchmarks.recommend_step [--items I] [--rounds R] [--write FILE]``: 600-200-600 on 20,000 items, 250 users
a step with 100 items each, drawn by a power law. The tutorial's loop writes the rows out and multiplies them with a
log-softmax, under Adam; ours is the recipe "mult-vae", in float32 and in bfloat16.

Target: 2.5 times, then 4.
"""

from __future__ import annotations

from benchmarks.comparison import Case, compare
from benchmarks.harness import Side
from benchmarks.report import parser


def main() -> None:
    """Measure and print."""
    reader = parser(__doc__)
    reader.add_argument("--items", type=int, default=20_000, help="items in the catalogue")
    reader.add_argument("--steps", type=int, default=10, help="steps of a block")
    arguments = reader.parse_args()
    arguments.only = None
    common = {"items": arguments.items, "each": 100, "batch_size": 250, "steps": arguments.steps}
    tutorial = Side("dense rows, Adam", "bags", common | {"task": "tutorial"})
    cases = {}
    for precision in ("float32", "bfloat16"):
        told = common | {"task": "ours", "recipe": "mult-vae", "precision": precision}
        cases[precision] = Case([Side("diabolo", "bags", told), tutorial], ("step",))
    compare("Mult-VAE: users per second in training", arguments, cases)


if __name__ == "__main__":
    main()

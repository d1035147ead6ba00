"""Measure how small `Compressor` makes tables within an error bound, beside SZ3, zfp, zstd, Parquet and plain levels.

``python -m benchmarks.compress_tables [--only TABLE ...] [--ways WAY ...] [--bounds B ...] [--rounds R] [--write
FILE]``: tables of ADBench, their columns scaled to [0, 1] in float32, absolute bounds of 1e-2 and 1e-3; every cell that
comes back is compared in float64. Each round compresses each table in every way by turns; ours is fitted anew with the
round as its seed, on the table that it compresses, everything else at its default. Its size is told with and without
the bytes of the model: a file that has it needs nothing else to be read.

The tables are those at hand, which are drawn down to 10,000 rows where the originals are larger (shuttle has 49,097,
mammography 11,183): a model weighs five times as much on them. By default the two that were measured before, and others
of at least 5,000 rows, each once; those "set aside" by the hash of their name have means of their own, and nothing is
tuned on them. ``--only large`` takes tables of other sources, with 34,406 to 100,000 rows, instead.

Targets: never 1 % larger than plain levels coded column by column; a tenth smaller on average over the tables that are
not set aside, the model included above 20,000 rows; no cell beyond the bound; 2 MB/s of raw data each way.
"""

from __future__ import annotations

from argparse import Namespace
from functools import partial

import numpy as np

from benchmarks.compression import ABOUT_ARRAYS, ARRAY_WAYS, SEEDS, Array, arrays, scaled, ways
from benchmarks.detect_tables import set_aside
from benchmarks.report import Report, parser
from benchmarks.workers import large
from benchmarks.workers.sets import FOLDER, anomaly_tables

TABLES = (
    "32_shuttle",
    "23_mammography",
    "11_donors",
    "16_http",
    "19_landsat",
    "24_mnist",
    "27_PageBlocks",
    "28_pendigits",
    "2_annthyroid",
    "33_skin",
    "34_smtp",
    "8_celeba",
)
"""Those measured before, then others of at least 5,000 rows; 30_satellite and 31_satimage-2 are 19_landsat again."""


def table(name: str) -> Array:
    """Return a table of ADBench, or a large one, (N, D), its columns scaled to [0, 1]."""
    if name in large.TABLES:
        return scaled(large.TABLES[name]())
    with np.load(FOLDER / "adbench" / f"{name}.npz", allow_pickle=False) as file:
        return scaled(file["X"].astype(np.float64))


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report(
        "Tables within an error bound: ours, SZ3, zfp, zstd, Parquet and plain levels", arguments, seeds=SEEDS
    )
    report.add(*ABOUT_ARRAYS)
    names = list(large.TABLES) if arguments.only == ["large"] else arguments.only
    groups = {"large": [name for name in names if name in large.TABLES]}
    groups["development"] = [name for name in names if not set_aside(name) and name not in large.TABLES]
    groups["set aside"] = [name for name in names if set_aside(name) and name not in large.TABLES]
    for group, names in groups.items():
        if names:
            arrays({name: partial(table, name) for name in names}, arguments.bounds, report, f"Tables, {group}")
    report.finish()


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    every = [*anomaly_tables(), *large.TABLES, "large"]
    reader.add_argument("--only", nargs="+", choices=every, default=list(TABLES), help="which tables")
    reader.add_argument("--bounds", nargs="+", type=float, default=[1e-2, 1e-3], help="absolute errors")
    ways(reader, ARRAY_WAYS)
    return reader.parse_args()


if __name__ == "__main__":
    main()

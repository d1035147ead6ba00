"""Measure how small `Compressor` makes telemetry within an error bound, beside SZ3, zfp, zstd and plain levels.

``python -m benchmarks.compress_series [--only CHANNEL ...] [--ways WAY ...] [--bounds B ...] [--rounds R] [--write
FILE]``: spacecraft telemetry of SMAP (25 columns) and MSL (55), the train part and the test part of a channel one after
the other, in float32, absolute bound 1e-3; nearly all values lie in [-1, 1], and nothing is scaled. The first column is
measured, the others are commands that are mostly 0 or 1. Of each set the first four channels by name; a channel is
given as an array of points (T, C). Everything else is as in `benchmarks.compress_tables`.

Target: smaller than SZ3 and zfp.
"""

from __future__ import annotations

from argparse import Namespace
from functools import cache, partial

import numpy as np

from benchmarks.compression import ABOUT_ARRAYS, ARRAY_WAYS, SEEDS, Array, arrays, ways
from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER

CHANNELS = 4


@cache
def channels() -> dict[str, tuple[str, str]]:
    """Return the set and the channel, by "smap A-1"."""
    found = {}
    for name in ("smap", "msl"):
        with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
            keys = sorted(key.removeprefix("train_") for key in file.files if key.startswith("train_"))
        found |= {f"{name} {key}": (name, key) for key in keys}
    return found


def channel(name: str) -> Array:
    """Return the points of a channel (T, C)."""
    file, key = channels()[name]
    with np.load(FOLDER / f"{file}.npz", allow_pickle=False) as data:
        return np.concatenate([data[f"{part}_{key}"] for part in ("train", "test")]).astype(np.float32)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report(
        "Series within an error bound: ours, SZ3, zfp, zstd, Parquet and plain levels", arguments, seeds=SEEDS
    )
    report.add(*ABOUT_ARRAYS)
    arrays({name: partial(channel, name) for name in arguments.only}, arguments.bounds, report, "Telemetry")
    report.finish()


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    every = list(channels())
    usual = [name for part in ("smap", "msl") for name in [n for n in every if n.startswith(part)][:CHANNELS]]
    reader.add_argument("--only", nargs="+", choices=every, default=usual, help="which channels")
    reader.add_argument("--bounds", nargs="+", type=float, default=[1e-3], help="absolute errors")
    ways(reader, ARRAY_WAYS)
    return reader.parse_args()


if __name__ == "__main__":
    main()

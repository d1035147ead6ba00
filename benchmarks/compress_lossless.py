"""Measure how small `Compressor` makes records and digits exactly, beside Parquet, xz, zstd, PNG, WebP and JPEG XL.

``python -m benchmarks.compress_lossless [--only SET ...] [--ways WAY ...] [--rounds R] [--train N] [--test N] [--write
FILE]``

- records: the train file of NSL-KDD at hand (25,192 rows of 43 columns; numbers, fractions and text). The packers get
  its text, Parquet and ours get the data frame that pandas reads from it, and what comes back is compared with it:
  types, values, order. Ours is fitted to that frame.
- digits: the 10,000 test images of MNIST, 28 × 28 pixels of 8 bits. The packers get all bytes in one piece, the
  formats one image a file (their bytes are added up) or all images as one picture. Ours is fitted to the 60,000
  training images.

Each round does every way by turns; ours is fitted anew with the round as its seed. Sizes are those of whole files, ours
without and with the model; the targets say which counts.

Targets: records smaller than Parquet and xz, the model included; digits below 1.35 bits per pixel without the model,
the size with it stated.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.compression import OURS, SEEDS, Blocks, by_turns, mean, pinned, scratch, ways, workers
from benchmarks.report import Report, parser, spread
from benchmarks.workers.intrusions import frame, text
from benchmarks.workers.sets import mnist, mnist_test

PACKERS = ("gzip -9", "bzip2 -9", "xz -9e", "zstd -19")
RECORDS = (OURS, "Parquet, zstd -19", *PACKERS)
FORMATS = ("PNG", "WebP lossless", "JPEG XL lossless")
DIGITS = (OURS, *PACKERS, *FORMATS, *(f"{name}, one mosaic" for name in FORMATS))
ABOUT = (
    "Every way gives back exactly what it got, or it fails. Seconds are those of the processor, on one thread; bytes",
    "of ours are means over seeds. The model of ours is what a file with it has more than one without.",
)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Exactly: ours, Parquet, xz, zstd, PNG, WebP and JPEG XL", arguments, seeds=SEEDS)
    report.add(*ABOUT)
    for name in arguments.only:
        SETS[name](report)
    report.versions |= pinned("codecs")
    report.finish()


def records(report: Report) -> None:
    """Add the table of NSL-KDD."""
    among = [way for way in RECORDS if way in report.arguments.ways]
    size, shape = len(text()), frame().shape
    report.add("", f"## Records: NSL-KDD, {shape[0]:,} × {shape[1]}, {size:,} bytes of text", "")
    with workers(among, "records", "exact_codecs") as started:
        found, failures = by_turns(started, report, among, "records")
    report.add(*table(found, shape[0], "record", size), *failures)


def digits(report: Report) -> None:
    """Add the table of MNIST."""
    among = [way for way in DIGITS if way in report.arguments.ways]
    train, test = mnist(report.arguments.train)[:, 0], mnist_test(report.arguments.test)[:, 0]
    report.add("", f"## Digits: MNIST, {len(test):,} × 28 × 28, {test.nbytes:,} bytes, learnt from {len(train):,}", "")
    with scratch() as folder, workers(among, "digits", "exact_codecs") as started:
        paths = {"train": folder / "train.npy", "path": folder / "test.npy"}
        np.save(paths["train"], train)
        np.save(paths["path"], test)
        given = {name: str(path) for name, path in paths.items()}
        found, failures = by_turns(started, report, among, "digits", **given)
    report.add(*table(found, test.size, "pixel", test.nbytes), *failures)


SETS = {"records": records, "digits": digits}


def table(found: Mapping[str, Blocks], count: int, unit: str, raw: int) -> list[str]:
    """Return a row for each way, and one more for ours with its model; there are `count` units, `raw` bytes."""
    heads = ("bytes", f"bits per {unit}", "raw / bytes", "encode, s (min–max)", "decode, s (min–max)", "to fit, s")
    lines = ["| way | " + " | ".join(heads) + " |", "|" + "---|" * (1 + len(heads))]
    for way, blocks in found.items():
        seconds = [spread(np.array([block[what] for block in blocks]), "{:.2f}") for what in ("encode", "decode")]
        seconds.append(f"{mean(blocks, 'fit'):.1f}" if "fit" in blocks[0] else "")
        size = mean(blocks, "bytes")
        lines.append(row(way, size, count, raw, seconds))
        if "model" in blocks[0]:
            lines.append(row(f"{way} with its model", size + mean(blocks, "model"), count, raw, ["", "", ""]))
    return lines


def row(way: str, size: float, count: int, raw: int, seconds: Sequence[str]) -> str:
    """Return the row of a way that takes so many bytes."""
    return f"| {way} | {size:,.0f} | {8 * size / count:.4f} | {raw / size:.2f} | " + " | ".join(seconds) + " |"


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    reader.add_argument("--only", nargs="+", choices=SETS, default=list(SETS), help="which data")
    reader.add_argument("--train", type=int, default=60_000, help="digits that ours learns from")
    reader.add_argument("--test", type=int, default=10_000, help="digits that are compressed")
    ways(reader, list(dict.fromkeys((*RECORDS, *DIGITS))))
    return reader.parse_args()


if __name__ == "__main__":
    main()

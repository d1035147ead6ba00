"""Measure training from a Parquet file larger than memory should hold, against the same rows in memory.

``python -m benchmarks.streaming [--rows R] [--columns C] [--rounds R] [--write FILE]``: correlated float32 columns are
written once to a temporary file, in row groups of 100,000, and read back as a stream; in memory the same rows are one
array. Each side is a process of its own, by turns; a block is an epoch of the default recipe and training. Rows per
second of the epoch, and the peak memory of the process.

Targets: 90 % of the rate in memory, below 1,500 MB.
"""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np

from benchmarks.harness import Side, alternate
from benchmarks.report import Report, parser, spread
from benchmarks.workers.sets import table

GROUP = 100_000


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Training from a Parquet file: rows per second", arguments)
    report.add("| threads | file (min–max) | memory (min–max) | share (min–max) | peak, file, MB | peak, memory, MB |")
    report.add("|" + "---|" * 6)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write(path, arguments.rows, arguments.columns)
        for threads in arguments.threads:
            report.add(line(path, threads, report))
    report.finish()


def line(path: Path, threads: int, report: Report) -> str:
    """Return a row of the table."""
    common = {"task": "stored", "path": str(path), "n": 8, "recipe": "Recipe()", "epochs": 1, "batch_size": None}
    common |= {"validation": 0.1}
    sides = [Side(name, "ours", common | {"whole": whole}) for name, whole in (("file", False), ("memory", True))]
    file, memory = alternate(sides, report.arguments.rounds, threads)
    report.versions |= file.versions
    rates = file.rates("epoch"), memory.rates("epoch")
    cells = [spread(rates[0], "{:,.0f}"), spread(rates[1], "{:,.0f}"), spread(rates[0] / rates[1], "{:.2f}")]
    peaks = [f"{side.values('peak').max():,.0f}" for side in (file, memory)]
    return f"| {threads} | " + " | ".join([*cells, *peaks]) + " |"


def write(path: Path, rows: int, columns: int) -> None:
    """Write the table in row groups, without holding it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"x{i}" for i in range(columns)]
    block = table(GROUP, columns)
    with pq.ParquetWriter(path, pa.schema([(name, pa.float32()) for name in names])) as writer:
        for start in range(0, rows, GROUP):
            part = np.roll(block, start // GROUP, axis=0)[: rows - start]
            writer.write_table(pa.table([pa.array(part[:, i]) for i in range(columns)], names=names))


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3, threads=(2,))
    reader.add_argument("--rows", type=int, default=10_000_000, help="rows of the table")
    reader.add_argument("--columns", type=int, default=20, help="its columns")
    return reader.parse_args()


if __name__ == "__main__":
    main()

"""Measure whether `Compressor` keeps its promises: the same everywhere, and never wrong about a damaged file.

``python -m benchmarks.compress_promises [--only DATA ...] [--models FOLDER] [--copies N] [--forged N] [--write
FILE]``: small compressors are fitted to a table, records, telemetry, digits and photographs, or taken from a folder
where an earlier run kept them, and write files here, with their model and without.

- The same everywhere: what is decoded here, at once, is compared by its SHA-256 with what other processes decode: on 1
  and 2 threads, the files or their chunks the other way round, two at once, with channels last in memory, without
  oneDNN, and with torch's deterministic kernels. A file with its model is read by what knows nothing else, one without
  by the compressor that was saved and loaded. Chunks are small here, so that there are several.
- Never wrong: copies of these files are damaged at random (bits and bytes changed; pieces cut, added, repeated, zeroed,
  swapped; huge numbers written) and decoded. Each gives an error of diabolo's, or what was compressed ("same");
  anything else is "wrong", another exception or the end of the process is a "crash", more than a minute is a
  "hang".
- Forged: the header, the payload or the number of chunks is another and all checksums are right, so that the decoder
  itself meets it. What it then decodes may be anything ("other"), but nothing may crash or hang.

Targets: one SHA-256 of each; no wrong output, no crash and no hang.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.compress_images import TRAIN, photographs
from benchmarks.compress_series import channel
from benchmarks.compress_tables import table
from benchmarks.compression import scratch
from benchmarks.harness import Side, running
from benchmarks.report import Report, parser
from benchmarks.workers.decoder import digest
from benchmarks.workers.intrusions import frame
from benchmarks.workers.sets import mnist, mnist_test
from diabolo import Compressor, load
from diabolo.codec import Absolute, Exact, Rate
from diabolo.estimators.compression import images, tables

LIMIT = 60
"""Seconds after which a decoder hangs."""
CELLS = 2**11
"""Values of tables in a chunk at most, in place of millions."""
PIXELS = 2**15
"""Likewise of small images."""
CIRCUMSTANCES: dict[str, tuple[int, dict[str, bool], bool]] = {
    "1 thread": (1, {}, False),
    "2 threads": (2, {}, False),
    "the files the other way round": (1, {}, True),
    "two files at once": (2, {"at_once": True}, False),
    "chunk by chunk, the last one first": (1, {"chunks": True}, False),
    "channels last": (1, {"channels_last": True}, False),
    "no oneDNN": (1, {"onednn": False}, False),
    "2 threads, channels last, no oneDNN": (2, {"channels_last": True, "onednn": False}, False),
    "deterministic kernels": (1, {"deterministic": True}, False),
}
"""Threads, what the worker is told, and whether the files come in the other order; each in a process of its own."""

Kind = tuple[Any, Callable[[], Any], list[Any]]
"""A compressor that is not fitted, what to fit it to, and two pieces that it is to compress."""


@dataclass(frozen=True)
class Files:
    """What was written, and what was decoded where it was written.

    Parameters
    ----------
    model : Path
        The compressor that was saved.
    whole, bare : list of Path
        Files with and without the model.
    sha : list of str
        SHA-256 of what either kind decodes to.
    """

    model: Path
    whole: list[Path]
    bare: list[Path]
    sha: list[str]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    report = Report("Promises of the compressor", arguments)
    with scratch() as folder:
        written = {name: files(*learned(name, arguments.models), folder / name) for name in arguments.only}
        report.add("", "## The same everywhere", "", *everywhere(written))
        for kind, count in (("damaged", arguments.copies), ("forged", arguments.forged)):
            report.add("", f"## Files that were {kind}", "", *of_copies(written, kind, count, folder / "log.json"))
    report.versions |= {name: version(name) for name in ("diabolo", "torch", "numpy")}
    report.finish()


def learned(name: str, models: Path | None) -> tuple[Any, list[Any]]:
    """Return a compressor, fitted here unless the folder `models` has it, which then keeps it, and two pieces."""
    unfitted, samples, pieces = DATA[name]()
    if models is None:
        return unfitted.fit(samples()), pieces
    if not (models / name).exists():
        models.mkdir(parents=True, exist_ok=True)
        unfitted.fit(samples()).save(models / name)
    return load(models / name), pieces


def files(compressor: Any, pieces: list[Any], folder: Path) -> Files:
    """Save a fitted compressor, and write a file of each piece with and without the model."""
    folder.mkdir()
    compressor.save(folder / "model")
    made = Files(folder / "model", [], [], [])
    for i, X in enumerate(pieces):
        for paths, embed in ((made.whole, True), (made.bare, False)):
            with patch.object(tables, "_CELLS", CELLS), patch.object(images, "_VALUES", PIXELS):  # several chunks
                data = compressor.compress(X, embed=embed)
            paths.append(folder / f"{i}-{embed}.dbl")
            paths[-1].write_bytes(data)
        made.sha.append(digest(compressor.decompress(data)))
    return made


def everywhere(written: Mapping[str, Files]) -> list[str]:
    """Return a row for each of the circumstances: of how many files the SHA-256 is the same."""
    lines = ["| decoded with | " + " | ".join(written) + " |", "|" + "---|" * (1 + len(written))]
    for name, (threads, told, backwards) in CIRCUMSTANCES.items():
        cells = []
        for each in written.values():
            with running(Side(name, "decoder", {"task": "decode"} | told), threads) as worker:
                cells.append(equal(worker.go, each, backwards))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def equal(go: Callable[..., dict[str, Any]], each: Files, backwards: bool) -> str:
    """Return of how many files what a worker decodes is what was decoded here."""
    same = 0
    for paths, model in ((each.whole, ""), (each.bare, str(each.model))):
        order = -1 if backwards else 1
        found = go(files=[str(path) for path in paths[::order]], model=model)["sha"]
        same += sum(a == b for a, b in zip(found, each.sha[::order], strict=True))
    count = 2 * len(each.sha)
    return f"{same} of {count}" if same == count else f"**{same} of {count}**"


def of_copies(written: Mapping[str, Files], kind: str, count: int, log: Path) -> list[str]:
    """Return a row for each kind of data: what came of its share of so many copies."""
    outcomes = ("error", "same", "wrong" if kind == "damaged" else "other", "crash", "hang")
    lines = ["| data | copies | " + " | ".join(outcomes) + " |", "|" + "---|" * (2 + len(outcomes))]
    notes, whole = [], Counter()
    for name, each in written.items():
        counts: Counter[str] = Counter()
        for paths, model in ((each.whole, ""), (each.bare, str(each.model))):
            asked = {"files": [str(path) for path in paths], "model": model, "log": str(log), "limit": LIMIT, "seed": 0}
            found, seen = survived(asked | {"forged": kind == "forged", "count": count // (2 * len(written))})
            counts += found
            notes += [f"{name}, {where}: {told}" for told, where in seen.items()]
        counts["wrong"] = counts["other"]
        whole += counts
        lines.append(_row(name, counts, outcomes))
    return [*lines, _row("**all**", whole, outcomes), *(f"\n{note}" for note in notes[:20])]


def survived(asked: dict[str, Any]) -> tuple[Counter[str], dict[str, str]]:
    """Return the outcomes of copies and what crashed; a process that ends is told of, and the next goes on."""
    counts: Counter[str] = Counter()
    seen: dict[str, str] = {}
    first, log = 0, Path(asked["log"])
    while first < asked["count"]:
        log.unlink(missing_ok=True)
        with running(Side("mutants", "decoder", {"task": "mutants"}), 1) as worker:
            try:
                done = worker.go(**asked, first=first)
                first = asked["count"]
            except RuntimeError as ended:
                if not log.exists():
                    raise  # before the first copy: the file itself is at fault, or the decoder
                done = json.loads(log.read_text("utf-8"))
                end, told = ended_by(str(ended))
                counts[end] += 1
                seen |= {f"{end}: {told}": f"copy {done['at']}"}
                first = done["at"] + 1
        counts += Counter(done["counts"])
        seen = done["seen"] | seen
    return counts, seen


def ended_by(said: str) -> tuple[str, str]:
    """Return whether a process that ended was hanging or crashed, and where, of what it wrote."""
    end, mark = ("hang", "Timeout (") if "Timeout (" in said else ("crash", "Fatal Python error")
    _, _, where = said.partition(mark)
    return end, " ".join((where or said[-300:]).split())[:300]


def _row(name: str, counts: Counter[str], outcomes: tuple[str, ...]) -> str:
    copies = sum(counts[outcome] for outcome in outcomes)
    return f"| {name} | {copies:,} | " + " | ".join(f"{counts[outcome]:,}" for outcome in outcomes) + " |"


def of_table() -> Kind:
    """Return a compressor of rows within a bound, what it learns from, and two pieces."""
    X = table("32_shuttle")[:4000]
    return Compressor(fidelity=Absolute(1e-3), random_state=0), lambda: X, [X[:2000], X[2000:]]


def of_records() -> Kind:
    """Return an exact compressor of records, what it learns from, and two pieces."""
    rows = frame().head(3000)
    pieces = [rows.head(2000), rows.tail(1000).reset_index(drop=True)]
    return Compressor(fidelity=Exact(), random_state=0), lambda: rows, pieces


def of_series() -> Kind:
    """Return an exact compressor of points in time, what it learns from, and two pieces."""
    X = channel("smap A-1")[:3000]
    return Compressor(fidelity=Exact(), random_state=0), lambda: X, [X[:2000], X[2000:]]


def of_digits() -> Kind:
    """Return an exact compressor of digits, what it learns from, and two pieces."""
    X = mnist_test(200)
    return Compressor(fidelity=Exact(), random_state=0), lambda: mnist(5000), [X[:100], X[100:]]


def of_photographs() -> Kind:
    """Return a compressor of photographs at a rate, what it learns from, and the middle of two and two of them."""
    middles = _upright(photographs("kodak24", 200))
    compressor = Compressor(fidelity=Rate(0.5), random_state=0)
    return compressor, lambda: _upright(photographs(TRAIN)), [middles[:2], middles[2:4]]


def _upright(photos: Mapping[str, Any]) -> list[Any]:
    """Return photographs (H, W, 3) as (3, H, W)."""
    return [photo.transpose(2, 0, 1).copy() for photo in photos.values()]


DATA = {
    "table": of_table,
    "records": of_records,
    "telemetry": of_series,
    "digits": of_digits,
    "photographs": of_photographs,
}


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1)
    reader.add_argument("--only", nargs="+", choices=DATA, default=list(DATA), help="which data")
    reader.add_argument("--models", type=Path, help="a folder of saved compressors; those that it lacks are fitted")
    reader.add_argument("--copies", type=int, default=10_000, help="damaged files, over all data")
    reader.add_argument("--forged", type=int, default=1000, help="forged files, over all data")
    return reader.parse_args()


if __name__ == "__main__":
    main()

"""What the benchmarks of compression share: who takes turns, arrays within a bound, and the rows of their pages."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import REQUIREMENTS, Side, Worker, environment, running
from benchmarks.report import Report, spread

OURS, PLAIN = "diabolo", "entropy per column"
ARRAY_WAYS = (OURS, PLAIN, "int16 + zstd", "SZ3", "zfp", "zstd", "Parquet")
IDEAL = "ideal per column"
"""The length of an ideal code of the same levels without its tables: a number, no file."""
SEEDS = "one seed for each round of ours, from 0"
ABOUT_ARRAYS = (
    "Bits per value, float32 having 32, of whole files. `entropy per column` rounds to the bound and codes the levels",
    "of each column with constriction, by static tables which are in the file; `int16 + zstd` packs the same levels;",
    "SZ3 and zfp get the array both ways round, and the smaller file counts; zstd and Parquet keep every bit (all zstd",
    "of level 19). `ideal per column` is the entropy of the levels without tables, and no file. Ours is the mean over",
    "seeds. MB/s are of the raw array in a second of one thread: the median over data and rounds. An error beyond the",
    "bound, by however little, is **bold**.",
)
SUMMARY = (
    f"bytes / {PLAIN} (min–max)",
    f"/ {IDEAL}",
    "/ smallest other",
    "larger by over 1 %",
    "worst error / bound",
    "encode, MB/s (min–max)",
    "decode, MB/s (min–max)",
    "to fit, s",
)
"""The heads of the summary. Ratios are means over data."""
Blocks = list[dict[str, Any]]
"""What a way said in each round."""
Array = NDArray[np.float32]


def scaled(X: NDArray[Any]) -> Array:
    """Return columns (N, D) scaled to [0, 1]; a constant one is 0."""
    low, width = X.min(0, keepdims=True), np.ptp(X, 0, keepdims=True)
    return ((X - low) / np.where(width > 0, width, 1)).astype(np.float32)


def pinned(peer: str) -> dict[str, str]:
    """Return the versions that the environment of a peer is made of."""
    lines = (REQUIREMENTS / f"{peer}.txt").read_text("utf-8").splitlines()
    return {package: version for package, _, version in (line.partition("==") for line in lines)}


@contextmanager
def workers(
    among: Sequence[str], task: str, peer: str, settings: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[dict[str, Worker]]:
    """Start ours and the one that does all other ways, each on one thread, as far as they are asked for.

    Parameters
    ----------
    among : sequence of str
        The ways that are asked for.
    task : str
        Which task of both workers.
    peer : str
        The module of ``benchmarks.workers`` that does the other ways, in the environment "codecs".
    settings : mapping
        What else ours is told.
    """
    ours = Side(OURS, "ours_compressor", {"task": task} | dict(settings))
    sides = {OURS: ours, "": Side("others", peer, {"task": task}, "codecs")}
    asked = {way if way == OURS else "" for way in among}
    if "" in asked:
        environment("codecs")  # installs before anything waits to be measured
    with ExitStack() as stack:
        yield {name: stack.enter_context(running(sides[name], 1)) for name in sorted(asked)}


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder for what workers read."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def by_turns(
    started: Mapping[str, Worker], report: Report, among: Sequence[str], what: str, **asked: Any
) -> tuple[dict[str, Blocks], list[str]]:
    """Return what each way says in every round, and of those that fail, which are left out, how they do."""
    failures = []
    found: dict[str, Blocks] = {way: [] for way in among}
    for seed in range(report.arguments.rounds):
        for way in list(found):
            worker = started[OURS if way == OURS else ""]
            block = worker.go(way=way, seed=seed, **asked)
            report.versions |= worker.measured.versions
            if "failed" in block:
                failures.append(f"\n{way} fails on {what}, round {seed}: {' '.join(block['failed'].split())[:300]}.")
                del found[way]
                continue
            found[way].append(block)
            sys.stderr.write(f"{what}, round {seed}, {way}: {block.get('bytes', 'done')}\n")
    return found, failures


def arrays(sets: Mapping[str, Callable[[], Array]], bounds: Sequence[float], report: Report, called: str) -> None:
    """Add the tables of all arrays (N, D) at each bound, and their summary."""
    among = report.arguments.ways
    with scratch() as folder, workers(among, "arrays", "array_codecs") as started:
        for bound in bounds:
            report.add("", f"## {called}, absolute error of at most {bound:g}", "", *array_head(among))
            found: dict[str, dict[str, Blocks]] = {}
            raw: dict[str, int] = {}
            failures: list[str] = []
            for name, make in sets.items():
                X = make()
                np.save(folder / "X.npy", X)
                found[name], failed = by_turns(started, report, among, name, path=str(folder / "X.npy"), bound=bound)
                failures += failed
                raw[name] = X.nbytes
                report.add(array_row(name, X.shape, found[name], among))
            report.add(*failures, "", *summary(found, raw, bound))
    report.versions |= pinned("codecs")


def array_head(ways: Sequence[str]) -> list[str]:
    """Return the head of the table of arrays."""
    cells = [cell for way in ways for cell in ((way, f"{way} with its model") if way == OURS else (way,))]
    return ["| data | N × D | " + " | ".join([*cells, IDEAL]) + " |", "|" + "---|" * (len(cells) + 3)]


def array_row(name: str, shape: tuple[int, ...], found: Mapping[str, Blocks], among: Sequence[str]) -> str:
    """Return the bits per value of each way, those of ours also with its model; nothing where it failed."""
    cells, values = [], np.prod(shape)
    for way in among:
        blocks = found.get(way, [])
        cells.append(f"{8 * mean(blocks, 'bytes') / values:.3f}" if blocks else "–")
        if way == OURS:
            whole = mean(blocks, "bytes") + mean(blocks, "model") if blocks else 0
            cells.append(f"{8 * whole / values:.3f}" if blocks else "–")
    said = [f"{blocks[0]['ideal'] / values:.3f}" for blocks in found.values() if "ideal" in blocks[0]]
    return f"| {name} | {shape[0]:,} × {shape[1]} | " + " | ".join([*cells, *(said[:1] or ["–"])]) + " |"


def summary(found: Mapping[str, Mapping[str, Blocks]], raw: Mapping[str, int], bound: float) -> list[str]:
    """Return a table of every way over all data: size beside the plain way, worst error, and speed."""
    lines = [f"| way | {' | '.join(SUMMARY)} |", "|" + "---|" * (1 + len(SUMMARY))]
    ways = dict.fromkeys(way for each in found.values() for way in each)
    for way in ways:
        has = {name: each[way] for name, each in found.items() if way in each}
        lines.append(summary_row(way, has, found, raw, bound, False))
        if way == OURS:
            lines.append(summary_row(way, has, found, raw, bound, True))
    return lines


def summary_row(
    way: str,
    has: Mapping[str, Blocks],
    found: Mapping[str, Mapping[str, Blocks]],
    raw: Mapping[str, int],
    bound: float,
    model: bool,
) -> str:
    """Return the row of a way, with or without its model."""
    sizes = {name: mean(each, "bytes") + (mean(each, "model") if model else 0) for name, each in has.items()}
    plain = {name: found[name][PLAIN] for name in has if PLAIN in found[name]}
    ratios = np.array([sizes[name] / mean(each, "bytes") for name, each in plain.items()])
    ideal = np.array([sizes[name] / (each[0]["ideal"] / 8) for name, each in plain.items() if each[0]["ideal"]])
    others = {name: [mean(e, "bytes") for w, e in found[name].items() if w not in (way, OURS)] for name in has}
    least = [sizes[name] / min(each) for name, each in others.items() if each]
    worst = max(block["worst"] for blocks in has.values() for block in blocks) / bound
    cells = [
        f"{ratios.mean():.3f} ({ratios.min():.3f}–{ratios.max():.3f})" if len(ratios) else "",
        f"{ideal.mean():.3f}" if len(ideal) else "",
        f"{np.mean(least):.3f}" if least else "",
        f"{int((ratios > 1.01).sum())} of {len(ratios)}",
        f"{worst:.8f}" if worst <= 1 else f"**{worst:.8f}**",
        speeds(has, raw, "encode"),
        speeds(has, raw, "decode"),
        f"{np.median([block['fit'] for each in has.values() for block in each]):.1f}" if way == OURS else "",
    ]
    return f"| {way}{' with its model' * model} | " + " | ".join(cells) + " |"


def speeds(has: Mapping[str, Blocks], raw: Mapping[str, int], what: str) -> str:
    """Return the median of raw megabytes a second over data and rounds, with the smallest and the largest."""
    rates = [raw[name] / 1e6 / max(block[what], 1e-9) for name, blocks in has.items() for block in blocks]
    return spread(np.array(rates), "{:.3g}")


def mean(blocks: Blocks, what: str) -> float:
    """Return the mean of a number over the rounds."""
    return float(np.mean([block[what] for block in blocks]))


def ways(reader: ArgumentParser, every: Sequence[str]) -> None:
    """Add the argument that chooses among the ways to compress."""
    reader.add_argument("--ways", nargs="+", choices=every, default=list(every), help="some instead of all")

"""Measure how fast and how well `Dictionary` learns sparse codes of activations, beside three libraries.

``python -m benchmarks.features_dictionary [--only LIBRARY ...] [--rounds R] [--write FILE]``: TopK, 384 → 6,144, 32
active, batches of 1,024, float32, one thread. The vectors are those of tokens after the third layer of
all-MiniLM-L6-v2, from the prose of Python's language reference and of the docstrings of NumPy, SciPy and scikit-learn:
250,000 to learn from, in an order drawn by the seed, and 5,040 of other documents to be judged by. They are made once.

Each library learns by its own public training: for 40 steps, 40,960 tokens; then anew for as many steps as it does in
20 core-seconds. Seconds are those of the processor, from the array to the trained dictionary. FVU is the sum of squared
errors over that of squares about the mean of the test tokens; a latent never fired if it is positive for none of them.
All take turns, one seed for each round. With Adam, peers have the rate, of five or more from 3e-4 to 1.2e-2, of the
least FVU of these very test tokens after 40 steps (dictionary_learning the one next to it, for .003 more: a third as
many latents never fire), and no warm-up, which is 1,000 steps by default. Everything else, signum's rate included, is
as the library has it, and ours has its defaults.

Then sentences: a dictionary of 10,000 of them, as the encoder embeds them. Of the 10 nearest by cosine that 1,000
sentences of other documents have among them, how many are found by the cosine of the sparse codes; how many, if the
dense query meets what the codes of the 10,000 rebuild, which costs as little; and how often is, for every fifth of the
10,000, one of the 10 nearest others of the same document, by dense vectors and by codes?

Targets: 10,000 tokens per core-second; FVU at most .32 and less than 2 % never fired after 40,960 tokens, at most .19
after 20 core-seconds; recall@10 of .95.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array, load_npz

from benchmarks.harness import ENVIRONMENTS, Side, Worker, environment, running
from benchmarks.report import Report, parser, spread

FOLDER = ENVIRONMENTS / "activations"
SIZES = {"train": 250_000, "test": 5_040, "sentences": 10_000, "queries": 1_000}
SHAPE = {"latents": 6144, "k": 32, "batch": 1024}
STEPS, SECONDS, NEAREST = 40, 20.0, 10
TASK = {"task": "learn", "folder": str(FOLDER)} | SHAPE
SIDES = {
    "diabolo": Side("diabolo", "ours_dictionary", TASK),
    "sparsify": Side("sparsify", "sparsify_topk", TASK, "dictionaries"),
    "SAELens": Side("SAELens", "saelens_topk", TASK, "dictionaries"),
    "dictionary_learning": Side("dictionary_learning", "dictionary_learning_topk", TASK, "dictionary-learning"),
}
LIBRARIES: dict[str, tuple[str, str, float | None]] = {
    "diabolo": ("diabolo", "diabolo", None),
    "sparsify, signum": ("sparsify", "signum", None),
    "sparsify, Adam": ("sparsify", "adam", 8e-3),
    "SAELens, Adam": ("SAELens", "adam", 6e-3),
    "dictionary_learning, Adam": ("dictionary_learning", "adam", 6e-3),
}
"""Who, in which of its ways, and at which learning rate; none is its own."""
Found = dict[str, float]
HEAD = (
    "| library | rate | tokens per core-second (min–max) | FVU, 40,960 tokens | never fired, % | tokens in 20 core-s "
    "| core-s | FVU | never fired, % |",
    "|" + "---|" * 9,
)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Sparse dictionaries of activations", arguments, seeds="one seed for each, from 0")
    activations()
    learned(report)
    if "diabolo" in arguments.only:
        retrieval(report)
    report.finish()


def activations(folder: Path = FOLDER) -> None:
    """Make the vectors where one of the files is missing."""
    if all((folder / f"{name}.npy").exists() for name in (*SIZES, "origins")):
        return
    side = Side("MiniLM", "activations", {"task": "make", "folder": str(folder), "sizes": SIZES}, "minilm")
    with running(side, 1) as worker:
        worker.go()


def learned(report: Report) -> None:
    """Add a row for each library."""
    wanted = {name: LIBRARIES[name] for name in report.arguments.only}
    sides = {side: SIDES[side] for side, _, _ in wanted.values()}
    for side in sides.values():
        if side.peer is not None:
            environment(side.peer)  # installs before anything waits to be measured
    found: dict[str, list[Found]] = {name: [] for name in wanted}
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "rebuilt.npz"
        workers = {name: stack.enter_context(running(side, 1)) for name, side in sides.items()}
        for seed in range(report.arguments.rounds):
            for name, (side, way, rate) in wanted.items():
                asked = SHAPE | {"way": way, "rate": rate, "seed": seed, "path": str(path)}
                found[name].append(both(workers[side], asked, path))
                sys.stderr.write(f"seed {seed}: {row(name, rate, found[name][-1:])}\n")
        for worker in workers.values():
            report.versions |= worker.measured.versions
    report.add(*HEAD, *(row(name, LIBRARIES[name][2], values) for name, values in found.items()))


def both(worker: Worker, asked: Mapping[str, Any], path: Path) -> Found:
    """Let a library learn for 40 steps, then for as many as it does in 20 core-seconds."""
    short = judged(worker.go(**asked, steps=STEPS), path)
    steps = max(1, round(SECONDS * short["rate"] / asked["batch"]))
    return short | {f"long {name}": value for name, value in judged(worker.go(**asked, steps=steps), path).items()}


def judged(block: Mapping[str, Any], path: Path) -> Found:
    """Return what is told of a block, from its answer and the file that it left."""
    (tokens, seconds), test = block["train"], np.load(FOLDER / "test.npy")
    with np.load(path) as file:
        never = 100 * (1 - float(file["fired"].mean()))
        lost = unexplained(test, file["rebuilt"])
    return {"tokens": tokens, "seconds": seconds, "rate": tokens / seconds, "fvu": lost, "never": never}


def row(name: str, rate: float | None, found: Sequence[Found]) -> str:
    """Return the row of a library: a spread of its rates, and means over seeds."""
    mean = {what: float(np.mean([each[what] for each in found])) for what in found[0]}
    speed = spread(np.array([each["rate"] for each in found]), "{:,.0f}")
    cells = (f"{mean['fvu']:.3f}", f"{mean['never']:.1f}", f"{mean['long tokens']:,.0f}", f"{mean['long seconds']:.1f}")
    last = (f"{mean['long fvu']:.3f}", f"{mean['long never']:.1f}")
    return f"| {name} | {'its own' if rate is None else f'{rate:g}'} | {speed} | " + " | ".join(cells + last) + " |"


def retrieval(report: Report) -> None:
    """Add what sparse codes of sentences find of their neighbours."""
    sentences, queries = (np.load(FOLDER / f"{name}.npy") for name in ("sentences", "queries"))
    settings = {"task": "code", "folder": str(FOLDER), "latents": SHAPE["latents"], "k": SHAPE["k"]}
    origins = np.load(FOLDER / "origins.npy")
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as into, running(Side("diabolo", "ours_dictionary", settings), 1) as worker:
        for seed in range(report.arguments.rounds):
            seconds = worker.go(into=into, seed=seed)["seconds"]
            asked, among = (load_npz(Path(into) / f"{name}.npz") for name in ("queries", "sentences"))
            rebuilt, true = np.load(Path(into) / "rebuilt.npy"), nearest(queries, sentences, NEAREST)
            found.append(
                {
                    "recall@10 of sparse codes": recall(nearest(asked, among, NEAREST), true),
                    "of dense queries and sparse rows": recall(nearest(queries, rebuilt, NEAREST), true),
                    "same document in 10, by dense vectors": alike(sentences, origins),
                    "by sparse codes": alike(among, origins),
                    "core-seconds of the fit": seconds,
                }
            )
    cells = [spread(np.array([each[what] for each in found]), "{:.3f}") for what in found[0]]
    report.add("", "| " + " | ".join(found[0]) + " |", "|" + "---|" * len(cells), "| " + " | ".join(cells) + " |")


def unexplained(target: np.ndarray, rebuilt: np.ndarray) -> float:
    """Return the sum of squared errors over that of squares about the mean of the target (N, D), in float64."""
    x = target.astype(np.float64)
    return float(np.square(x - rebuilt).sum() / np.square(x - x.mean(0)).sum())


def nearest(queries: Any, among: Any, k: int) -> np.ndarray:
    """Return the k rows of `among` (M, n) of the largest cosine for each query (N, n), (N, k); arrays, or sparse."""
    products = unit(queries) @ unit(among).T
    cosines = products.toarray() if isinstance(products, csr_array) else np.asarray(products)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :k]


def unit(rows: Any) -> Any:
    """Return rows (N, n) at length 1; those of zeros as they are."""
    if isinstance(rows, np.ndarray):
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths > 0, lengths, 1)
    rows = csr_array(rows)
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
    scale = np.repeat(1 / np.where(lengths > 0, lengths, 1), np.diff(rows.indptr))
    return csr_array((rows.data * scale, rows.indices, rows.indptr), shape=rows.shape)


def alike(rows: Any, origins: np.ndarray) -> float:
    """Return for how many rows, of every fifth (N, n), one of the 10 nearest others has the same origin (N,)."""
    asked = np.arange(0, len(origins), 5)
    found = nearest(rows[asked], rows, NEAREST + 1)
    others = found != asked[:, None]
    others[others.all(1), -1] = False  # among equals a row need not come first itself
    return float(((origins[found] == origins[asked][:, None]) & others).any(1).mean())


def recall(found: np.ndarray, true: np.ndarray) -> float:
    """Return the share of the true neighbours (N, k) that are among those found (N, k), in any order."""
    return float((found[:, :, None] == true[:, None, :]).any(1).mean())


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3, threads=(1,))
    names = list(LIBRARIES)
    reader.add_argument("--only", nargs="+", choices=names, default=names, help="some libraries instead of all")
    return reader.parse_args()


if __name__ == "__main__":
    main()

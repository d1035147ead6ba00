"""Measure how long it takes to reach the quality of pythae's defaults.

``python -m benchmarks.quality [--only TASK ...] [--reference run|read|write] [--epochs E ...] [--schedules S ...]
[--write FILE]``: the squared error per pixel on the 10,000 test images of MNIST, code 16, that pythae reaches with its
defaults (Adam 1e-4, batches of 64) after 10 and after 100 epochs: dense autoencoder and variational autoencoder,
decoding the mean; its nets of convolutions after 10 epochs, which takes hours, and after 1 and 2. Ours is a whole `fit`
with default training, or with each of the numbers of epochs and the schedules that are asked for, such as "WarmUp()".
The first epoch whose test error is below counts, its time from the start of `fit`, tests not counted; with schedules
only the end counts, as a β that is still small makes errors small. The variational ones have the same objective,
½‖x − D(z)‖² in pixels plus KL; ``-own`` is our named recipe instead, which gives more for a nat of code.

What pythae reaches does not depend on how busy the machine is, and takes long: ``--reference run`` trains it in the
same call, ``write`` also keeps its errors, ``read`` (the default) takes them from there. Its seconds are always taken
in the same call, by turns with ours: an epoch, or for the nets of convolutions a twentieth of one, per round, times
the number of epochs.

Targets: an eighth of pythae's time for 10 epochs and a tenth of that for 100; a tenth for the nets of convolutions.
"""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import Side, running
from benchmarks.machine import name
from benchmarks.report import Report, parser, spread
from benchmarks.workers.sets import load

KEPT = Path(__file__).parent / "results" / "reference.json"


class Task(NamedTuple):
    """Pythae's net, when it is looked at, our recipe, and the share of an epoch of pythae's that is timed.

    ``{sigma}`` in the recipe is one pixel in units of the scaled data.
    """

    net: str
    epochs: tuple[int, ...]
    recipe: str
    timed: float = 1.0


SAME = "latent=Gaussian(), likelihood=SquaredError(sigma={sigma})"
TASKS = {
    "mlp-ae": Task("ae", (10, 100), "Recipe(net=MLP())"),
    "mlp-vae": Task("vae", (10, 100), f"Recipe(net=MLP(), {SAME})"),
    "mlp-vae-own": Task("vae", (10, 100), "vae"),
    "conv-ae": Task("conv-ae", (1, 2, 10), "Recipe(net=Conv())", 0.05),
    "conv-vae": Task("conv-vae", (1, 2, 10), f"Recipe(net=Conv(), {SAME})", 0.05),
    "conv-vae-own": Task("conv-vae", (1, 2, 10), "conv-vae", 0.05),
}
HEAD = (
    "| task | pythae: epochs | its error | its seconds (min–max) | our epochs | seconds to its error (min–max) "
    "| pythae takes longer by | whole fit, seconds | error at last |"
)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    title = "Seconds to the test error that pythae's defaults reach on MNIST"
    report = Report(title, arguments, seeds="one seed for each, from 0; pythae's own")
    threads = arguments.threads[0]
    known: dict[str, Any] = json.loads(arguments.kept.read_text("utf-8")) if arguments.kept.exists() else {}
    if arguments.reference != "read":
        asked = {TASKS[label].net for label in arguments.only}
        known = {net: errors for net, errors in known.items() if net not in asked}
        known["run"] = f"{date.today()}, {name()}"
    told = f"The errors of pythae are of {known['run']}; the seconds of both of this call, on {threads} thread(s)."
    told += "".join(f" Ours with {schedule}." for schedule in arguments.schedules)
    report.add(told, "", HEAD, "|" + "---|" * 9)
    for label in arguments.only:
        task = TASKS[label]
        if task.net not in known:
            known[task.net] = reference(task, arguments, threads, report)
            keep(known, arguments)
        for epochs in arguments.epochs:
            paces, blocks = fits(task, epochs, arguments, threads, report)
            for at in task.epochs:
                if at <= len(known[task.net]):
                    error, ends = known[task.net][at - 1], bool(arguments.schedules)
                    report.add(line(label, at, error, at * paces, blocks, ends))
    report.finish()


def reference(task: Task, arguments: Namespace, threads: int, report: Report) -> list[float]:
    """Train pythae as it does by default; return the error after each epoch."""
    with running(_theirs(task, arguments, min(max(task.epochs), arguments.most)), threads) as worker:
        report.versions |= worker.measured.versions
        return worker.go()["errors"]


def keep(known: dict[str, Any], arguments: Namespace) -> None:
    """Write down what pythae reached, if asked: it takes too long to be lost."""
    if arguments.reference == "write":
        arguments.kept.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def fits(
    task: Task, epochs: int, arguments: Namespace, threads: int, report: Report
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Fit ours with a seed per round; return the seconds of an epoch of pythae's in each, and what each fit gave."""
    sigma = 255 / load("mnist", arguments.samples).std()
    recipe = task.recipe.format(sigma=round(float(sigma), 4))
    training = {"batch_size": None, "validation": 0.1, "epochs": epochs or None, "schedules": arguments.schedules}
    settings = _common(arguments) | {"recipe": recipe} | training
    theirs = _theirs(task, arguments, 1, task.timed)
    with running(theirs, threads) as peer, running(Side("diabolo", "ours", settings), threads) as worker:
        report.versions |= peer.measured.versions | worker.measured.versions
        rounds = [(peer.go()["seconds"][0] / task.timed, worker.go(seed=seed)) for seed in range(arguments.rounds)]
    return np.array([pace for pace, _ in rounds]), [block for _, block in rounds]


def line(label: str, at: int, error: float, seconds: np.ndarray, blocks: list[dict[str, Any]], ends: bool) -> str:
    """Return a row: pythae after so many epochs, its error and seconds (R,), and ours, on the way or by their ends."""
    reached = [(_last if ends else _first)(block, error) for block in blocks]
    if all(time is not None for time in reached):
        times = np.array(reached, dtype=float)
        told = f"{spread(times, '{:.1f}')} | {spread(seconds / times, '{:.1f}')}"
    else:
        told = f"not reached in {sum(time is None for time in reached)} of {len(reached)} fits | "
    whole, last = (np.median([block[key] for block in blocks]) for key in ("whole", "error"))
    epochs = len(blocks[0]["errors"])
    theirs = spread(seconds, "{:.1f}")
    return f"| {label} | {at} | {error:.5f} | {theirs} | {epochs} | {told} | {whole:.1f} | {last:.5f} |"


def _first(block: dict[str, Any], error: float) -> float | None:
    """Return the seconds until the first epoch whose error is not larger."""
    return next((s for s, e in zip(block["seconds"], block["errors"], strict=True) if e <= error), None)


def _last(block: dict[str, Any], error: float) -> float | None:
    """Return the seconds of the whole fit if its error is not larger."""
    return block["whole"] if block["error"] <= error else None


def _theirs(task: Task, arguments: Namespace, epochs: int, share: float = 1.0) -> Side:
    data = ("mnist", max(64, round(share * arguments.samples)), 0)
    settings = _common(arguments) | {"net": task.net, "epochs": epochs, "batch_size": 64, "data": data}
    return Side("pythae", "pythae", settings, "pythae")


def _common(arguments: Namespace) -> dict[str, Any]:
    return {"task": "quality", "data": ("mnist", arguments.samples, 0), "n": 16}


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3)
    reader.add_argument("--only", nargs="+", choices=TASKS, default=["mlp-ae", "mlp-vae"], help="which tasks")
    reader.add_argument(
        "--reference", choices=("run", "read", "write"), default="read", help="where pythae's come from"
    )
    reader.add_argument("--kept", type=Path, default=KEPT, help="the file of what pythae reached")
    reader.add_argument("--epochs", type=int, nargs="+", default=[0], help="epochs of ours to try; 0 is the default")
    reader.add_argument("--schedules", nargs="+", default=[], help="what changes from epoch to epoch of ours")
    reader.add_argument("--most", type=int, default=100, help="epochs of pythae at most")
    reader.add_argument("--samples", type=int, default=60_000, help="images to train on")
    return reader.parse_args()


if __name__ == "__main__":
    main()

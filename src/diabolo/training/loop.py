"""The one training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from diabolo.errors import warn
from diabolo.flow import Batch
from diabolo.seeding import places, seeded, sow
from diabolo.training.annealing import annealed, at_rest, demand_numbers
from diabolo.training.batches import Source
from diabolo.training.callbacks import Callback, watching
from diabolo.training.checkpoint import Checkpoint
from diabolo.training.device import keep_memory, threads
from diabolo.training.history import History
from diabolo.training.plan import Training
from diabolo.training.run import Run
from diabolo.training.trace import Trace


def train(
    model: nn.Module,
    source: Source,
    held_out: Source | None,
    training: Training,
    *,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
    stages: Sequence[History] = (),
) -> History:
    """Train `model` in place and leave it with the weights that did best on the held-out samples.

    The same seed on the same machine gives the same weights, bit for bit, whether or not the run was killed and resumed
    on the way. Ctrl-C ends the run and keeps the best weights so far.

    Parameters
    ----------
    model : nn.Module
        Anything behind the model protocol: ``model(batch, noise) -> Output``.
    source, held_out : Source
        Samples to train on, and to judge by; without the latter the training loss judges.
    training : Training
        How.
    seed : int
        Decides the order of the samples and all noise. The global random state is left as it was.
    callbacks : sequence of Callback
        Watch the run.
    checkpoint : Path, optional
        A file written after every epoch; if it is there already, the run goes on from it.
    stages : sequence of History
        The runs before this one, to be remembered with it.

    Returns
    -------
    History
        A row per epoch.

    Raises
    ------
    ParameterError, CapabilityError
        If a schedule leads to nothing that can change.
    TrainingError
        If the loss is no longer finite.
    FileError
        If the checkpoint is not one of this run.

    Examples
    --------
    >>> import torch
    >>> from diabolo.model import Recipe
    >>> from diabolo.training import Rows, Training, train
    >>> rows = Rows(torch.randn(64, 5), form=lambda x: x)
    >>> len(train(Recipe().build((5,), 2), rows, None, Training(epochs=3)))
    3
    """
    demand_numbers(model, training.schedules or ())
    run = Run.begin(model, training, len(source))
    run.history.stages = list(stages)
    store = Checkpoint.of(checkpoint, run, (source, held_out), seed)
    store.resume(run)
    watchers = watching(callbacks)
    keep_memory()
    with _reproducible(model, seed), threads(model, run.plan.batch_size):
        try:
            for watcher in watchers:
                watcher.on_start(run)
            while run.epoch < run.plan.epochs and not run.stopping:
                _epoch(run, source, held_out, seed)
                store.save(run)
                going = not run.stopping
                for watcher in watchers:
                    watcher.on_epoch(run)
                if going and run.stopping:
                    store.save(run)  # so that the run stays ended
        except KeyboardInterrupt:
            run.stop("interrupted")
            _say_interrupted(run)
        finally:
            for watcher in watchers:
                watcher.on_end(run)
    run.restore()
    return run.history


def _epoch(run: Run, source: Source, held_out: Source | None, seed: int) -> None:
    started = time.perf_counter()
    step = run.epoch * run.plan.steps_per_epoch
    sow(_mix(seed, run.epoch), *places(run.model))
    trace = Trace()
    run.model.train()
    rate, clip = 0.0, run.training.clip
    with annealed(run.model, run.training.schedules or (), run.plan.progress(run.epoch)) as values:
        for batch in source.epoch(run.plan.batch_size, _mix(seed, run.epoch)):
            rate = run.plan.learning_rate(run.training, step)
            trace.add(_stepped(run, batch, rate, clip and clip * math.prod(batch.x.shape[1:])), step)
            step += 1
    run.epoch += 1
    terms = trace.means(step - 1)
    row = {"epoch": run.epoch, "seconds": 0.0, "learning_rate": rate, "loss": sum(terms.values()), **terms, **values}
    judged = torch.tensor(row["loss"] if at_rest(run.model, values) else math.inf, dtype=torch.float64)
    if held_out is not None and len(held_out):
        judged = evaluate(run.model, held_out, run.plan.batch_size, seed)
        row["held_out"] = float(judged.mean())
        row |= {f"held_out {i + 1}": value for i, value in enumerate(judged.tolist() if judged.ndim else ())}
    row["seconds"] = time.perf_counter() - started
    run.history.add(row)
    run.judge(judged)


def _stepped(run: Run, batch: Batch, rate: float, limit: float | None) -> dict[str, Tensor]:
    """Move the weights by one batch; return the terms of its loss. Its gradient is not kept until the next one."""
    terms, gradient = run.gradient(batch)
    run.optimiser.step(gradient, rate, limit)
    return terms


@torch.no_grad()
def evaluate(model: nn.Module, source: Source, batch_size: int, seed: int) -> Tensor:
    """Return the mean loss over `source`, (), or (M,) for M members.

    The seed fixes the noise, so that epochs compare.

    Examples
    --------
    >>> import torch
    >>> from diabolo.model import Recipe
    >>> from diabolo.training import Rows
    >>> evaluate(Recipe().build((5,), 2), Rows(torch.randn(64, 5), form=lambda x: x), 32, seed=0) > 0
    tensor(True)
    """
    model.eval()
    losses, shares = [], []
    with seeded(seed, *places(model)):
        for batch in source.epoch(max(batch_size, 512), None):
            losses.append(model(batch, noise=True).loss.double())
            share = len(batch.x) if batch.weight is None else batch.weight.sum()
            shares.append(torch.as_tensor(share).to(losses[-1]))  # a source of pairs yields more than it has
    each = [torch.where(share > 0, loss * share, 0) for loss, share in zip(losses, shares, strict=True)]
    return torch.stack(each).sum(0) / sum(shares)


@contextmanager
def _reproducible(model: nn.Module, seed: int) -> Iterator[None]:
    """Leave the global random state as it was, and the model ready for use."""
    with seeded(seed, *places(model)):
        try:
            yield
        finally:
            model.eval()


def _mix(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch * 7_919 + 1) % 2**63


def _say_interrupted(run: Run) -> None:
    kept = (
        f"keeps the best weights so far, of epoch {run.history.best_epoch}"
        if run.best_weights
        else "has no epoch to keep yet"
    )
    warn(f"Training was interrupted in epoch {run.epoch + 1}; the model {kept}.")

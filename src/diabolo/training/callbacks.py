"""Callbacks: plain objects that watch a run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from diabolo.check import shorten
from diabolo.errors import ParameterError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from diabolo.training.run import Run

LOG = logging.getLogger("diabolo")


class Callback:
    """What a run calls; overwrite what you need. `Run.stop` ends the run after the epoch.

    Examples
    --------
    >>> class StopAt(Callback):
    ...     def on_epoch(self, run):
    ...         if run.history.last("loss") < 0.1:
    ...             run.stop("good enough")
    """

    def on_start(self, run: Run) -> None:
        """Be called once, before the first step."""

    def on_epoch(self, run: Run) -> None:
        """Be called after every epoch, its row already in ``run.history``."""

    def on_end(self, run: Run) -> None:
        """Be called once, after the last epoch, however the run ends."""


def watching(callbacks: Sequence[Callback]) -> list[Callback]:
    """Return the callbacks of a run, the log among them.

    Raises
    ------
    ParameterError
        If they are something else.
    """
    whole = isinstance(callbacks, Sequence) and all(isinstance(callback, Callback) for callback in callbacks)
    if not whole:
        raise ParameterError(
            f"Parameter 'callbacks' must be a list of Callback; got {shorten(callbacks)}. Derive a class from "
            "diabolo.training.Callback."
        )
    return [Log(), *callbacks]


class Progress(Callback):
    """A progress bar on a terminal, a few quiet lines anywhere else."""

    def __init__(self, lines: int = 10) -> None:
        self.lines = lines
        self._bar: Bar | None = None

    def on_start(self, run: Run) -> None:
        """Open the bar."""
        if sys.stderr.isatty():
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task("training", total=run.plan.epochs, completed=run.epoch)

    def on_epoch(self, run: Run) -> None:
        """Move the bar, or write a line now and then."""
        if self._bar is not None:
            self._bar.update(self._task, completed=run.epoch, description=_summary(run))
        elif run.epoch % max(1, run.plan.epochs // self.lines) == 0 or run.stopping:
            sys.stderr.write(_summary(run) + "\n")

    def on_end(self, run: Run) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class Log(Callback):
    """One line per epoch to the logger "diabolo", at level INFO."""

    def on_epoch(self, run: Run) -> None:
        """Write the line."""
        LOG.info(_summary(run))


def _summary(run: Run) -> str:
    held = f"  held out {run.history.last('held_out'):.5g}" if "held_out" in run.history.columns else ""
    return f"epoch {run.epoch}/{run.plan.epochs}  loss {run.history.last('loss'):.5g}{held}"


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)

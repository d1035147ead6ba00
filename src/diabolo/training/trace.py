"""The terms of the loss, step by step, kept on the device and read now and then."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from diabolo.errors import TrainingError

_CURES = {
    "distortion": "lower the learning rate (training__learning_rate), or look for values far out in the data",
    "rate": "lower the learning rate (training__learning_rate), or the weight of the latent",
}


class Trace:
    """Sums the terms of the loss over an epoch without waiting for the device at every step.

    Every `length` steps the terms are read at once; the first that is not finite ends the run with its step and name.
    On a CPU, where there is nothing to wait for, they are read as they come: a number that is kept would lie amidst the
    freed memory of its step, and none of the next step's large buffers would fit there again.
    """

    def __init__(self, length: int = 64) -> None:
        self.length = length
        self._names: tuple[str, ...] = ()
        self._waiting: list[list[Tensor]] = []
        self._rows: list[list[float]] = []
        self._sums: list[float] = []
        self._count = 0

    def add(self, terms: Mapping[str, Tensor], step: int) -> None:
        """Take in the terms of the loss of one step, () or (M,) for M members; `step` counts from 0.

        Raises
        ------
        TrainingError
            If a term of this step, or of one since the last reading, is not finite.
        """
        self._names = tuple(terms)
        values = [value.detach() if value.ndim == 0 else value.detach().mean() for value in terms.values()]
        if values[0].device.type == "cpu":
            self._rows.append([float(value) for value in values])
        else:
            self._waiting.append(values)
        if len(self._rows) + len(self._waiting) >= self.length:
            self._read(step)

    def means(self, step: int) -> dict[str, float]:
        """Return the mean of each term since the last call, and start again.

        Raises
        ------
        TrainingError
            If a term is not finite.
        """
        self._read(step)
        means = {name: total / max(self._count, 1) for name, total in zip(self._names, self._sums, strict=True)}
        self._sums, self._count = [], 0
        return means

    def _read(self, step: int) -> None:
        if not self._rows and not self._waiting:
            return
        rows = self._rows or _numbers(self._waiting)
        self._rows, self._waiting = [], []
        for i, row in enumerate(rows):
            for name, value in zip(self._names, row, strict=True):
                if not math.isfinite(value):
                    raise _not_finite(name, value, step - len(rows) + 1 + i)
        self._sums = [
            sum(column) + before
            for column, before in zip(zip(*rows, strict=True), self._sums or [0.0] * len(rows[0]), strict=True)
        ]
        self._count += len(rows)


def _numbers(rows: list[list[Tensor]]) -> list[list[float]]:
    """Return rows of tensors () as numbers, read from their device in one go."""
    return torch.stack([value for row in rows for value in row]).double().view(len(rows), -1).tolist()


def _not_finite(name: str, value: float, step: int) -> TrainingError:
    kind = name if name in _CURES else f"penalty {name!r}"
    cure = _CURES.get(name, "lower the weight of this penalty, or the learning rate (training__learning_rate)")
    return TrainingError(f"The {kind} became {value} at step {step + 1}; {cure}.")

"""How to train, as a value; and what it comes to for a given number of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diabolo.check import Maybe, Number, OneOf, Whole
from diabolo.part import Part, knob

_CHOSEN = "chosen from the number of samples"


@dataclass(frozen=True)
class Training(Part):
    """How a model is trained: AdamW, linear warm-up, cosine decay to zero, early stopping on held-out samples.

    The defaults are meant to work untouched on tables, images and series.

    References
    ----------
    Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> Training(epochs=5)
    Training(epochs=5)
    >>> Plan.of(Training(), 60_000)
    Plan(samples=60000, batch_size=128, epochs=10, steps_per_epoch=469)
    """

    epochs: int | None = knob(None, Maybe(Whole(1, 10**7), _CHOSEN), "passes over the samples, at most")
    batch_size: int | None = knob(None, Maybe(Whole(1, 2**24), _CHOSEN), "samples per step")
    learning_rate: float = knob(3e-3, Number(0, open_low=True), "largest learning rate")
    weight_decay: float = knob(1e-2, Number(0), "decay of the weight matrices, per step and unit of learning rate")
    warmup: float = knob(0.05, Number(0, 1), "share of the steps over which the learning rate rises")
    clip: float | None = knob(
        1.0, Maybe(Number(0, open_low=True), "no clipping"), "largest norm of the gradient, per number of a sample"
    )
    validation: float = knob(0.1, Number(0, 0.9), "share of the samples held out to watch; 0 trains on all of them")
    patience: int | None = knob(
        None, Maybe(Whole(1, 10**7), "a fifth of the epochs, at least 10"), "epochs without progress before stopping"
    )
    precision: str = knob(
        "auto", OneOf("auto", "float32", "bfloat16"), "arithmetic of the net; auto is bfloat16 where CUDA has it"
    )


@dataclass(frozen=True)
class Plan:
    """A `Training` worked out for a number of samples."""

    samples: int
    batch_size: int
    epochs: int
    steps_per_epoch: int

    @classmethod
    def of(cls, training: Training, samples: int) -> Plan:
        """Choose what `training` leaves open.

        Batches grow with the data: 32 samples for little, 128 from 8,000 samples on, up to 1,024 for millions. The
        epochs then give about 4,000 steps, with at least 10 epochs for much data and at most 400 for little.
        """
        wanted = max(32, min(samples / 64, 128), min(samples / 1024, 1024))
        batch = min(training.batch_size or 2 ** round(math.log2(wanted)), max(samples, 1))
        steps = math.ceil(samples / batch)
        epochs = training.epochs or min(400, max(10, math.ceil(4000 / steps)))
        return cls(samples, batch, epochs, steps)

    @property
    def steps(self) -> int:
        """All steps of the run."""
        return self.epochs * self.steps_per_epoch

    def learning_rate(self, training: Training, step: int) -> float:
        """Return the learning rate of a step: a linear rise, then half a cosine down to zero.

        Examples
        --------
        >>> plan = Plan.of(Training(), 1000)
        >>> plan.learning_rate(Training(), plan.steps - 1) < 1e-6
        True
        """
        rise = max(1, round(training.warmup * self.steps))
        if step < rise:
            return training.learning_rate * (step + 1) / rise
        done = (step - rise) / max(1, self.steps - rise)
        return training.learning_rate * 0.5 * (1 + math.cos(math.pi * done))

    def patience(self, training: Training) -> int:
        """Return how many epochs without progress end the run."""
        return training.patience or max(10, self.epochs // 5)

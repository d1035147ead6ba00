"""How to train, as a value; and what it comes to for a given number of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from diabolo.check import Many, Maybe, Number, OneOf, Whole
from diabolo.part import Part, Some, knob
from diabolo.schedules import Schedule

_CHOSEN = "chosen from the number of samples"

_RATE = 3e-3
"""The learning rate where neither the user nor the job has another."""

_FREE = ("batch_size", "learning_rate", "schedules")
"""What a job may have an opinion on, besides the length, and a user may leave open."""


@dataclass(frozen=True)
class Training(Part):
    """How a model is trained: AdamW, a constant rate between warm-up and decay, early stopping on held-out samples.

    The defaults are meant to work untouched on tables, images and series; a job may know better for what is None. With
    `schedules` numbers of the recipe, such as the β of a variational autoencoder, change from epoch to epoch; the
    history shows them in columns of their own. Epochs are judged with the values of the recipe itself, by the samples
    held out, or where there are none by the training loss of those epochs that had these values; patience waits until
    all have.

    References
    ----------
    Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019; warm-up, stable, decay: Hägele et al.,
    "Scaling laws and compute-optimal training beyond fixed training durations", NeurIPS 2024.

    Examples
    --------
    >>> Training(epochs=5)
    Training(epochs=5)
    >>> Plan.of(Training(), 60_000)
    Plan(samples=60000, batch_size=512, epochs=17, steps_per_epoch=118)
    """

    epochs: int | None = knob(None, Maybe(Whole(1, 10**7), _CHOSEN), "passes over the samples, at most")
    steps: int | None = knob(
        None, Maybe(Whole(1, 10**9), "2,000, more for much data"), "steps that the epochs are chosen to amount to"
    )
    batch_size: int | None = knob(None, Maybe(Whole(1, 2**24), _CHOSEN), "samples per step")
    learning_rate: float | None = knob(
        None,
        Maybe(Number(0, open_low=True), f"{_RATE}, or as suits the job"),
        "learning rate of a matrix with 512 inputs",
    )
    weight_decay: float = knob(1e-2, Number(0), "decay of the weight matrices, per step and unit of learning rate")
    warmup: float = knob(0.05, Number(0, 1), "share of the steps over which the learning rate rises")
    decay: float = knob(0.2, Number(0, 1), "share of the steps, at the end, over which the learning rate falls to zero")
    clip: float | None = knob(
        1.0, Maybe(Number(0, open_low=True), "no clipping"), "largest norm of the gradient, per number of a sample"
    )
    validation: float = knob(0.1, Number(0, 0.9), "share of the samples held out to watch; 0 trains on all of them")
    patience: int | None = knob(
        None, Maybe(Whole(1, 10**7), "a fifth of the epochs, at least 10"), "epochs without progress before stopping"
    )
    precision: str = knob(
        "auto",
        OneOf("auto", "float32", "bfloat16"),
        "arithmetic of the net; auto is bfloat16 where CUDA has it, or the CPU and dense layers are large",
    )
    schedules: tuple[Schedule, ...] | None = knob(
        None,
        Maybe(Many(Some("schedules"), 16), "none, or as suits the job"),
        "numbers of the recipe that change from epoch to epoch",
    )

    def filled(self, usual: Training) -> Training:
        """Return the same with what it leaves open as `usual` has it: its length, `batch_size`, rate and `schedules`.

        Examples
        --------
        >>> usual = Training(epochs=40, batch_size=250)
        >>> Training(epochs=5).filled(usual), Training(steps=900).filled(usual)
        (Training(epochs=5, batch_size=250), Training(steps=900, batch_size=250))
        """
        length = ("epochs", "steps") if self.epochs is None and self.steps is None else ()
        free = [name for name in (*length, *_FREE) if getattr(self, name) is None]
        return self(**{name: getattr(usual, name) for name in free})


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

        Batches grow with the data: 64 samples for little, 256 from 8,000 samples on, 1,024 from 70,000. The epochs
        then give about 2,000 steps, with at least 10 epochs for much data and at most 400 for little; or about
        `training.steps` if that is given.
        """
        wanted = max(64, min(samples / 32, 256), min(samples / 96, 1024))
        batch = min(training.batch_size or 2 ** round(math.log2(wanted)), max(samples, 1))
        steps = math.ceil(samples / batch)
        enough = max(10, math.ceil(2000 / steps)) if training.steps is None else math.ceil(training.steps / steps)
        epochs = training.epochs or min(400, enough)
        return cls(samples, batch, epochs, steps)

    @property
    def steps(self) -> int:
        """All steps of the run."""
        return self.epochs * self.steps_per_epoch

    def learning_rate(self, training: Training, step: int) -> float:
        """Return the learning rate of a step: a linear rise, a constant, a linear fall to zero.

        Examples
        --------
        >>> plan = Plan.of(Training(epochs=10, batch_size=10), 100)
        >>> [round(plan.learning_rate(Training(), step), 5) for step in (0, 50, 90, 99)]
        [0.0006, 0.003, 0.0015, 0.00015]
        """
        rise, fall = (max(1, round(share * self.steps)) for share in (training.warmup, training.decay))
        return (training.learning_rate or _RATE) * min(1.0, (step + 1) / rise, (self.steps - step) / fall)

    def falling(self, training: Training, epoch: int) -> bool:
        """Tell whether the learning rate falls to zero already when `epoch` epochs are done."""
        return epoch >= math.floor(self.epochs * (1 - training.decay))

    def progress(self, epoch: int) -> float:
        """Return the share of the run that is done when `epoch` epochs are, from 0 in the first to 1 in the last.

        A plan that is cut goes on nearer to the end, never farther from it.

        Examples
        --------
        >>> [Plan.of(Training(epochs=epochs), 640).progress(0) for epochs in (1, 5)]
        [1.0, 0.0]
        """
        return epoch / (self.epochs - 1) if self.epochs > 1 else 1.0

    def settled(self, training: Training) -> int:
        """Return after how many epochs every scheduled number has the recipe's own value."""
        return math.ceil(max((s.settled for s in training.schedules or ()), default=0.0) * (self.epochs - 1))

    def cut(self, training: Training, epoch: int) -> Plan:
        """Return the plan in which the learning rate falls from now on, `epoch` epochs being done.

        Examples
        --------
        >>> Plan.of(Training(epochs=100), 640).cut(Training(epochs=100), 40).epochs
        50
        """
        share = min(training.decay, 0.9)
        return replace(self, epochs=min(self.epochs, epoch + math.ceil(epoch * share / (1 - share))))

    def patience(self, training: Training) -> int:
        """Return how many epochs without progress end the run."""
        return training.patience or max(10, self.epochs // 5)

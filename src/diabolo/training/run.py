"""The state of a run: what a checkpoint must hold, and nothing else."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field

from torch import Tensor, nn

from diabolo.training.adamw import AdamW
from diabolo.training.gradient import Gradient, gradient_of
from diabolo.training.history import History
from diabolo.training.plan import Plan, Training


@dataclass
class Run:
    """A model in training."""

    model: nn.Module
    training: Training
    plan: Plan
    optimiser: AdamW
    gradient: Gradient
    history: History = field(default_factory=History)
    epoch: int = 0
    best: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stopping: bool = False

    @classmethod
    def begin(cls, model: nn.Module, training: Training, samples: int) -> Run:
        """Return the state before the first step."""
        optimiser = AdamW(model, training.weight_decay)
        return cls(model, training, Plan.of(training, samples), optimiser, gradient_of(model, optimiser.weights))

    def stop(self, reason: str) -> None:
        """End the run after this epoch."""
        self.stopping, self.history.stopped = True, reason

    def judge(self, loss: float) -> None:
        """Keep the weights if they are the best so far; stop after too many epochs without progress."""
        if loss < self.best:
            self.best, self.history.best_epoch = loss, self.epoch
            self.best_weights = copy.deepcopy(self.model.state_dict())  # a copy: training goes on in place
        elif self.epoch - self.history.best_epoch >= self.plan.patience(self.training):
            self.stop("no progress")

    def restore(self) -> None:
        """Give the model the best weights of the run."""
        if self.best_weights:
            self.model.load_state_dict(self.best_weights)

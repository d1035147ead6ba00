"""The state of a run: what a checkpoint must hold, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from diabolo.members import Members
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
    best: Tensor = field(default_factory=lambda: torch.tensor(math.inf, dtype=torch.float64))
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stopping: bool = False

    @classmethod
    def begin(cls, model: nn.Module, training: Training, samples: int) -> Run:
        """Return the state before the first step."""
        optimiser, plan = AdamW(model, training.weight_decay), Plan.of(training, samples)
        gradient = gradient_of(model, optimiser.weights, training.precision, plan.batch_size)
        return cls(model, training, plan, optimiser, gradient)

    def stop(self, reason: str) -> None:
        """End the run after this epoch."""
        self.stopping, self.history.stopped = True, reason

    def judge(self, loss: Tensor) -> None:
        """Keep the weights of the model, or of each member (M,), if they are the best so far.

        After too many epochs without progress of any, the learning rate falls to zero at once, which ends the run; none
        count before all schedules have settled. Where a critic takes part, no two epochs compare, as it decides
        what the loss means: the run goes to its end, and the last weights are kept.
        """
        since = max(self.history.best_epoch, self.plan.settled(self.training))
        better = (loss < self.best.to(loss.device)) | _contested(self.model)
        if bool(better.any()):
            self.best = torch.where(better, loss, self.best.to(loss.device))
            self.history.best_epoch = self.epoch
            self._keep(better)
        elif self.epoch - since >= self.plan.patience(self.training):
            self._end()

    def _end(self) -> None:
        """Let the learning rate fall, as most progress comes then; stop if it is falling already, or never does."""
        if self.plan.falling(self.training, self.epoch):
            return
        self.plan, self.history.stopped = self.plan.cut(self.training, self.epoch), "no progress"
        if self.plan.epochs <= self.epoch:
            self.stop("no progress")

    def _keep(self, better: Tensor) -> None:
        now = self.model.state_dict()
        if self.epoch >= self.plan.epochs and bool(better.all()):
            self.best_weights = {}  # the run is over: the model has them
            return
        if not self.best_weights or bool(better.all()):
            self.best_weights = {name: own.clone() for name, own in now.items()}  # training goes on in place
            return
        for name, kept in self.best_weights.items():
            kept.copy_(torch.where(better.view(-1, *[1] * (kept.ndim - 1)), now[name], kept))

    def restore(self) -> None:
        """Give the model the best weights of the run."""
        if self.best_weights:
            self.model.load_state_dict(self.best_weights)


def _contested(model: nn.Module) -> bool:
    """Tell whether a critic takes part in the training of a model: one that learns."""
    critics = getattr(model.base if isinstance(model, Members) else model, "critics", nn.ModuleDict())
    return any(True for _ in critics.parameters())

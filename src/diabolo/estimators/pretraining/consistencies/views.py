"""Consistency of two views: what is said of a sample under much noise is to be what a teacher says under little."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from diabolo.corruptions import Corruption
from diabolo.estimators.pretraining.consistencies.consistency import (
    Consistency,
    ConsistencyModule,
    Student,
    corrupted,
)
from diabolo.estimators.pretraining.targets import Target


class Viewed(Consistency, role="consistencies"):
    """A consistency of two views."""

    strong: Corruption | None

    def build(
        self, width: int, target: Target, weak: Corruption | None, strong: Corruption | None
    ) -> ConsistencyModule:
        """Return the module that compares views."""
        self.check_target(target)
        return _Views(self, weak, strong if self.strong is None else self.strong)

    def check_target(self, target: Target) -> None:
        """Raise ParameterError if there is nothing to compare; any target can be by default."""

    @abstractmethod
    def cost(self, target: Target, told: Tensor, outputs: Tensor) -> Tensor:
        """Return how far outputs (U, K) lie from what the teacher told (U, K), (U,)."""


class _Views(ConsistencyModule):
    def __init__(self, part: Viewed, weak: Corruption | None, strong: Corruption | None) -> None:
        super().__init__()
        self.part, self.weak, self.strong = part, weak, strong

    def forward(self, student: Student, labelled: Tensor, y: Tensor, unlabelled: Tensor) -> tuple[Tensor, Tensor]:
        told = student.teacher(corrupted(unlabelled, self.weak))
        seen = torch.cat([corrupted(labelled, self.weak), corrupted(unlabelled, self.strong)])
        outputs, others = student.outputs(seen).split([len(labelled), len(unlabelled)])
        return outputs, self.part.weight * self.part.cost(student.target, told, others).mean()

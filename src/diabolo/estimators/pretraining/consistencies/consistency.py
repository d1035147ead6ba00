"""What a consistency is: a cost of saying different things of the same sample, which needs no label."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from torch import Tensor, nn

from diabolo.corruptions import Corruption
from diabolo.estimators.pretraining.targets import Target
from diabolo.part import Part


class Student(Protocol):
    """A net that learns: from features to outputs, as its consistency sees it."""

    target: Target

    def outputs(self, x: Tensor) -> Tensor:
        """Return the outputs (B, K) for x (B, *shape)."""
        ...

    def teacher(self, x: Tensor) -> Tensor:
        """Return the outputs of the mean of the weights so far, without a gradient."""
        ...

    def features(self, x: Tensor) -> Tensor:
        """Return the features (B, width), standardised, without a gradient."""
        ...


class Consistency(Part, role="consistencies"):
    """A cost of unlabelled samples, beside that of labelled ones."""

    weight: float
    ratio: int
    """Unlabelled samples in a batch for each labelled one."""

    @abstractmethod
    def build(
        self, width: int, target: Target, weak: Corruption | None, strong: Corruption | None
    ) -> ConsistencyModule:
        """Return the module that does the work, for features of `width` and samples that may be corrupted so.

        Raises
        ------
        ParameterError
            If it has nothing to say of such a target.
        """

    @abstractmethod
    def equation(self) -> str:
        """Return the cost as a formula."""


class ConsistencyModule(nn.Module):
    """The machine behind a consistency."""

    def forward(self, student: Student, labelled: Tensor, y: Tensor, unlabelled: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs (L, K) of labelled x (L, *shape), and the cost () of the unlabelled (U, *shape)."""
        raise NotImplementedError


def corrupted(x: Tensor, corruption: Corruption | None) -> Tensor:
    """Return x (B, *shape) with noise, if there is any."""
    return x if corruption is None else corruption.corrupt(x)[0]

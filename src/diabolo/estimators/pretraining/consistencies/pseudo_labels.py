"""Pseudo-labels."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Maybe, Number, Whole
from diabolo.corruptions import Corruption
from diabolo.errors import ParameterError
from diabolo.estimators.pretraining.classes import Classes
from diabolo.estimators.pretraining.consistencies.views import Viewed
from diabolo.estimators.pretraining.targets import Target
from diabolo.part import Some, knob


@dataclass(frozen=True)
class PseudoLabels(Viewed):
    """The class that a teacher is sure of under little noise is the label under much noise.

    The teacher is the mean of the weights so far. Samples of which it is not sure cost nothing.

    References
    ----------
    Sohn et al., "FixMatch: simplifying semi-supervised learning with consistency and confidence", NeurIPS 2020,
    equation 4; the mean teacher: Tarvainen, Valpola, NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np, torch
    >>> told, outputs = torch.tensor([[9.0, 0.0], [0.1, 0.0]]), torch.zeros(2, 2)
    >>> PseudoLabels().cost(Classes(np.array([0, 1])), told, outputs)
    tensor([0.6931, 0.0000])
    """

    threshold: float = knob(0.95, Number(0, 1), "probability of a class from which on the teacher is sure")
    weight: float = knob(1.0, Number(0), "cost of a nat, where labels cost 1")
    ratio: int = knob(3, Whole(1, 1024), "unlabelled samples in a batch for each labelled one")
    strong: Corruption | None = knob(None, Maybe(Some("corruptions"), "chosen from the data"), "the much noise")

    def check_target(self, target: Target) -> None:
        """Raise ParameterError unless there are classes."""
        if not isinstance(target, Classes):
            raise ParameterError("PseudoLabels need classes; use MeanTeacher() for the consistency of a regressor.")

    def cost(self, target: Target, told: Tensor, outputs: Tensor) -> Tensor:
        """Return the cross-entropy with the class told, 0 where that is not sure."""
        sure, label = told.softmax(1).max(1)
        return F.cross_entropy(outputs, label, reduction="none") * (sure > self.threshold)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·[max p̄(y|x') > {self.threshold:g}]·−log p(argmax p̄ | x̃)"

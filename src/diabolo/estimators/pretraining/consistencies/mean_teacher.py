"""The mean teacher."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from diabolo.check import Maybe, Number, Whole
from diabolo.corruptions import Corruption
from diabolo.estimators.pretraining.consistencies.views import Viewed
from diabolo.estimators.pretraining.targets import Target
from diabolo.part import Some, knob


@dataclass(frozen=True)
class MeanTeacher(Viewed):
    """Probabilities, or quantities, under much noise are to be those that a teacher tells under little.

    The teacher is the mean of the weights so far. What ladder networks ask of every layer is asked of the outputs.

    References
    ----------
    Tarvainen, Valpola, "Mean teachers are better role models", NeurIPS 2017; Rasmus et al., "Semi-supervised learning
    with ladder networks", NeurIPS 2015.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from diabolo.estimators.pretraining.quantities import Quantities
    >>> quantities = Quantities(np.zeros(1), np.ones(1))
    >>> MeanTeacher().cost(quantities, torch.tensor([[1.0]]), torch.tensor([[3.0]]))
    tensor([4.])
    """

    weight: float = knob(1.0, Number(0), "cost of a squared difference of one")
    ratio: int = knob(3, Whole(1, 1024), "unlabelled samples in a batch for each labelled one")
    strong: Corruption | None = knob(None, Maybe(Some("corruptions"), "chosen from the data"), "the much noise")

    def cost(self, target: Target, told: Tensor, outputs: Tensor) -> Tensor:
        """Return the squared difference."""
        return (target.spread(outputs) - target.spread(told)).square().sum(1)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·‖p(y|x̃) − p̄(y|x')‖²"

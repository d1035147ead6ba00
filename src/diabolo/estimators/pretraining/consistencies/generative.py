"""Labels as a part of the code: the generative semi-supervised model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.corruptions import Corruption
from diabolo.errors import ParameterError
from diabolo.estimators.pretraining.classes import Classes
from diabolo.estimators.pretraining.consistencies.consistency import (
    Consistency,
    ConsistencyModule,
    Student,
    corrupted,
)
from diabolo.estimators.pretraining.targets import Target
from diabolo.flow import Batch
from diabolo.latents import Gaussian
from diabolo.likelihoods import SquaredError
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.part import knob


@dataclass(frozen=True)
class Generative(Consistency):
    """Features are explained by a class and a code; of unlabelled samples, the class is summed over.

    A variational autoencoder of the features f that is told the class costs L(f, y). Labelled samples cost it beside
    their cross-entropy, unlabelled ones Σ_y q(y|x)·L(f, y) − H(q(y|x)), both divided by the number of features. With
    the features of a variational autoencoder this is the model M1+M2.

    References
    ----------
    Kingma, Rezende, Mohamed, Welling, "Semi-supervised learning with deep generative models", NeurIPS 2014, equations
    6 to 9.

    Examples
    --------
    >>> Generative(weight=0.5).equation()
    '0.5·(Σ_y q(y|x)·L(f, y) − H(q(y|x)))'
    """

    weight: float = knob(1.0, Number(0), "cost of a nat per feature")
    ratio: int = knob(3, Whole(1, 1024), "unlabelled samples in a batch for each labelled one")
    code: int = knob(16, Whole(1, 4096), "size of the code that explains what the class does not")
    hidden: int = knob(128, Whole(1, 65536), "width of the hidden layer of encoder and decoder")
    scale: float = knob(0.5, Number(0, open_low=True), "standard deviation of standardised features given both")

    def build(
        self, width: int, target: Target, weak: Corruption | None, strong: Corruption | None
    ) -> ConsistencyModule:
        """Return the module with the autoencoder of the features."""
        if not isinstance(target, Classes):
            raise ParameterError("Generative needs classes; use MeanTeacher() for the consistency of a regressor.")
        net = MLP((self.hidden,), bypass=False)
        recipe = Recipe(net, Gaussian(), SquaredError(self.scale))
        return _Explained(self, recipe.build((width,), self.code, target.width).train(), weak)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·(Σ_y q(y|x)·L(f, y) − H(q(y|x)))"


class _Explained(ConsistencyModule):
    def __init__(self, part: Generative, model: torch.nn.Module, weak: Corruption | None) -> None:
        super().__init__()
        self.part, self.model, self.weak = part, model, weak

    def forward(self, student: Student, labelled: Tensor, y: Tensor, unlabelled: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.cat([corrupted(labelled, self.weak), corrupted(unlabelled, self.weak)])
        outputs, others = student.outputs(seen).split([len(labelled), len(unlabelled)])
        of_labelled, of_unlabelled = student.features(seen).split([len(labelled), len(unlabelled)])
        count = outputs.shape[1]
        every = torch.eye(count, device=y.device).repeat_interleave(len(others), 0)
        told = torch.cat([F.one_hot(y, count).to(every), every])
        costs = self._costs(torch.cat([of_labelled, of_unlabelled.repeat(count, 1)]), told)
        known, summed = costs.split([len(y), len(every)])
        q = others.log_softmax(1)  # (U, K)
        free = (q.exp() * (summed.view(count, -1).T + q)).sum(1)  # the entropy is −Σ q log q
        return outputs, self.part.weight * (known.mean() + free.mean()) / of_labelled.shape[1]

    def _costs(self, features: Tensor, told: Tensor) -> Tensor:
        output = self.model(Batch(features, condition=told))
        return output.distortion + output.rate

"""Binary cross-entropy."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.likelihoods.likelihood import Domain, Likelihood


@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """The cross-entropy of x in [0, 1], with D(z) as logits; for x of 0 and 1 exactly -log p(x).

    Examples
    --------
    >>> import torch
    >>> Bernoulli().distortion(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]))
    tensor([[0.6931, 0.6931]])
    """

    domain: ClassVar[Domain] = "unit"

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy per element."""
        return F.binary_cross_entropy_with_logits(params, target, reduction="none")

    def slope(self, params: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy and s(D(z)) − x per element.

        In training the former is only looked at: so it is log(1 + exp D(z)) − x·D(z), two and a half times as fast as
        the function above, and less exact where 1 is all but certain.
        """
        return F.softplus(params).addcmul_(params, target, value=-1), params.sigmoid().sub_(target)

    def mean(self, params: Tensor) -> Tensor:
        """Return the probabilities of 1."""
        return params.sigmoid()

    def sample(self, params: Tensor) -> Tensor:
        """Draw 0 or 1."""
        return torch.bernoulli(params.sigmoid())

    def equation(self) -> str:
        """Return the formula."""
        return "−Σ[x·log s(D(z)) + (1 − x)·log s(−D(z))]"

"""Cross-entropy of counts."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.likelihoods.likelihood import Domain, Likelihood


@dataclass(frozen=True)
class Multinomial(Likelihood):
    """-log p of counts over all elements of a sample, D(z) their logits, up to the multinomial coefficient.

    The total of a sample is given, not modelled: `mean` and `sample` are for a total of one, so that the mean holds
    the probabilities.

    References
    ----------
    Liang et al., "Variational autoencoders for collaborative filtering", WWW 2018, equation 2.

    Examples
    --------
    >>> import torch
    >>> Multinomial().distortion(torch.zeros(1, 2), torch.tensor([[3.0, 0.0]]))
    tensor([[2.0794, 0.0000]])
    """

    domain: ClassVar[Domain] = "counts"

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return −x·log p per element."""
        return -target * params.flatten(1).log_softmax(1).view(params.shape)

    def mean(self, params: Tensor) -> Tensor:
        """Return the probabilities, which sum to 1 over a sample."""
        return params.flatten(1).softmax(1).view(params.shape)

    def sample(self, params: Tensor) -> Tensor:
        """Draw where a single count falls."""
        logits = params.flatten(1)
        drawn = torch.multinomial(logits.softmax(1), 1)
        return torch.zeros_like(logits).scatter(1, drawn, 1).view(params.shape)

    def equation(self) -> str:
        """Return the formula."""
        return "−Σ x·log softmax(D(z))"

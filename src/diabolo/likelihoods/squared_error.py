"""Squared error."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.likelihoods.likelihood import Likelihood


@dataclass(frozen=True)
class SquaredError(Likelihood):
    """Half the squared error: -log N(x; D(z), 1) up to the constant ½ log 2π per element.

    Examples
    --------
    >>> import torch
    >>> SquaredError().distortion(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]))
    tensor([[0.5000, 2.0000]])
    """

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return ½(x − D(z))² per element."""
        return 0.5 * (params - target).square()

    def mean(self, params: Tensor) -> Tensor:
        """Return the params: they are the mean."""
        return params

    def sample(self, params: Tensor) -> Tensor:
        """Draw from N(D(z), 1)."""
        return params + torch.randn_like(params)

    def equation(self) -> str:
        """Return the formula."""
        return "½‖x − D(z)‖²"

"""Absolute error."""

from dataclasses import dataclass

from torch import Tensor
from torch.distributions import Laplace as Law

from diabolo.likelihoods.likelihood import Likelihood


@dataclass(frozen=True)
class Laplace(Likelihood):
    """The absolute error: -log Laplace(x; D(z), 1) up to the constant log 2 per element. Forgiving of outliers.

    Examples
    --------
    >>> import torch
    >>> Laplace().distortion(torch.zeros(1, 2), torch.tensor([[1.0, -2.0]]))
    tensor([[1., 2.]])
    """

    begins_with_mean = True
    tells_noise = False

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return |x − D(z)| per element."""
        return (params - target).abs()

    def mean(self, params: Tensor) -> Tensor:
        """Return the params: they are mean and median."""
        return params

    def sample(self, params: Tensor) -> Tensor:
        """Draw from Laplace(D(z), 1)."""
        return Law(params, 1.0, validate_args=False).sample()

    def equation(self) -> str:
        """Return the formula."""
        return "‖x − D(z)‖₁"

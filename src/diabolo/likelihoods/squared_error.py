"""Squared error."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.likelihoods.likelihood import Likelihood
from diabolo.part import knob


@dataclass(frozen=True)
class SquaredError(Likelihood):
    """Half the squared error over σ²: -log N(x; D(z), σ²) up to the constant ½ log 2πσ² per element.

    σ is what the decoder may leave unexplained. Alone it changes nothing but the size of the loss; against a rate it
    says what a nat of code is worth, so that a variational autoencoder of σ = 0.3 is one of σ = 1 with β = 0.09.

    Examples
    --------
    >>> import torch
    >>> SquaredError().distortion(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]))
    tensor([[0.5000, 2.0000]])
    """

    begins_with_mean = True
    tells_noise = False

    sigma: float = knob(
        1.0, Number(0, open_low=True), "standard deviation left unexplained, in units of the scaled data"
    )

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return ½(x − D(z))²/σ² per element."""
        return (0.5 / self.sigma**2) * (params - target).square()

    def slope(self, params: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return ½(x − D(z))²/σ² and (D(z) − x)/σ² per element."""
        error, weight = params - target, 1 / self.sigma**2
        return error.square().mul_(0.5 * weight), error if weight == 1 else error.mul_(weight)

    def mean(self, params: Tensor) -> Tensor:
        """Return the params: they are the mean."""
        return params

    def sample(self, params: Tensor) -> Tensor:
        """Draw from N(D(z), σ²)."""
        return params + self.sigma * torch.randn_like(params)

    def equation(self) -> str:
        """Return the formula."""
        return "½‖x − D(z)‖²" if self.sigma == 1 else f"½‖x − D(z)‖²/{self.sigma:g}²"

"""The angle between a sample and its reconstruction."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.likelihoods.likelihood import Likelihood
from diabolo.sparse import places, sums, unit


@dataclass(frozen=True)
class Cosine(Likelihood):
    """Half the squared error between directions, ½‖x/‖x‖ − D(z)/‖D(z)‖‖² = 1 − cos: how long either is says nothing.

    It is -log N(x/‖x‖; D(z)/‖D(z)‖, I) up to a constant. A sample of zeros has no direction, and a distortion of ½.

    References
    ----------
    Vančura et al., "Scalable linear shallow autoencoder for collaborative filtering", RecSys 2022, equation 8.

    Examples
    --------
    >>> Cosine().distortion(torch.tensor([[0.0, 3.0]]), torch.tensor([[4.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """

    tells_noise = False

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return half the squared difference of the directions per element."""
        return 0.5 * (self.mean(params) - self.mean(target)).square()

    def total(self, params: Tensor, target: Tensor, share: Tensor | None = None) -> Tensor:
        """Return ½‖x/‖x‖ − D(z)/‖D(z)‖‖² (B,); of sparse targets by their entries alone."""
        if not target.is_sparse or share is not None:
            return super().total(params, target, share)
        x, length = unit(target.coalesce()), params.norm(dim=1)
        cosine = sums(x, params.flatten()[places(x)] * x.values()) / length.clamp_min(1e-12)
        return 0.5 * (sums(x, x.values().square()) + (length > 0)) - cosine

    def mean(self, params: Tensor) -> Tensor:
        """Return the direction: of length 1 over a sample."""
        return F.normalize(params.flatten(1), dim=1).view(params.shape)

    def sample(self, params: Tensor) -> Tensor:
        """Draw from N(D(z)/‖D(z)‖, I)."""
        return self.mean(params) + torch.randn_like(params)

    def equation(self) -> str:
        """Return the formula."""
        return "½‖x/‖x‖ − D(z)/‖D(z)‖‖²"

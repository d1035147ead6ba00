"""Cross-entropy of counts."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.sparse import places, sums


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

    def total(self, params: Tensor, target: Tensor, share: Tensor | None = None) -> Tensor:
        """Return −Σ x·log p (B,); of sparse targets by their entries alone, beside a single softmax."""
        if not target.is_sparse or share is not None:
            return super().total(params, target, share)
        return _Sparse.apply(params, target.coalesce())

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


class _Sparse(torch.autograd.Function):
    """−Σ x·log softmax(y) per row, whose gradient n·softmax(y) − x is written over the one softmax that is kept."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, x: Tensor) -> Tensor:
        p = logits.softmax(1)  # (B, I)
        most, at = p.max(1)
        whole = logits.gather(1, at[:, None])[:, 0] - most.log()  # log Σ exp y, of the largest term: none is lost
        ctx.save_for_backward(p, x)
        return sums(x, x.values() * (whole[x.indices()[0]] - logits.flatten()[places(x)]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        p, x = ctx.saved_tensors
        p.mul_((sums(x, x.values()) * g)[:, None])
        p.view(-1).index_add_(0, places(x), x.values() * g[x.indices()[0]], alpha=-1)
        return p, None

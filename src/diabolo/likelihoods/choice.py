"""Drawing categories: the largest of logits that are disturbed in the right way is a draw."""

from __future__ import annotations

import torch
from torch import Tensor


def disturbed(logits: Tensor) -> Tensor:
    """Return logits plus noise of Gumbel: along any axis, the place of the largest is drawn by their softmax.

    References
    ----------
    Gumbel, "Statistical theory of extreme values and some practical applications", 1954; Maddison, Tarlow, Minka, "A*
    sampling", NeurIPS 2014, section 2.

    Examples
    --------
    >>> logits = torch.tensor([0.25, 0.75]).log().expand(10_000, 2)
    >>> bool((disturbed(logits).argmax(1).float().mean() - 0.75).abs() < 0.03)
    True
    """
    return logits - torch.empty_like(logits).exponential_().log_()


def draw(logits: Tensor, mean: Tensor, log_scale: Tensor, axis: int) -> Tensor:
    """Draw from mixtures of logistic distributions, whose components lie along `axis`."""
    chosen = disturbed(logits).argmax(axis, keepdim=True)
    mean, scale = (value.gather(axis, chosen).squeeze(axis) for value in (mean, log_scale.exp()))
    return mean + scale * torch.rand_like(mean).logit(eps=1e-7)

"""Where several places agree: a mean that those which lie apart hardly move."""

from __future__ import annotations

import torch
from torch import Tensor


def middle(places: Tensor, weights: Tensor) -> Tensor:
    """Return the middle (B, n) of each k `places` (B, k, n), which count by their `weights` (B, k).

    A mean of places in two groups lies in neither. Here the place that has most of the others around it is found, and
    each counts as much less as it is farther from that one: by q = 1 / (1 + d²), as in the map. This is one step of the
    search for the place where Σ w log (1 + d²) is least, the attraction of neighbours in a map.

    Parameters
    ----------
    places : Tensor (B, k, n)
        In the unit of a map that `layout` made.
    weights : Tensor (B, k)
        At least 0.

    References
    ----------
    Huber, "Robust estimation of a location parameter", 1964, with the likelihood of the Cauchy distribution.

    Examples
    --------
    >>> places = torch.tensor([[[0.0], [1.0], [100.0]]])
    >>> round(middle(places, torch.ones(1, 3)).item(), 2), places.mean().round().item()
    (0.67, 34.0)
    """
    near = 1 / (1 + (places[:, :, None] - places[:, None]).square().sum(3))  # (B, k, k)
    densest = torch.bmm(near, weights[:, :, None]).argmax(1, keepdim=True)  # (B, 1, 1)
    share = weights * near.gather(1, densest.expand(-1, -1, near.shape[2]))[:, 0]
    return torch.bmm((share / share.sum(1, keepdim=True))[:, None], places)[:, 0]

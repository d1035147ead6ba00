"""A map without a net: each point has a place of its own, and moves until its neighbours are near."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.neighbours.graph import Graph

_PAIRS, _FEWEST = 2**20, 128
"""Pairs of points that push each other at a step, and at least how many points push: a random part of many."""

_PULL, _PULLED = 4.0, 0.3
"""Neighbours attract each other so much more over so much of the run."""

_STEP, _FALL = 0.3, 0.3
"""Length of a step, and the share of the run, at the end, over which it falls to 0."""


@torch.no_grad()
def layout(graph: Graph, places: Tensor, steps: int = 300, seed: int = 0) -> Tensor:
    """Return where points (N, n) that begin at `places` (N, n) come to lie.

    −Σᵢⱼ wᵢⱼ log qᵢⱼ + Σᵢ wᵢ log Σₖ qᵢₖ falls, with q = 1 / (1 + ‖zᵢ − zⱼ‖²) and wᵢ = Σⱼ wᵢⱼ: it asks for each edge that
    it be told from pairs that are none. Steps have the length that Adam gives them, of a point as a whole; attraction
    is stronger at first, so that groups form before they push each other apart. Of many points a random part pushes at
    each step.

    References
    ----------
    Damrich, Böhm, Hamprecht, Kobak, "From t-SNE to UMAP with contrastive learning", ICLR 2023, equation 8 (InfoNCE);
    early exaggeration: van der Maaten, Hinton, JMLR 2008, section 3.4.

    Examples
    --------
    >>> points = torch.tensor([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]])
    >>> z = layout(Graph.of(points, 2), points.expand(6, 2), steps=100)
    >>> bool((z[:3] - z[:3].mean(0)).norm(dim=1).max() < (z[0] - z[5]).norm() / 2)
    True
    """
    degree = places.new_zeros(graph.count).index_add_(0, graph.rows, graph.weights)
    z = (places - places.mean(0)) / places.std(0).clamp_min(1e-6) if graph.count > 1 else places.clone()
    generator = torch.Generator().manual_seed(seed)
    z = z + 1e-3 * torch.randn(z.shape, generator=generator).to(z)  # equal points would stay together for ever
    first, second = torch.zeros_like(z), z.new_zeros(graph.count, 1)
    for step in range(steps):
        slope = (_PULL if step < _PULLED * steps else 1.0) * _pull(graph, z) - _push(degree, z, generator)
        first.lerp_(slope, 0.2)
        second.lerp_(slope.square().mean(1, keepdim=True), 0.05)
        z = z - _STEP * min(1.0, (steps - step) / (_FALL * steps)) * first / (second.sqrt() + 1e-8)
    return z - z.mean(0)


def _pull(graph: Graph, z: Tensor) -> Tensor:
    """Return the slope of −Σ w log q."""
    away = z.index_select(0, graph.rows).sub_(z.index_select(0, graph.columns))
    force = 2 * graph.weights / (1 + away.square().sum(1))
    return torch.zeros_like(z).index_add_(0, graph.rows, away.mul_(force[:, None]))


def _push(degree: Tensor, z: Tensor, generator: torch.Generator) -> Tensor:
    """Return minus the slope of Σᵢ wᵢ log Σₖ qᵢₖ by zᵢ, over all points k or a random part of them."""
    count = len(z)
    some = max(_FEWEST, _PAIRS // count)
    chosen = torch.arange(count) if some >= count else torch.randint(count, (some,), generator=generator)
    chosen = chosen.to(z.device)
    others = z[chosen]
    squares = torch.addmm(others.square().sum(1) + 1, z, others.T, alpha=-2).add_(z.square().sum(1, keepdim=True))
    q = squares.clamp_min_(1).reciprocal_()
    q[chosen, torch.arange(len(chosen), device=z.device)] = 0
    share = degree[:, None] / q.sum(1, keepdim=True).clamp_min_(1e-12)
    force = q.square_()
    return 2 * share * (force.sum(1, keepdim=True) * z - force @ others)

"""The fuzzy graph of neighbours: who is near whom, and how surely."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.neighbours.search import nearest

_HALVINGS = 40


def memberships(distances: Tensor) -> Tensor:
    """Return how surely each of k neighbours, at rising `distances` (N, k), is one: weights (N, k) in [0, 1].

    v = exp(−(d − ρ) / σ), where ρ is the distance of the nearest neighbour, which is one for sure, and σ such that the
    weights sum to log₂ k; of a single neighbour to 1. So every point has as many neighbours as any, in sparse places
    too.

    References
    ----------
    McInnes, Healy, Melville, "UMAP: uniform manifold approximation and projection", 2018, section 3.1 and algorithm 3.

    Examples
    --------
    >>> weights = memberships(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    >>> weights[0, 0].item(), round(weights.sum().item(), 4)
    (1.0, 2.0)
    """
    beyond = distances - distances[:, :1]
    wanted = max(math.log2(distances.shape[1]), 1.0)
    top = beyond.amax(1, keepdim=True).clamp_min(1e-12)
    low, high = torch.zeros_like(top), 64 * top
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        much = (-beyond / middle).exp().sum(1, keepdim=True) > wanted
        low, high = torch.where(much, low, middle), torch.where(much, middle, high)
    return (-beyond / high.clamp_min(1e-30)).exp()


@dataclass(frozen=True, eq=False)
class Graph:
    """Undirected edges of N points, each there twice.

    Parameters
    ----------
    count : int
        How many points.
    rows, columns : Tensor (E,)
        The two ends of each edge.
    weights : Tensor (E,)
        How sure each edge is, in (0, 1].
    """

    count: int
    rows: Tensor
    columns: Tensor
    weights: Tensor

    @classmethod
    def of(cls, points: Tensor, neighbours: int) -> Graph:
        """Return the graph of points (N, F): an edge is there if either end says so, a + b − ab.

        References
        ----------
        McInnes, Healy, Melville, "UMAP", 2018, section 3.1: the probabilistic union.

        Examples
        --------
        >>> graph = Graph.of(torch.tensor([[0.0], [1.0], [3.0]]), 1)
        >>> list(zip(graph.rows.tolist(), graph.columns.tolist(), graph.weights.tolist()))
        [(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0)]
        """
        distances, columns = nearest(points, points, neighbours)
        count = len(points)
        rows = torch.arange(count, device=points.device)[:, None].expand_as(columns)
        ends, weights = (rows * count + columns).flatten(), memberships(distances).flatten()
        back = (columns * count + rows).flatten()
        edges, where = torch.cat([ends, back]).unique(return_inverse=True)
        there = weights.new_zeros(len(edges)).scatter(0, where[: len(ends)], weights)
        again = weights.new_zeros(len(edges)).scatter(0, where[len(ends) :], weights)
        return cls(count, edges // count, edges % count, there + again - there * again)

"""A penalty on codes whose connected parts are others than those of the data."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor

from diabolo.check import Number
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty
from diabolo.sparse import dense


@dataclass(frozen=True)
class Topology(Penalty):
    """½Σ(dₓ − d_z)² over the edges of two minimum spanning trees of a batch, that of the data and that of the codes.

    Their lengths are the distances at which parts of the batch come to be connected: its persistent homology of
    dimension 0. dₓ is the distance of two samples over √D, their root mean square difference, and d_z that of their
    codes. Counted per sample, and per number of a sample.

    References
    ----------
    Moor, Horn, Rieck, Borgwardt, "Topological autoencoders", ICML 2020, equations 2 to 5; there distances of both are
    divided by scales of their own.

    Examples
    --------
    >>> Topology(2.0).equation()
    '2·D·½Σ(dₓ − d_z)² over spanning trees of x and z'
    """

    weight: float = knob(1.0, Number(0), "cost of one unit of squared difference in length, per number of a sample")

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term for the batch (); 0 for a batch of one."""
        x, z = dense(batch.x).flatten(1), output.code.z[: len(batch.x)]
        if len(z) < 2:
            return z.sum() * 0
        with torch.no_grad():
            of_x = torch.cdist(x, x) / x.shape[1] ** 0.5
            ends = [_tree(of_x), _tree(torch.cdist(z, z))]
        lost = z.new_zeros(())
        for i, j in ends:
            apart = (z[i] - z[j]).square().sum(1).clamp_min(1e-12).sqrt()
            lost = lost + 0.5 * (of_x[i, j] - apart).square().sum()
        return self.weight * x.shape[1] * lost / len(z)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·D·½Σ(dₓ − d_z)² over spanning trees of x and z"


def _tree(distances: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two ends (B − 1,) each of the edges of a minimum spanning tree of B points."""
    wide = distances.double().cpu() + 1e-9  # an edge of length 0 would be none
    tree = minimum_spanning_tree(wide.triu(1).numpy()).tocoo()
    row, column = (torch.from_numpy(end).long().to(distances.device) for end in (tree.row, tree.col))
    return row, column

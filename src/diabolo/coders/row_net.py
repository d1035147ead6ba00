"""The net that guesses each level of a row from those before it, in floating point, as it is trained."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from diabolo.codec.alphabet import MEASURE
from diabolo.codec.alphabets import Alphabets
from diabolo.flow import Batch, Code, Output

STEPS = {
    "embed": 2**-5,
    "slope": 2**-5,
    "begin": 2**-5,
    "linear": 2**-8,
    "readout": 2**-4,
    "offset": 2**-4,
    "lean": 2**-6,
    "start": 2**-6,
    "sharp": 2**-4,
    "blunt": 2**-4,
}
"""The weights by name, and what they are whole multiples of."""

STEEPEST = 2**13
"""The largest decay of a count over `MEASURE`, in nats."""

FLATTEST = -11
"""The logarithm of the share of the steepest decay at which there is none any more."""

_CLOSED = -1e9


class RowNet(nn.Module):
    """Rows of levels x → −log p(x) = −Σ_j log p(x_j | x_1 … x_{j−1}, rows before), each level in two steps.

    Hidden units add up what the levels so far say, h = clamp(c + Σ_i<j (E[x_i] + w_i·u_i), 0, 1), where u is the level
    as measured. Of column j they say a middle μ, how fast counts decay with the distance from it, and the logits of
    groups, beside those of how often each is there::

        log p(group)         ∝ log n_group + V·h + d − s₁·|centre − μ|
        log p(cell | group)  ∝ log n_cell − s₂·|middle − μ|,     μ = A·u + m·h + m₀

    The rate is what the weights themselves cost in a file, as a share of each of the training samples: weights that do
    not pay for themselves go to 0.

    References
    ----------
    Larochelle, Murray, "The neural autoregressive distribution estimator", AISTATS 2011, equations 5 and 6; description
    length: Hinton, Zemel, "Autoencoders, minimum description length and Helmholtz free energy", NIPS 1993.

    Parameters
    ----------
    alphabets : Alphabets
        Of D columns.
    hidden : int
        Number of hidden units H.
    before : int
        How many rows before each are looked at.
    count : int
        How many samples the weights are paid by.
    """

    middles: Tensor
    centres: Tensor
    expected: Tensor
    logits: Tensor
    closed: Tensor
    place: Tensor
    below: Tensor
    linear: Tensor
    blunt: Tensor

    def __init__(self, alphabets: Alphabets, hidden: int, before: int, count: int) -> None:
        super().__init__()
        columns, groups = len(alphabets.each), sum(alphabets.sizes)
        self.columns, self.count = columns, count
        self._tables(alphabets)
        shapes = {
            "embed": (1 + before, groups, hidden),
            "slope": (1 + before, columns, hidden),
            "begin": (hidden,),
            "linear": (1 + before, columns, columns),
            "readout": (groups, hidden),
            "offset": (groups,),
            "lean": (columns, hidden),
            "start": (columns,),
            "sharp": (2, columns, hidden),
            "blunt": (2, columns),
        }
        drawn = {"embed": 0.1, "slope": 0.3, "begin": 0.1}
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(drawn.get(name, 0.0) * torch.randn(shape)))
        nn.init.constant_(self.blunt, -10.0)

    def forward(self, batch: Batch, noise: bool = True) -> Output:
        """Cost rows (B, 1 + before, 3, D) of groups, cells within groups, and levels as measured; the row itself first.

        Where there is no row before, its groups are −1.
        """
        group, cell, u = batch.x[:, :, 0].long(), batch.x[:, 0, 1].long(), batch.x[:, :, 2] / MEASURE
        h = self._hidden(group, u)  # (B, D, H)
        mu = self._linear(u) + (h * self.whole("lean")).sum(-1) + self.whole("start")  # (B, D)
        sharp = torch.einsum("bdh,kdh->kbd", h, self.whole("sharp")) + self.whole("blunt")[:, None]
        decay = STEEPEST * (sharp.clamp(FLATTEST, 0).exp() - math.exp(FLATTEST))  # (2, B, D)
        readout = self.whole("readout")[self.place]  # (D, K, H)
        said = torch.einsum("bdh,dkh->bdk", h, readout) + (self.logits + self.whole("offset")[self.place] + self.closed)
        coarse = said - decay[0, ..., None] * (self.centres - mu[..., None]).abs()
        column = torch.arange(self.columns, device=group.device)
        own = group[:, 0]  # (B, D)
        distance = (self.middles[column, own] - mu[..., None]).abs()  # (B, D, W)
        fine = self.expected[column, own] - decay[1, ..., None] * distance
        distortion = _missed(coarse, own).sum(1) + _missed(fine, cell).sum(1)
        return Output(batch.x, Code(h, h, distortion), said, distortion, self.cost().expand(len(distortion)))

    def whole(self, name: str) -> Tensor:
        """Return weights, rounded to multiples of their step; the gradient passes through."""
        weight = getattr(self, name)
        return weight + ((weight / STEPS[name]).round() * STEPS[name] - weight).detach()

    def cost(self) -> Tensor:
        """Return about how many nats a sample the weights take: those of a Laplace distribution for each kind."""
        each = (self._used(name) for name in STEPS)
        parts = [w.numel() * (w.abs().mean() / STEPS[name] + 0.3).log() for name, w in zip(STEPS, each, strict=True)]
        return torch.stack(parts).sum() / self.count

    def integers(self) -> dict[str, NDArray]:
        """Return the weights as whole numbers of their steps."""
        rounded = {name: (getattr(self, name) / STEPS[name]).round().long() for name in STEPS}
        rounded["linear"][0] = rounded["linear"][0].tril(-1)
        return {name: value.cpu().numpy() for name, value in rounded.items()}

    def _used(self, name: str) -> Tensor:
        return self.linear[:, self.below] if name == "linear" else getattr(self, name)

    def _hidden(self, group: Tensor, u: Tensor) -> Tensor:
        there = (group >= 0)[..., None]  # (B, 1 + before, D, 1)
        at = group.clamp(0) + self.place[:, 0]
        embed, slope = self.whole("embed"), self.whole("slope")
        each = torch.stack(
            [F.embedding(at[:, i], embed[i]) + u[:, i, :, None] * slope[i] for i in range(len(embed))], 1
        )
        each = each * there  # (B, 1 + before, D, H)
        own = each[:, 0].cumsum(1) - each[:, 0]  # what came before in the row
        return (own + each[:, 1:].sum((1, 2))[:, None] + self.whole("begin")).clamp(0, 1)

    def _linear(self, u: Tensor) -> Tensor:
        weights = self.whole("linear")
        return torch.einsum("bd,ed->be", u[:, 0], weights[0].tril(-1)) + torch.einsum(
            "bkd,ked->be", u[:, 1:], weights[1:]
        )

    def _tables(self, alphabets: Alphabets) -> None:
        """Keep what is known of the columns (D, K, W), padded."""
        sizes = torch.tensor(alphabets.sizes)
        most, wide = int(sizes.max()), max(int(a.sizes.max()) for a in alphabets.each)
        start = sizes.cumsum(0) - sizes
        there = torch.arange(most) < sizes[:, None]
        self.register_buffer("place", torch.where(there, start[:, None] + torch.arange(most), start[:, None]))  # (D, K)
        self.register_buffer("closed", torch.where(there, 0.0, _CLOSED))
        self.register_buffer("below", torch.ones(len(sizes), len(sizes)).tril(-1) > 0)
        of_groups = {
            "logits": [a.logits / 256 for a in alphabets.each],
            "centres": [a.centres / MEASURE for a in alphabets.each],
        }
        for name, rows in of_groups.items():
            self.register_buffer(name, torch.stack([F.pad(torch.tensor(r), (0, most - len(r))) for r in rows]).float())
        of_cells = {"expected": (alphabets.expected, 256, _CLOSED), "middles": (alphabets.middles, MEASURE, 0.0)}
        for name, (tables, unit, beyond) in of_cells.items():
            padded = [_padded(torch.tensor(t / unit).clamp(_CLOSED), most, wide, beyond) for t in tables]
            self.register_buffer(name, torch.stack(padded).float())


def _padded(table: Tensor, rows: int, columns: int, beyond: float) -> Tensor:
    return F.pad(table, (0, columns - table.shape[1], 0, rows - table.shape[0]), value=beyond)


def _missed(logits: Tensor, index: Tensor) -> Tensor:
    """Return −log p of the index (B, D) under logits (B, D, K)."""
    return logits.logsumexp(-1) - logits.gather(-1, index[..., None])[..., 0]

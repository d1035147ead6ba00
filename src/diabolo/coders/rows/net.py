"""The net that guesses each level of a row from those before it, in floating point, as it is trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from diabolo.codec.alphabet import MEASURE
from diabolo.codec.alphabets import Alphabets
from diabolo.codec.exact import UNIT
from diabolo.coders.whole import WholeNet
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


class RowNet(WholeNet):
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

    steps = STEPS

    middles: Tensor
    centres: Tensor
    expected: Tensor
    logits: Tensor
    place: Tensor
    flat: Tensor
    owner: Tensor
    several: Tensor
    below: Tensor
    linear: Tensor
    blunt: Tensor

    def __init__(self, alphabets: Alphabets, hidden: int, before: int, count: int) -> None:
        super().__init__(count)
        columns, groups = len(alphabets.each), sum(alphabets.sizes)
        self.columns = columns
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
        said = torch.einsum("bdh,dkh->bdk", h, self.whole("readout")[self.place]).flatten(1)[:, self.flat]  # (B, G)
        said = said + self.logits + self.whole("offset")
        said = said - decay[0][:, self.owner] * (self.centres - mu[:, self.owner]).abs()
        distortion = _missed_flat(said, self.owner, self.place[:, 0] + group[:, 0]).sum(1)
        if len(self.several):
            distortion = distortion + self._fine(group[:, 0], cell, mu, decay[1])
        return Output(batch.x, Code(h, h, distortion), said, distortion, self.cost().expand(len(distortion)))

    def _fine(self, group: Tensor, cell: Tensor, mu: Tensor, decay: Tensor) -> Tensor:
        """Return the cost (B,) of cells within groups, of the columns that have several in some group."""
        own, at = group[:, self.several], torch.arange(len(self.several), device=group.device)
        mu, decay = mu[:, self.several, None], decay[:, self.several, None]
        said = self.expected[at, own] - decay * (self.middles[at, own] - mu).abs()  # (B, D', W)
        return (said.logsumexp(-1) - said.gather(-1, cell[:, self.several, None])[..., 0]).sum(1)

    def integers(self) -> dict[str, NDArray[np.int64]]:
        """Return the weights as whole numbers of their steps."""
        whole = {name: self.rounded(name) for name in STEPS}
        whole["linear"][0] = whole["linear"][0].tril(-1)
        return {name: value.long().cpu().numpy() for name, value in whole.items()}

    def used(self, name: str) -> Tensor:
        """Return those of the weights that count: of the linear ones within a row, those below the diagonal."""
        return self.linear[:, self.below] if name == "linear" else super().used(name)

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
        """Keep what is known of the groups (G,) of all columns, and of their cells (D', K, W), padded."""
        sizes, columns = torch.tensor(alphabets.sizes), len(alphabets.sizes)
        there = torch.arange(int(sizes.max())) < sizes[:, None]
        start = (sizes.cumsum(0) - sizes)[:, None]
        self.register_buffer("place", torch.where(there, start + torch.arange(there.shape[1]), start))  # (D, K)
        self.register_buffer("flat", torch.arange(there.numel()).view_as(there)[there])
        self.register_buffer("owner", torch.arange(columns).repeat_interleave(sizes))
        self.register_buffer("below", torch.ones(columns, columns).tril(-1) > 0)
        self.register_buffer("logits", torch.tensor(np.concatenate([a.logits for a in alphabets.each]) / UNIT).float())
        centres = np.concatenate([a.centres for a in alphabets.each])
        self.register_buffer("centres", torch.tensor(centres / MEASURE).float())
        several = [i for i, alphabet in enumerate(alphabets.each) if alphabet.sizes.max() > 1]
        self.register_buffer("several", torch.tensor(several, dtype=torch.long))
        self.register_buffer("expected", _padded([alphabets.expected[i] for i in several], UNIT, _CLOSED))
        self.register_buffer("middles", _padded([alphabets.middles[i] for i in several], MEASURE, 0.0))


def _padded(tables: list[NDArray[Any]], unit: int, beyond: float) -> Tensor:
    """Return tables (K, W) as one (D', K, W), in so many units."""
    rows, columns = (max((table.shape[i] for table in tables), default=0) for i in (0, 1))
    whole = torch.full((len(tables), rows, columns), beyond)
    for table, place in zip(tables, whole, strict=True):
        place[: table.shape[0], : table.shape[1]] = torch.tensor(table / unit).clamp(_CLOSED).float()
    return whole


def _missed_flat(logits: Tensor, owner: Tensor, index: Tensor) -> Tensor:
    """Return −log p of the groups `index` (B, D), each among those of its column, under the logits (B, G) of all."""
    columns = index.shape[1]
    with torch.no_grad():  # it cancels, and has no gradient
        least = logits.new_full((len(logits), columns), -torch.inf)
        largest = least.scatter_reduce(1, owner.expand_as(logits), logits, "amax")
    apart = logits - largest[:, owner]
    whole = apart.new_zeros(len(logits), columns).index_add(1, owner, apart.exp())
    return whole.log() - apart.gather(1, index)

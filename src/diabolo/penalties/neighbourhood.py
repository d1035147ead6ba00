"""A penalty on neighbours that lie apart in the code."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number, Whole
from diabolo.flow import Batch, Output
from diabolo.neighbours import Pairing
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty
from diabolo.sparse import dense


@dataclass(frozen=True)
class Neighbourhood(Penalty):
    """−log (qᵢⱼ / Σₖ qᵢₖ), in nats per number of a sample: a neighbour j of i is to be told from the rest of the batch.

    q = 1 / (1 + ‖zᵢ − zⱼ‖²) is how near two codes are. Neighbours attract each other and all others push, as in t-SNE
    and UMAP, whose graph decides which of the nearest samples is paired with each how often: see
    `diabolo.neighbours.memberships`. Both of a pair are moved a little towards another neighbour, so that what lies
    between samples is placed between them. An estimator pairs the samples; of more than 20,000, with neighbours among
    20,000 of them. In a batch that does not come in pairs, the neighbour of a sample is the one nearest to it there.

    References
    ----------
    Damrich, Böhm, Hamprecht, Kobak, "From t-SNE to UMAP with contrastive learning", ICLR 2023, equation 8; Sainburg,
    McInnes, Gentner, "Parametric UMAP embeddings", Neural Computation 2021; between samples: Zhang et al., "mixup",
    ICLR 2018.

    Examples
    --------
    >>> Neighbourhood(2.0).equation()
    '−2·D·log qᵢⱼ/Σₖqᵢₖ, q = 1/(1 + ‖zᵢ − zⱼ‖²)'
    """

    weight: float = knob(1.0, Number(0), "cost of one nat, per number of a sample")
    neighbours: int = knob(15, Whole(1, 1000), "nearest samples among which the other one of a pair is drawn")
    mixing: float = knob(0.5, Number(0, 1), "how far samples are moved towards a neighbour, at most")
    components: int = knob(50, Whole(1, 4096), "principal components in which neighbours are looked for")
    limit: float = knob(
        1.5, Number(0, open_low=True), "what larger numbers of a scaled sample are taken for, to find neighbours"
    )

    def pairing(self) -> Pairing:
        """Return how samples are paired."""
        return Pairing(self.neighbours, self.mixing, self.components, self.limit)

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term per sample (B,); 0 in a batch of one."""
        z, count = output.code.mean, len(output.code.mean)  # (B, n)
        if count < 2:
            return z.sum(1) * 0
        other = torch.arange(count, device=z.device).roll(count // 2) if batch.paired else _nearest(dense(batch.x))
        near = torch.log1p((z - z[other]).square().sum(1))
        return self.weight * batch.x[0].numel() * (near + _all(z).log())

    def equation(self) -> str:
        """Return the formula."""
        return f"−{self.weight:g}·D·log qᵢⱼ/Σₖqᵢₖ, q = 1/(1 + ‖zᵢ − zⱼ‖²)"


def _all(z: Tensor) -> Tensor:
    """Return Σₖ q over all others, (B,)."""
    lengths = z.square().sum(1)
    q = 1 / (1 + (lengths[:, None] + lengths - 2 * z @ z.T).clamp_min(0))
    return (q.sum(1) - q.diagonal()).clamp_min(1e-12)


@torch.no_grad()
def _nearest(x: Tensor) -> Tensor:
    """Return which other sample of x (B, *shape) is nearest to each, (B,)."""
    flat = x.flatten(1)
    lengths = flat.square().sum(1)
    squares = lengths[:, None] + lengths - 2 * flat @ flat.T
    return (squares + torch.diag(torch.full_like(lengths, torch.inf))).argmin(1)

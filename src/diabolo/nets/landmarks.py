"""A net that places samples between landmarks, and rebuilds them from what the landmarks are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.flow import Shape
from diabolo.neighbours import Graph, Projection, cells, layout, middle
from diabolo.nets.net import Net, Skips
from diabolo.outline import computed
from diabolo.part import knob
from diabolo.sparse import dense

_SHARP = 4
"""Power of the squared distances, by which landmarks count when a sample is placed."""

_MOST = 20_000
"""Samples that are mapped at the start, at most."""

_NONE = 1e12
"""Squared length of a landmark that is none, as there were too few samples: it is far from everything."""

_QUICK = 4.0
"""Params are kept in this unit, so that they learn faster: those of a landmark see few of the samples."""


@dataclass(frozen=True)
class Landmarks(Net):
    """E(x) is where most of the landmarks nearest to x lie; D(z) is made of what those nearest to z stand for.

    Distances are those of W·x, the leading principal components of x. A landmark l at distance dₗ counts by (d₁ / dₗ)⁸
    and by how near its place is to where most of them are: see `diabolo.neighbours.middle`. The decoder sums what each
    landmark stands for, by the inverse squares of the distances of z from their places.

    An estimator begins with a map of 20,000 samples at most, which `diabolo.neighbours.layout` makes, cut into as many
    cells as there are landmarks: a landmark is the mean of the samples in a cell, and lies at the mean of their places.
    The samples of a cell are neighbours in the map, so that these means keep what neighbours have in common: samples
    that were not trained on are placed nearly as well as others, where a net of layers learns places by heart
    (docs/decisions/0014). Training leaves the map as it is, and teaches what landmarks stand for. The same samples in
    the same order give the same map: a seed changes it only by the samples that it holds out.

    References
    ----------
    Shepard, "A two-dimensional interpolation function for irregularly-spaced data", ACM National Conference 1968
    (inverse distances); Moody, Darken, "Fast learning in networks of locally-tuned processing units", Neural
    Computation 1989 (units that stand for cells).

    Examples
    --------
    >>> net = Landmarks(count=3)
    >>> encoder, decoder = net.build((4,), 2, 2, (4,))
    >>> net.begin_at(encoder, decoder, [torch.eye(4)])
    >>> h, _ = encoder(torch.zeros(5, 4))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 2]), torch.Size([5, 4]))
    """

    count: int = knob(1024, Whole(1, 2**17), "how many landmarks there are, at most")
    near: int = knob(5, Whole(1, 1000), "nearest landmarks between which a sample is placed, and rebuilt")
    components: int = knob(50, Whole(1, 4096), "principal components in which distances are measured")
    limit: float = knob(1.5, Number(0, open_low=True), "what larger numbers of a scaled sample are taken for")
    neighbours: int = knob(15, Whole(1, 1000), "neighbours of a sample in the map that places begin with")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the landmarks, and what they stand for."""
        return LandmarksEncoder(self, shape, width), LandmarksDecoder(self, n, out)

    def begin_at(self, encoder: nn.Module, decoder: nn.Module, blocks: Iterable[Tensor]) -> None:
        """Take landmarks, their places and what they stand for from a map of samples in blocks (B, *shape).

        If samples are rebuilt as something of another size, landmarks stay random; a decoder of other params than the
        numbers of a sample learns what they stand for from nothing.
        """
        if not isinstance(encoder, LandmarksEncoder):
            return
        x = torch.cat([dense(block).flatten(1) for block in blocks])
        if x.shape[1] == encoder.weight.shape[1]:
            x = x[:: -(-len(x) // _MOST)]
            which = encoder.begin_at(x)
            if isinstance(decoder, LandmarksDecoder):
                decoder.begin_at(encoder.placed(), _means(x, which))


class LandmarksEncoder(nn.Module):
    """x (B, *shape) → h (B, width)."""

    weight: Tensor
    bias: Tensor
    landmarks: Tensor
    lengths: Tensor

    def __init__(self, part: Landmarks, shape: Shape, width: int) -> None:
        super().__init__()
        self.part, self.width, size = part, width, math.prod(shape)
        kept = min(part.components, size)
        landmarks = torch.randn(part.count, kept)
        self.register_buffer("weight", torch.empty(kept, size).normal_(std=1 / math.sqrt(size)))
        self.register_buffer("bias", torch.zeros(kept))
        self.register_buffer("landmarks", landmarks)
        self.register_buffer("lengths", computed(_lengths, landmarks, (part.count,)))
        self.places = nn.Parameter(torch.randn(part.count * width))  # a vector, which does not decay

    @torch.no_grad()
    def begin_at(self, x: Tensor) -> Tensor:
        """Map samples x (N, D) and take the cells of the map for landmarks; return in which each of them is, (N,)."""
        found = Projection.of([x], len(self.weight), self.part.limit)
        self.weight.copy_(found.weight)
        self.bias.copy_(found.bias)
        codes = found(x)
        z = self._mapped(codes)
        which = cells(z, self.part.count)
        landmarks, places = _means(codes, which), _means(z, which)
        self.lengths.fill_(_NONE)[: len(landmarks)] = _lengths(landmarks)
        self.landmarks.zero_()[: len(landmarks)] = landmarks
        self.places.zero_()[: places.numel()] = places.flatten()
        self.places.requires_grad_(False)
        return which

    def _mapped(self, codes: Tensor) -> Tensor:
        """Return a map (N, width) of codes (N, F)."""
        start, kept = codes.new_zeros(len(codes), self.width), min(self.width, codes.shape[1])
        start[:, :kept] = codes[:, :kept]
        return start if len(codes) < 3 else layout(Graph.of(codes, self.part.neighbours), start)

    def placed(self) -> Tensor:
        """Return the places of landmarks that are some, (L, width)."""
        return self.places.detach().view(-1, self.width)[self.lengths < _NONE]

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        with torch.autocast(x.device.type, enabled=False):  # distances are small differences
            x = x.flatten(1).clamp(-self.part.limit, self.part.limit)
            u = F.linear(x, self.weight, self.bias)
            squares, which = _nearest(u, self.landmarks, self.lengths, self.part.near)
            squares = (squares + u.square().sum(1, keepdim=True)).clamp_min(1e-9)
            places = _rows(self.places.view(-1, self.width), which)
            return middle(places, (squares[:, :1] / squares) ** _SHARP), ()


class LandmarksDecoder(nn.Module):
    """z (B, n) → params (B, *out)."""

    places: Tensor
    lengths: Tensor

    def __init__(self, part: Landmarks, n: int, out: Shape) -> None:
        super().__init__()
        self.near, self.out = part.near, out
        places = torch.randn(part.count, n)
        self.register_buffer("places", places)
        self.register_buffer("lengths", computed(_lengths, places, (part.count,)))
        self.params = nn.Parameter(torch.empty(part.count * math.prod(out)).normal_(std=0.01))  # a vector, as above

    @torch.no_grad()
    def begin_at(self, places: Tensor, means: Tensor) -> None:
        """Take the places (L, width) of landmarks and, if they are as many as params, the means (L, D) of samples."""
        count, kept = len(places), min(self.places.shape[1], places.shape[1])
        self.places[:count] = 0
        self.places[:count, :kept] = places[:, :kept]
        self.places[count:] = math.sqrt(_NONE)
        self.lengths.copy_(_lengths(self.places))
        if math.prod(self.out) == means.shape[1]:
            self.params.zero_()[: means.numel()] = means.flatten() / _QUICK

    def stands_for(self) -> Tensor:
        """Return the params that each landmark stands for, (count, D)."""
        return _QUICK * self.params.view(len(self.places), -1)

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        with torch.autocast(z.device.type, enabled=False):
            _, which = _nearest(z.detach(), self.places, self.lengths, self.near)
            squares = (z[:, None] - _rows(self.places, which)).square().sum(2).clamp_min(1e-9)
            share = squares.amin(1, keepdim=True).detach() / squares
            share = _QUICK * share / share.sum(1, keepdim=True)
            params = _rows(self.params.view(len(self.places), -1), which)  # (B, k, D)
            return torch.bmm(share[:, None], params)[:, 0].unflatten(1, self.out)


def _lengths(vectors: Tensor) -> Tensor:
    """Return the squared lengths (L,) of vectors (L, n)."""
    return vectors.square().sum(1)


def _nearest(points: Tensor, landmarks: Tensor, lengths: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the squared distances from points (B, F), less their squared lengths, (B, k), rising, and which (B, k)."""
    products = torch.addmm(lengths, points, landmarks.T, alpha=-2)
    return torch.topk(products, min(count, len(landmarks)), largest=False)


def _rows(table: Tensor, which: Tensor) -> Tensor:
    """Return rows (B, k, n) of a table (L, n)."""
    return table.index_select(0, which.flatten()).unflatten(0, which.shape)


def _means(x: Tensor, which: Tensor) -> Tensor:
    """Return the mean (L, D) of the samples x (N, D) in each cell."""
    sizes = torch.bincount(which)[:, None]
    return x.new_zeros(len(sizes), x.shape[1]).index_add_(0, which, x) / sizes

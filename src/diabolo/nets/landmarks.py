"""A net that places samples between landmarks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Many, Number, Whole
from diabolo.flow import Shape
from diabolo.neighbours import Graph, Projection, layout, nearest
from diabolo.nets.mlp import MLP, MLPDecoder
from diabolo.nets.net import Net, Skips
from diabolo.part import knob
from diabolo.sparse import dense

_SHARP = 4.0
"""Sharpness at the start, over the squared mean distance of a landmark from its five nearest ones."""

_MOST = 20_000
"""Samples that are mapped at the start, at most."""

_STRIDE = 32.0
"""Places are kept in this unit: they have farther to go than weights."""


@dataclass(frozen=True)
class Landmarks(Net):
    """E(x) = Σₗ softmaxₗ(−s‖W·x − kₗ‖²)·pₗ: a mean of the places pₗ of landmarks, by how near they are to x.

    W, the leading principal components of x, stays as it is; landmarks kₗ, places pₗ and the sharpness s learn. An
    estimator begins with samples for landmarks, and with a map of 20,000 samples at most for their places: see
    `diabolo.neighbours.layout`. Samples that were not trained on are placed nearly as well as others, where a net of
    layers learns places by heart (docs/decisions/0014). The decoder is that of `MLP`.

    References
    ----------
    Nadaraya, "On estimating regression", 1964, with centres, values and width that learn; Moody, Darken, "Fast learning
    in networks of locally-tuned processing units", Neural Computation 1989 (normalised radial basis functions).

    Examples
    --------
    >>> net = Landmarks(count=3)
    >>> encoder, decoder = net.build((4,), 2, 2, (4,))
    >>> net.begin_at(encoder, decoder, [torch.eye(4)])
    >>> h, _ = encoder(torch.zeros(5, 4))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 2]), torch.Size([5, 4]))
    """

    count: int = knob(1024, Whole(1, 2**17), "how many landmarks there are")
    components: int = knob(50, Whole(1, 4096), "principal components in which distances are measured")
    limit: float = knob(1.5, Number(0, open_low=True), "what larger numbers of a scaled sample are taken for")
    neighbours: int = knob(15, Whole(1, 1000), "neighbours of a sample in the map that places begin with")
    hidden: tuple[int, ...] = knob((128, 64), Many(Whole(1, 65536)), "widths of the hidden layers, innermost last")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the landmarks and a dense stack."""
        return LandmarksEncoder(self, shape, width), LandmarksDecoder(self, n, out)

    def begin_at(self, encoder: nn.Module, decoder: nn.Module, blocks: Iterable[Tensor]) -> None:
        """Take landmarks among samples in blocks (B, *shape), and their places from a map of these samples.

        A decoder whose params are as many as the numbers of a sample begins with their mean; if samples are rebuilt as
        something of another size, landmarks stay random.
        """
        if isinstance(encoder, LandmarksEncoder):
            x = torch.cat([dense(block).flatten(1) for block in blocks])
            if x.shape[1] == encoder.weight.shape[1]:
                encoder.begin_at(x)
                if isinstance(decoder, LandmarksDecoder):
                    decoder.begin_at(x, _STRIDE * float(encoder.places.detach().std()))


class LandmarksEncoder(nn.Module):
    """x (B, *shape) → h (B, width)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, part: Landmarks, shape: Shape, width: int) -> None:
        super().__init__()
        self.part, size = part, math.prod(shape)
        kept = min(part.components, size)
        self.register_buffer("weight", torch.randn(kept, size) / math.sqrt(size))
        self.register_buffer("bias", torch.zeros(kept))
        self.landmarks = nn.Parameter(torch.randn(part.count, kept))
        self.places = nn.Parameter(torch.randn(width, part.count) / _STRIDE)
        self.log_sharpness = nn.Parameter(torch.zeros(1))

    @torch.no_grad()
    def begin_at(self, x: Tensor) -> None:
        """Map samples x (N, D), 20,000 at most, and take landmarks among them; of few samples, each several times."""
        x = x[:: -(-len(x) // _MOST)]
        found = Projection.of([x], len(self.weight), self.part.limit)
        self.weight.copy_(found.weight)
        self.bias.copy_(found.bias)
        codes, count = found(x), len(self.landmarks)
        chosen = torch.linspace(0, len(x) - 1, count).round().long()
        if len(x) > count:  # at random, as the order of the samples may have a period
            chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:count].sort().values
        chosen = chosen.to(x.device)
        distances, _ = nearest(codes[chosen], codes[chosen.unique()], 5)
        self.landmarks.copy_(codes[chosen])
        self.log_sharpness.fill_(math.log(_SHARP / max(float(distances.mean()) ** 2, 1e-6)))
        self.places.copy_(self._mapped(codes)[chosen].T / _STRIDE)

    def _mapped(self, codes: Tensor) -> Tensor:
        """Return a map (N, width) of codes (N, F)."""
        start = codes.new_zeros(len(codes), len(self.places))
        kept = min(start.shape[1], codes.shape[1])
        start[:, :kept] = codes[:, :kept]
        return start if len(codes) < 3 else layout(Graph.of(codes, self.part.neighbours), start)

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        x = x.flatten(1).clamp(-self.part.limit, self.part.limit)
        u = F.linear(x, self.weight, self.bias)
        sharp = self.log_sharpness.exp()
        near = torch.addmm(-sharp * self.landmarks.square().sum(1), 2 * sharp * u, self.landmarks.T)  # ‖u‖² cancels
        return F.linear(near.softmax(1), _STRIDE * self.places), ()


class LandmarksDecoder(nn.Module):
    """z (B, n) → params (B, *out), from z in units of the spread that a map began with."""

    spread: Tensor

    def __init__(self, part: Landmarks, n: int, out: Shape) -> None:
        super().__init__()
        self.register_buffer("spread", torch.ones(()))
        self.stack = MLPDecoder(MLP(part.hidden, activation="silu", bypass=False), n, part.hidden[::-1], out, None)

    @torch.no_grad()
    def begin_at(self, x: Tensor, spread: float) -> None:
        """Take the spread of places and, where params are as many as the numbers of samples x (N, D), their mean."""
        self.spread.fill_(max(spread, 1e-6))
        bias = self.stack.steps[-1].get_parameter("bias")
        if len(bias) == x.shape[1]:
            bias.copy_(x.mean(0))

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        return self.stack(z / self.spread)

"""A dictionary whose atoms stay near the data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diabolo.check import Number, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.atoms import AtomsEncoder
from diabolo.nets.net import Net, Skips
from diabolo.outline import computed
from diabolo.part import knob
from diabolo.selection import Affine
from diabolo.sparse import dense, product


@dataclass(frozen=True)
class Archetypes(Net):
    """h = W x + b, and D(z) = Σⱼ zⱼ aⱼ + c: each atom aⱼ is a mean of anchors, by weights of its own, moved a little.

    A = softmax(V)·C + Λ. The anchors C are training samples, scaled to a root mean square length of 1, and stay as they
    are; each row of Λ is at most `slack` long. Atoms of different runs are then more alike than free ones, those of
    `Atoms`, and none lies where there are no data, at the price of a larger error. Until `begin_at` is told of
    samples, as it is by every estimator, the anchors are random. The atoms are made anew for every batch, which costs
    as much as to encode a batch of about three times `anchors` samples.

    References
    ----------
    Fel et al., "Archetypal SAE: adaptive and stable dictionary learning for concept extraction in large vision models",
    ICML 2025, equations 3 and 4. Rows of weights are non-negative and sum to 1 there too, by relu and division, which
    loses a weight for good once it is 0; the anchors there are centres of k-means.

    Examples
    --------
    >>> net = Archetypes(anchors=2, slack=0.0)
    >>> encoder, decoder = net.build((3,), 4, 4, (3,))
    >>> net.begin_at(encoder, decoder, [torch.tensor([[6.0, 0.0, 0.0], [0.0, 8.0, 0.0]])])
    >>> rows = decoder(torch.eye(4))
    >>> rows[:, 2].abs().max().item(), bool((rows >= 0).all())
    (0.0, True)
    """

    anchors: int = knob(1000, Whole(1, 2**20), "samples that every atom is a mean of")
    slack: float = knob(0.1, Number(0), "largest length of what is added to the mean, of anchors of length 1")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two maps."""
        return AtomsEncoder(shape, width, None), ArchetypesDecoder(self, n, out)

    def begin_at(self, encoder: nn.Module, decoder: nn.Module, blocks: Iterable[Tensor]) -> None:
        """Take anchors at even distances among samples of what is rebuilt, in blocks (B, *out).

        Raises
        ------
        ParameterError
            If the likelihood takes other params than the mean of a sample.
        """
        if isinstance(decoder, ArchetypesDecoder):
            decoder.begin_at(torch.cat([dense(block).flatten(1) for block in blocks]))

    def map(self, encoder: nn.Module) -> Affine | None:
        """Return W and b."""
        return encoder.map() if isinstance(encoder, AtomsEncoder) else None

    def atoms(self, decoder: nn.Module) -> Tensor | None:
        """Return the atoms (n, D)."""
        return decoder.atoms() if isinstance(decoder, ArchetypesDecoder) else None


class ArchetypesDecoder(nn.Module):
    """z (B, n), dense or sparse → params (B, *out)."""

    anchors: Tensor

    def __init__(self, part: Archetypes, n: int, out: Shape) -> None:
        super().__init__()
        self.part, self.out, width = part, out, math.prod(out)
        self.register_buffer("anchors", torch.empty(part.anchors, width).normal_(std=1 / math.sqrt(width)))
        logits = torch.empty(n, part.anchors).normal_(std=0.1)
        self.logits = nn.Parameter(computed(_leaning, logits, (n, part.anchors)))
        self.moved = nn.Parameter(torch.zeros(n, width)) if part.slack else None
        self.bias = nn.Parameter(torch.zeros(width))

    @torch.no_grad()
    def begin_at(self, x: Tensor) -> None:
        """Take anchors among samples x (N, D)."""
        if x.shape[1] != self.anchors.shape[1]:
            raise ParameterError(
                f"Parameter 'likelihood' must take a mean and no more where the net is Archetypes(), whose atoms are "
                f"samples: {x.shape[1]} numbers; got one of {self.anchors.shape[1]}. Use likelihood=SquaredError()."
            )
        places = torch.linspace(0, len(x) - 1, len(self.anchors)).round().long()
        chosen = x[places.to(x.device)]
        length = chosen.square().sum(1).mean().sqrt().clamp_min(1e-12)
        self.anchors.copy_(chosen / length)

    def atoms(self) -> Tensor:
        """Return A (n, D)."""
        atoms = self.logits.softmax(1) @ self.anchors
        if self.moved is None:
            return atoms
        length = torch.linalg.vector_norm(self.moved, dim=1, keepdim=True)
        return atoms + self.moved * (self.part.slack / length.clamp_min(self.part.slack))

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        return (product(z, self.atoms()) + self.bias).unflatten(1, self.out)


def _leaning(logits: Tensor) -> Tensor:
    """Let each atom (n, A) be about half an anchor of its own, and for the rest the mean of them."""
    n, anchors = logits.shape
    own = torch.arange(n)
    other = own.where(own < anchors, torch.randint(anchors, (n,)))  # two atoms alike would stay alike
    return logits.scatter(1, torch.stack([own % anchors, other], 1), math.log(max(anchors, 2)))

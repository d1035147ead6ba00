"""Batches of samples with their neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diabolo.flow import Batch
from diabolo.neighbours import Pairing, Projection, memberships, nearest
from diabolo.penalties import Penalty
from diabolo.sparse import dense
from diabolo.training.batches import Rows, Source, shuffled


def paired(sources: Sequence[Source], few: Source, penalties: Sequence[Penalty]) -> list[Source]:
    """Return sources whose samples come with neighbours among `few`, if a penalty asks for that; else unchanged.

    Examples
    --------
    >>> from diabolo.penalties import Neighbourhood
    >>> rows = Rows(torch.arange(10.0).view(10, 1) / 4, form=lambda x: x)
    >>> (source,) = paired([rows], rows, [Neighbourhood(neighbours=1, mixing=0.0)])
    >>> batch = next(source.epoch(5, seed=0))
    >>> bool(((batch.x[:5] - batch.x[5:]).abs() == 0.25).all()), batch.paired
    (True, True)
    """
    asked = [pairing for penalty in penalties if (pairing := penalty.pairing()) is not None]
    if not asked or len(few) < 2 or not isinstance(few, Rows):
        return list(sources)
    anchors = Anchors.of(few, asked[0])
    return [Pairs.of(source, anchors) if len(source) else source for source in sources]


@dataclass(frozen=True, eq=False)
class Anchors:
    """Samples in memory among which neighbours are looked for.

    Parameters
    ----------
    rows : Rows
        The samples.
    numbers : Tensor (A,)
        Their numbers in the tensor of `rows`.
    pairing : Pairing
        How samples are paired with them.
    projection : Projection
        What they are compared in.
    codes : Tensor (A, F)
        Each of them, projected.
    near, weights : Tensor (A, k)
        The nearest ones of each among the others, and how surely each is a neighbour.
    """

    rows: Rows
    numbers: Tensor
    pairing: Pairing
    projection: Projection
    codes: Tensor
    near: Tensor
    weights: Tensor

    @classmethod
    def of(cls, few: Rows, pairing: Pairing) -> Anchors:
        """Return the anchors that samples are."""
        projection = Projection.of((batch.x for batch in few.epoch(4096, None)), pairing.components, pairing.limit)
        codes = torch.cat([projection(batch.x) for batch in few.epoch(4096, None)])
        distances, near = nearest(codes, codes, pairing.neighbours)
        return cls(few, _numbers(few), pairing, projection, codes, near, memberships(distances))

    def neighbours(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return which anchors are nearest to x (B, *shape), (B, k), and how surely each is a neighbour."""
        distances, near = nearest(self.projection(x), self.codes, self.pairing.neighbours)
        return near, memberships(distances)

    def same(self, source: Rows) -> bool:
        """Tell whether a source holds these very samples."""
        return source.samples is self.rows.samples and torch.equal(_numbers(source), self.numbers)

    def batch(self, which: Tensor) -> Batch:
        """Return the anchors (B,)."""
        return self.rows.batch(self.numbers[which.to(self.numbers.device)].to(self.rows.samples.device))


@dataclass(frozen=True, eq=False)
class Pairs:
    """A source whose batches hold each sample b of its own, and at B + b a neighbour of it.

    Parameters
    ----------
    source : Source
        The samples; those of `Rows` are compared with the anchors once, others in every epoch.
    anchors : Anchors
        Where neighbours are from.
    known : tuple of Tensor (N, k), optional
        Which anchors are nearest to each of the rows, and how surely each is a neighbour.
    """

    source: Source
    anchors: Anchors
    known: tuple[Tensor, Tensor] | None = None

    @classmethod
    def of(cls, source: Source, anchors: Anchors) -> Pairs:
        """Return the pairs of a source."""
        if not isinstance(source, Rows):
            return cls(source, anchors)
        if anchors.same(source):
            return cls(source, anchors, (anchors.near, anchors.weights))
        found = [anchors.neighbours(batch.x) for batch in source.epoch(4096, None)]
        near, weights = zip(*found, strict=True)
        return cls(source, anchors, (torch.cat(near), torch.cat(weights)))

    def __len__(self) -> int:
        return len(self.source)

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield all samples once, each with a neighbour; without a `seed` with the nearest, and neither moved."""
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        for batch, near, weights in self._compared(batch_size, seed):
            yield self._together(batch, near, weights, generator)

    def _compared(self, batch_size: int, seed: int | None) -> Iterator[tuple[Batch, Tensor, Tensor]]:
        if self.known is None or not isinstance(self.source, Rows):
            for batch in self.source.epoch(batch_size, seed):
                yield batch, *self.anchors.neighbours(batch.x)
            return
        rows, (near, weights) = self.source, self.known
        order = torch.arange(len(rows)) if seed is None else shuffled(len(rows), seed)
        for places in order.tensor_split(math.ceil(len(rows) / batch_size)):
            numbers = places if rows.index is None else rows.index[places]
            there = places.to(near.device)
            yield rows.batch(numbers.to(rows.samples.device)), near[there], weights[there]

    def _together(self, own: Batch, near: Tensor, weights: Tensor, generator: torch.Generator | None) -> Batch:
        other = _drawn(near, weights, generator)
        mate = self.anchors.batch(other)
        if generator is not None and self.anchors.pairing.mixing > 0:
            beyond = self.anchors.batch(_drawn(self.anchors.near[other], self.anchors.weights[other], generator))
            own, mate = (_moved(*two, self.anchors.pairing.mixing, generator) for two in ((own, mate), (mate, beyond)))
        return replace(
            own,
            x=torch.cat([dense(own.x), dense(mate.x)]),
            target=_joined(own.target, mate.target),
            weight=None if own.weight is None else own.weight.repeat(2),
            condition=_joined(own.condition, mate.condition),
            paired=True,
        )


def _numbers(rows: Rows) -> Tensor:
    """Return the numbers of rows in their tensor, (N,)."""
    return torch.arange(len(rows)) if rows.index is None else rows.index


def _drawn(near: Tensor, weights: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return one of the neighbours (B, k) of each sample, (B,), by their weights; without a generator the nearest."""
    if generator is None:
        return near[:, 0]
    sums = weights.cumsum(1)
    drawn = torch.rand(len(near), 1, generator=generator).to(sums) * sums[:, -1:]
    return near.gather(1, (sums <= drawn).sum(1, keepdim=True).clamp_max(near.shape[1] - 1))[:, 0]


def _moved(batch: Batch, towards: Batch, most: float, generator: torch.Generator) -> Batch:
    """Return samples moved a random part of the way, `most` at most, towards others; so are their targets."""
    share = most * torch.rand(len(batch.x), generator=generator)

    def between(a: Tensor, b: Tensor) -> Tensor:
        return torch.lerp(a, b, share.to(a).view(-1, *[1] * (a.ndim - 1)))

    target = None if batch.target is None or towards.target is None else between(batch.target, towards.target)
    return replace(batch, x=between(dense(batch.x), dense(towards.x)), target=target)


def _joined(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    return None if first is None or second is None else torch.cat([first, second])

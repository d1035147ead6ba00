"""Pairs: every sample once, each with a neighbour, the same for the same seed, from memory or from a stream."""

import pytest
import torch

from diabolo.penalties import MMD, Neighbourhood
from diabolo.training import Rows, Stream, paired, pairs

nearest = pairs.Anchors.neighbours


def as_is(x):
    return x


@pytest.fixture
def blobs():
    """Four groups (80, 5), far apart."""
    draw = torch.Generator().manual_seed(2)
    return 0.1 * torch.randn(80, 5, generator=draw) + torch.eye(5)[:4].repeat_interleave(20, 0)


def stream(x):
    return Stream([range(40), range(40, 80)], lambda i: iter([x[:40], x[40:]][i : i + 1]), as_is, torch.tensor([]))


def test_nothing_is_paired_unless_a_penalty_asks(blobs):
    rows = Rows(blobs, as_is)
    assert paired([rows], rows, [MMD()]) == [rows]


def test_every_sample_comes_once_with_a_neighbour(blobs):
    rows = Rows(blobs, as_is)
    (source,) = paired([rows], rows, [Neighbourhood(neighbours=5, mixing=0.0, limit=9.0)])
    batches = list(source.epoch(16, seed=3))
    assert [len(batch.x) for batch in batches] == [32] * 5
    own, mates = (torch.cat([batch.x.chunk(2)[i] for batch in batches]) for i in (0, 1))
    assert torch.equal(own.sum(1).sort().values, blobs.sum(1).sort().values)
    assert torch.equal(own.argmax(1), mates.argmax(1))
    assert bool((own != mates).any(1).all())  # never a sample with itself


@pytest.mark.parametrize("of", [lambda x: Rows(x, as_is), stream], ids=["rows", "stream"])
def test_a_seed_decides_and_none_is_the_nearest(blobs, of):
    (source,) = paired([of(blobs)], Rows(blobs, as_is), [Neighbourhood(neighbours=5)])
    first, again, other = (torch.cat([b.x for b in source.epoch(16, seed)]) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    (still,) = source.epoch(80, None)
    distances = torch.cdist(blobs.clamp(-1.5, 1.5), blobs.clamp(-1.5, 1.5)) + torch.diag(torch.full((80,), torch.inf))
    assert torch.equal(still.x[:80], blobs)
    assert torch.equal(still.x[80:], blobs[distances.argmin(1)])


def test_a_stream_has_the_neighbours_of_rows_in_memory(blobs):
    anchors = Rows(blobs, as_is)
    ours = paired([anchors, stream(blobs)], anchors, [Neighbourhood(neighbours=5)])
    (from_memory,), (from_disk,) = (list(source.epoch(80, None)) for source in ours)
    assert torch.equal(from_memory.x, from_disk.x)


def test_mixing_moves_samples_towards_neighbours(blobs):
    rows = Rows(blobs, as_is)
    spread = []
    for mixing in (0.0, 0.5, 1.0):
        (source,) = paired([rows], rows, [Neighbourhood(neighbours=5, mixing=mixing)])
        batches = [batch.x for seed in range(5) for batch in source.epoch(80, seed)]
        spread.append(float(torch.cat(batches).view(-1, 5).var(0).sum()) - float(blobs.var(0).sum()))
    assert spread[0] > spread[1] > spread[2]  # what lies between is nearer to the middle


def test_neighbours_are_drawn_from_so_many(blobs):
    rows = Rows(blobs, as_is)
    seen = []
    for neighbours in (1, 5):
        (source,) = paired([rows], rows, [Neighbourhood(neighbours=neighbours, mixing=0.0)])
        batches = [batch.x for seed in range(20) for batch in source.epoch(80, seed)]
        own, mates = (torch.cat([x.chunk(2)[i] for x in batches]) for i in (0, 1))
        seen.append(len(torch.cat([own, mates], 1).unique(dim=0)))
    assert seen[0] == 80
    assert seen[1] > 240


def test_targets_and_conditions_come_along(blobs):
    rows = Rows(blobs, as_is, condition=blobs[:, :2], target=2 * blobs)
    (source,) = paired([rows], rows, [Neighbourhood(neighbours=3)])
    batch = next(source.epoch(10, seed=0))
    assert batch.target is not None
    assert batch.condition is not None
    assert torch.allclose(batch.target, 2 * batch.x, atol=1e-6)
    assert batch.condition.shape == (20, 2)


def test_rows_chosen_by_number(blobs):
    rows = Rows(blobs, as_is, index=torch.arange(0, 80, 2))
    few = Rows(blobs, as_is, index=torch.arange(0, 80, 4))
    (source,) = paired([rows], few, [Neighbourhood(neighbours=3, mixing=0.0)])
    batch = next(source.epoch(40, None))
    among = {tuple(row.tolist()) for row in blobs[::4]}
    assert torch.equal(batch.x[:40], blobs[::2])
    assert all(tuple(row.tolist()) in among for row in batch.x[40:])


def test_samples_that_are_the_anchors_are_not_compared_again(blobs, monkeypatch):
    rows, some = Rows(blobs, as_is), Rows(blobs, as_is, index=torch.arange(0, 80, 2))
    compared = []
    monkeypatch.setattr(pairs.Anchors, "neighbours", lambda self, x: (compared.append(len(x)), nearest(self, x))[1])
    own, other = paired([rows, some], rows, [Neighbourhood(neighbours=5)])
    assert compared == [40]
    first, again = (next(source.epoch(80, None)).x for source in (own, other))
    assert torch.equal(first[:80][::2], again[:40])
    assert torch.equal(first[80:][::2], again[40:])

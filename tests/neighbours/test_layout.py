"""A map without a net: groups that overlap at first lie apart, the same for the same seed."""

import importlib

import torch

from diabolo.neighbours import Graph, layout


def groups(count=40):
    """Three groups in ten dimensions that differ in the last ones only."""
    draw = torch.Generator().manual_seed(5)
    points = torch.randn(3 * count, 10, generator=draw)
    points[:, :2] *= 3
    points[:, 7:] += 12 * torch.eye(3).repeat_interleave(count, 0)
    return points, torch.arange(3).repeat_interleave(count)


def alike(z, labels):
    """How often the nearest point is of the same group."""
    distances = torch.cdist(z, z) + torch.diag(torch.full((len(z),), torch.inf))
    return float((labels[distances.argmin(1)] == labels).float().mean())


def test_groups_that_overlap_at_the_start_come_apart():
    points, labels = groups()
    z = layout(Graph.of(points, 10), points[:, :2], steps=150)
    assert alike(points[:, :2], labels) < 0.6
    assert alike(z, labels) > 0.97


def test_a_seed_decides_the_bits():
    points, _ = groups(10)
    graph = Graph.of(points, 5)
    first, again, other = (layout(graph, points[:, :2], steps=20, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_part_of_the_points_pushes_like_all(monkeypatch):
    points, labels = groups()
    monkeypatch.setattr(importlib.import_module("diabolo.neighbours.layout"), "_PAIRS", 120 * 30)
    assert alike(layout(Graph.of(points, 10), points[:, :2], steps=150), labels) > 0.97


def test_equal_points_do_not_stay_together_without_end():
    points = torch.zeros(6, 2)
    z = layout(Graph.of(points, 2), points, steps=30)
    assert bool(z.isfinite().all())
    assert float(torch.pdist(z).min()) > 0

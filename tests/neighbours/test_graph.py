"""The fuzzy graph: known weights of a tiny world, and what holds of any."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.neighbours import Graph, memberships, nearest


@pytest.mark.parametrize("k", [2, 5, 15])
def test_weights_sum_to_the_logarithm_of_k(k):
    distances, _ = nearest(torch.randn(200, 4), torch.randn(500, 4), k)
    weights = memberships(distances)
    assert torch.allclose(weights.sum(1), torch.full((200,), max(math.log2(k), 1.0)), atol=1e-3)
    assert bool((weights[:, 0] == 1).all())
    assert bool((weights.diff(dim=1) <= 0).all())


def test_the_weights_of_a_tiny_world():
    """Of distances 1, 2, 3 beyond the nearest: 1 + r + r² + r³ = 2 with r = exp(−1/σ), r = 0.54369."""
    weights = memberships(torch.tensor([[5.0, 6.0, 7.0, 8.0]]))
    assert torch.allclose(weights, torch.tensor([[1.0, 0.54369, 0.29560, 0.16071]]), atol=1e-4)


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=20))
def test_weights_are_numbers_from_0_to_1_whatever_the_distances(distances):
    weights = memberships(torch.tensor([sorted(distances)]))
    assert bool(((weights >= 0) & (weights <= 1)).all())
    assert weights[0, 0] == 1


def test_a_graph_is_symmetric_and_has_no_loops():
    graph = Graph.of(torch.randn(120, 3), 7)
    whole = torch.zeros(120, 120).index_put((graph.rows, graph.columns), graph.weights)
    assert torch.equal(whole, whole.T)
    assert bool((whole.diagonal() == 0).all())
    assert bool(((graph.weights > 0) & (graph.weights <= 1 + 1e-6)).all())
    assert int((whole > 0).sum(1).min()) >= 6


def test_an_edge_is_there_if_either_end_says_so():
    points = torch.tensor([[0.0], [1.0], [1.5]])
    graph = Graph.of(points, 1)
    edges = dict(
        zip(zip(graph.rows.tolist(), graph.columns.tolist(), strict=True), graph.weights.tolist(), strict=True)
    )
    assert edges == {(0, 1): 1.0, (1, 0): 1.0, (1, 2): 1.0, (2, 1): 1.0}


def test_weights_of_both_ends_are_joined():
    points = torch.randn(60, 2)
    distances, index = nearest(points, points, 5)
    one = torch.zeros(60, 60).scatter(1, index, memberships(distances))
    graph = Graph.of(points, 5)
    whole = torch.zeros(60, 60).index_put((graph.rows, graph.columns), graph.weights)
    assert torch.allclose(whole, one + one.T - one * one.T, atol=1e-6)

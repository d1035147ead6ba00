"""Nearest neighbours: exact, in blocks, never a point itself."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from diabolo.neighbours import nearest, search


def test_they_are_those_of_scikit_learn():
    points = torch.randn(300, 7)
    distances, index = nearest(points, points, 9)
    true, where = NearestNeighbors(n_neighbors=9).fit(points.numpy()).kneighbors()
    assert np.allclose(distances.numpy(), true, atol=1e-3)
    assert (index.numpy() == where).mean() > 0.99  # but for equal distances


def test_of_other_points_too():
    points, others = torch.randn(200, 3), torch.randn(50, 3)
    distances, index = nearest(others, points, 4)
    assert torch.allclose(distances, torch.cdist(others, points).topk(4, largest=False).values, atol=1e-3)
    assert index.shape == (50, 4)


def test_blocks_make_no_difference(monkeypatch):
    points = torch.randn(100, 5)
    whole = nearest(points, points, 6)
    monkeypatch.setattr(search, "_NUMBERS", 700)
    parts = nearest(points, points, 6)
    assert torch.equal(whole[1], parts[1])


def test_a_point_is_found_among_its_doubles_once_less():
    points = torch.tensor([[0.0], [0.0], [5.0]])
    distances, index = nearest(points, points, 2)
    assert distances.tolist() == [[0.0, 5.0], [0.0, 5.0], [5.0, 5.0]]
    assert index[0, 1] == 2


@given(st.integers(2, 12), st.integers(1, 15))
def test_there_are_never_more_than_there_are_others(count, wanted):
    points = torch.arange(float(count))[:, None]
    distances, index = nearest(points, points, wanted)
    assert distances.shape == index.shape == (count, min(wanted, count - 1))
    assert bool((index != torch.arange(count)[:, None]).all())
    assert bool((distances.diff(dim=1) >= 0).all())

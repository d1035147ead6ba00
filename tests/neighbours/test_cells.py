"""Cells: each point with those around it, none empty, the same every time."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.neighbours import cells


def test_groups_that_lie_apart_are_cells():
    points = 0.01 * torch.randn(60, 2) + torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]]).repeat(20, 1)
    which = cells(points, 30)
    for cell in range(int(which.max()) + 1):
        assert len((torch.arange(60)[which == cell] % 3).unique()) == 1


def test_each_point_is_nearest_to_the_middle_of_its_own():
    points = torch.randn(500, 2)
    which = cells(points, 20)
    middles = torch.stack([points[which == cell].mean(0) for cell in range(int(which.max()) + 1)])
    own = (points - middles[which]).square().sum()
    best = torch.cdist(points, middles).amin(1).square().sum()
    assert best <= own < 1.1 * best  # five rounds are nearly the last
    assert own < 0.1 * points.square().sum()


@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 3))
def test_cells_are_numbered_without_gaps(points, count, n):
    which = cells(torch.randn(points, n), count)
    assert which.shape == (points,)
    assert which.unique().tolist() == list(range(int(which.max()) + 1))
    assert int(which.max()) < count
    assert points > count or which.tolist() == list(range(points))


def test_they_are_the_same_every_time_and_leave_the_random_state_alone():
    points = torch.randn(200, 2)
    before = torch.random.get_rng_state()
    assert torch.equal(cells(points, 10), cells(points, 10))
    assert torch.equal(before, torch.random.get_rng_state())


def test_equal_points_are_one_cell():
    assert cells(torch.ones(50, 2), 7).unique().tolist() == [0]

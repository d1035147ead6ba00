"""Gaps: what they cover, how large they are, and what of it counts."""

import numpy as np
import pytest
import torch

from diabolo.corruptions import Gaps
from diabolo.errors import ParameterError


def whole(*shape: int) -> torch.Tensor:
    """Return images (B, 2, H, W) or series (B, T, 2) of which all is there."""
    return torch.ones(shape)


def runs(hidden: torch.Tensor) -> list[int]:
    """Return how long the stretches of a series (T,) are."""
    edges = np.diff(np.concatenate([[0], hidden.int().numpy(), [0]]))
    return (np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)).tolist()


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("x", [whole(5, 40, 2), whole(5, 2, 12, 20)], ids=["series", "images"])
def test_hidden_values_and_their_indicators_become_0_and_all_else_stays(x):
    axis = 2 if x.ndim == 3 else 1
    x = torch.cat([3 * x, x], axis)
    seen, hidden = Gaps().corrupt(x)
    values, there = seen.chunk(2, axis)
    assert hidden is not None and hidden.shape == values.shape and hidden.any() and not hidden.all()
    assert not values[hidden].any() and not there[hidden].any()
    assert (values[~hidden] == 3).all() and (there[~hidden] == 1).all()


def test_what_was_not_there_does_not_count():
    x = whole(50, 40, 2)
    x[:, 10:20] = 0
    _, hidden = Gaps(1.0).corrupt(x)
    assert hidden is not None and hidden.any() and not hidden[:, 10:20].any()


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_every_point_is_as_likely_as_any_other(share):
    _, hidden = Gaps(share, size=8).corrupt(whole(4000, 2, 9, 12))
    assert hidden is not None
    each = hidden[:, 0].float().mean(0)
    assert each.max() - each.min() < 0.06
    assert 0.3 * share < each.mean() < 0.45 * share  # half of the samples show some points of their gaps


def test_gaps_are_no_longer_than_they_may_be_but_where_they_touch():
    _, hidden = Gaps(0.02, size=7).corrupt(whole(3000, 200, 2))
    assert hidden is not None
    lengths = [length for own in hidden[:, :, 0] for length in runs(own)]
    assert np.mean(np.array(lengths) > 7) < 0.01
    assert {1, 2, 4, 7} <= set(lengths)


def test_channels_have_gaps_of_their_own_as_often_as_asked():
    for apart, low, high in ((0.0, 0, 0), (0.5, 0.35, 0.65), (1.0, 0.9, 1)):
        _, hidden = Gaps(apart=apart).corrupt(whole(300, 60, 4))
        assert hidden is not None
        assert low <= (hidden[..., 0] != hidden[..., 1]).any(1).float().mean() <= high


def test_it_needs_neighbours_and_indicators():
    Gaps().check_shape((30, 2))
    Gaps().check_shape((2, 8, 8))
    with pytest.raises(ParameterError, match="may be Gaps only for series"):
        Gaps().check_shape((30,))
    with pytest.raises(ParameterError, match="half of the channels say what is there"):
        Gaps().check_shape((3, 8, 8))

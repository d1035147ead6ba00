"""Small movements of images and series."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.corruptions.affine import Affine
from diabolo.errors import ParameterError


@given(count=st.integers(1, 4), channels=st.integers(1, 3), high=st.integers(1, 9), wide=st.integers(1, 9))
def test_nothing_beyond_what_was_there_comes_in(count, channels, high, wide):
    for shape in ((count, channels, high, wide), (count, high, channels)):
        x = torch.randn(shape)
        moved, hidden = Affine(0.3, 30.0, 0.3).corrupt(x)
        assert hidden is None
        assert moved.shape == x.shape
        assert x.min() - 1e-5 <= moved.min()
        assert moved.max() <= x.max() + 1e-5


def test_no_movement_changes_nothing():
    for x in (torch.randn(3, 2, 7, 5), torch.randn(3, 8, 2)):
        torch.testing.assert_close(Affine(0.0).corrupt(x)[0], x)


def centre(x):
    """The centre of mass (B, 2) of images (B, 1, H, W), in pixels."""
    mass = x.sum((1, 2, 3))
    return torch.stack([(x.sum(3 - i)[:, 0] * torch.arange(x.shape[2 + i])).sum(1) / mass for i in (0, 1)], 1)


def spots(count=200, side=21):
    x = torch.zeros(count, 1, side, side)
    x[:, :, side // 2 - 1 : side // 2 + 2, side // 2 - 1 : side // 2 + 2] = 1
    return x


def test_shifts_are_within_the_share_of_the_side_and_reach_it():
    torch.manual_seed(0)
    moved = (centre(Affine(0.2).corrupt(spots())[0]) - 10).abs()
    assert 3.5 < moved.max() < 0.2 * 21 + 0.1


def test_a_turn_keeps_distances_also_of_images_that_are_not_square():
    torch.manual_seed(0)
    x = torch.zeros(300, 1, 15, 31)
    x[:, :, 7, 19:22] = 1  # five pixels to the right of the middle
    where = centre(Affine(0.0, degrees=45.0).corrupt(x)[0]) - torch.tensor([7.0, 15.0])
    assert (where.norm(dim=1) - 5).abs().max() < 0.4
    assert where[:, 0].abs().max() > 3


def test_stretching_changes_how_much_there_is():
    torch.manual_seed(0)
    mass = Affine(0.0, stretch=0.5).corrupt(spots())[0].sum((1, 2, 3)) / 9
    assert mass.min() < 0.7
    assert mass.max() > 1.5


def test_rows_of_a_table_have_no_neighbours():
    with pytest.raises(ParameterError, match="'corruption' may be Affine only for series"):
        Affine().check_shape((5,))

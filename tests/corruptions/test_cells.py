"""Noise on the cells of an encoded table."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.corruptions import Chain, GaussianNoise, Masking, MaskPatches, SwapNoise
from diabolo.corruptions.cells import Cells
from diabolo.errors import ParameterError

widths = st.lists(st.integers(1, 4), min_size=1, max_size=6).map(tuple)


def encoded(rows, columns):
    """Rows whose cells say where they are from: row · 100 + column, in every encoded number."""
    cells = 100.0 * torch.arange(1, rows + 1)[:, None] + torch.arange(len(columns))
    return cells.repeat_interleave(torch.tensor(columns), 1)


@given(columns=widths, rows=st.integers(1, 8), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_swapped_cells_stay_whole_and_in_their_column(columns, rows, share, seed):
    torch.manual_seed(seed)
    x = encoded(rows, columns)
    seen, hidden = Cells(SwapNoise(share), columns).corrupt(x)
    assert hidden is None
    for cell, own in zip(seen.split(columns, 1), x.split(columns, 1), strict=True):
        assert (cell == cell[:, :1]).all()  # all numbers of a cell from one row
        assert torch.isin(cell.contiguous(), own.contiguous()).all()  # of the same column


@pytest.mark.parametrize("noise", [Masking(0.5), MaskPatches(0.5, 1)], ids=repr)
def test_hidden_cells_are_hidden_whole(noise):
    torch.manual_seed(0)
    columns = (1, 3, 2)
    x = encoded(200, columns)
    seen, hidden = Cells(noise, columns).corrupt(x)
    for cell, own in zip(seen.split(columns, 1), x.split(columns, 1), strict=True):
        gone = (cell == 0).all(1)
        assert torch.equal(cell[~gone], own[~gone])
        assert 0.3 < gone.float().mean() < 0.7
    assert hidden is None or torch.equal(hidden, seen == 0)


def test_without_columns_it_is_the_noise_itself():
    x = torch.randn(5, 4)
    torch.manual_seed(3)
    alone = SwapNoise(0.5).corrupt(x)[0]
    torch.manual_seed(3)
    assert torch.equal(Cells(SwapNoise(0.5)).corrupt(x)[0], alone)


def test_it_fits_rows_and_noise_of_cells_only():
    Cells(Chain((SwapNoise(), Masking())), (1, 2)).check_shape((3,))
    with pytest.raises(ParameterError, match=r"'of' of Cells must be SwapNoise, .*; got GaussianNoise\(\)"):
        Cells(GaussianNoise(), (1, 2)).check_shape((3,))
    with pytest.raises(
        ParameterError, match=r"'columns' of Cells must add up to .*; got 3 for samples of shape \(4,\)"
    ):
        Cells(SwapNoise(), (1, 2)).check_shape((4,))

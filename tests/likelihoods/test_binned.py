"""Bins of several columns at once: probabilities are exact, whatever the sizes, and are what is drawn."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions as laws

from diabolo.errors import ParameterError
from diabolo.likelihoods import Binned, Categorical

PART = Binned((3, 1, 5))
numbers = st.floats(-1e4, 1e4, width=32)


def rows(count=6, part=PART, seed=0):
    """Params (N, P) and samples (N, P + C)."""
    torch.manual_seed(seed)
    params = 3 * torch.randn(count, sum(part.bins), dtype=torch.float64)
    return params, part.sample(params)


def blocks(values, part=PART):
    return values[:, : sum(part.bins)].split(part.bins, 1)


def test_each_column_is_a_categorical_distribution():
    params, x = rows()
    found = PART.distortion(params, x)
    assert found.shape == x.shape
    assert torch.equal(found[:, 9:], torch.zeros(6, 3))
    for logits, own, each in zip(blocks(params), blocks(x), blocks(found), strict=True):
        assert torch.allclose(each.sum(1), -laws.OneHotCategorical(logits=logits).log_prob(own))


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=9, max_size=9), st.sampled_from([torch.float32, torch.float64]))
def test_probabilities_sum_to_one_whatever_the_decoder_says(params, dtype):
    row = torch.tensor([params], dtype=dtype)
    p = PART.mean(row)
    for own, logits in zip(blocks(p), blocks(row), strict=True):
        assert own.sum().item() == pytest.approx(1, abs=1e-5)
        assert torch.allclose(own, logits.softmax(1), atol=1e-3 if dtype == torch.float32 else 1e-9)
    bins = torch.zeros(1, 12, dtype=dtype).index_fill_(1, row[0, :3].argmax()[None], 1)
    assert PART.distortion(row, bins).sum().item() < 1.1  # log 3 at most: it is the most probable of three


def test_the_gradient_is_that_of_a_softmax():
    params, x = rows()
    params.requires_grad_()
    (slope,) = torch.autograd.grad(PART.distortion(params, x).sum(), params)
    exact = torch.cat([logits.softmax(1) for logits in blocks(params.detach())], 1) - x[:, :9]
    assert torch.allclose(slope, exact)


def test_what_has_no_bin_costs_nothing():
    params, _ = rows()
    params.requires_grad_()
    found = PART.distortion(params, torch.zeros(6, 12, dtype=torch.float64)).sum()
    (slope,) = torch.autograd.grad(found, params)
    assert found == 0
    assert not slope.any()


def test_draws_are_one_bin_each_as_often_as_probable_and_anywhere_in_it():
    params, _ = rows(1)
    drawn = PART.sample(params.expand(40_000, -1))
    for own, logits in zip(blocks(drawn), blocks(params), strict=True):
        assert torch.equal(own.sum(1), torch.ones(40_000).double())
        assert torch.allclose(own.mean(0), logits.softmax(1)[0], atol=0.01)
    place = drawn[:, 9:]
    assert 0 <= place.min() < 0.001 < 0.999 < place.max() <= 1
    assert torch.allclose(place.mean(0), torch.full((3,), 0.5).double(), atol=0.01)
    assert torch.equal(PART.mean(params)[:, 9:], torch.full((1, 3), 0.5).double())


def test_columns_of_one_size_are_categorical():
    params, x = rows(part=Binned((4, 4)))
    assert torch.allclose(Binned((4, 4)).distortion(params, x)[:, :8], Categorical(4).distortion(params, x[:, :8]))


def test_bins_say_how_many_numbers_a_row_is():
    assert PART.shape((12,)) == (9,)
    assert Binned((7,)).shape((8,)) == (7,)
    assert PART.domains(12) == ("one-hot",) * 9 + ("unit",) * 3
    for part, shape in ((PART, (9,)), (PART, (3, 12)), (Binned(()), (0,))):
        with pytest.raises(ParameterError, match=r"'bins' of Binned must describe rows .*; got samples of shape .*put"):
            part.shape(shape)
    with pytest.raises(ParameterError, match=r"'bins' of Binned must be a tuple .* integer in \[1, 65536\]"):
        Binned((3, 0)).check()

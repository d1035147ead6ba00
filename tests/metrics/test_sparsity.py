"""Sparsity: counts of what differs from 0, the same for sparse and dense codes; variance that is left unexplained."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, csc_matrix, csr_array

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import fvu, sparsity

CODES = arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 6)), elements=st.sampled_from([0.0, 0.0, -1, 2]))
VECTORS = arrays(np.float64, (7, 3), elements=st.floats(-9, 9, width=16))


@given(CODES, st.sampled_from([csr_array, csc_matrix, coo_array]))
def test_the_form_of_codes_does_not_count(codes, form):
    dense, sparse = sparsity(codes), sparsity(form(codes))
    assert (sparse.l0, sparse.dead, sparse.dense) == (dense.l0, dense.dead, dense.dense)
    np.testing.assert_array_equal(sparse.frequency, dense.frequency)
    assert dense.l0 == pytest.approx((codes != 0).sum() / len(codes))
    assert dense.l0 == pytest.approx(dense.frequency.sum())
    assert dense.dead == (~codes.any(0)).mean()


def test_explicit_zeros_are_not_active():
    codes = csr_array((np.array([0.0, 3.0]), np.array([0, 1]), np.array([0, 2])), shape=(1, 2))
    assert sparsity(codes).frequency.tolist() == [0, 1]


def test_often_moves_what_is_dense():
    codes = np.tri(4)  # active in 4, 3, 2, 1 of 4 samples
    assert [sparsity(codes, often=often).dense for often in (0, 0.25, 0.5, 0.75, 1)] == [1, 0.75, 0.5, 0.25, 0]
    assert sparsity(codes).l0 == 2.5


@pytest.mark.parametrize(
    ("codes", "often", "error", "word"),
    [
        ([[1.0]], 2, ParameterError, "often"),
        ([[1.0]], "much", ParameterError, "often"),
        (csr_array((0, 3)), 0.1, DataError, "at least one sample"),
        ([1.0], 0.1, DataError, "codes must have shape"),
        ([["a"]], 0.1, DataTypeError, "codes"),
    ],
)
def test_bad_codes_are_refused(codes, often, error, word):
    with pytest.raises(error, match=word):
        sparsity(codes, often)


def test_fvu_of_nothing_of_the_mean_and_of_all():
    x = np.random.default_rng(0).normal(3, 2, (50, 4))
    assert fvu(x, x) == 0
    assert fvu(x, np.tile(x.mean(0), (50, 1))) == pytest.approx(1)
    assert fvu(x, 2 * x.mean(0) - x) == pytest.approx(4)


@given(VECTORS, VECTORS, st.floats(0.1, 9), st.floats(-9, 9))
def test_fvu_knows_no_scale_and_no_place(x, y, scale, shift):
    x = x + np.arange(7)[:, None]  # it varies
    assert fvu(scale * x + shift, scale * y + shift) == pytest.approx(fvu(x, y), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        ([[0.0], [1.0]], [[0.0]], "of one shape"),
        ([[1.0], [1.0]], [[0.0], [2.0]], "target does not vary"),
        ([[0.0], [1.0]], [[0.0], [np.nan]], "rebuilt must hold finite"),
    ],
)
def test_what_has_no_fvu_is_refused(x, y, word):
    with pytest.raises(DataError, match=word):
        fvu(x, y)


def test_sparse_codes_must_be_finite_and_have_latents():
    for codes in (csr_array([[np.nan, 1.0]]), csr_array((3, 0))):
        with pytest.raises(DataError):
            sparsity(codes)

"""Retrieval: the vectors as their own codes find every neighbour, random codes those that chance finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from diabolo.errors import DataError, ParameterError
from diabolo.metrics import retrieval, retrieval_recall


def drawn(count, width, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width))


@given(st.integers(2, 30), st.integers(2, 6), st.integers(0, 99), st.data())
def test_vectors_that_are_turned_and_stretched_find_all(count, width, seed, data):
    x = drawn(count, width, seed)
    turn = np.linalg.qr(drawn(width, width, seed + 1))[0]
    codes = (x * np.random.default_rng(seed).uniform(0.5, 2, (count, 1))) @ turn
    assert retrieval_recall(codes, x, k=data.draw(st.integers(1, count - 1))) == 1


def test_blocks_and_sparse_codes_give_the_same(monkeypatch):
    x = drawn(60, 5)
    codes = np.where(drawn(60, 20, 1) > 0.5, drawn(60, 20, 2), 0)
    whole = retrieval_recall(codes, x, k=7)
    assert 0 < whole < 1
    assert retrieval_recall(csr_array(codes), x, k=7) == whole
    monkeypatch.setattr(retrieval, "_CELLS", 100)
    assert retrieval_recall(csr_array(codes), x, k=7) == whole
    assert retrieval_recall(codes, x, k=7) == whole


def test_counted_by_hand():
    x = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])  # 0 and 1 are neighbours, 2 and 3
    codes = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.2], [0.0, 1.0]])  # 2 is near 0 and 1, 3 nearest to 2
    assert retrieval_recall(codes, x, k=1) == 0.75


def test_what_knows_nothing_finds_what_chance_does():
    found = retrieval_recall(drawn(400, 8, 1), drawn(400, 8), k=40)
    assert abs(found - 40 / 399) < 0.02


def test_codes_of_zeros_are_allowed():
    assert 0 <= retrieval_recall(csr_array((6, 3)), drawn(6, 2), k=2) <= 1


def test_bad_input_is_refused():
    x = drawn(5, 3)
    with pytest.raises(ParameterError, match=r"'k' of retrieval_recall must be an integer in \[1, 4\]; got 5"):
        retrieval_recall(x, x, k=5)
    with pytest.raises(DataError, match="one for each of 5 vectors; got 4"):
        retrieval_recall(csr_array(x[:4]), x, k=1)
    with pytest.raises(DataError, match="vectors must hold finite"):
        retrieval_recall(x, x * np.nan, k=1)


def test_sparse_codes_must_be_finite_and_one_sample_has_no_neighbours():
    with pytest.raises(DataError, match="codes must hold finite numbers"):
        retrieval_recall(csr_array([[np.nan, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.eye(3)[:, :2] + 1, 1)
    with pytest.raises(DataError, match="at least 2 samples"):
        retrieval_recall([[1.0]], [[1.0]], 1)

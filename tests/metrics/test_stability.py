"""Stability: atoms find their pairs whatever their order, and no two have the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.errors import DataError, DataTypeError
from diabolo.metrics import stability


def drawn(n, width, seed):
    return np.random.default_rng(seed).normal(size=(n, width))


@given(st.integers(1, 8), st.integers(1, 5), st.integers(0, 99))
def test_order_and_length_of_atoms_do_not_count(n, width, seed):
    rng, atoms = np.random.default_rng(seed), drawn(n, width, seed)
    assert stability(atoms, (atoms * rng.uniform(0.1, 9, (n, 1)))[rng.permutation(n)]) == pytest.approx(1)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_both_ways_are_the_same_and_no_pairing_is_better(n, m, seed):
    some, others = drawn(n, 3, seed), drawn(m, 3, seed + 1)
    found = stability(some, others)
    assert found == pytest.approx(stability(others, some))
    assert -1 - 1e-9 <= found <= 1 + 1e-9
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (some, others)]
    cosines = unit[0] @ unit[1].T
    least = min(n, m)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        assert cosines[rng.permutation(n)[:least], rng.permutation(m)[:least]].mean() <= found + 1e-9


def test_known_answers():
    square = np.eye(2)
    assert stability(square, [[1.0, 1.0], [-1.0, 1.0]]) == pytest.approx(np.sqrt(0.5))
    assert stability(square, -square) == pytest.approx(0)  # each takes the other's opposite, a cosine of 0, not of -1
    assert stability([[1.0, 0.0]], [[0.0, 1.0], [5.0, 0.0], [-1.0, 0.0]]) == pytest.approx(1)
    assert stability([[0.0, 0.0], [1.0, 0.0]], square) == pytest.approx(0.5)  # an atom of zeros is like none


def test_greedy_pairs_would_be_worse():
    turned = [[np.cos(a), np.sin(a)] for a in (0.0, 0.3)], [[np.cos(a), np.sin(a)] for a in (0.2, 0.5)]
    assert stability(*turned) == pytest.approx(np.cos(0.2))  # 0.3 and 0.2 are nearest, and would leave 0 and 0.5


def test_atoms_of_several_layers_are_one_vector_each():
    atoms = drawn(4, 6, 0)
    assert stability(atoms.reshape(4, 2, 3), atoms[::-1].reshape(4, 2, 3)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("atoms", "others", "error", "word"),
    [
        ([[1.0, 2.0]], [[1.0]], DataError, "samples of one shape"),
        ([[np.nan]], [[1.0]], DataError, "atoms must hold finite numbers"),
        ([1.0], [[1.0]], DataError, "atoms must have shape"),
        ([["a"]], [[1.0]], DataTypeError, "atoms must be an array of real numbers"),
        ([[1.0]], [[1.0], [1.0, 2.0]], DataTypeError, "others must be an array of real numbers"),
        (np.zeros((0, 3)), np.zeros((1, 3)), DataError, "atoms must hold at least 1"),
    ],
)
def test_bad_input_is_refused(atoms, others, error, word):
    with pytest.raises(error, match=word):
        stability(atoms, others)

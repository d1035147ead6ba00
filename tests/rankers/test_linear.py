"""The linear models: identities that hold to rounding, and what each knob does."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tastes import ragged, sparse, tastes

from diabolo.errors import CapabilityError, ParameterError
from diabolo.rankers import EASE, LowRank, Neighbourhood, Setting
from diabolo.rankers import gram as solving
from diabolo.rankers.gram import gram, inverted, weighed

CPU = torch.device("cpu")
COUNTS = tastes()
SHARED = sparse(np.append(COUNTS.toarray(), np.ones((1, 15)), 0))  # any two items share a user
LIKES = sparse(tastes(200, 12).toarray() > 0)


def learned(ranker, histories=COUNTS):
    return ranker.learn(histories, Setting())


def weights(ranker, histories=COUNTS):
    found = learned(ranker, histories).weights
    return found if isinstance(found, np.ndarray) else found.toarray()


def regressed(X, Y, ridge, weight: Any = 1.0):
    """The weights B, 0 on the diagonal, that rebuild Y from X, each column by itself, in float64."""
    X, items = X.astype(np.float64), X.shape[1]
    B = np.zeros((items, items))
    for i in range(items):
        others = np.arange(items) != i
        G = (X[:, others].T * weight) @ X[:, others] + ridge * np.eye(items - 1)
        B[others, i] = np.linalg.solve(G, (X[:, others].T * weight) @ Y[:, i])
    return B


def close(found, expected, most=1e-4):
    assert np.abs(found - expected).max() <= most * max(np.abs(expected).max(), 1e-3)


def test_ease_is_a_ridge_regression_of_each_item_on_the_others():
    X = COUNTS.toarray()
    close(weights(EASE(30.0)), regressed(X, X, 30.0))
    close(learned(EASE(30.0)).scores(COUNTS), X @ regressed(X, X, 30.0))


def test_a_dropout_is_the_average_over_all_masks():
    """Of inputs that are hidden with probability p, and else divided by 1 − p, as in training with dropout."""
    X, p = tastes(10, 4).toarray(), 0.3
    masks = np.array(list(product((0, 1), repeat=4)))  # each user sees all 16
    chance = (1 - p) ** masks.sum(1) * p ** (4 - masks.sum(1))
    seen = (X[:, None] * masks / (1 - p)).reshape(-1, 4)
    expected = regressed(seen, np.repeat(X, 16, 0), 2.0, np.tile(chance, 10))
    close(weights(EASE(2.0, dropout=p), sparse(X)), expected)


@pytest.mark.parametrize("knobs", [{}, {"dropout": 0.4}, {"dropout": 0.2, "balance": 0.7}])
def test_with_all_items_as_neighbours_it_is_ease(knobs):
    close(weights(Neighbourhood(100, ridge=20.0, **knobs), SHARED), weights(EASE(20.0, **knobs), SHARED))


def test_a_neighbourhood_is_a_regression_on_the_items_of_largest_cosine():
    X = COUNTS.toarray().astype(np.float64)
    cosines = X.T @ X / np.linalg.norm(X, axis=0) / np.linalg.norm(X, axis=0)[:, None]
    np.fill_diagonal(cosines, -1)
    expected = np.zeros_like(cosines)
    for i in range(15):
        near = np.argsort(-cosines[i])[:4]
        expected[near, i] = np.linalg.solve(X[:, near].T @ X[:, near] + 9.0 * np.eye(4), X[:, near].T @ X[:, i])
    close(weights(Neighbourhood(4, ridge=9.0)), expected)


@given(st.integers(1, 20))
def test_no_item_has_more_neighbours_than_allowed(count):
    found = (weights(Neighbourhood(count, ridge=3.0), SHARED) != 0).sum(0)
    assert (found == min(count, 14)).all()
    found = (weights(Neighbourhood(count, ridge=3.0), ragged()) != 0).sum(0)
    assert found.max() <= min(count, 5)  # that anyone has, beside itself
    assert (found[[0, 4, 8]] == 0).all()


def test_blocks_of_items_change_nothing(monkeypatch):
    whole = weights(Neighbourhood(4, ridge=9.0))
    monkeypatch.setattr("diabolo.rankers.neighbourhood._CELLS", 32)
    np.testing.assert_allclose(weights(Neighbourhood(4, ridge=9.0)), whole, rtol=1e-5)
    monkeypatch.setattr(solving, "_CELLS", 32)
    np.testing.assert_array_equal(gram(COUNTS), COUNTS.toarray().T @ COUNTS.toarray())


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_the_inverse_is_that_of_numpy_and_in_place(size, seed):
    A = np.random.default_rng(seed).normal(size=(size + 5, size))
    G = (A.T @ A + np.eye(size)).astype(np.float32)
    given_ = G.copy()
    found = inverted(given_, CPU)
    assert np.shares_memory(found, given_)
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, np.linalg.inv(G.astype(np.float64)), rtol=1e-2, atol=1e-4)
    np.testing.assert_array_equal(found, found.T)


def test_large_inverses_are_mirrored_block_by_block():
    matrix = np.triu(np.random.default_rng(0).normal(size=(50, 50))).astype(np.float32)
    found = matrix + np.tril(np.full((50, 50), 9, np.float32), -1)
    solving._mirror(found, step=16)
    np.testing.assert_array_equal(found, np.triu(matrix) + np.triu(matrix, 1).T)


@pytest.mark.parametrize("ranker", [EASE(5.0), EASE(5.0, dropout=0.5), Neighbourhood(4, ridge=5.0)], ids=repr)
def test_ridge_and_dropout_make_weights_smaller(ranker):
    for knob, values in (("ridge", (1.0, 10.0, 100.0)), ("dropout", (0.0, 0.3, 0.6, 0.9))):
        sizes = [np.square(weights(ranker(**{knob: value}))).sum() for value in values]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] > 1.2 * sizes[-1]


def test_an_open_ridge_is_200():
    for ranker in (EASE(dropout=0.1), Neighbourhood(5), LowRank()):
        assert not ranker.settled
        assert ranker(ridge=3.0).settled
        np.testing.assert_array_equal(learned(ranker).scores(COUNTS), learned(ranker(ridge=200.0)).scores(COUNTS))


def test_balance_weighs_users():
    lengths = np.diff(LIKES.indptr).clip(1).astype(float)
    assert len(np.unique(lengths)) > 3
    for balance in (0.0, 0.5, 1.0):
        squares = np.square(weighed(LIKES, balance).toarray()).sum(1)  # what each adds to the Gram matrix's trace
        expected = np.diff(LIKES.indptr) * (lengths / lengths.mean()) ** -balance
        np.testing.assert_allclose(squares, expected, rtol=1e-5)
        assert (np.ptp(squares[squares > 0]) < 1e-4) == (balance == 1)  # then all count the same
    assert weighed(LIKES, 0.0) is LIKES


@pytest.mark.parametrize("ranker", [EASE(5.0, balance=1.0), Neighbourhood(ridge=5.0, balance=1.0), LowRank(5.0, 1.0)])
def test_with_balance_users_of_everything_count_little(ranker):
    """Few items go together; a crowd of users have all of them. These drown that, unless users weigh the same."""
    pairs = np.kron(np.eye(4), [[1, 1]])  # users of two items each
    crowd = np.ones((12, 8))
    histories = sparse(np.concatenate([pairs, pairs, crowd]))

    def contrast(one):
        scores = one.learn(histories, Setting(n=4)).scores(sparse([[1, 0, 0, 0, 0, 0, 0, 0]]))[0]
        return scores[1] / scores[2:].mean()

    assert contrast(ranker) > 1.3 * contrast(ranker(balance=0.0))


def test_low_rank_of_full_rank_is_the_shrunken_projection():
    X, ridge = COUNTS.toarray().astype(np.float64), 40.0
    _, values, V = np.linalg.svd(X, full_matrices=False)
    scorer = LowRank(ridge, balance=0.0, tilt=0.0).learn(COUNTS, Setting(n=15))
    close(scorer.scores(COUNTS), X @ (V.T * (values**2 / (values**2 + ridge))) @ V)
    assert LowRank(ridge).learn(COUNTS, Setting(n=3)).embeddings().shape == (15, 3)


def test_codes_times_vectors_are_the_scores_of_a_linear_model():
    for ranker, exact in ((LowRank(5.0), True), (EASE(5.0), False), (Neighbourhood(6, ridge=5.0), False)):
        scorer = ranker.learn(COUNTS, Setting(n=15))
        products = scorer.codes(COUNTS, 15) @ scorer.embeddings(15).T
        close(products, scorer.scores(COUNTS), 1e-4 if exact else 1e-3)
        few = scorer.codes(COUNTS, 3) @ scorer.embeddings(3).T
        assert 0.3 < np.corrcoef(few.ravel(), scorer.scores(COUNTS).ravel())[0, 1] < 0.999


def test_reasons_of_a_linear_model_sum_to_the_score():
    for ranker in (LowRank(5.0), EASE(5.0, dropout=0.5), Neighbourhood(6, ridge=5.0)):
        scorer = learned(ranker)
        for user, item in ((0, 1), (5, 14), (33, 7)):
            history = COUNTS[[user]]
            assert scorer.reasons(history, item).sum() == pytest.approx(scorer.scores(history)[0, item], abs=1e-5)


def test_tilt_brings_popular_items_forward():
    """What items are divided by on the way in they are multiplied by on the way out."""
    popularity = np.diff(LIKES.tocsc().indptr)
    means = []
    for tilt in (0.0, 0.3, 1.0):
        scores = LowRank(20.0, tilt=tilt).learn(LIKES, Setting(n=3)).scores(LIKES)
        means.append(popularity[np.argsort(-scores, axis=1)[:, :3]].mean())
    assert means[0] < means[1] < means[2]


@pytest.mark.parametrize("ranker", [EASE(1e-30), Neighbourhood(ridge=1e-30)], ids=repr)
def test_a_ridge_too_small_is_said(ranker):
    with pytest.raises(ParameterError, match=r"Parameter 'ridge' must be larger here.*; try 100\.$"):
        ranker.learn(sparse([[1, 1, 1]]), Setting())


def test_what_does_not_fit_is_said_before_it_is_made(monkeypatch):
    monkeypatch.setattr(solving, "_memory", lambda: 4 * 15**2 / 0.8 - 1)
    monkeypatch.setattr("diabolo.rankers.ease.gram", lambda histories: pytest.fail("it was made"))
    with pytest.raises(CapabilityError, match=r"EASE of 15 items needs a matrix of .* GiB.*; use Neighbourhood"):
        learned(EASE(5.0))
    learned(Neighbourhood(4, ridge=5.0))
    monkeypatch.undo()
    monkeypatch.setattr(solving, "_memory", lambda: 4 * 15**2 / 0.8)
    learned(EASE(5.0))


def test_where_the_memory_is_not_told_it_is_tried(monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: (_ for _ in ()).throw(ValueError(name)))
    learned(EASE(5.0))

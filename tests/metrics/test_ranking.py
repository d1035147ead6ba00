"""Ranked lists: each measure is its definition, written out slowly, and has the known answers of tiny worlds."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.metrics import (
    Ranking,
    average_precision,
    capped_recall,
    hit_rate,
    ndcg,
    novelty,
    recall,
    reciprocal_rank,
    shown,
)

PER_USER = [recall, capped_recall, ndcg, average_precision, reciprocal_rank, hit_rate]


def written_out(ranked, targets, k):
    """Every measure of one user."""
    if not targets:
        return [math.nan] * 6
    hits = [r for r, item in enumerate(ranked[:k], 1) if item in targets]
    possible = min(k, len(targets))
    gain = sum(1 / math.log2(r + 1) for r in hits) / sum(1 / math.log2(r + 1) for r in range(1, possible + 1))
    precision = sum((i + 1) / r for i, r in enumerate(hits)) / possible
    first = 1 / hits[0] if hits else 0
    return [len(hits) / len(targets), len(hits) / possible, gain, precision, first, float(bool(hits))]


@st.composite
def worlds(draw):
    items, users = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    targets = [draw(st.sets(st.integers(0, items - 1))) for _ in range(users)]
    lists = [draw(st.permutations(range(items))) for _ in range(users)]
    lengths = [draw(st.integers(0, items)) for _ in range(users)]
    k = draw(st.integers(1, items + 2))
    width = draw(st.integers(min(k, items), items + 1))
    ranked = np.full((users, width), -1)
    for row, each, length in zip(ranked, lists, lengths, strict=True):
        row[: min(length, width)] = each[: min(length, width)]
    matrix = np.zeros((users, items))
    for row, each in zip(matrix, targets, strict=True):
        row[list(each)] = 3.0
    return ranked, targets, csr_array(matrix), k


@given(worlds())
def test_each_measure_is_its_definition(world):
    ranked, targets, matrix, k = world
    expected = np.array([written_out(row.tolist(), each, k) for row, each in zip(ranked, targets, strict=True)])
    for measure, column in zip(PER_USER, expected.T, strict=True):
        np.testing.assert_allclose(measure(ranked, matrix, k), column, rtol=1e-12, err_msg=measure.__name__)


@given(worlds())
def test_means_and_errors_are_over_users_with_targets(world):
    ranked, targets, matrix, k = world
    popularity = np.full(matrix.shape[1], 0.25)
    some = [i for i, each in enumerate(targets) if each]
    if not some:
        with pytest.raises(DataError, match="targets must hold an item for at least one user"):
            Ranking.of(ranked, matrix, popularity, (k,))
        return
    table = Ranking.of(ranked, matrix, popularity, (1, k)).table()
    rows = {row["measure"]: row for row in table if row["at"] == k}
    names = ["recall", "capped recall", "ndcg", "average precision", "reciprocal rank", "hit rate"]
    for name, measure in zip(names, PER_USER, strict=True):
        values = measure(ranked, matrix, k)[some]
        assert rows[name]["mean"] == pytest.approx(values.mean())
        assert rows[name]["users"] == len(some)
        if len(some) > 1:
            assert rows[name]["error"] == pytest.approx(values.std(ddof=1) / math.sqrt(len(some)))
        else:
            assert rows[name]["error"] is None
    listed = {item for row in ranked[some][:, :k].tolist() for item in row} - {-1}
    assert rows["coverage"]["mean"] == pytest.approx(len(listed) / matrix.shape[1])
    assert rows["novelty"]["mean"] == (2 if listed else 0)  # -log₂ 0.25


def test_answers_known_by_hand():
    ranked = np.array([[4, 1, 0, 3], [2, 0, 1, 3], [0, 1, 2, 3]])
    targets = csr_array([[1, 1, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]])  # hits at 2 and 3; at 1; none
    known = {
        recall: [2 / 3, 1, 0],
        capped_recall: [2 / 3, 1, 0],
        ndcg: [(0.63092975 + 0.5) / (1 + 0.63092975 + 0.5), 1, 0],
        average_precision: [(1 / 2 + 2 / 3) / 3, 1, 0],
        reciprocal_rank: [1 / 2, 1, 0],
        hit_rate: [1, 1, 0],
    }
    for measure, values in known.items():
        np.testing.assert_allclose(measure(ranked, targets, 3), values, rtol=1e-7)
    np.testing.assert_allclose(recall(ranked, targets, 2), [1 / 3, 1, 0])
    np.testing.assert_allclose(capped_recall(ranked, targets, 2), [1 / 2, 1, 0])
    assert shown(ranked[:, :1], 5) == 3 / 5
    assert novelty(ranked[:1], [0.5, 0.25, 1.0, 0.0, 0.125]).tolist() == [(3 + 2 + 1 + 3) / 4]


def test_the_best_list_has_one_everywhere_and_the_worst_nothing():
    rng = np.random.default_rng(0)
    targets = csr_array((rng.random((50, 30)) < 0.3) * 1.0)
    scores = targets.toarray() + rng.random((50, 30)) / 2
    best, worst = np.argsort(-scores, 1), np.argsort(scores, 1)
    for measure in PER_USER:
        if measure is not recall:
            np.testing.assert_allclose(measure(best, targets, 5), 1)
    np.testing.assert_allclose(recall(best, targets, 30), 1)
    least = int((30 - np.diff(targets.indptr)).min())  # that many at the end are no targets of anyone
    assert all((measure(worst, targets, least) == 0).all() for measure in PER_USER)


def test_what_is_stored_counts_not_its_weight_nor_its_order():
    ranked = np.array([[2, 0, 1]])
    one = csr_array((np.array([1.0, 9.0]), np.array([2, 1]), np.array([0, 2])), shape=(1, 3))
    other = csr_array([[0.0, 1.0, 1.0]])
    assert all(measure(ranked, one, 3) == measure(ranked, other, 3) for measure in PER_USER)


def test_an_item_that_is_stored_twice_is_one():
    twice = csr_array((np.ones(3), np.array([0, 0, 1]), np.array([0, 3])), shape=(1, 4))
    assert recall(np.array([[0, 1]]), twice, 2).tolist() == [1.0]
    assert twice.nnz == 3  # theirs stays as it is


def test_a_hit_of_another_user_is_none():
    ranked = np.array([[1, 0], [1, 0], [-1, -1]])
    targets = csr_array([[0, 0, 1], [1, 0, 0], [0, 0, 1]])
    assert recall(ranked, targets, 2).tolist() == [0, 1, 0]


def test_any_type_of_integer_will_do():
    targets = csr_array([[0, 1, 0], [0, 0, 1]])
    for dtype in (np.int8, np.uint8, np.int32, np.uint64):
        assert recall(np.array([[1], [0]], dtype), targets, 1).tolist() == [1, 0]


def test_novelty_takes_what_nobody_took_as_the_rarest():
    assert novelty(np.array([[0], [1], [2], [-1]]), [0.5, 0.25, 0.0])[:3].tolist() == [1, 2, 2]
    assert np.isnan(novelty(np.array([[-1]]), [0.5]))
    assert novelty(np.array([[0]]), [0.0]) == 0


def test_empty_lists_have_no_novelty_but_count_as_misses():
    ranked, targets = np.array([[0], [-1]]), csr_array([[1, 0], [0, 1]])
    table = {row["measure"]: row for row in Ranking.of(ranked, targets, [0.5, 0.5], (1,)).table()}
    assert (table["hit rate"]["mean"], table["hit rate"]["users"]) == (0.5, 2)
    assert (table["novelty"]["mean"], table["novelty"]["users"]) == (1, 1)


def test_the_table_is_json():
    ranking = Ranking.of(np.array([[1, 0], [0, 1]]), csr_array([[1, 0], [1, 0]]), [0.5, 0.5], at=[1, 2])
    assert json.loads(json.dumps(ranking.to_json(), allow_nan=False)) == ranking.table()
    assert [row["at"] for row in ranking.table() if row["measure"] == "recall"] == [1, 2]
    found = {(row["measure"], row["at"]): (row["mean"], row["error"]) for row in ranking.table()}
    assert found["recall", 1] == (0.5, 0.5)  # of 0 and 1: standard deviation √½, error √½ / √2
    assert found["coverage", 1] == (1.0, None)


TARGETS = csr_array([[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    ("ranked", "words"),
    [
        ([[0, 1, 2]], r"must hold 2 lists, as targets, of 2 items or more; got shape \(1, 3\)"),
        ([[0], [1]], r"of 2 items or more; got shape \(2, 1\)"),
        ([[0, 3], [0, 1]], r"in \[0, 2\] or -1; got 0 to 3"),
        ([[0, -2], [0, 1]], "got -2 to 1"),
        ([[0, 1], [1, 1]], "one twice in list 1"),
    ],
)
def test_lists_that_do_not_fit_are_refused(ranked, words):
    for measure in PER_USER:
        with pytest.raises(DataError, match=words):
            measure(np.array(ranked), TARGETS, 2)
    with pytest.raises(DataError, match=words):
        Ranking.of(np.array(ranked), TARGETS, [0.5] * 3, (2,))


@pytest.mark.parametrize("ranked", [np.ones((2, 2)), np.array([0, 1]), np.array([["a"]]), None])
def test_lists_of_something_else_are_refused(ranked):
    with pytest.raises(DataTypeError, match=r"ranked must hold item numbers, integers \(B, K\)"):
        recall(ranked, TARGETS, 2)
    with pytest.raises(DataTypeError, match="ranked must hold item numbers"):
        shown(ranked, 3)


def test_targets_are_csr():
    others: list[Any] = [TARGETS.toarray(), coo_array(TARGETS), None]
    for targets in others:
        with pytest.raises(DataTypeError, match="targets must be a SciPy CSR matrix"):
            recall(np.array([[0, 1], [0, 1]]), targets, 2)


@pytest.mark.parametrize("k", [0, -1, 1.0, None])
def test_k_is_a_number_of_items(k):
    with pytest.raises(ParameterError, match="'k' of a ranking must be an integer >= 1"):
        ndcg(np.array([[0, 1], [0, 1]]), TARGETS, k)
    with pytest.raises(ParameterError, match="'at' of Ranking must be a tuple of at most 64, each an integer >= 1"):
        Ranking.of(np.array([[0, 1], [0, 1]]), TARGETS, [0.5] * 3, (2, k))


@pytest.mark.parametrize("popularity", [[0.5, 7.0, 0.1], [-0.1, 0.5, 0.5], [np.nan, 0.5, 0.5], [[0.5, 0.5, 0.5]]])
def test_popularity_is_a_share(popularity):
    with pytest.raises(DataError, match=r"popularity must be the share of the users .*divide counts"):
        novelty(np.array([[0, 1]]), popularity)


def test_popularity_is_one_for_each_item():
    with pytest.raises(DataError, match=r"popularity must be one for each item, shape \(3,\); got shape \(2,\)"):
        Ranking.of(np.array([[0, 1], [0, 1]]), TARGETS, [0.5, 0.5], (2,))
    with pytest.raises(DataTypeError, match="popularity must be an array of real numbers"):
        novelty(np.array([[0]]), ["often"])

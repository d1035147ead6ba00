"""The best of many scores: as a plain sort would give them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tests.tastes import sparse, tastes

from diabolo.rankers import EASE, Popularity, Setting, ranked, ranker
from diabolo.rankers.top import best, without

LEVELS = st.sampled_from([-np.inf, -2.0, 0.0, 1.0, 1.5, 3.0])  # so few that most are equal
SCORES = array_shapes(min_dims=2, max_dims=2, max_side=9).flatmap(
    lambda shape: arrays(np.float32, shape, elements=LEVELS | st.floats(-9, 9, width=32))
)


def by_sorting(scores, n):
    """The numbers of the n best of each row, of equal ones the smaller first, -1 where they are -∞."""
    order = [sorted(range(len(row)), key=lambda i: (-row[i], i))[:n] for row in scores.tolist()]
    return [[i if np.isfinite(row[i]) else -1 for i in chosen] for row, chosen in zip(scores, order, strict=True)]


@given(SCORES, st.integers(1, 12))
def test_the_best_are_those_of_a_plain_sort(scores, n):
    numbers, values = best(scores, n)
    assert numbers.tolist() == by_sorting(scores, n)
    np.testing.assert_array_equal(values, -np.sort(-scores, axis=1)[:, :n])


@given(SCORES, st.integers(1, 8))
def test_a_shorter_list_begins_a_longer_one(scores, n):
    np.testing.assert_array_equal(best(scores, n)[0], best(scores, n + 1)[0][:, :n])


@given(SCORES, st.data())
def test_what_is_seen_or_not_asked_for_is_not_told(scores, data):
    seen = data.draw(arrays(bool, scores.shape))
    wanted = data.draw(arrays(bool, scores.shape[1]).filter(np.any))
    scorer: Any = SimpleNamespace(items=scores.shape[1], scores=lambda histories: scores)
    ((numbers, _),) = ranked(scorer, sparse(seen), 5, seen=sparse(seen), among=np.flatnonzero(wanted))
    allowed = np.where(wanted & ~seen, scores, -np.inf)
    assert numbers.tolist() == by_sorting(allowed, min(5, wanted.sum()))
    np.testing.assert_array_equal(without(scores.copy(), sparse(seen)), np.where(seen, -np.inf, scores))


def test_blocks_join_to_the_whole(monkeypatch):
    histories = tastes()
    scorer = EASE(10.0).learn(histories, Setting())
    ((whole, scores),) = ranked(scorer, histories, 4, seen=histories)
    monkeypatch.setattr(ranker, "_CELLS", 7 * scorer.items)
    blocks = list(ranked(scorer, histories, 4, seen=histories))
    assert [len(numbers) for numbers, _ in blocks] == [7] * 11 + [3]
    np.testing.assert_array_equal(np.concatenate([numbers for numbers, _ in blocks]), whole)
    np.testing.assert_allclose(np.concatenate([values for _, values in blocks]), scores, rtol=1e-6)


def test_nobody_is_told_nothing():
    scorer = Popularity().learn(tastes(), Setting())
    ((numbers, scores),) = ranked(scorer, tastes()[:0], 3, seen=tastes()[:0])
    assert numbers.shape == scores.shape == (0, 3)

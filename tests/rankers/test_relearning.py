"""Learning further: what comes of a few changed histories is what all of them would have taught."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tastes import sparse, tastes

from diabolo.rankers import EASE, Auto, Blend, LowRank, Neighbourhood, Popularity, Setting
from diabolo.rankers.change import Change
from diabolo.rankers.gram import gram

BEFORE = tastes(60, 40)
SETTING = Setting(n=5)


def changed(users=(3, 17), before=BEFORE, seed=1):
    """The same histories, but for some more interactions of some users."""
    after = before.toarray()
    after[list(users)] += np.random.default_rng(seed).random((len(users), after.shape[1])) < 0.05
    return sparse(after)


def wider(histories, users, items):
    """With rows and columns for more users and items, who have nothing."""
    grown = histories.toarray()
    return sparse(np.pad(grown, ((0, users), (0, items))))


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_few_changes_correct_the_inverse(dropout, monkeypatch):
    ranker, after = EASE(20.0, dropout=dropout), changed()
    scorer: Any = ranker.learn(BEFORE, SETTING)
    anew: Any = ranker.learn(after, SETTING)
    assert np.abs(anew.weights - scorer.weights).max() > 1e-3
    monkeypatch.setattr(EASE, "learn", lambda *args: pytest.fail("it was learned anew"))
    found: Any = ranker.relearn(scorer, BEFORE, after, SETTING)
    np.testing.assert_allclose(found.weights, anew.weights, atol=2e-5)
    np.testing.assert_allclose(found.precision, anew.precision, rtol=1e-4)
    again: Any = ranker.relearn(found, after, after, SETTING)  # nothing changed
    np.testing.assert_allclose(again.weights, anew.weights, atol=2e-5)


@pytest.mark.parametrize(
    "ranker",
    [
        EASE(20.0),
        EASE(20.0, balance=0.5),
        EASE(),
        Neighbourhood(5, ridge=9.0),
        LowRank(9.0),
        Popularity(),
        Auto(),
        Blend((EASE(20.0, dropout=0.2), Popularity()), weights=(0.7, 0.3)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["few", "many", "new users", "new items"])
def test_relearning_is_learning_anew(ranker, kind):
    before = {"new users": wider(BEFORE, 2, 0), "new items": wider(BEFORE, 1, 3)}.get(kind, BEFORE)
    after = changed({"few": (3,), "many": range(40)}.get(kind, (1, before.shape[0] - 1)), before)
    first = BEFORE if kind == "new items" else before
    scorer = ranker.relearn(ranker.learn(first, SETTING), before, after, SETTING)
    anew = ranker.learn(after, SETTING)
    scores = anew.scores(after)
    np.testing.assert_allclose(scorer.scores(after), scores, atol=1e-4 * np.abs(scores).max())


def test_a_restored_scorer_learns_further():
    ranker, after = EASE(20.0), changed()
    plain, arrays = ranker.learn(BEFORE, SETTING).state()
    scorer = ranker.restore(plain, {name: value.clone() for name, value in arrays.items()}, 40)
    found = ranker.relearn(scorer, BEFORE, after, replace(SETTING, seed=3))
    np.testing.assert_allclose(found.scores(after), ranker.learn(after, SETTING).scores(after), atol=1e-4)


@given(st.integers(0, 2**31), st.integers(0, 8), st.sampled_from([0.0, 0.5, 3.0]))
def test_a_change_is_the_difference_of_the_matrices(seed, users, diagonal):
    after = changed(range(users), seed=seed)
    change = Change.between(BEFORE, after, diagonal)

    def loaded(histories):
        G = gram(histories)
        return G + diagonal * np.diag(G.diagonal())

    V = change.rows.toarray()
    np.testing.assert_allclose(V.T * change.signs @ V, loaded(after) - loaded(BEFORE), atol=1e-3)
    assert (change.signs != 0).all()


def test_the_corrected_inverse_is_the_inverse(monkeypatch):
    monkeypatch.setattr("diabolo.rankers.change._STEP", 7)
    change = Change.between(BEFORE, changed(), 0.0)
    G = gram(BEFORE).astype(np.float64) + 20 * np.eye(40)
    V = change.rows.toarray().astype(np.float64)
    found = change.applied(np.linalg.inv(G).astype(np.float32))
    np.testing.assert_allclose(found, np.linalg.inv(G + V.T * change.signs @ V), atol=1e-6)

"""What every ranker keeps: it learns, scores and is restored; and it knows the colours of a checkerboard."""

import json
from typing import Any

import numpy as np
import pytest
from tests.tastes import checkerboard, ragged, sparse, tastes

from diabolo.corruptions import Masking
from diabolo.errors import CapabilityError
from diabolo.latents import Gaussian
from diabolo.likelihoods import Multinomial
from diabolo.model import Recipe
from diabolo.nets import Bag
from diabolo.part import from_json
from diabolo.rankers import (
    EASE,
    RANKERS,
    Auto,
    Blend,
    Held,
    LowRank,
    Neighbourhood,
    Popularity,
    Ranker,
    Setting,
    Trained,
    ranked,
)
from diabolo.training import Training

NET = Trained(Recipe(Bag((16,)), Gaussian(beta=0.2), Multinomial()))
VALUES: list[Ranker] = [
    *(row.ranker for row in RANKERS.values()),
    EASE(20.0, balance=1.0),
    Neighbourhood(3, ridge=2.0, dropout=0.25),
    LowRank(5.0, balance=0.0, tilt=1.0),
    Blend((EASE(20.0), NET, Popularity()), weights=(0.5, 0.0, 2.0)),
    Blend((Blend((LowRank(),)), Auto())),
    NET,
]
SETTING = Setting(n=4, training=Training(epochs=2))
WORLDS = {
    "counts": tastes(),
    "users and items without interactions": ragged(),
    "one item": sparse([[1], [0], [3]]),
    "one user": sparse([[1, 0, 2, 1]]),
    "one of each": sparse([[1]]),
}
each = pytest.mark.parametrize("ranker", VALUES, ids=lambda ranker: repr(ranker)[:50])


@each
def test_it_travels_as_json(ranker):
    again: Any = from_json(json.loads(json.dumps(ranker.to_json())))
    assert again == ranker
    assert again.equation() == ranker.equation()


@each
@pytest.mark.parametrize("world", WORLDS)
def test_it_scores_every_history(ranker, world):
    histories = WORLDS[world]
    scorer = ranker.learn(histories, SETTING)
    scores = scorer.scores(histories)
    assert scorer.items == histories.shape[1]
    assert scores.shape == histories.shape
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert scorer.scores(histories[:0]).shape == (0, scorer.items)


@each
def test_a_row_is_scored_as_it_is_alone(ranker):
    histories = ragged()
    scorer = ranker.learn(histories, SETTING)
    alone = np.concatenate([scorer.scores(histories[[i]]) for i in range(histories.shape[0])])
    np.testing.assert_allclose(scorer.scores(histories), alone, rtol=1e-4, atol=1e-5)


@each
@pytest.mark.parametrize("world", WORLDS)
def test_what_is_restored_scores_the_same(ranker, world):
    histories = WORLDS[world]
    scorer = ranker.learn(histories, SETTING)
    plain, arrays = scorer.state()
    copied = {name: value.clone() for name, value in arrays.items()}
    again = ranker.restore(json.loads(json.dumps(plain)), copied, histories.shape[1])
    np.testing.assert_array_equal(again.scores(histories), scorer.scores(histories))
    assert again.history == scorer.history


@each
def test_the_same_seed_learns_the_same(ranker):
    one, two = (ranker.learn(tastes(), SETTING).scores(tastes()) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@each
def test_vectors_and_reasons(ranker):
    histories = ragged()
    scorer = ranker.learn(histories, SETTING)
    user = histories[[3]]
    reasons = scorer.reasons(user, 2)
    assert reasons.shape == (user.nnz,)
    assert np.isfinite(reasons).all()
    assert scorer.reasons(histories[[0]], 2).shape == (0,)
    if isinstance(ranker, Popularity):
        for ask in (scorer.embeddings, lambda: scorer.codes(histories), lambda: scorer.similar(1)):
            with pytest.raises(CapabilityError, match=r"Popularity has no vectors.*use another model"):
                ask()
        return
    assert scorer.embeddings(2).shape == (scorer.items, 2)
    assert scorer.codes(histories, 2).shape == (histories.shape[0], 2)
    assert np.isfinite(scorer.codes(histories)).all()
    if Popularity() not in getattr(ranker, "members", ()):
        assert scorer.similar(1).shape == (scorer.items,)
        assert np.isfinite(scorer.similar(0)).all()  # of an item that nobody has


FITTED = [
    EASE(5.0),
    EASE(5.0, dropout=0.5, balance=0.5),
    Neighbourhood(4, ridge=5.0),
    Neighbourhood(ridge=5.0, dropout=0.5, balance=1.0),
    LowRank(5.0),
    Blend((EASE(5.0), LowRank(5.0))),
    Auto(),
    NET,
    Trained(Recipe(Bag((16,)), corruption=Masking(0.5))),
    *(row.ranker for row in RANKERS.values() if isinstance(row.ranker, Trained)),
]


@pytest.mark.parametrize("ranker", FITTED, ids=lambda ranker: repr(ranker)[:50])
def test_the_withheld_item_of_a_checkerboard_comes_first(ranker):
    histories, withheld = checkerboard()
    scorer = ranker.learn(histories, Setting(n=2, training=Training(steps=100, learning_rate=3e-3)))
    (numbers, _), *_ = ranked(scorer, histories, 1, seen=histories)
    np.testing.assert_array_equal(numbers[:, 0], withheld)


def test_popularity_knows_no_colours():
    histories, withheld = checkerboard()
    scorer = Popularity().learn(histories, Setting())
    (numbers, _), *_ = ranked(scorer, histories, 1, seen=histories)
    assert (numbers[:, 0] == withheld).mean() < 0.9
    judge: Any = Held(histories, sparse(np.eye(12)[withheld]))
    assert judge(scorer) < judge(EASE(5.0).learn(histories, Setting())) == 1.0

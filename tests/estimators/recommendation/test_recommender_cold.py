"""Items that nobody has taken yet, known by their features."""

import numpy as np
import pandas as pd
import pytest
from tests.tastes import tastes

import diabolo
from diabolo import Recommender
from diabolo.data import Interactions
from diabolo.errors import DataError, DataTypeError
from diabolo.estimators.recommendation import cold
from diabolo.rankers import EASE, Blend, LowRank

USERS, ITEMS = 60, 20
COLOURS = np.array(["white", "black"])
MODELS = ["ease", "low-rank", "neighbourhood", "auto"]


def likes():
    """Users like items of the parity of their own number, most of them."""
    pairs = [(u, i) for u in range(USERS) for i in range(ITEMS) if (u + i) % 2 == 0 and (3 * u + i) % 5]
    return pd.DataFrame(pairs, columns=["user", "item"])


def features(count=ITEMS + 4):
    items = np.arange(count)
    return pd.DataFrame({"item": items, "colour": COLOURS[items % 2], "price": 1.0 + items % 3})


@pytest.mark.parametrize("model", MODELS)
def test_new_items_go_to_those_who_like_their_kind(model):
    recommender = Recommender(model=model, random_state=0).fit(likes(), features=features())
    found = recommender.recommend([0, 1], n=2, candidates=[20, 21, 22, 23]).items
    assert set(found[0]) == {20, 22}
    assert set(found[1]) == {21, 23}


def test_known_items_score_as_they_do_without_features():
    plain, told = (Recommender(model=EASE(50.0)).fit(likes(), features=f) for f in (None, features()))
    known = np.arange(ITEMS).tolist()
    assert told.recommend([0, 1], n=9, candidates=known).items.tolist() == plain.recommend([0, 1], n=9).items.tolist()


def test_a_new_item_scores_as_the_mean_of_those_like_it():
    recommender = Recommender(model=EASE(50.0)).fit(likes(), features=features())
    (scores,) = recommender.scorer_.scores(recommender.interactions_.matrix[[0]])
    column = recommender.likeness_[:, [22]].toarray()[:, 0]
    np.testing.assert_allclose(scores[22], scores @ column, rtol=1e-5)
    np.testing.assert_allclose(column.sum(), 1, rtol=1e-5)


def test_a_history_of_new_items_tells_the_taste():
    recommender = Recommender(model="ease").fit(likes(), features=features())
    assert all(recommender.recommend([[20, 22]], n=5).items[0] % 2 == 0)
    assert recommender.similar_items([22], n=3).items[0, 0] % 2 == 0
    assert recommender.explain([20], 4).items.shape == (1, 1)


def test_a_new_item_that_is_taken_is_new_no_more():
    recommender = Recommender(model=EASE(50.0)).fit(likes(), features=features())
    again = recommender.partial_fit(pd.DataFrame({"user": [0, 2, 4], "item": [22, 22, 22]}))
    own = again.likeness_[:, [22]].toarray()[:, 0]
    assert own.tolist() == np.eye(ITEMS + 4)[22].tolist()
    assert set(again.recommend([0], n=1, candidates=[20, 21, 23]).items[0]) == {20}  # the others still are


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_round_trip(tmp_path, suffix):
    recommender = Recommender(model="low-rank", random_state=0).fit(likes(), features=features())
    recommender.save(tmp_path / f"model{suffix}")
    again = diabolo.load(tmp_path / f"model{suffix}")
    for one, other in zip(recommender.recommend([0, 1], n=5), again.recommend([0, 1], n=5), strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_new_item_changes_nothing():
    interactions, likeness = cold.beside(Interactions.of(tastes()), features(tastes().shape[1]))
    assert (likeness.toarray() == np.eye(tastes().shape[1])).all()
    assert (interactions.matrix != tastes()).nnz == 0


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ([[1, 2]], DataTypeError, "must be a data frame"),
        (pd.concat([features(), features()]), DataError, "one row for each item"),
        (features()[ITEMS:], DataError, "must know some of the items"),
        (features().assign(item=lambda f: f["item"].astype(str)), DataTypeError, "Items must be"),
    ],
)
def test_bad_features(given, error, match):
    with pytest.raises(error, match=match):
        Recommender(model="ease").fit(likes(), features=given)


def test_what_everyone_dislikes_is_not_raised_by_features_that_do_not_know_it():
    disliked = pd.DataFrame({"user": range(30), "item": 99, "rating": 1.0})
    rated = pd.concat([likes().assign(rating=5.0), disliked])
    model = Blend((EASE(50.0), LowRank(50.0)), weights=(0.5, 0.5))
    recommender = Recommender(model=model, threshold=3, random_state=0).fit(rated, features=features(ITEMS))
    histories, found = recommender.interactions_.matrix, recommender.scorer_
    assert isinstance(found, cold.Cold)
    np.testing.assert_allclose(found.scores(histories), found.scorer.scores(histories), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f[["item"]], "what is known of them in others"),
        (lambda f: f.set_index("item"), "its first column, 'colour'"),
    ],
)
def test_features_without_ids_or_anything_else_are_told_of(change, words):
    with pytest.raises(DataError, match=words):
        Recommender(model="ease").fit(likes(), features=change(features()))

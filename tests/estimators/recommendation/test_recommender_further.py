"""Further interactions: learning them is as learning all at once with the same model."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.tastes import events, sparse, tastes

import diabolo
from diabolo import Recommender, files
from diabolo.errors import DataTypeError, DiaboloWarning, FileError
from diabolo.rankers import EASE, Blend, LowRank, Neighbourhood, Popularity

WORLD = tastes(120, 40)
FRAME = pd.DataFrame(events(WORLD, [f"u{i:03}" for i in range(120)], [f"i{i:02}" for i in range(40)]))
MODELS = [EASE(20.0), EASE(20.0, dropout=0.5), EASE(9.0, balance=0.5), Neighbourhood(5, ridge=9.0), LowRank(9.0)]
MODELS += [Blend((EASE(20.0), Popularity()), weights=(0.6, 0.4))]


def same(found, expected, users):
    assert found.interactions_.users.names.tolist() == expected.interactions_.users.names.tolist()
    assert found.interactions_.items.names.tolist() == expected.interactions_.items.names.tolist()
    np.testing.assert_array_equal(found.interactions_.matrix.toarray(), expected.interactions_.matrix.toarray())
    ours, theirs = (each.recommend(users, n=40, exclude_seen=False) for each in (found, expected))
    spread = np.ptp(theirs.scores)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-4 * spread)
    assert found.n_features_in_ == expected.n_features_in_


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize(
    "late",
    [
        FRAME["user"].isin(["u003", "u117"]) & (FRAME.index % 2 == 0),  # more of two users
        FRAME["user"] >= "u118",  # new users
        FRAME["item"].isin(["i00", "i38"]),  # new items, one before all others
        FRAME.index % 3 == 0,  # of everyone
    ],
    ids=["few", "users", "items", "many"],
)
def test_further_learning_is_learning_all(model, late):
    found = Recommender(5, model=model, random_state=0).fit(FRAME[~late]).partial_fit(FRAME[late])
    same(found, Recommender(5, model=model, random_state=0).fit(FRAME), ["u003", "u100", "u119"])


def test_the_first_time_it_is_fit():
    found = Recommender(model=EASE(20.0)).partial_fit(FRAME)
    same(found, Recommender(model=EASE(20.0)).fit(FRAME), ["u003"])


def test_what_was_chosen_stays():
    found = Recommender(random_state=0).fit(FRAME[:-50])
    chosen = found.ranker_
    assert chosen.settled
    assert found.partial_fit(FRAME[-50:]) is found
    assert found.ranker_ == chosen
    same(found, Recommender(model=chosen, random_state=0).fit(FRAME), ["u003"])


def test_weights_of_a_pair_add_up_or_with_a_threshold_the_largest_counts():
    one = pd.DataFrame({"user": ["a", "a", "b"], "item": ["x", "y", "x"], "rating": [3.0, 5.0, 4.0]})
    two = pd.DataFrame({"user": ["a", "b"], "item": ["x", "x"], "rating": [5.0, 4.0]})
    for threshold, expected in ((None, [[8, 5], [8, 0]]), (4, [[1, 1], [1, 0]])):
        found: Any = Recommender(model=EASE(5.0), threshold=threshold).fit(one).partial_fit(two)
        assert found.interactions_.matrix.toarray().tolist() == expected
        both: Any = Recommender(model=EASE(5.0), threshold=threshold).fit(pd.concat([one, two]))
        np.testing.assert_allclose(found.scorer_.weights, both.scorer_.weights, atol=1e-6)


def test_matrices_go_by_row_and_column():
    found = Recommender(model=EASE(20.0)).fit(WORLD[:100, :30])
    rest = sparse(WORLD.toarray() - np.pad(WORLD[:100, :30].toarray(), ((0, 20), (0, 10))))
    same(found.partial_fit(rest), Recommender(model=EASE(20.0)).fit(WORLD), [0, 119])


def test_a_loaded_model_learns_further(tmp_path):
    late = FRAME["user"] >= "u118"
    Recommender(model=EASE(20.0)).fit(FRAME[~late]).save(tmp_path / "model")
    found: Any = diabolo.load(tmp_path / "model")
    same(found.partial_fit(FRAME[late]), Recommender(model=EASE(20.0)).fit(FRAME), ["u003", "u119"])


def test_what_cannot_be_learned_changes_nothing():
    found = Recommender(model=EASE(20.0)).fit(FRAME)
    before = found.recommend(["u003"], n=5)
    with pytest.raises(DataTypeError, match="must be all integers or all text"):
        found.partial_fit(pd.DataFrame({"user": [1], "item": [2]}))
    found.partial_fit(FRAME[:0])
    np.testing.assert_array_equal(found.recommend(["u003"], n=5).scores, before.scores)


def test_who_has_nothing_known_gets_what_most_have():
    taken = [("a", "x"), ("b", "x"), ("c", "x"), ("a", "y"), ("b", "y"), ("c", "z")]
    recommender = Recommender(model="ease").fit(pd.DataFrame(taken, columns=["user", "item"]))
    assert recommender.recommend([[]]).items.tolist() == [["x", "y", "z"]]  # of three items, all
    with pytest.warns(DiaboloWarning, match="not known"):
        assert recommender.recommend([["never seen"]]).items.tolist() == [["x", "y", "z"]]
    assert recommender.recommend([[]], candidates=["z", "y"]).items.tolist() == [["y", "z"]]
    told = recommender.recommend([["x"], []], n=3)
    assert told.items[0].tolist()[2] is None
    assert told.items[1].tolist() == ["x", "y", "z"]


def test_fewer_candidates_than_asked_for_leave_places_empty():
    taken = [("a", "x"), ("b", "x"), ("a", "y"), ("b", "z")]
    recommender = Recommender(model="ease").fit(pd.DataFrame(taken, columns=["user", "item"]))
    told = recommender.recommend(["a"], n=3, candidates=["z"])
    assert told.items.tolist() == [["z", None, None]]
    assert np.isneginf(told.scores[0, 1:]).all()


def test_what_was_rated_low_stays_seen(tmp_path):
    ratings = pd.DataFrame({"user": list("aabbbc"), "item": list("xyxyzz"), "rating": [5, 1, 4, 5, 2, 1]})
    shelf = pd.DataFrame({"item": list("wxyz"), "kind": list("ppqq")})
    found = Recommender(model=EASE(5.0), threshold=4).fit(ratings, features=shelf)
    found.partial_fit(pd.DataFrame({"user": list("cdd"), "item": list("wzx"), "rating": [2, 1, 5]}))
    found.save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    for each in (found, again):
        told = each.recommend(list("abcd"), n=4).items.tolist()
        assert [sorted(filter(None, row)) for row in told] == [["w", "z"], ["w"], ["x", "y"], ["w", "y"]]
    with pytest.raises(FileError, match="entries that it cannot have"):
        document, arrays = files.load(tmp_path / "model")
        arrays["rated.indices"].fill_(9)
        files.save(tmp_path / "model", document, arrays)
        diabolo.load(tmp_path / "model")


def test_what_most_have_is_counted_once_and_again_after_more():
    recommender = Recommender(model=EASE(5.0)).fit(pd.DataFrame({"user": [0, 0, 1, 2], "item": [7, 8, 7, 9]}))
    nobody = [[]]
    assert recommender.recommend(nobody, n=1).items.tolist() == [[7]]
    assert recommender.interactions_.counts is recommender.interactions_.counts
    recommender.partial_fit(pd.DataFrame({"user": [1, 3, 4], "item": [9, 9, 9]}))
    found = recommender.recommend(nobody, n=2)
    assert (found.items.tolist(), found.scores.tolist()) == ([[9, 7]], [[4.0, 2.0]])


def test_a_correction_that_fails_leaves_the_model_as_it_was(monkeypatch):
    found = Recommender(model=EASE(20.0)).fit(FRAME[20:])
    before = found.recommend(["u100"], n=40, exclude_seen=False)

    def fail(self, inverse):
        raise MemoryError

    monkeypatch.setattr("diabolo.rankers.change.Change.applied", fail)
    with pytest.raises(MemoryError):
        found.partial_fit(FRAME[:20])
    after = found.recommend(["u100"], n=40, exclude_seen=False)
    np.testing.assert_array_equal(after.scores, before.scores)


def test_what_is_only_disliked_is_learned_as_seen():
    rated = FRAME[["user", "item"]].assign(rating=4.0)
    found = Recommender(model=EASE(20.0), threshold=3).fit(rated)
    item = found.recommend(["u003"], n=1).items[0, 0]
    before = found.recommend(["u100"], n=40, exclude_seen=False).scores
    found.partial_fit(pd.DataFrame({"user": ["u003"], "item": [item], "rating": [1.0]}))
    assert item not in found.recommend(["u003"], n=20).items
    np.testing.assert_allclose(found.recommend(["u100"], n=40, exclude_seen=False).scores, before, atol=1e-5)

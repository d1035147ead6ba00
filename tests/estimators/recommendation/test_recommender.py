"""The recommender: whatever form interactions and users come in, the answer is the same."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import coo_matrix, csr_matrix, save_npz
from tests.tastes import checkerboard, events, sparse, tastes

from diabolo import Recipe, Recommender, Training
from diabolo.errors import CapabilityError, DiaboloWarning
from diabolo.latents import Gaussian
from diabolo.likelihoods import Multinomial
from diabolo.nets import Bag
from diabolo.rankers import EASE, Auto, Blend, LowRank, Popularity, Trained
from diabolo.schedules import WarmUp
from diabolo.training import Callback

BOARD, WITHHELD = checkerboard()
USERS, ITEMS = [f"u{i:02}" for i in range(60)], [f"i{i:02}" for i in range(12)]  # in order, as ids are kept
TEXT = events(BOARD, USERS, ITEMS)
NUMBERS = events(BOARD, range(100, 160), range(7, 19))
MODEL = EASE(5.0)


@pytest.fixture(scope="module")
def fitted():
    return Recommender(model=MODEL, random_state=0).fit(pd.DataFrame(TEXT))


def test_it_finds_what_is_withheld(fitted):
    found = fitted.recommend(USERS, n=1)
    assert found.items[:, 0].tolist() == [ITEMS[i] for i in WITHHELD]
    assert fitted.scorer_.items == fitted.n_features_in_ == len(fitted.interactions_.items) == 12


@pytest.mark.parametrize(
    ("given", "users", "items"),
    [
        (pd.DataFrame(TEXT), USERS, ITEMS),
        (pl.DataFrame(TEXT), USERS, ITEMS),
        (pd.DataFrame(NUMBERS), range(100, 160), range(7, 19)),
        (pl.DataFrame(NUMBERS).sample(fraction=1.0, shuffle=True, seed=0), range(100, 160), range(7, 19)),
        (pd.DataFrame(NUMBERS).rename(columns={"user": "userId", "item": "movieId"}), range(100, 160), range(7, 19)),
        (BOARD, range(60), range(12)),
        (csr_matrix(BOARD), range(60), range(12)),
        (coo_matrix(BOARD), range(60), range(12)),
    ],
    ids=["pandas", "polars", "integers", "shuffled", "renamed", "csr array", "csr matrix", "coo"],
)
def test_every_form_of_the_same_interactions_teaches_the_same(fitted, given, users, items):
    found: Any = Recommender(model=MODEL).fit(given)
    np.testing.assert_array_equal(found.scorer_.weights, fitted.scorer_.weights)
    answer, expected = found.recommend(list(users), n=3), fitted.recommend(USERS, n=3)
    assert answer.items.tolist() == [[items[ITEMS.index(name)] for name in row] for row in expected.items]
    np.testing.assert_array_equal(answer.scores, expected.scores)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_paths(tmp_path, suffix, fitted):
    path = tmp_path / f"events.{suffix}"
    frame = pd.DataFrame(TEXT)
    {"csv": frame.to_csv, "parquet": frame.to_parquet, "npz": lambda path: save_npz(path, csr_matrix(BOARD))}[suffix](
        path
    )
    found: Any = Recommender(model=MODEL).fit(path)
    np.testing.assert_array_equal(found.scorer_.weights, fitted.scorer_.weights)


def test_histories_are_answered_as_known_users_are(fitted):
    asked = [3, 10, 41]
    expected = fitted.recommend([USERS[i] for i in asked], n=4)
    lists = [[ITEMS[i] for i in BOARD[[user]].indices] for user in asked]
    histories = BOARD[asked]
    for given in (
        lists,
        tuple(map(tuple, lists)),
        [np.array(each) for each in lists],
        list(map(set, lists)),
        pd.Series(lists, index=[7, 8, 9]),
        pl.Series(lists),
        pd.Series(lists).to_numpy(),
        histories,
        csr_matrix(histories),
    ):
        found = fitted.recommend(given, n=4)
        np.testing.assert_array_equal(found.items, expected.items)
        np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)
    one = fitted.recommend(USERS[3], n=4)
    np.testing.assert_array_equal(one.items, expected.items[:1])
    np.testing.assert_array_equal(fitted.recommend(pd.Series([USERS[i] for i in asked]), n=4).items, expected.items)


@pytest.mark.parametrize("package", [pd, pl])
def test_a_frame_is_answered_by_a_frame(fitted, package):
    given = events(BOARD[[3, 10]], ["zoe", "adam"], ITEMS)
    frame = fitted.recommend(package.DataFrame(given), n=2)
    assert isinstance(frame, package.DataFrame)
    assert list(frame.columns) == ["user", "item", "score", "rank"]
    assert frame["user"].to_list() == ["adam", "adam", "zoe", "zoe"]
    assert frame["rank"].to_list() == [1, 2, 1, 2]
    expected = fitted.recommend([USERS[10], USERS[3]], n=2)
    assert frame["item"].to_list() == expected.items.ravel().tolist()
    np.testing.assert_allclose(frame["score"].to_numpy(), expected.scores.ravel(), rtol=1e-5)


@pytest.mark.parametrize("package", [pd, pl])
def test_a_frame_of_users_alone_is_of_their_ids(fitted, package):
    expected = fitted.recommend(["u10", "u03"], n=2)
    for name in ("user", "userId", "who"):
        frame = fitted.recommend(package.DataFrame({name: ["u10", "u03"]}), n=2)
        assert isinstance(frame, package.DataFrame)
        assert frame["user"].to_list() == ["u10", "u10", "u03", "u03"]
        assert frame["item"].to_list() == expected.items.ravel().tolist()
    assert fitted.transform(package.DataFrame({"user": ["u10"]})).shape == (1, 12)


def test_what_was_seen_or_excluded_or_is_no_candidate_is_not_told(fitted):
    user, own = USERS[0], {ITEMS[i] for i in BOARD[[0]].indices}
    everything = fitted.recommend([user], n=12, exclude_seen=False).items[0]
    assert sorted(everything) == ITEMS
    assert set(everything[:6]) == set(ITEMS[::2]) > own
    left = fitted.recommend([user], n=12)
    assert sorted(left.items[0, :7]) == sorted(set(ITEMS) - own)
    assert left.items[0, 7:].tolist() == [None] * 5
    assert np.isneginf(left.scores[0, 7:]).all()
    few = fitted.recommend([user], n=2, candidates=["i01", "i03", "i04", "nowhere"], exclude=["i03"])
    assert few.items[0].tolist() == ["i01", None]
    assert fitted.recommend([user], n=1, exclude=[ITEMS[WITHHELD[0]]]).items[0, 0] != ITEMS[WITHHELD[0]]
    numbers = Recommender(model=MODEL).fit(BOARD).recommend([0], n=12).items
    assert numbers[0, 7:].tolist() == [-1] * 5
    frame = fitted.recommend(pd.DataFrame(events(BOARD[[0]], ["new"], ITEMS)), n=12)
    assert len(frame) == 7


def test_nobody_is_told_nothing(fitted):
    for nobody in ([], np.array([], dtype=object), BOARD[:0], csr_matrix((0, 12))):
        found = fitted.recommend(nobody, n=3)
        assert found.items.shape == found.scores.shape == (0, 3)
    assert len(fitted.recommend(pd.DataFrame(TEXT)[:0], n=3)) == 0
    assert fitted.recommend([[]], n=12).items.shape == (1, 12)  # a user without a history
    assert fitted.similar_items([], n=2).items.shape == (0, 2)


def test_unknown_items_of_a_history_are_left_out_with_a_warning(fitted):
    with pytest.warns(DiaboloWarning, match="1 of 3 interactions are with items that are not known"):
        found = fitted.recommend([["i00", "i02", "new"]], n=2)
    np.testing.assert_array_equal(found.items, fitted.recommend([["i00", "i02"]], n=2).items)


def test_names_recipes_and_texts_are_models():
    recipe = Recipe(Bag((8,)), Gaussian(), Multinomial())
    for said, ranker in (
        ("ease", EASE()),
        ("auto", Auto()),
        ("LowRank(30, tilt=0.5)", LowRank(30, tilt=0.5)),
        (recipe, Trained(recipe)),
        (repr(recipe), Trained(recipe)),
        (repr(Trained(recipe)), Trained(recipe)),
    ):
        assert Recommender(model=said).check_parameters() == ranker


def test_auto_is_kept_as_what_it_chose():
    """So that a model file says what it is of, whatever a later version would choose; also with nobody held out."""
    found = Recommender(model="auto").fit(BOARD)
    assert found.ranker_ == Auto().choose(BOARD.shape[1])
    within = Recommender(model=Blend((Auto(), Popularity()), weights=(0.5, 0.5))).fit(BOARD)
    assert within.ranker_ == Blend((Auto().choose(BOARD.shape[1]), Popularity()), weights=(0.5, 0.5))


def test_a_threshold_makes_likes_of_ratings():
    ratings = pd.DataFrame({"user": list("aabbbc"), "item": list("xyxyzz"), "rating": [5, 1, 4, 5, 2, 1]})
    found = Recommender(model=MODEL, threshold=4).fit(ratings)
    assert found.interactions_.matrix.toarray().tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    weighed = Recommender(model=MODEL, threshold=None).fit(ratings)
    assert weighed.interactions_.matrix.toarray().tolist() == [[5, 1, 0], [4, 5, 2], [0, 0, 1]]
    new = pd.DataFrame({"user": ["n", "n"], "item": ["x", "y"], "rating": [5, 1]})
    assert found.recommend(new)["item"].tolist() == ["z"]  # y was seen, though not liked
    assert found.recommend(new, exclude_seen=False)["item"].tolist() == ["y", "x", "z"]
    assert found.recommend(["a", "b", "c"]).items[:, 0].tolist() == ["z", None, "x"]
    np.testing.assert_array_equal(found.recommend([["x"]], n=1).items, [["y"]])  # a list is of likes
    found.evaluate([["x", "y"]])


def test_similar_items_are_of_the_same_colour(fitted):
    for model in (MODEL, "low-rank", "neighbourhood", "auto"):
        found = Recommender(model=model).fit(pd.DataFrame(TEXT)).similar_items(["i03", "i08"], n=5)
        for item, row, scores in zip((3, 8), found.items.tolist(), found.scores, strict=True):
            assert sorted(row) == [name for i, name in enumerate(ITEMS) if i % 2 == item % 2 and i != item]
            assert (np.diff(scores) <= 0).all()
    np.testing.assert_array_equal(fitted.similar_items("i03", n=2).items, fitted.similar_items(["i03"], n=2).items)
    with pytest.raises(CapabilityError, match="Popularity has no vectors"):
        Recommender(model="popularity").fit(BOARD).similar_items([0])


def test_one_item_has_none_similar():
    found = Recommender(model=MODEL).fit(sparse([[1], [1]])).similar_items([0], n=1)
    assert found.items.tolist() == [[-1]]


@pytest.mark.parametrize("model", [EASE(5.0, dropout=0.5), LowRank(5.0), "neighbourhood"])
def test_an_explanation_of_a_linear_model_sums_to_the_score(model):
    found = Recommender(4, model=model).fit(tastes())
    for user, item in ((0, 3), (40, 11)):
        reasons = found.explain(user, item, n=15)
        everything = found.recommend([user], n=15, exclude_seen=False)
        score = everything.scores[0, everything.items[0].tolist().index(item)]
        assert reasons.scores.sum() == pytest.approx(score, abs=1e-5)
        assert sorted(reasons.items[0]) == found.interactions_.matrix[[user]].indices.tolist()
        assert (np.diff(reasons.scores) <= 0).all()
        history = found.interactions_.matrix[[user]]
        own = history.indices.tolist()
        for same in (history, own, [own], np.array(own), pd.DataFrame({"user": [user]})):
            np.testing.assert_array_equal(found.explain(same, item, n=2).items, reasons.items[:, :2])


def test_reasons_for_an_item_are_of_its_colour(fitted):
    assert set(fitted.explain(["i00", "i02", "i01"], "i04", n=2).items[0]) == {"i00", "i02"}
    recipe = Recipe(Bag((16,)), Gaussian(beta=0.2), Multinomial())
    trained = Recommender(2, model=recipe, training=Training(steps=100), random_state=0)
    reasons = trained.fit(pd.DataFrame(TEXT)).explain(["i00", "i02", "i01"], "i04")
    assert set(reasons.items[0, :2]) == {"i00", "i02"}
    assert reasons.scores[0, 2] < 0 < reasons.scores[0, 1]


def test_codes_and_vectors_give_the_scores():
    found = Recommender(6, model=LowRank(5.0)).fit(tastes())
    codes, vectors = found.transform(tastes()), found.item_embeddings_
    assert codes.shape == (80, 6)
    assert vectors.shape == (15, 6)
    everything, told = found.recommend(tastes(), n=15, exclude_seen=False), np.diff(tastes().indptr) > 0
    products = np.take_along_axis(codes @ vectors.T, everything.items, 1)
    np.testing.assert_allclose(products[told], everything.scores[told], atol=1e-5)  # others get what is popular
    np.testing.assert_allclose(found.transform([3]), codes[[3]], rtol=1e-5)
    assert Recommender(3, model=MODEL).fit(tastes()).transform(tastes()).shape == (80, 3)


def test_what_a_training_leaves_open_is_as_suits_histories():
    recipe = Recipe(Bag((8,)), Gaussian(), Multinomial())

    def scores(training, **params):
        found = Recommender(2, model=recipe, training=training, random_state=0).set_params(**params).fit(BOARD)
        return found.history_.columns["learning_rate"], found.scorer_.scores(BOARD)

    whole = Training(epochs=3, batch_size=250, learning_rate=1e-3, schedules=(WarmUp(),))
    rates, expected = scores(whole)
    assert max(rates) == 1e-3
    np.testing.assert_array_equal(scores(Training(epochs=3))[1], expected)
    np.testing.assert_array_equal(scores(None, training__epochs=3)[1], expected)
    assert max(scores(Training(epochs=3, learning_rate=3e-3))[0]) == 3e-3
    assert len(scores(Training(batch_size=20))[0]) == 100  # three steps each: 300 in all


def test_the_same_seed_gives_the_same_answers():
    trained = Recipe(Bag((8,)), Gaussian(), Multinomial())
    world = tastes(200)
    for model in ("auto", trained):
        one, two, other = (
            Recommender(3, model=model, training=Training(epochs=2), random_state=seed).fit(world) for seed in (1, 1, 2)
        )
        assert one.ranker_ == two.ranker_
        np.testing.assert_array_equal(one.recommend(world, n=3).scores, two.recommend(world, n=3).scores)
        if model is trained:
            assert (one.recommend(world, n=3).scores != other.recommend(world, n=3).scores).any()


def test_what_is_open_is_chosen_where_there_are_users_enough():
    few, many = Recommender(model="ease").fit(tastes(60)), Recommender(model="ease").fit(tastes(400))
    assert few.ranker_ == EASE()
    assert many.ranker_.settled
    assert many.interactions_.matrix.shape == (400, 15)  # those held out are learned from in the end
    expected = many.ranker_.learn(many.interactions_.matrix, many._setting()).scores(tastes())
    np.testing.assert_array_equal(many.scorer_.scores(tastes()), expected)


def test_the_facts_are_plain_and_the_history_is_told():
    recipe = Recipe(Bag((8,)), likelihood=Multinomial())
    seen = []

    class Watch(Callback):
        def on_epoch(self, run):
            seen.append(run.epoch)

    found = Recommender(2, model=recipe, training=Training(epochs=3)).fit(BOARD, callbacks=[Watch()])
    assert seen == [1, 2, 3]
    assert len(found.history_) == 3
    facts = found.facts()
    assert (facts["users"], facts["items"], facts["interactions"]) == (60, 12, 300)
    assert facts["epochs"] == 3
    assert "Bag" in facts["model"]
    assert Recommender(model=MODEL).fit(BOARD).facts()["ended"] == "solved"


def test_a_checkpoint_is_of_what_learns_from_all_users(tmp_path):
    net = Trained(Recipe(Bag((8,)), likelihood=Multinomial()))
    file = tmp_path / "run.safetensors"
    made, again = (
        Recommender(2, model=Blend((EASE(), net), weights=(1, 1)), training=Training(epochs=2), random_state=0)
        for _ in range(2)
    )
    made.fit(tastes(200), checkpoint=file)
    assert made.ranker_ != made.model  # its ridge was chosen before
    assert (tmp_path / "run.safetensors.1").exists()  # of the second member
    again.fit(tastes(200), checkpoint=file)
    np.testing.assert_array_equal(again.scorer_.scores(tastes()), made.scorer_.scores(tastes()))


def test_nothing_warns_where_users_and_items_are_without_interactions():
    histories = tastes(150).toarray()
    histories[::3], histories[:, 5] = 0, 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Recommender(random_state=0).fit(sparse(histories))
        assert found.recommend([0], n=15).items.shape == (1, 15)
        assert np.isfinite(found.recommend([0], n=15).scores).all()
        found.evaluate(sparse(histories[::-1]))


@pytest.mark.parametrize("form", [set, iter, dict.fromkeys, lambda ids: dict.fromkeys(ids).keys()])
def test_ids_that_have_no_places_are_ids(fitted, form):
    found = fitted.recommend(form(USERS[3:4]), n=2)
    assert found.items.tolist() == fitted.recommend(USERS[3:4], n=2).items.tolist()
    similar = fitted.similar_items(form(ITEMS[:1]), n=2)
    assert similar.items.tolist() == fitted.similar_items(ITEMS[:1], n=2).items.tolist()

"""What is left open is chosen by users held out: ridges, the weights of a blend, and which models at all."""

import math
from typing import Any

import numpy as np
import pytest
from tests.tastes import checkerboard, sparse, tastes

from diabolo.errors import ParameterError
from diabolo.rankers import EASE, Auto, Blend, Held, LowRank, Neighbourhood, Popularity, Setting, ranked, ridges
from diabolo.rankers.blend import _voted
from diabolo.rankers.judging import popular

BOARD, WITHHELD = checkerboard()
HELD = Held(BOARD, sparse(np.eye(12)[WITHHELD]))
SETTING = Setting(n=4)


class Told:
    """A ranker that learns nothing but its own ridge."""

    def __init__(self, ridge=None):
        self.ridge = ridge

    def __call__(self, ridge):
        return Told(ridge)

    def learn(self, histories, setting):
        return self.ridge


@pytest.mark.parametrize(
    ("best", "found"), [(200, 200), (1600, 1600), (25, 25), (350, 400), (1e9, 200 * 2**6), (1e-9, 200 / 2**6)]
)
def test_the_ridge_is_doubled_or_halved_as_long_as_that_helps(best, found):
    held: Any = lambda ridge: -abs(math.log(ridge / best))  # noqa: E731
    ranker: Any = Told()
    assert ridges.best_ridge(ranker, BOARD, held, SETTING).ridge == found


def test_a_ridge_that_is_given_stays():
    held: Any = lambda scorer: pytest.fail("asked")  # noqa: E731
    for ranker in (EASE(7.0), LowRank(7.0), Neighbourhood(ridge=7.0), Popularity()):
        assert ranker.settled
        assert ranker.settle(BOARD, held, SETTING) == ranker


@pytest.mark.parametrize("ranker", [EASE(dropout=0.3), LowRank(tilt=0.1), Neighbourhood(6, balance=1.0)], ids=repr)
def test_the_chosen_ridge_is_no_worse_than_its_neighbours(ranker):
    histories, new = tastes(300), tastes(200, seed=1)
    known = sparse(new.toarray() * (np.random.default_rng(0).random(new.shape) < 0.5))
    held = Held(known, sparse((new - known).toarray()))
    settled = ranker.settle(histories, held, SETTING)
    assert settled == ranker(ridge=settled.ridge)

    def judged(ridge):
        return held(ranker(ridge=ridge).learn(histories, SETTING))

    tried = [ridge for ridge in (200, settled.ridge * 2, settled.ridge / 2) if 200 / 64 <= ridge <= 200 * 64]
    assert judged(settled.ridge) >= max(map(judged, tried))


def test_a_judge_is_the_mean_ndcg_of_what_is_new():
    scorer = Popularity().learn(sparse([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]), SETTING)  # items 0, 1, 2, 3
    known = sparse([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 1]])
    wanted = sparse([[0, 0, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]])
    first, second = 1 / math.log2(3), (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))  # ranks 2; 1 and 3
    judge = Held(known, wanted)
    assert judge(scorer) == pytest.approx((first + second) / 2)  # the last has no targets
    assert judge.judged(scorer.scores(known)) == pytest.approx(judge(scorer))
    assert judge.few(4)(scorer) == judge.few(1)(scorer) == pytest.approx(first)
    assert judge.among(np.array([0, 1]))(Popularity().learn(sparse([[1, 1], [1, 0]]), SETTING)) == 1.0


def test_popular_items_stand_for_all():
    histories = sparse([[1, 0, 5, 0], [1, 0, 1, 1], [1, 9, 0, 0]])
    few, held = popular(histories, Held(histories, histories), 2)
    np.testing.assert_array_equal(few.toarray(), histories.toarray()[:, [0, 2]])
    np.testing.assert_array_equal(held.targets.toarray(), few.toarray())
    assert popular(histories, held, 4) == (histories, held)


def test_large_catalogues_are_tried_in_part(monkeypatch):
    seen = []
    monkeypatch.setattr(ridges, "_ITEMS", 5)
    monkeypatch.setattr("diabolo.rankers.blend._ITEMS", 7)
    learn = EASE.learn
    monkeypatch.setattr(EASE, "learn", lambda self, X, setting: seen.append(X.shape[1]) or learn(self, X, setting))
    Blend((EASE(),)).settle(BOARD, HELD, SETTING)
    assert set(seen[:-1]) == {5}
    assert seen[-1] == 7


def order(ranker):
    ((numbers, _),) = ranked(ranker.learn(BOARD, SETTING), BOARD, 12)
    return numbers


def test_a_blend_of_one_is_that_one():
    np.testing.assert_array_equal(order(Blend((LowRank(5.0),))), order(LowRank(5.0)))
    assert Blend((LowRank(5.0),)).settle(BOARD, HELD, SETTING) == LowRank(5.0)
    assert Blend((LowRank(5.0), EASE(5.0)), weights=(0.0, 2.0)).settle(BOARD, HELD, SETTING) == EASE(5.0)
    open_ridge = Blend((EASE(),), weights=(1.0,)).settle(BOARD, HELD, SETTING)
    assert open_ridge == EASE().settle(BOARD, HELD, SETTING)


def test_weights_prefer_the_better_member():
    for members in ((Popularity(), EASE(5.0)), (EASE(5.0), Popularity())):
        settled = Blend(members).settle(BOARD, HELD, SETTING)
        chosen = settled if isinstance(settled, Blend) else Blend((settled,), (1.0,))
        weights = dict(zip(map(repr, chosen.members), chosen.weights or (), strict=True))
        assert weights["EASE(ridge=5.0)"] > weights.get("Popularity()", 0.0)
        assert HELD(settled.learn(BOARD, SETTING)) == 1.0


def test_members_that_know_different_things_are_better_together():
    right: Any = np.eye(12, dtype=np.float32)[WITHHELD]
    rows = np.arange(60)[:, None]
    half, other, wrong = (right * (rows < 30), right * (rows >= 30), 1 - right)
    votes = _voted([wrong, half, other], HELD)
    assert votes[0] == 0 < min(votes[1:])
    assert HELD.judged(half * votes[1] + other * votes[2]) == 1.0 > max(HELD.judged(half), HELD.judged(other))


def test_the_scores_of_a_blend_are_standardised_and_weighed():
    members, weights = (EASE(5.0), LowRank(5.0)), (1.0, 3.0)
    expected = np.zeros((60, 12))
    for member, share in zip(members, (0.25, 0.75), strict=True):
        scores = member.learn(BOARD, SETTING).scores(BOARD).astype(np.float64)
        expected += share * (scores - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True)
    scorer = Blend(members, weights).learn(BOARD, SETTING)
    np.testing.assert_allclose(scorer.scores(BOARD), expected, atol=1e-4)
    alone = EASE(5.0).learn(BOARD, SETTING)
    both = Blend((EASE(5.0), EASE(5.0))).learn(BOARD, SETTING)
    history = BOARD[[0]]
    np.testing.assert_allclose(
        both.reasons(history, 4), alone.reasons(history, 4) / alone.scores(history).std(), rtol=1e-4
    )
    assert np.corrcoef(both.similar(4), alone.similar(4))[0, 1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("blend", "word"),
    [
        (Blend(()), "'members' of Blend must hold at least one ranker; got none"),
        (Blend((EASE(), LowRank()), weights=(1.0,)), r"a number for each of 2 members, not all 0; got \(1.0,\)"),
        (Blend((EASE(), LowRank()), weights=(0.0, 0.0)), "not all 0"),
    ],
)
def test_weights_that_cannot_be_are_refused(blend, word):
    for ask in (
        lambda: blend.learn(BOARD, SETTING),
        lambda: blend.settle(BOARD, HELD, SETTING),
        lambda: blend.restore({"members": []}, {}, 12),
    ):
        with pytest.raises(ParameterError, match=word):
            ask()


def test_auto_goes_by_the_catalogue():
    small, large = Auto().choose(12_000), Auto().choose(12_001)
    assert isinstance(small.members[0], EASE)
    assert isinstance(large.members[0], Neighbourhood)
    assert not Auto().settled
    settled = Auto().settle(BOARD, HELD, SETTING)
    assert settled.settled
    assert HELD(settled.learn(BOARD, SETTING)) == 1.0

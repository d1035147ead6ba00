"""How good recommendations are: measured on users who are new, with what was kept back of their histories."""

import warnings

import numpy as np
import pandas as pd
import pytest
from tests.tastes import checkerboard, events, sparse, tastes

from diabolo import Recipe, Recommender, Training
from diabolo.errors import DataError, DiaboloWarning, ParameterError
from diabolo.metrics import Ranking
from diabolo.nets import Bag
from diabolo.rankers import EASE

BOARD, WITHHELD = checkerboard()
WANTED = sparse(np.eye(12)[WITHHELD])
NEW = BOARD[::-1]  # the same histories, but none of its own user


@pytest.fixture(scope="module")
def fitted():
    return Recommender(model=EASE(5.0)).fit(BOARD)


def test_what_is_withheld_is_found(fitted):
    found = fitted.evaluate(BOARD, WANTED, at=(1, 5))
    assert isinstance(found, Ranking)
    for measure in ("recall", "ndcg", "hit rate", "reciprocal rank"):
        assert found.mean(measure, 1) == found.mean(measure, 5) == 1.0
    assert found.mean("coverage", 1) == 1.0
    assert fitted.score(BOARD, WANTED) == 1.0
    worse = Recommender(model="popularity").fit(BOARD)
    assert worse.score(BOARD, WANTED) < 0.9


def test_lists_are_as_long_as_there_are_items(fitted):
    assert {row["at"] for row in fitted.evaluate(BOARD, WANTED).table()} == {12}
    assert {row["at"] for row in fitted.evaluate(BOARD, WANTED, at=[30, 3, 50]).table()} == {3, 12}


def test_a_fifth_is_kept_back_where_nothing_is_said(fitted):
    found = fitted.evaluate(NEW, at=(3,))
    assert all(row.users == 60 for row in found.rows)  # each has five, and one of them is kept back
    assert found.mean("recall", 3) == 1.0  # of two that are left of its colour
    assert found.table() == fitted.evaluate(NEW, at=(3,)).table()
    some = NEW.toarray()
    some[:20], some[20:30] = 0, np.eye(12)[:10]  # nothing to keep back of these
    assert all(row.users == 30 for row in fitted.evaluate(sparse(some), at=(3,)).rows)


def test_users_may_come_in_any_form(fitted):
    expected = fitted.evaluate(BOARD, WANTED, at=(2,)).table()
    known, wanted = (pd.DataFrame(events(matrix)) for matrix in (BOARD, WANTED))
    assert fitted.evaluate(known, wanted, at=(2,)).table() == expected
    assert fitted.evaluate(range(60), WANTED, at=(2,)).table() == expected
    lists, more = ([matrix[[i]].indices.tolist() for i in range(60)] for matrix in (BOARD, WANTED))
    assert fitted.evaluate(lists, more, at=(2,)).table() == expected
    rated = Recommender(model=EASE(5.0), threshold=1).fit(BOARD)
    assert rated.evaluate(lists, more, at=(2,)).table() == expected


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ((BOARD, WANTED[:5]), DataError, "y must be of the same 60 users as X, in the same order; got 5"),
        ((BOARD, sparse(np.zeros((60, 12)))), DataError, "at least one user"),
        ((sparse(np.eye(12)),), DataError, "at least one user with two known items"),
        ((["nobody"],), DataError, "Users must be integers"),
    ],
)
def test_users_that_cannot_be_judged_are_refused(fitted, given, error, words):
    with pytest.raises(error, match=words):
        fitted.evaluate(*given)


@pytest.mark.parametrize("at", [(0,), ("a",), 5, (2.5,)])
def test_lengths_are_checked(fitted, at):
    with pytest.raises(ParameterError, match=r"'at' of evaluate must be a tuple.*integer >= 1"):
        fitted.evaluate(BOARD, WANTED, at=at)


def test_the_report_shows_popularity_beside(fitted, tmp_path):
    pytest.importorskip("matplotlib")
    films = [f"film {i}" for i in range(15)]
    names, new = (
        pd.DataFrame(events(tastes(), None, films)),
        pd.DataFrame(events(tastes(seed=1), range(100, 180), films)),
    )
    for model in (EASE(5.0), Recipe(Bag((8,)))):
        found = Recommender(2, model=model, training=Training(epochs=2)).fit(names)
        page = found.report(new)
        page.save(tmp_path / "page.html")
        assert page.facts["ndcg at 15"] == found.score(new)
        assert 0 < page.facts["popularity: recall at 15"] <= 1.0
        assert page.facts["users"] == found.evaluate(new).rows[0].users
        text = (tmp_path / "page.html").read_text("utf-8")
        assert "15 items for" in text
        assert "popularity" in text
        assert "ndcg at 15" in text
        assert "film 3" in text
        assert ("Loss over training" in text) == isinstance(model, Recipe)


def test_what_was_learned_from_is_warned_of():
    frame = pd.DataFrame(events(BOARD, [f"u{i}" for i in range(60)]))
    old, new = frame[frame["user"].isin([f"u{i}" for i in range(50)])], frame[~frame["user"].isin(["u0", "u1"])]
    found = Recommender(model=EASE(5.0)).fit(old)
    with pytest.warns(DiaboloWarning, match=r"of 48 of the 58 users was learned from.*leave these users out of fit"):
        found.evaluate(new)
    with pytest.warns(DiaboloWarning, match="of 50 of the 50 users"):
        found.score([f"u{i}" for i in range(50)])
    with pytest.warns(DiaboloWarning, match="of 60 of the 60 users"):
        Recommender(model=EASE(5.0)).fit(BOARD).evaluate(BOARD)


def test_what_was_not_learned_from_is_not_warned_of(fitted):
    frame = pd.DataFrame(events(BOARD))
    found = Recommender(model=EASE(5.0)).fit(frame[frame["user"] < 50])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found.evaluate(frame[frame["user"] >= 50])  # others
        found.evaluate(frame, pd.DataFrame(events(WANTED)))  # the same, and what they took besides
        fitted.evaluate(BOARD[1:])  # other users, of numbers that were users of fit too
        Recommender(model=EASE(5.0)).fit(pd.DataFrame(events(BOARD, [f"u{i}" for i in range(60)]))).evaluate(BOARD)


def test_what_users_took_later_goes_by_their_ids():
    frame = pd.DataFrame(events(BOARD, [f"u{i:02}" for i in range(60)], range(12)))
    wanted = pd.DataFrame(events(WANTED, [f"u{i:02}" for i in range(60)], range(12)))
    recommender = Recommender(model=EASE(5.0)).fit(frame)
    later = wanted[wanted["user"] > "u20"].sample(frac=1, random_state=0)
    found = recommender.evaluate(frame, later, at=(1,))
    assert all(row.users == len(later) for row in found.rows)
    assert found.mean("recall", 1) == 1.0
    with pytest.raises(DataError, match=r"got 'u00', .* besides\. Leave them out"):
        recommender.evaluate(frame[frame["user"] > "u20"], wanted)

"""The benchmark of recommendations on made-up numbers: its splits, its measures, what it does with failures."""

import gzip
from argparse import Namespace
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from benchmarks import recommend_quality as page
from benchmarks.harness import Side
from benchmarks.report import Report
from benchmarks.workers import interactions
from benchmarks.workers.interactions import Part, split, told
from benchmarks.workers.ranking import LENGTH, best, hits, ndcg, recall
from benchmarks.workers.recommending import items, searched
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

GAIN = 1 / np.log2(np.arange(2, 102))


def sparse(rows):
    return csr_array(np.array(rows, np.float32))


def users(part):
    return part.users.tolist()


def sizes(part):
    """Return how many items each tested user has."""
    return (part.histories + part.targets).sum(1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The user u of ten likes the items 0 to u, and gives item 15 a bad mark; the file is shuffled."""
    monkeypatch.setattr(interactions, "FOLDER", tmp_path)
    monkeypatch.setitem(interactions.STRONG, "ml-100k", (2, 2))
    (tmp_path / "cf" / "ml-100k").mkdir(parents=True)
    rows = [f"{u}\t{i}\t{4 + i % 2}\t0\n" for u in range(10) for i in range(u + 1)] + [
        f"{u}\t15\t3\t0\n" for u in (1, 9)
    ]
    text = "".join(
        ["user_id:token\titem_id:token\trating:float\ttimestamp:float\n", *np.random.default_rng(0).permutation(rows)]
    )
    (tmp_path / "cf" / "ml-100k" / "ml-100k.inter.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path


def given_set(folder, monkeypatch, **parts):
    """Write a set that comes split."""
    monkeypatch.setitem(interactions.GIVEN, "made", "made")
    arrays: dict[str, Any] = {"n_users": 3, "n_items": 6}
    for name, rows in parts.items():
        matrix = sparse(rows)
        arrays |= {f"{name}_indptr": matrix.indptr, f"{name}_indices": matrix.indices.astype(np.uint16)}
    np.savez(folder / "cf" / "made.npz", **arrays)


TRAIN = [[1, 1, 1, 1, 1, 0], [0, 1, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0]]
VALID = [[0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0]]
TEST = [[0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]]


def test_users_that_test_are_never_trained_on(folder):
    valid, test = split("ml-100k", 0)
    assert valid.train is test.train
    trained = np.diff(test.train.indptr).tolist()  # user u has u + 1 items, so their number says which it is
    held = set(range(1, 11)) - set(trained)
    assert len(held) == 4
    assert min(held) >= 5
    tested = [*sizes(valid), *sizes(test)]
    assert sorted(tested) == sorted(min(size, max(trained)) for size in held)  # of items that are trained on


def test_only_items_that_somebody_trained_on_are_left(folder):
    for seed in range(5):
        _, test = split("ml-100k", seed)
        assert (test.train.sum(0) > 0).all()
        assert interactions.size(test.targets)[1] == interactions.size(test.train)[1] <= 10  # not the one of bad marks


def test_a_seed_draws_the_same_users_and_another_does_not(folder):
    found = [split("ml-100k", seed)[1].targets.toarray().tolist() for seed in (0, 0, *range(1, 6))]
    assert found[0] == found[1]
    assert any(other != found[0] for other in found[2:])


def test_items_of_validation_are_trained_on_for_the_test(folder, monkeypatch):
    given_set(folder, monkeypatch, train=TRAIN, valid=VALID, test=TEST)
    valid, test = split("made", 0)
    assert valid.train.toarray().tolist() == TRAIN
    assert test.train.toarray().tolist() == (np.array(TRAIN) + VALID).tolist()
    assert users(valid) == [1, 2]
    assert users(test) == [0, 2]
    assert test.targets.toarray().tolist() == [TEST[0], TEST[2]]
    assert (test.histories.toarray() == test.train.toarray()[test.users]).all()


def test_without_validation_a_fifth_of_what_is_trained_on_chooses(folder, monkeypatch):
    given_set(folder, monkeypatch, train=TRAIN, test=TEST)
    valid, test = split("made", 0)
    assert test.train.toarray().tolist() == TRAIN
    assert users(valid) == [0]  # the only user with five items
    assert (valid.train.toarray()[0] + valid.targets.toarray()[0]).tolist() == TRAIN[0]
    assert valid.targets.sum() == 1


@given(arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 12))), st.integers(0, 9))
def test_what_is_told_and_what_is_to_be_found_is_all_there_is(dense, seed):
    histories, targets = told(sparse(dense), np.random.default_rng(seed))
    assert (histories + targets).toarray().tolist() == dense.astype(float).tolist()
    assert targets.sum(1).tolist() == (dense.sum(1) // 5).tolist()


def test_the_best_items_come_in_order_without_the_history():
    scores = np.random.default_rng(0).random((3, 150))
    histories = np.zeros((3, 150))
    histories[0, np.argmax(scores[0])] = histories[2, :40] = 1
    expected = np.argsort(np.where(histories > 0, np.inf, -scores), axis=1)[:, :LENGTH]
    assert best(scores, sparse(histories)).tolist() == expected.tolist()


def test_measures_of_a_list_known_by_hand():
    targets = sparse([[0, 1, 0, 1, 0, 1]])
    items = np.array([[1, 0, 5, 2, -1]])
    assert hits(items, targets).tolist() == [[True, False, True, False, False]]
    assert ndcg(items, targets, 5) == pytest.approx((GAIN[0] + GAIN[2]) / GAIN[:3].sum())
    assert ndcg(items, targets, 2) == pytest.approx(GAIN[0] / GAIN[:2].sum())
    assert recall(items, targets, 2, capped=True) == pytest.approx(1 / 2)
    assert recall(items, targets, 2, capped=False) == pytest.approx(1 / 3)


def test_no_item_is_no_hit_for_the_user_before():
    targets = sparse([[0, 0, 1], [1, 0, 0]])
    assert not hits(np.array([[-1, 0], [-1, 1]]), targets).any()


@given(arrays(bool, (4, 30)).filter(lambda dense: dense.any(1).all()), st.integers(1, 30))
def test_the_best_list_measures_1(dense, k):
    order = np.argsort(~dense, axis=1, kind="stable")
    assert ndcg(order, sparse(dense), k) == pytest.approx(np.ones(4))
    assert recall(order, sparse(dense), k, capped=True) == pytest.approx(np.ones(4))


def part(targets):
    return Part(sparse(np.zeros((1, 200))), sparse(np.zeros((1, 200))), targets)


def pointing(which):
    """Return 200 zeros, and a one at an item."""
    return sparse(np.eye(200)[[which]])


def fitted(_, knobs, seed):
    return lambda asked: np.roll(np.arange(LENGTH), -knobs["first"])[None] + seed


def test_settings_are_chosen_on_the_validation_users():
    learn = searched(fitted, [{"first": 7}, {"first": 3}, {"first": 5}])
    learned = learn(part(pointing(3)), part(pointing(5)), {"set": "ml-1m", "seed": 0})
    assert learned.chosen == {"first": 3}
    assert learned.recommend(part(pointing(5)))[0, 0] == 3


def test_a_worker_keeps_items_or_says_how_it_failed(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.workers.recommending.split", lambda *_: (part(pointing(3)), part(pointing(3))))
    bad = lambda *_: (_ for _ in ()).throw(MemoryError("too much"))  # noqa: E731
    task = items({"good": searched(fitted, [{"first": 4}]), "bad": bad})({})
    asked = {"set": "ml-1m", "seed": 1, "path": str(tmp_path / "items.npy")}
    block = task.block(asked | {"model": "good"})
    assert block["chosen"] == {"first": 4}
    assert block.keys() == {"tune", "fit", "recommend", "chosen"}
    assert np.load(asked["path"])[0, 0] == 5
    assert task.block(asked | {"model": "bad"}) == {"failed": "MemoryError: too much"}


def test_items_are_refused_where_measures_would_not_hold():
    test = Part(sparse(np.zeros((2, 200))), sparse(np.eye(200)[[150, 150]]), sparse(np.eye(200)[[3, 3]]))
    good = np.tile(np.arange(LENGTH), (2, 1))
    assert page.wrong(good, test) == ""
    assert page.wrong(np.where(good > 90, -1, good), test) == ""
    assert page.wrong(good[:1], test) == "items of shape (1, 100)"
    assert page.wrong(np.where(good == 5, 4, good), test) == "an item twice"
    assert page.wrong(np.where(good == 5, 150, good), test) == "items of the history"


@dataclass
class Judge:
    """A worker that puts the target of both users at a place, by the model that is asked for; or fails."""

    places: dict = field(default_factory=dict)
    measured = Namespace(side=Side("", "", {}), versions={})

    def go(self, model, path, **_):
        if model not in self.places:
            return {"failed": "MemoryError:\n no room"}
        np.save(path, np.tile(np.roll(np.arange(LENGTH), self.places[model]), (2, 1)))
        return {"tune": 1.0, "fit": 2.0, "recommend": 3.0, "chosen": {"factors": 64}}


def test_the_page_has_means_differences_and_failures(tmp_path, monkeypatch):
    test = Part(sparse(np.zeros((2, 200))), sparse(np.eye(200)[[150, 150]]), sparse(np.eye(200)[[0, 0]]))
    monkeypatch.setattr(page, "split", lambda *_: (test, test))
    models = ["diabolo ease", "implicit ALS", "RecBole EASE"]
    report = Report("", Namespace(rounds=2, models=models, only=["lastfm"], write=None))
    workers: dict[str, Any] = {"diabolo": Judge({"ease": 0}), "implicit": Judge({"ALS": 2}), "RecBole": Judge()}
    page.on("lastfm", report, workers, tmp_path / "items.npy")
    text = "\n".join(report.lines)
    ones = "1.0000 ± 0.0000"
    assert f"| diabolo ease | {ones} | {ones} | {ones} | 1.00 | 2.00 | 3.00 | factors 64 |" in text
    assert f"| implicit ALS | 0.5000 ± 0.0000 | {ones} |" in text
    assert "| NDCG, less that of | implicit ALS |" in text
    assert "| diabolo ease | +0.5000 ± 0.0000 |" in text
    assert "RecBole EASE fails with seed 0: MemoryError: no room." in text


def test_seeds_that_differ_show_their_range():
    seeds = [np.array([0.25, 0.75]), np.array([0.5, 0.75])]
    assert page.mean(seeds, ".4f") == "0.5625 ± 0.1875 (0.5000 to 0.6250)"
    assert page.mean(seeds[:1], "+.2f") == "+0.50 ± 0.2500"

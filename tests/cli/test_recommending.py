"""The recommender on the command line: interactions in, a table of recommendations out."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, save_npz
from tests.tastes import checkerboard, events

import diabolo
from diabolo.cli import making
from diabolo.rankers import EASE, RANKERS, LowRank, Trained

BOARD, WITHHELD = checkerboard()
USERS, ITEMS = [f"u{i:02}" for i in range(60)], [f"i{i:02}" for i in range(12)]


@pytest.fixture
def world(tmp_path):
    frame = pd.DataFrame(events(BOARD, USERS, ITEMS)).rename(columns={"weight": "rating"})
    frame["rating"] = 5.0
    frame.loc[frame["user"] == "u59", "rating"] = 1.0
    frame.to_parquet(tmp_path / "events.parquet")
    frame.to_csv(tmp_path / "events.csv", index=False)
    frame[:15].to_parquet(tmp_path / "new.parquet")
    save_npz(tmp_path / "events.npz", csr_matrix(BOARD))
    return tmp_path


@pytest.fixture
def model(call, world):
    code, out, err = call(
        "fit", "recommender", world / "events.parquet", "-o", world / "model", "--recipe", "EASE(5.0)"
    )
    assert (code, err) == (0, "")
    assert "Recommender" in out
    return world / "model"


def test_fit_apply_info_report(call, model, world):
    code, out, err = call("apply", model, world / "new.parquet", "-o", world / "out.parquet", "-n", 2, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"samples": 6, "shape": [6, 4], "output": str(world / "out.parquet")}
    found = pd.read_parquet(world / "out.parquet")
    assert list(found.columns) == ["user", "item", "score", "rank"]
    best = found[found["rank"] == 1]
    assert best["user"].tolist() == ["u00", "u01", "u02"]
    assert best["item"].tolist() == [ITEMS[i] for i in WITHHELD[:3]]
    assert call("apply", model, world / "events.csv", "-o", world / "out.csv")[0] == 0
    assert pd.read_csv(world / "out.csv").groupby("user").size().tolist() == [7] * 60  # there are no ten left
    assert call("apply", model, world / "new.parquet", "-o", world / "codes.npy", "--as", "transform")[0] == 0
    assert np.load(world / "codes.npy").shape == (3, 12)
    told = json.loads(call("info", model, "--json")[1])
    assert (told["estimator"], told["users"], told["items"]) == ("Recommender", 60, 12)
    pytest.importorskip("matplotlib")
    assert call("report", model, world / "events.csv", "-o", world / "page.html")[0] == 0
    assert "popularity" in (world / "page.html").read_text("utf-8")


def test_known_users_are_told_by_their_ids(call, model, world):
    pd.DataFrame({"user": ["u03", "u01"]}).to_csv(world / "users.csv", index=False)
    apply = ("apply", model, "-o", world / "out.csv", "-n", 1)
    expected = {"user": ["u03", "u01"], "item": [ITEMS[WITHHELD[3]], ITEMS[WITHHELD[1]]], "rank": [1, 1]}
    for asked in ((world / "users.csv",), ("--user", "u03", "--user", "u01")):
        code, _, err = call(*apply, *asked)
        assert (code, err) == (0, "")
        assert pd.read_csv(world / "out.csv").drop(columns="score").to_dict("list") == expected
    call("fit", "recommender", world / "events.npz", "-o", world / "m.zip", "--recipe", "EASE(5.0)", "--quiet")
    assert call("apply", world / "m.zip", "--user", 3, "-o", world / "out.csv", "-n", 1)[0] == 0
    assert pd.read_csv(world / "out.csv")["item"].tolist() == [WITHHELD[3]]
    code, _, err = call("apply", world / "m.zip", "--user", "u03", "-o", world / "out.csv")
    assert (code, err) == (1, "error: Ids must be integers, such as [0]; got 'u03'.\n")


def test_a_report_tells_the_measures(call, model, world):
    pytest.importorskip("matplotlib")
    report = ("report", model, world / "events.csv", "-o", world / "page.html", "--json")
    code, out, err = call(*report)
    assert code == 0
    assert "was learned from" in err
    wanted = pd.DataFrame({"user": USERS, "item": [ITEMS[i] for i in WITHHELD]})
    wanted.to_parquet(world / "wanted.parquet")
    code, out, err = call(*report, "--target", world / "wanted.parquet")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["output"] == str(world / "page.html")
    assert (told["users"], told["recall at 12"], told["ndcg at 12"]) == (60, 1.0, 1.0)
    assert told["popularity: ndcg at 12"] < 1.0


def test_a_sparse_matrix_is_interactions_too(call, world):
    fit = ("fit", "recommender", world / "events.npz", "-o", world / "m.zip", "--recipe", "EASE(5.0)", "--quiet")
    assert call(*fit)[0] == 0
    assert call("apply", world / "m.zip", world / "events.npz", "-o", world / "out.csv", "-n", 1)[0] == 0
    found = pd.read_csv(world / "out.csv")
    assert found["user"].tolist() == list(range(60))
    assert found["item"].tolist() == WITHHELD.tolist()


def test_settings(call, world):
    fit = ("fit", "recommender", world / "events.csv", "-o", world / "model", "--quiet")
    named = ("--recipe", "ease", "--set", "ridge=100", "--set", "threshold=4", "-n", 64)
    assert call(*fit, *named)[0] == 0
    found = diabolo.load(world / "model")
    assert (found.model, found.threshold, found.n_components) == (EASE(100), 4, 64)
    assert found.interactions_.matrix.nnz == 295  # u59 likes nothing
    assert call(*fit, "--recipe", "low-rank", "--set", "model.tilt=0.5", "--set", "model.ridge=3", "-n", 2)[0] == 0
    assert diabolo.load(world / "model").model == LowRank(3, tilt=0.5)
    net = ("--recipe", "Recipe(Bag(hidden=(8,)))", "--set", "recipe.net.hidden=(4,)", "--set", "training.epochs=2")
    assert call(*fit, *net)[0] == 0
    found = diabolo.load(world / "model")
    assert isinstance(found.model, Trained)
    assert found.model.recipe.net.get_params()["hidden"] == (4,)
    assert len(found.history_) == 2


def test_the_named_models_are_listed(call):
    code, out, _ = call("rankers", "--json")
    assert code == 0
    rows = json.loads(out)
    assert [row["name"] for row in rows] == list(RANKERS)
    assert all(row["about"] and row["source"] and row["scores"].startswith("s") for row in rows)
    words = call("rankers")[1]
    assert all(f"name    {name}\n" in words for name in RANKERS)
    assert making.make("recommender", None, rows[2]["ranker"], [], 0, "cpu").composed == RANKERS["ease"].ranker


def test_errors_are_one_sentence(call, model, world):
    fit = ("fit", "recommender", world / "events.csv", "-o", world / "m", "--quiet")
    apply = ("apply", model, world / "new.parquet", "-o", world / "out.csv")
    np.save(world / "x.npy", np.zeros((9, 2)))
    for args, word in (
        ((*fit, "--recipe", "esae"), "unknown model 'esae'; known: auto,"),
        ((*fit, "--recipe", "EASE(ridge=0)"), "'ridge' of EASE must be a number > 0"),
        ((*fit, "--recipe", "vae"), "unknown model 'vae'"),
        ((*fit, "--recipe", "ease", "--set", "rigde=5"), "Did you mean 'ridge'"),
        ((*fit, "--set", "threshold=9"), "at least one interaction of a weight of at least 9"),
        ((*fit, "--target", world / "events.csv"), "--target is for a job that learns from pairs"),
        (
            ("fit", "recommender", world / "x.npy", "-o", world / "m"),
            "must be a SciPy sparse matrix",
        ),
        (("fit", "recommender", world / "no.csv", "-o", world / "m"), "no.csv"),
        (
            ("fit", "estimator", world / "events.csv", "-o", world / "m"),
            "unknown estimator 'estimator'; known",
        ),
        ((*apply, "-n", 13), "'n' of recommend must be an integer in [1, 12] or None"),
        ((*apply, "-n", 2, "--as", "transform"), "--count is for verbs such as recommend; got it for transform"),
        (("apply", model, "-o", world / "out.csv"), "apply needs DATA, or --user for a recommender; got neither"),
        ((*apply, "--user", "u00"), "--user is for a recommender, in place of DATA; got it beside"),
        (("apply", model, "--user", "ann", "-o", world / "out.csv"), "There is no user 'ann' among the 60 known"),
        ((*apply, "--as", "predict"), "Recommender: unknown verb 'predict'; known: recommend, transform"),
    ):
        code, out, err = call(*args)
        assert (code, out) == (1, ""), args
        assert word in err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
    assert not (world / "out.csv").exists()


def test_counts_are_for_recommendations(call, world):
    np.save(world / "x.npy", np.random.default_rng(0).normal(size=(30, 4)))
    fit = ("fit", "reducer", world / "x.npy", "-o", world / "reducer", "--recipe", "linear")
    assert call(*fit)[0] == 0
    code, _, err = call("apply", world / "reducer", world / "x.npy", "-o", world / "c.npy", "-n", 3)
    assert code == 1
    assert "--count is for verbs such as recommend" in err
    code, _, err = call("apply", world / "reducer", "--user", "ann", "-o", world / "c.npy")
    assert code == 1
    assert "--user is for a recommender, in place of DATA; got it for a Reducer" in err
    code, _, err = call(
        "report", world / "reducer", world / "x.npy", "-o", world / "r.html", "--target", world / "x.npy"
    )
    assert code == 1
    assert "--target is for a job that learns from pairs" in err

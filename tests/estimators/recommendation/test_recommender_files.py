"""Saved recommenders: what is read back answers the same; what was tampered with is refused."""

import pickle
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tastes import events, tastes

import diabolo
from diabolo import Recipe, Recommender, Training, files
from diabolo.errors import FileError
from diabolo.latents import Gaussian
from diabolo.likelihoods import Multinomial
from diabolo.nets import Bag
from diabolo.rankers import EASE, RANKERS, Blend, LowRank, Neighbourhood

WORLD = tastes(110, 12)
FRAME = pd.DataFrame(events(WORLD, [f"u{i:03}" for i in range(110)], [f"item {i:02} ✓" for i in range(12)]))
NET = Recipe(Bag((8,)), Gaussian(), Multinomial())
MODELS = [*RANKERS, NET, Blend((Neighbourhood(4), LowRank(5.0), EASE()), weights=(1, 2, 0))]
QUICK = Training(epochs=1)


def learned(model, data=FRAME):
    return Recommender(3, model=model, training=QUICK, threshold=1, random_state=0).fit(data)


@pytest.fixture(scope="module")
def fitted():
    return learned(Blend((EASE(9.0), LowRank(5.0))))


@pytest.mark.parametrize("suffix", ["", ".zip"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model if isinstance(model, str) else repr(model)[:20])
def test_round_trip(tmp_path, model, suffix):
    found = learned(model)
    found.save(tmp_path / f"model{suffix}")
    again = diabolo.load(tmp_path / f"model{suffix}", device="cpu")
    assert again.ranker_ == found.ranker_
    assert again.get_params(deep=False) == found.get_params(deep=False) | {"random_state": 0, "device": "cpu"}
    assert again.facts() == found.facts()
    assert again.n_features_in_ == 12
    users = ["u003", "u100"]
    np.testing.assert_array_equal(again.recommend(users, n=12).items, found.recommend(users, n=12).items)
    np.testing.assert_array_equal(again.recommend(users, n=12).scores, found.recommend(users, n=12).scores)
    pd.testing.assert_frame_equal(again.recommend(FRAME[:50], n=3), found.recommend(FRAME[:50], n=3))
    if model != "popularity":
        np.testing.assert_array_equal(again.transform(users), found.transform(users))
        np.testing.assert_array_equal(
            again.similar_items(["item 03 ✓"], 4).items, found.similar_items(["item 03 ✓"], 4).items
        )


def test_loads_in_a_fresh_process(tmp_path):
    answers = {}
    for i, model in enumerate(MODELS):
        found = learned(model, WORLD)
        found.save(tmp_path / str(i))
        answers[str(i)] = found.recommend([4], n=3).items[0].tolist()
    code = """
        import sys, pathlib, diabolo
        print({path.name: diabolo.load(path).recommend([4], n=3).items[0].tolist() for path in
               pathlib.Path(sys.argv[1]).iterdir()})
    """
    call = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert eval(done.stdout) == answers


def test_pickles_and_copies(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.recommend(["u003"]).scores, fitted.recommend(["u003"]).scores)


def test_ids_come_back_as_they_were(tmp_path):
    for i, (users, items) in enumerate([(range(110), range(12)), (range(-5, 105), [2**60 + k for k in range(12)])]):
        found = learned("ease", pd.DataFrame(events(WORLD, users, items)))
        found.save(tmp_path / str(i))
        again = diabolo.load(tmp_path / str(i))
        for kind in ("users", "items"):
            before, after = (getattr(each.interactions_, kind).names for each in (found, again))
            assert before.dtype == after.dtype == np.int64
            np.testing.assert_array_equal(after, before)


def tampered(path, fitted, change):
    """Save, change the document or the arrays, save them with all hashes right, and return the path."""
    fitted.save(path)
    document, arrays = files.load(path)
    change(document, arrays)
    files.save(path, document, arrays)
    return path


EVIL = {
    "another estimator": lambda d, a: d.update(estimator="Reducer"),
    "what several jobs share": lambda d, a: d.update(estimator="Estimator"),
    "no estimator": lambda d, a: d.update(estimator="os.system"),
    "no ranker": lambda d, a: d.pop("ranker"),
    "a part that is no ranker": lambda d, a: d.update(ranker=Bag().to_json()),
    "another ranker": lambda d, a: d.update(ranker=EASE(9.0).to_json()),
    "a blend of none": lambda d, a: (d["ranker"].update(members=[]), d["scorer"].update(members=[])),
    "one weight too many": lambda d, a: d["ranker"].update(weights=[1, 1, 1]),
    "weights of nothing": lambda d, a: d["ranker"].update(weights=[0, 0]),
    "fewer members": lambda d, a: d["scorer"]["members"].pop(),
    "a forbidden ridge": lambda d, a: d["ranker"]["members"][0].update(ridge=-1),
    "more items": lambda d, a: d.update(items=13),
    "very many items": lambda d, a: d.update(items=2**31 - 1),
    "very many users": lambda d, a: d.update(users=2**31 - 1),
    "no users": lambda d, a: d.update(users=0),
    "text for users": lambda d, a: d.update(users="110"),
    "no scorer": lambda d, a: d.update(scorer=None),
    "a parameter that is not allowed": lambda d, a: d["params"].update(threshold="x"),
    "a parameter that is none": lambda d, a: d["params"].update(threshhold=4),
    "an unknown model": lambda d, a: d["params"].update(model="os"),
    "no ids": lambda d, a: a.pop("items.ends"),
    "ids of another count": lambda d, a: a.update({"users.ends": a["users.ends"][:-1]}),
    "ids that are numbers": lambda d, a: a.update({"items.text": a["items.text"].float()}),
    "ids out of order": lambda d, a: a.update({"items.text": a["items.text"].flip(0)}),
    "no histories": lambda d, a: a.pop("histories.indptr"),
    "histories of more items": lambda d, a: a["histories.indices"].fill_(12),
    "histories of nan": lambda d, a: a["histories.data"].fill_(torch.nan),
    "weights of another shape": lambda d, a: a.update({"scorer.0.weights": torch.zeros(12, 13)}),
    "weights of nan": lambda d, a: a["scorer.0.weights"].fill_(torch.nan),
    "vectors that lack": lambda d, a: a.pop("scorer.1.out"),
    "vectors of another size": lambda d, a: a.update({"scorer.1.out": torch.zeros(12, 2)}),
}


@pytest.mark.parametrize("name", EVIL)
def test_tampered_files_are_refused(tmp_path, fitted, name):
    with pytest.raises(FileError) as caught:
        diabolo.load(tampered(tmp_path / "model", fitted, EVIL[name]))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(data=st.data())
def test_fuzzed_documents_are_refused_or_harmless(tmp_path_factory, fitted, data):
    def change(document: Any, arrays: Any) -> None:
        parent, key = document, data.draw(st.sampled_from(sorted(document)))
        while parent[key] and isinstance(parent[key], dict | list) and data.draw(st.booleans()):
            parent = parent[key]
            key = data.draw(st.sampled_from(sorted(parent) if isinstance(parent, dict) else range(len(parent))))
        parent[key] = data.draw(DOCUMENTS)

    try:
        again = diabolo.load(tampered(tmp_path_factory.mktemp("fuzz") / "model", fitted, change))
    except FileError:
        return
    assert again.recommend(["u003", "u100"], n=4).items.shape == (2, 4)
    assert again.similar_items(["item 03 ✓"], n=4).items.shape == (1, 4)


@given(data=st.data())
def test_fuzzed_arrays_are_refused_or_harmless(tmp_path_factory, fitted, data):
    def change(document: Any, arrays: Any) -> None:
        name = data.draw(st.sampled_from(sorted(arrays)))
        value = arrays[name]
        kind = data.draw(st.sampled_from(["cut", "grow", "flip", "turn", "convert", "drop"]))
        if kind == "drop":
            del arrays[name]
            return
        arrays[name] = {
            "cut": lambda: value[: data.draw(st.integers(0, len(value)))],
            "grow": lambda: torch.cat([value, value[:1]]),
            "flip": lambda: value.flip(0),
            "turn": lambda: value.T if value.ndim == 2 else value[None],
            "convert": lambda: value.to(data.draw(st.sampled_from([torch.float64, torch.int64, torch.bool]))),
        }[kind]().contiguous()

    try:
        again = diabolo.load(tampered(tmp_path_factory.mktemp("fuzz") / "model", fitted, change))
    except FileError:
        return
    everyone = again.interactions_.users.names[:3]
    assert again.recommend(everyone, n=4).items.shape == (3, 4)

"""The report of a dictionary: its numbers are those of the metrics, cards show the right samples, texts stay texts."""

import re
from typing import Any, cast

import numpy as np
import pytest
from scipy.sparse import csc_array
from tests.planted import planted, quick

import diabolo
from diabolo import Dictionary, Recipe, Training
from diabolo.data import Stored
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.dictionaries import cards
from diabolo.estimators.dictionaries.choice import chosen
from diabolo.estimators.dictionaries.neighbours import Neighbours
from diabolo.estimators.dictionaries.samples import Samples
from diabolo.latents import TopK
from diabolo.metrics import fvu, sparsity
from diabolo.nets import MLP

pytest.importorskip("matplotlib")

X = planted(400)[0]
SHORT = Training(epochs=2)


@pytest.fixture(scope="module")
def dictionary():
    return Dictionary(24, k=3, training=quick(60), random_state=0).fit(X)


@pytest.fixture
def quickly(monkeypatch):
    """Leave the drawing out: what is drawn is tested with the figures."""
    for name in ("card", "cosine_map", "curves", "examples", "frequencies", "nearest"):
        monkeypatch.setattr(cards, name, lambda *_: None)
    monkeypatch.setattr("diabolo.report.Page.figure", lambda page, _, caption="": page.paragraph(caption))


def tables(page: Any) -> list[list[dict[str, str]]]:
    """Return the tables of a page as rows of texts by the names of columns."""
    found = []
    for table in re.findall(r"<table>(.*?)</table>", page.html(), re.DOTALL):
        names = re.findall(r"<th(?: [^>]*)?>(.*?)</th>", table)
        rows = re.findall(r"<tr>((?:<td.*?</td>)+)</tr>", table, re.DOTALL)
        cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
        found.append([dict(zip(names, row, strict=True)) for row in cells])
    return found


def test_the_numbers_are_those_of_the_metrics(dictionary, quickly):
    facts, used = tables(dictionary.report(X))[0][0], sparsity(dictionary.transform(X))
    assert (facts["samples"], facts["latents"]) == ("400", "24")
    assert float(facts["L0"]) == pytest.approx(used.l0, rel=1e-4)
    assert float(facts["FVU"]) == pytest.approx(fvu(X, dictionary.reconstruct(X)), rel=1e-4)
    assert float(facts["dead"]) == pytest.approx(used.dead, abs=1e-5)
    assert float(facts["dense"]) == pytest.approx(used.dense, abs=1e-5)
    assert int(facts["epochs"]) == len(dictionary.history_)


def test_a_card_shows_the_samples_of_the_largest_values(dictionary, quickly):
    z = csc_array(dictionary.transform(X)).toarray()
    page = dictionary.report(X, [f"text {i}" for i in range(400)], latents=[5, 2])
    text = page.html()
    assert re.findall(r"<h2>Latent (\d+)</h2>", text) == ["5", "2"]
    for latent, rows in zip((5, 2), tables(page)[1:], strict=True):
        order = np.argsort(-z[:, latent], kind="stable")[: min(8, (z[:, latent] != 0).sum())]
        assert [int(row["row"]) for row in rows] == order.tolist()
        assert [row["sample"] for row in rows] == [f"text {i}" for i in order]
        np.testing.assert_allclose([float(row["value"]) for row in rows], z[order, latent], rtol=1e-4)


def test_without_y_rows_go_by_their_numbers(dictionary, quickly):
    rows = tables(dictionary.report(X, latents=[int(sparsity(dictionary.transform(X)).frequency.argmax())]))[1]
    assert len(rows) == 8
    assert set(rows[0]) == {"row", "value"}


def test_a_page_of_hostile_texts_runs_nothing():
    pd = pytest.importorskip("pandas")
    evil = "<script>alert(1)</script>\x00"
    frame = pd.DataFrame(X, columns=[f"{evil}{i}" for i in range(16)])
    found = Dictionary(8, k=2, training=SHORT, random_state=0).fit(frame)
    text = found.report(frame, pd.Series([evil] * 400, index=range(7, 407)), latents=[0, 1]).html()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_pictures_and_series_are_drawn_and_other_things_written(dictionary, monkeypatch):
    shown = []
    monkeypatch.setattr(cards, "examples", lambda samples, labels: shown.append((samples, labels)))
    monkeypatch.setattr("diabolo.report.Page.figure", lambda *_: None)
    z = dictionary.transform(X)
    latent = int(sparsity(z).frequency.argmax())
    top = int(csc_array(z).toarray()[:, latent].argmax())
    pictures = np.arange(400.0)[:, None, None, None] * np.ones((1, 4, 4))
    dictionary.report(X, pictures, latents=[latent])
    assert shown[0][0][0].shape == (1, 4, 4)
    assert shown[0][0][0][0, 0, 0] == top
    assert shown[0][1][0].startswith(f"{top}: ")
    dictionary.report(X, [np.full((i % 5 + 2, 1), i) for i in range(400)], latents=[latent])
    assert shown[1][0][0].shape == (top % 5 + 2, 1)
    rows = tables(dictionary.report(X, np.arange(400) % 7, latents=[latent]))[1]
    assert int(rows[0]["sample"]) == top % 7
    assert len(shown) == 2
    square = Dictionary(8, k=2, training=SHORT, random_state=0).fit(X.reshape(-1, 1, 4, 4))
    square.report(X.reshape(-1, 1, 4, 4), latents=[0])  # pictures stand for themselves
    assert shown[2][0][0].shape == (1, 4, 4)


@pytest.mark.parametrize(
    "data, rest",
    [
        (np.stack([X, 100 * X[:, ::-1]], 1), {}),
        (X, {"target": X[:, :3]}),
        (X, {"recipe": Recipe(MLP(), TopK(2))}),
        (np.ones((30, 4), np.float32), {}),
        (X[:, :1], {}),
    ],
    ids=["crosscoder", "transcoder", "no atoms", "all one", "one number"],
)
def test_every_kind_of_dictionary_has_a_page(data, rest, tmp_path, quickly):
    target = rest.get("target")
    recipe = rest.get("recipe", "top-k")
    found = Dictionary(8, k=2, recipe=recipe, training=SHORT, random_state=0).fit(data, target=target)
    found.save(tmp_path / "d")
    for each in (found, diabolo.load(tmp_path / "d")):
        text = each.report(data).html()
        assert "Dictionary: 8 latents for" in text
        assert ("How atoms lie" in text) == (recipe == "top-k")
        assert ("<h2>Layers</h2>" in text) == (data.ndim == 3)
        assert ("FVU, held out in training" in text) == (target is not None)


def test_layers_have_their_shares_of_the_atoms(quickly):
    layers = np.stack([X, np.zeros_like(X)], 1)  # nothing is in the second
    found = Dictionary(8, k=2, training=quick(60), random_state=0).fit(layers)
    rows = next(rows for rows in tables(found.report(layers)) if "layer" in rows[0])
    assert [row["layer"] for row in rows] == ["0", "1"]
    assert sum(float(row["mean share of the squared length"]) for row in rows) == pytest.approx(1, abs=1e-4)


def test_of_a_file_some_rows_are_looked_at_under_their_own_numbers(dictionary, tmp_path, quickly, monkeypatch):
    monkeypatch.setattr(cards, "_MEASURED", 100)
    np.save(tmp_path / "x.npy", X)
    texts = [f"text {i}" for i in range(400)]
    found = tables(dictionary.report(Stored.open(tmp_path / "x.npy"), texts, latents=range(24)))
    assert found[0][0]["samples"] == "100"
    rows = [row for table in found[1:] for row in table]
    assert {int(row["row"]) % 4 for row in rows} == {0}
    assert all(row["sample"] == f"text {row['row']}" for row in rows)
    by_turns = dictionary.report((X[start : start + 70] for start in range(0, 400, 70)), texts, latents=range(24))
    assert tables(by_turns)[1:] == found[1:]


def test_by_default_often_middling_and_seldom_latents_are_shown():
    counts = np.array([0, 0, *range(1, 41)])
    some, how = chosen(counts, None)
    assert [counts[i] for i in some] == [40, 39, 38, 37, 22, 21, 20, 19, 8, 7, 6, 5]
    assert "active most often" in how
    few = np.minimum(counts, 3)
    assert few[chosen(few, None)[0][-1]] == 3  # none in five samples: as many as any is
    assert chosen(np.array([2, 0, 1]), None)[0] == [0, 2]
    assert chosen(np.zeros(3, int), None) == ([], "No latent is active in these samples.")
    assert chosen(counts, cast(Any, np.array([3, 3, 1])))[0] == [3, 1]


@pytest.mark.parametrize("latents", [[24], [-1], ["a"], [1.0], "3", 2.5, [True]])
def test_latents_that_are_not_there_are_refused(dictionary, latents):
    with pytest.raises(ParameterError, match="'latents' of report must hold numbers of latents, 0 to 23; got"):
        dictionary.report(X, latents=latents)


@pytest.mark.parametrize("y", [["a"] * 399, "a" * 400, {"a": 1}, 3])
def test_y_must_have_an_entry_for_each_sample(dictionary, y):
    with pytest.raises(DataError, match="y must"):
        dictionary.report(X, y)


def test_samples_take_what_can_be_asked_by_place():
    rows = np.array([0, 2])
    for y in ([1, 2, 3], (n for n in (1, 2, 3)), np.array([1, 2, 3])):
        assert Samples.of(np.zeros((2, 5)), y, rows, 3).label(1) == {"sample": 3}
    assert len(str(Samples.of(np.zeros((2, 5)), ["a" * 999] * 3, rows, 3).label(0)["sample"])) == 300


def test_the_nearest_atom_is_found_and_pairs_come_first(monkeypatch):
    atoms = np.random.default_rng(0).normal(size=(50, 6))
    atoms[31] = atoms[4] + 0.01
    around = Neighbours(atoms)
    assert around.of(31)[0] == 4
    assert sorted(around.closest(2)) == [4, 31]
    assert len(around.closest()) <= 24
    unit = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(50)
    np.testing.assert_array_equal(around.others, cosines.argmax(1))
    np.testing.assert_allclose(around.cosines, cosines.max(1))
    monkeypatch.setattr("diabolo.estimators.dictionaries.neighbours._AT_ONCE", 100)
    monkeypatch.setattr("diabolo.estimators.dictionaries.neighbours._ATOMS", 10)
    few = Neighbours(atoms)
    np.testing.assert_array_equal(few.others, cosines[few.some].argmax(1))
    assert (len(few.some), few.about) == (10, "Of 10 of 50 atoms, chosen evenly.")


def test_a_real_page_has_its_figures(dictionary, tmp_path):
    dictionary.report(X, latents=[0]).save(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert text.count("data:image/png;base64,") == 5  # frequencies, cosines, map, curves, one card

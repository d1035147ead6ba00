"""The dictionary on the command line: vectors in, sparse codes out."""

import json

import numpy as np
import pytest
from scipy.sparse import csr_array, load_npz
from tests.planted import planted

import diabolo
from diabolo.data import write, write_parts
from diabolo.errors import DataError
from diabolo.latents import BatchTopK, TopK
from diabolo.recipes import OF_VECTORS

X = planted(300)[0]
FAST = ("--set", "training.epochs=2", "--quiet")


@pytest.fixture
def vectors(tmp_path):
    np.save(tmp_path / "vectors.npy", X)
    return tmp_path / "vectors.npy"


@pytest.fixture
def model(call, vectors, tmp_path):
    code, out, err = call("fit", "dictionary", vectors, "-o", tmp_path / "d", "-n", 24, "--set", "k=3", *FAST)
    assert (code, err) == (0, "")
    assert "wrote" in out
    return tmp_path / "d"


def test_fit_apply_info_report(call, model, vectors, tmp_path):
    codes = tmp_path / "codes.npz"
    code, out, err = call("apply", model, vectors, "-o", codes, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"samples": 300, "shape": [300, 24], "output": str(codes)}
    found, known = load_npz(codes), diabolo.load(model)
    assert isinstance(found, csr_array)
    assert found.dtype == np.float32
    assert (found != known.transform(X)).nnz == 0
    assert np.diff(found.indptr).max() == 3
    for name in ("back.npy", "back.csv", "back.parquet"):
        assert call("apply", model, vectors, "-o", tmp_path / name, "--as", "reconstruct")[0] == 0
    np.testing.assert_array_equal(np.load(tmp_path / "back.npy"), known.reconstruct(X))
    rows = np.loadtxt(tmp_path / "back.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(rows, known.reconstruct(X), rtol=1e-5)
    told = json.loads(call("info", model, "--json")[1])
    assert (told["estimator"], told["code"], told["l0_"]) == ("Dictionary", 24, known.l0_)
    assert told["fvu_"] == known.fvu_
    pytest.importorskip("matplotlib")
    assert call("report", model, vectors, "-o", tmp_path / "page.html")[0] == 0
    assert "Dictionary: 24 latents for 16" in (tmp_path / "page.html").read_text("utf-8")


def test_a_file_read_block_by_block_has_the_same_codes(call, model, vectors, tmp_path, monkeypatch):
    assert call("apply", model, vectors, "-o", tmp_path / "whole.npz")[0] == 0
    monkeypatch.setattr("diabolo.data.reading.LARGE", 10)
    monkeypatch.setattr("diabolo.data.layout.ROWS", 64)
    assert call("apply", model, vectors, "-o", tmp_path / "parts.npz")[0] == 0
    whole, parts = (load_npz(tmp_path / f"{name}.npz") for name in ("whole", "parts"))
    assert whole.shape == parts.shape
    assert (whole != parts).nnz == 0


def test_recipes_and_settings(call, vectors, tmp_path):
    fit = ("fit", "dictionary", vectors, "-o", tmp_path / "d.zip", "-n", 24, *FAST)
    assert call(*fit, "--recipe", "batch-top-k", "--set", "latent.k=5")[0] == 0
    assert diabolo.load(tmp_path / "d.zip").recipe_.latent == BatchTopK(5)
    assert call(*fit, "--set", "k=4", "--set", "net.tied=True")[0] == 0
    found = diabolo.load(tmp_path / "d.zip")
    assert found.recipe_.latent == TopK(4, positive=True)
    assert found.recipe_.net.tied


def test_a_target_makes_a_transcoder(call, vectors, tmp_path):
    np.save(tmp_path / "target.npy", X[:, :5] * 2)
    fit = ("fit", "dictionary", vectors, "-o", tmp_path / "d", "-n", 24, *FAST)
    assert call(*fit, "--target", tmp_path / "target.npy")[0] == 0
    assert diabolo.load(tmp_path / "d").atoms_.shape == (24, 5)


def test_the_named_recipes_are_listed_under_their_heading(call):
    rows = json.loads(call("recipes", "--json")[1])
    assert [row["name"] for row in rows if row["of"] == "vectors, by a dictionary"] == list(OF_VECTORS)
    words = call("recipes")[1]
    assert words.count("vectors, by a dictionary") == len(OF_VECTORS)


def test_errors_are_one_sentence(call, model, vectors, tmp_path):
    fit = ("fit", "dictionary", vectors, "-o", tmp_path / "m", *FAST)
    np.save(tmp_path / "narrow.npy", X[:, :3])
    for args, word in (
        (("apply", model, vectors, "-o", tmp_path / "codes.csv"), "written as .npz"),
        (("apply", model, vectors, "-o", tmp_path / "codes.npy"), "written as .npz"),
        (("apply", model, tmp_path / "narrow.npy", "-o", tmp_path / "codes.npz"), "3 features"),
        (("apply", model, vectors, "-o", tmp_path / "codes.npz", "--as", "predict"), "unknown verb 'predict'"),
        ((*fit, "--set", "k=0"), "Parameter 'k' of Dictionary"),
        ((*fit, "--set", "k=3", "--recipe", "relu-l1"), "Parameter 'k' of Dictionary must be None"),
        ((*fit, "--recipe", "top-kk"), "Did you mean 'top-k'"),
        ((*fit, "--target", tmp_path / "narrow.csv"), "narrow.csv"),
    ):
        code, out, err = call(*args)
        assert (code, out) == (1, ""), args
        assert word in err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
    assert not list(tmp_path.glob("codes.*"))


def test_a_sparse_matrix_is_written_whole_or_not_at_all(tmp_path):
    codes = csr_array(np.eye(3))
    write(tmp_path / "a.npz", codes)
    assert (load_npz(tmp_path / "a.npz") != codes).nnz == 0
    assert write_parts(tmp_path / "b.npz", iter([codes, codes[:1]])) == (4, 3)
    assert load_npz(tmp_path / "b.npz").toarray().tolist() == [*np.eye(3).tolist(), [1, 0, 0]]
    for name in ("c.npy", "c.csv", "c.parquet"):
        with pytest.raises(DataError, match=r"written as \.npz"):
            write(tmp_path / name, codes)
        with pytest.raises(DataError, match=r"written as \.npz"):
            write_parts(tmp_path / name, iter([codes]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]

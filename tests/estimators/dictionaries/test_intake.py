"""What a dictionary learns from: arrays, frames, tensors, files and iterators give the same atoms and codes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.planted import best_cosines, planted, quick

from diabolo import Dictionary, Recipe, Training
from diabolo.data import Stored
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.dictionaries.intake import settled, unpacked
from diabolo.latents import L1, BatchTopK, TopK

X, ATOMS, _ = planted(2000)
FEW = X[:300]


def fitted(data: Any, n: int = 24, **rest: Any) -> Dictionary:
    return Dictionary(n, k=3, training=Training(epochs=2), random_state=0, **rest).fit(data)


def same(one: Dictionary, two: Dictionary) -> bool:
    return np.array_equal(one.atoms_, two.atoms_) and (one.transform(FEW) != two.transform(FEW)).nnz == 0


def mapped(path: Path) -> np.ndarray:
    np.save(path / "x.npy", FEW)
    return np.load(path / "x.npy", mmap_mode="r")


def in_file(path: Path) -> Path:
    np.save(path / "y.npy", FEW)
    return path / "y.npy"


def in_archive(path: Path) -> str:
    np.savez(path / "z.npz", first=FEW[:3], vectors=FEW)
    return f"{path / 'z.npz'}:vectors"


def in_parquet(path: Path) -> Path:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pd.DataFrame(FEW, columns=[f"c{i}" for i in range(16)]).to_parquet(path / "p.parquet")
    return path / "p.parquet"


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("form", [mapped, in_file, in_archive, in_parquet, lambda _: torch.tensor(FEW)])
def test_every_form_of_the_vectors_gives_the_same_bits(form, tmp_path):
    one, two = fitted(FEW), fitted(form(tmp_path))
    assert np.array_equal(one.atoms_, two.atoms_)
    assert (one.transform(FEW) != two.transform(form(tmp_path))).nnz == 0
    assert two.score(form(tmp_path)) == pytest.approx(one.score(FEW), abs=1e-6)


def blocks(x: np.ndarray, size: int = 70) -> Iterator[np.ndarray]:
    return (x[start : start + size] for start in range(0, len(x), size))


def test_an_iterator_is_gone_through_once_and_is_as_the_file(tmp_path):
    np.save(tmp_path / "x.npy", FEW)
    stored = Stored.open(tmp_path / "x.npy")
    by_file, by_turns = fitted(stored), fitted(blocks(FEW))
    assert same(by_file, by_turns)
    assert same(by_file, fitted(blocks(FEW, 11)))  # how the rows were cut does not count
    whole = by_file.transform(FEW)
    for z in (by_file.transform(stored), by_file.transform(blocks(FEW))):
        assert (z != whole).nnz == 0
    np.testing.assert_array_equal(by_file.reconstruct(blocks(FEW)), by_file.reconstruct(FEW))
    assert by_file.score(blocks(FEW)) == pytest.approx(by_file.score(FEW), abs=1e-6)


def test_what_is_streamed_is_as_good_as_what_is_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.data.layout.ROWS", 64)
    monkeypatch.setattr("diabolo.estimators.sources.BUFFER", 2**15)  # a buffer of 512 rows
    np.save(tmp_path / "x.npy", X)
    found = [Dictionary(32, k=3, training=quick(200), random_state=0).fit(data)
             for data in (X, Stored.open(tmp_path / "x.npy"))]  # fmt: skip
    errors = [1 - each.score(X) for each in found]
    assert errors[1] == pytest.approx(errors[0], abs=0.03)
    assert all(best_cosines(each.atoms_, ATOMS).mean() > 0.95 for each in found)


def test_what_an_iterator_brought_is_gone_afterwards(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with unpacked(blocks(FEW)) as stored:
        assert len(list(tmp_path.iterdir())) == 1
        assert (len(stored), stored.shape) == (300, (300, 16))
    assert list(tmp_path.iterdir()) == []
    fitted(blocks(FEW))
    with pytest.raises(DataError, match="rows of one shape"):
        fitted(iter([FEW, FEW[:, 1:]]))
    assert list(tmp_path.iterdir()) == []


def test_half_precision_and_whole_numbers_are_vectors_too():
    for dtype in (np.float16, np.int8):  # scaled in float64, which is not to the last bit what float32 is
        data = (10 * FEW).astype(dtype)
        scores = [fitted(each).score(each) for each in (data, data.astype(np.float32))]
        assert scores[0] == pytest.approx(scores[1], abs=0.05)
    brain = torch.tensor(FEW, dtype=torch.bfloat16)
    assert same(fitted(brain), fitted(brain.float()))


@pytest.mark.parametrize("data", [blocks(FEW[:0]), iter([]), (x for x in [np.zeros((0, 4))])])
def test_an_iterator_of_nothing_is_refused(data):
    with pytest.raises(DataError, match="gave no rows"):
        fitted(data)


def test_nan_in_a_stream_is_refused_where_it_is(tmp_path):
    bad = FEW.copy()
    bad[200, 3] = np.nan
    with pytest.raises(DataError, match="NaN"):
        fitted(blocks(bad))
    found = fitted(FEW)
    with pytest.raises(DataError, match="NaN"):
        found.transform(blocks(bad))


def test_a_file_of_layers_that_is_read_block_by_block_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", FEW.reshape(300, 4, 4))
    with pytest.raises(DataError, match=r"must hold vectors \(N, D\); got \(300, 4, 4\)"):
        fitted(Stored.open(tmp_path / "x.npy"))


@pytest.mark.parametrize("wanted", [FEW, None])
def test_a_target_is_not_told_of_a_file_that_is_streamed(tmp_path, wanted):
    """Rows on disk have no target beside them: it must be refused rather than forgotten."""
    np.save(tmp_path / "x.npy", FEW)
    dictionary = Dictionary(24, k=3, training=Training(epochs=1), random_state=0)
    if wanted is None:
        assert dictionary.fit(Stored.open(tmp_path / "x.npy")).target_scaling_ is None
        return
    with pytest.raises((DataError, ParameterError), match="target"):
        dictionary.fit(Stored.open(tmp_path / "x.npy"), target=2 * FEW)


def test_settled_is_what_was_said_or_what_the_recipe_says_or_32():
    assert settled(Recipe(latent=TopK(3)), 1000, None).latent == TopK(3)
    assert settled(Recipe(latent=TopK(3)), 1000, 7).latent == TopK(7)
    assert settled(Recipe(latent=BatchTopK()), 1000, None).latent == BatchTopK(32)
    assert settled(Recipe(latent=BatchTopK()), 20, None).latent == BatchTopK(5)
    assert settled(Recipe(latent=BatchTopK()), 2, None).latent == BatchTopK(1)
    assert settled(Recipe(latent=L1(3.0)), 1000, None).latent == L1(3.0)

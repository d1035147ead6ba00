"""Arrays that map a file are read block by block, as the file itself is."""

import numpy as np
import pytest

from diabolo import Dictionary, Training
from diabolo.data import Stored, reading
from diabolo.data.reading import mapped as on_disk


@pytest.fixture
def mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGE", 1000)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32))
    return np.load(tmp_path / "x.npy", mmap_mode="r")


def test_a_map_of_a_whole_file_stays_on_disk(mapped):
    found = on_disk(mapped)
    assert isinstance(found, Stored)
    assert np.array_equal(np.concatenate(list(found.blocks())), mapped)


@pytest.mark.parametrize("part", [slice(10, None), slice(None, None, -1), slice(None, 190)], ids=str)
def test_a_part_of_it_is_an_array(mapped, part):
    assert on_disk(mapped[part]) is not None
    assert not isinstance(on_disk(mapped[part]), Stored)


def test_a_small_one_is_an_array(mapped, monkeypatch):
    monkeypatch.setattr(reading, "LARGE", 2**28)
    assert on_disk(mapped) is mapped


def test_a_map_that_is_no_npy_file_is_an_array(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGE", 100)
    raw = np.memmap(tmp_path / "x.bin", np.float32, "w+", shape=(50, 4))
    assert on_disk(raw) is raw


def test_a_dictionary_learns_the_same_from_a_map_as_from_its_file(mapped):
    training = Training(epochs=2, batch_size=50)
    first, second = (
        Dictionary(8, k=2, training=training, random_state=0).fit(X) for X in (mapped, Stored.open(mapped.filename))
    )
    assert (first.transform(mapped) != second.transform(np.array(mapped))).nnz == 0

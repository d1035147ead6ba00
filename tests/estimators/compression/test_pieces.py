"""Tables that come piece by piece: the same as whole, with little in memory, and what cannot be pieces is said."""

from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.estimators.compression.test_compressor import frame

import diabolo
from diabolo import Compressor, Training
from diabolo.codec import Absolute, Container
from diabolo.coders import Columns
from diabolo.data import Stored
from diabolo.errors import DataError, DataTypeError, FileError, ParameterError
from diabolo.estimators.compression import tables
from diabolo.estimators.compression.opening import verified
from diabolo.estimators.compression.pieces import Pieces, runs, taken

CUTS = ([1200], [1, 1199], [400, 400, 400], [300, 500, 1, 0, 399], [0, 1200])


@pytest.fixture
def small(monkeypatch):
    """Chunks of 100 rows of the frame below, and files that are large from their first byte."""
    monkeypatch.setattr(tables, "_CELLS", 600)
    monkeypatch.setattr("diabolo.data.reading.LARGE", 0)


@pytest.fixture(scope="module")
def fitted():
    return Compressor(coder="Columns", random_state=0).fit(frame())


def cut(X, sizes):
    ends = np.cumsum(sizes).tolist()
    return (X[end - size : end] for size, end in zip(sizes, ends, strict=True))


@pytest.mark.parametrize("sizes", CUTS, ids=str)
def test_an_iterator_is_compressed_as_what_it_yields_joined(small, fitted, sizes):
    data = fitted.compress(cut(frame(), sizes))
    pd.testing.assert_frame_equal(diabolo.decompress(data), frame(), check_exact=True)
    with Container.open(data) as file, Container.open(fitted.compress(frame())) as whole:
        assert (file.head["shape"], file.head["chunk_rows"]) == ([1200, 6], 100)
        assert [file.chunk(i) for i in range(1, 13)] == [whole.chunk(i) for i in range(1, 13)]


@pytest.mark.parametrize("sizes", CUTS, ids=str)
def test_arrays_in_pieces_make_the_very_bytes_of_the_whole(small, sizes):
    X = np.random.default_rng(0).normal(size=(1200, 6)).astype(np.float32)
    compressor = Compressor(coder="Columns", fidelity=Absolute(0.01)).fit(X)
    assert compressor.compress(cut(X, sizes)) == compressor.compress(X)


def test_pieces_that_fit_into_one_chunk_are_one(fitted):
    assert len(Container.open(fitted.compress(cut(frame(), [600, 600])))) == 2  # the model, and that chunk
    pd.testing.assert_frame_equal(fitted.reconstruct(cut(frame(), [600, 600])), frame())


def test_a_file_is_read_part_by_part(small, fitted, tmp_path):
    fitted.write(tmp_path / "x.dbl", cut(frame(), [700, 500]), embed=False)
    with diabolo.opened(tmp_path / "x.dbl", fitted) as file:
        assert len(file) == 12
        pd.testing.assert_frame_equal(file.part(7), frame().iloc[700:800].reset_index(drop=True))
        pd.testing.assert_frame_equal(pd.concat(file, ignore_index=True), frame())
        with pytest.raises(ParameterError, match=r"from 0 to 11, as the file has 12 part\(s\); got 12\."):
            file.part(12)
    with pytest.raises(ParameterError, match="does not hold its model"), diabolo.opened(tmp_path / "x.dbl"):
        pass


def test_a_damaged_part_does_not_harm_the_others(small, fitted, tmp_path):
    data = bytearray(fitted.compress(frame()))
    with Container.open(bytes(data)) as file:
        place = bytes(data).index(file.chunk(3))
    data[place + 5] ^= 1
    with diabolo.opened(bytes(data)) as file:
        assert len(file.part(0)) == 100
        with pytest.raises(FileError):
            file.part(2)


@pytest.mark.parametrize("groups", [1200, 250])
def test_large_parquet_comes_in_pieces_with_its_types(small, tmp_path, groups):
    X = frame().assign(id=2**60 + np.arange(1200))
    X.to_parquet(tmp_path / "x.parquet", row_group_size=groups)
    compressor = Compressor(coder="Columns").fit(tmp_path / "x.parquet")
    data = compressor.compress(tmp_path / "x.parquet")
    assert isinstance(taken(tmp_path / "x.parquet"), Pieces)
    pd.testing.assert_frame_equal(diabolo.decompress(data), X, check_exact=True)
    assert compressor.score(tmp_path / "x.parquet") > 1


def test_a_folder_of_parquet_is_one_table(tmp_path):
    for i in range(3):
        frame()[400 * i : 400 * (i + 1)].reset_index(drop=True).to_parquet(tmp_path / f"{i}.parquet")
    pd.testing.assert_frame_equal(Compressor(coder="Columns").fit(tmp_path).reconstruct(tmp_path), frame())


def test_large_arrays_are_mapped(small, tmp_path):
    X = np.random.default_rng(0).integers(0, 9, (500, 3))
    np.save(tmp_path / "x.npy", X)
    assert isinstance(taken(tmp_path / "x.npy"), np.memmap)
    assert isinstance(taken(Stored.open(tmp_path / "x.npy")), np.memmap)
    assert (Compressor(coder="Columns").fit(tmp_path / "x.npy").reconstruct(tmp_path / "x.npy") == X).all()


def test_a_large_table_is_learned_from_runs_of_its_rows(monkeypatch):
    rng = np.random.default_rng(0)
    X = np.cumsum(rng.integers(-3, 4, (60_000, 2)), 0)
    plain, seen, learn = Compressor(coder="Columns").fit(X), [], Columns.learn
    monkeypatch.setattr(tables, "_LEARNT", 20_000)
    monkeypatch.setattr(Columns, "learn", lambda *told: seen.append(len(told[1])) or learn(*told))
    some = Compressor(coder="Columns").fit(X)
    assert seen == [64 * 157]
    assert (some.reconstruct(X) == X).all()
    assert len(some.compress(X)) < 1.05 * len(plain.compress(X))


def test_runs_are_apart_and_of_one_length():
    columns = [np.arange(10_000), -np.arange(10_000)]
    found = runs(columns, 2 * 640)
    assert [len(run[0]) for run in found] == [10] * 64
    assert found[0][0][0] == 0
    assert found[-1][0][-1] == 9999
    assert all((np.diff(run[0]) == 1).all() and (run[0] == -run[1]).all() for run in found)
    assert len(runs(columns, 20_000)) == 1


def wrong(first, second):
    return chain([first], [second])


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (
            frame().rename(columns={"sign": "mark"}),
            r"table 1 differs from the first in 'mark \(\w+\)', 'sign \(\w+\)'\. ",
        ),
        (frame().astype({"level": np.int32}), r"differs from the first in 'level \(int32\)', 'level \(int64\)'\. "),
        (frame()[["price", "level", *frame().columns[2:]]], "in the order of columns"),
        (frame()[frame()["level"] > 0], r"'__index_level_0__ \(int64\)'.* reset_index\(drop=True\)\.$"),
        (frame().assign(kind=frame()["kind"].cat.remove_unused_categories()), "CategoricalDtype"),
        (frame().to_numpy(), "X must be a data frame, or an array"),
    ],
    ids=["name", "type", "order", "index", "categories", "array"],
)
def test_pieces_that_differ_are_refused(fitted, tmp_path, second, words):
    (tmp_path / "x.dbl").write_bytes(b"what was there")
    with pytest.raises((DataError, DataTypeError), match=words):
        fitted.write(tmp_path / "x.dbl", wrong(frame(), second))
    assert (tmp_path / "x.dbl").read_bytes() == b"what was there"


def test_nothing_can_be_learned_from_what_is_gone_then():
    with pytest.raises(DataTypeError, match="fit to a part of the rows"):
        Compressor().fit(iter([frame()]))


def test_an_iterator_that_is_at_its_end_is_told(fitted):
    tables = iter([frame()])
    fitted.compress(tables)
    with pytest.raises(DataError, match="gone through already"):
        fitted.compress(tables)


def test_no_more_is_taken_than_a_block_needs():
    begun = []

    def many():
        for number in range(20):
            begun.append(number)
            yield np.full((10, 1), number)

    for count, (_, (column,)) in enumerate(Pieces(many).blocks(25)):
        assert len(column) == 25
        assert len(begun) <= 25 * (count + 1) // 10 + 2
        if count == 6:
            break
    assert len(begun) < 20


def test_training_is_told_how_many_rows_a_file_has(small, tmp_path, monkeypatch):
    """A net pays for its bytes by all rows, not by those learned from."""
    walk = np.cumsum(np.random.default_rng(0).integers(-2, 3, 6000))
    X = pd.DataFrame({"a": walk % 16, "b": (walk + 1) % 16, "c": (walk * 3) % 16})
    X.to_parquet(tmp_path / "x.parquet")
    monkeypatch.setattr(tables, "_LEARNT", 3 * 1500)
    told, pays = [], tables.Tables._pays
    monkeypatch.setattr(tables.Tables, "_pays", lambda *given: told.append((len(given[1]), given[2])) or pays(*given))
    training = Training(steps=60, batch_size=64, learning_rate=1e-2, weight_decay=0.0)
    net = Compressor(4, training=training, random_state=0).fit(tmp_path / "x.parquet")
    assert told == [(1500, 6000)]
    assert len(net.compress(X)) < len(Compressor(coder="Columns").fit(X).compress(X))


def test_what_the_user_raises_is_the_users(fitted):
    with pytest.raises(KeyError, match="mine"), diabolo.opened(fitted.compress(frame())):
        raise KeyError("mine")


@pytest.mark.parametrize("number", ["a", None, -1, 1.0])
def test_parts_have_whole_numbers(fitted, number):
    with diabolo.opened(fitted.compress(frame())) as file, pytest.raises(ParameterError, match="'number' of part"):
        file.part(number)


def test_a_folder_of_pictures_is_one_of_pictures(tmp_path):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "x.png")
    frame().to_parquet(tmp_path / "labels.parquet")
    assert np.shape(taken(tmp_path)) == (1, 1, 8, 8)


def test_files_of_a_folder_that_differ_are_refused_before_training(tmp_path):
    frame().to_parquet(tmp_path / "a.parquet")
    frame()[["price", "level"]].to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="table 1 differs from the first"):
        Compressor().fit(tmp_path)


def test_no_images_come_back_as_none():
    images = np.random.default_rng(0).integers(0, 9, (4, 1, 8, 8)).astype(np.uint8)
    compressor = Compressor(training=Training(steps=3), random_state=0).fit(images)
    assert compressor.reconstruct(images[:0]).shape == (0, 1, 8, 8)
    assert compressor.reconstruct([]) == []
    assert compressor.set_params(fidelity=Absolute(1e10)).reconstruct(images).shape == images.shape


def test_images_are_no_pieces():
    images = np.random.default_rng(0).integers(0, 9, (4, 1, 8, 8)).astype(np.uint8)
    compressor = Compressor(training=Training(steps=3), random_state=0).fit(images)
    with pytest.raises(DataTypeError, match="Make a list"):
        compressor.compress(iter(images))


def test_row_groups_may_have_other_categories(small, tmp_path):
    words = [["b", "a", "b"], ["c", "a", None]]
    both = [pa.table({"kind": pa.array(each).dictionary_encode(), "n": [1, 2, 3]}) for each in words]
    with pq.ParquetWriter(tmp_path / "x.parquet", both[0].schema) as writer:
        for each in both:
            writer.write_table(each)
    back = Compressor().fit(tmp_path / "x.parquet").reconstruct(tmp_path / "x.parquet")
    assert back["kind"].dtype == "category"
    assert back["kind"].astype(object).where(back["kind"].notna(), None).tolist() == [*words[0], *words[1]]


def test_batches_of_arrow_are_pieces(small, tmp_path):
    frame().to_parquet(tmp_path / "x.parquet", row_group_size=500)
    compressor = Compressor(coder="Columns").fit(tmp_path / "x.parquet")
    with pq.ParquetFile(tmp_path / "x.parquet") as file:
        data = compressor.compress(file.iter_batches())
    pd.testing.assert_frame_equal(diabolo.decompress(data), frame())


def test_parts_of_pieces_are_numbered_from_0(small, fitted):
    later = pd.concat([frame()] * 2, ignore_index=True)[1200:]
    data = fitted.compress(cut(later, [100] * 12))
    with diabolo.opened(data) as file:
        assert [part.index[0] for part in file] == [0] * 12
        pd.testing.assert_frame_equal(file.samples(), frame())


def test_a_file_is_verified_part_by_part(small, fitted, tmp_path, monkeypatch):
    fitted.write(tmp_path / "x.dbl", frame())
    monkeypatch.setattr(tables.Tables, "whole", None)
    assert verified(tmp_path / "x.dbl")["chunks"] == 12

"""Rows on disk: the same numbers as in memory, in blocks, and errors that name the place."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from diabolo.data import Moments, Scaling, Stored, read, write, write_parts
from diabolo.data.parquet import decoded_bytes
from diabolo.errors import DataError, DataTypeError, FileError, MissingFileError

ROWS = 1000


def table(dtype="float32", rows=ROWS, columns=3):
    x = np.random.default_rng(0).normal(100, 30, (rows, columns))
    return np.clip(x, 0, 255).astype(dtype)


def frame(x):
    return pd.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])])


def parquet(path, x, group=150):
    frame(x).to_parquet(path, row_group_size=group)
    return path


def npy(path, x):
    np.save(path, x)
    return path


def whole(stored):
    return np.concatenate(list(stored.blocks()))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("diabolo.data.layout.ROWS", 64)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "float16"])
@pytest.mark.parametrize("group", [7, 150, 5000])
def test_the_numbers_are_those_in_memory(tmp_path, dtype, group):
    x = table(dtype)
    for path in npy(tmp_path / "x.npy", x), parquet(tmp_path / "x.parquet", x, group):
        stored = Stored.open(path)
        assert (stored.shape, stored.dtype, stored.size) == (x.shape, x.dtype, x.size)
        np.testing.assert_array_equal(whole(stored), x)
        assert [row for chunk in stored.chunks for row in chunk.rows] == list(range(ROWS))


def test_blocks_are_bounded_and_small_row_groups_are_joined(tmp_path):
    stored = Stored.open(parquet(tmp_path / "tiny.parquet", table(), group=10))
    assert [len(chunk.rows) for chunk in stored.chunks] == [70] * 14 + [20]
    stored = Stored.open(parquet(tmp_path / "huge.parquet", table(), group=5000))
    assert len(stored.chunks) == 1
    assert max(map(len, stored.blocks())) == 64
    stored = Stored.open(npy(tmp_path / "x.npy", table()))
    assert {len(chunk.rows) for chunk in stored.chunks} == {64, ROWS % 64}


def test_wide_rows_are_read_fewer_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.data.layout.BYTES", 5 * 2 * 3 * 4 * 8)
    stored = Stored.open(npy(tmp_path / "x.npy", np.zeros((12, 2, 3, 4))))
    assert [block.shape for block in stored.blocks()] == [(5, 2, 3, 4), (5, 2, 3, 4), (2, 2, 3, 4)]


def test_any_order_in_memory_is_read(tmp_path):
    x = np.asfortranarray(table())
    np.testing.assert_array_equal(whole(Stored.open(npy(tmp_path / "x.npy", x))), x)


def test_types_mix_as_in_a_data_frame(tmp_path):
    mixed = pd.DataFrame(
        {"a": np.arange(5, dtype=np.int32), "b": np.ones(5, np.float32), "c": [True, False] * 2 + [True]}
    )
    mixed.to_parquet(tmp_path / "x.parquet")
    stored = Stored.open(tmp_path / "x.parquet")
    assert stored.dtype == np.float64
    np.testing.assert_array_equal(whole(stored), mixed.to_numpy(float))


@pytest.mark.parametrize("index", [[0, 999], [], [5, 6, 7, 64, 500], range(ROWS)])
def test_rows_are_taken_by_number(tmp_path, index):
    x, index = table(), np.array(index, dtype=int)
    np.testing.assert_array_equal(Stored.open(parquet(tmp_path / "x.parquet", x)).take(index), x[index])


def test_parts_come_in_the_form_of_the_file_without_the_index(tmp_path):
    x = frame(table()).set_index(pd.Index(range(5, 5 + ROWS), name="user"))
    x.to_parquet(tmp_path / "x.parquet")
    stored = Stored.open(tmp_path / "x.parquet")
    assert stored.shape == (ROWS, 3)
    assert [list(part.columns) for part in stored.parts()][:1] == [["c0", "c1", "c2"]]
    assert isinstance(stored.head(2), pd.DataFrame)
    assert stored.head(2).shape == (2, 3)


def test_a_folder_is_one_table_in_the_order_of_names(tmp_path):
    x = table()
    for name, rows in (("b", x[300:]), ("a", x[:300]), (".hidden", x)):
        parquet(tmp_path / f"{name}.parquet", rows)
    np.testing.assert_array_equal(whole(Stored.open(tmp_path)), x)
    got = read(tmp_path)
    assert isinstance(got, pd.DataFrame)
    np.testing.assert_array_equal(got, x)
    parquet(tmp_path / "c.parquet", x[:, :2])
    with pytest.raises(DataError, match=r"'a\.parquet' has \['c0', 'c1', 'c2'\] and 'c\.parquet' has \['c0', 'c1'\]"):
        read(tmp_path)


def test_only_what_is_large_stays_on_disk(tmp_path, monkeypatch):
    x = table()
    paths = npy(tmp_path / "x.npy", x), parquet(tmp_path / "x.parquet", x)
    assert decoded_bytes([paths[1]]) == x.nbytes
    assert [type(read(path)) for path in paths] == [np.ndarray, pd.DataFrame]
    monkeypatch.setattr("diabolo.data.reading.LARGE", x.nbytes - 1)
    assert [type(read(path)) for path in paths] == [Stored, Stored]
    stored = Stored.open(paths[0])
    assert read(stored) is stored


@pytest.mark.parametrize("value, word", [(np.nan, "NaN"), (np.inf, "infinity")])
def test_what_is_not_finite_is_named_by_file_column_and_row(tmp_path, value, word):
    x = table()
    x[700, 1] = value
    words = rf"contains {word}: column '?c?1'? of row 700 in 'x\.\w+', among rows \d+ to \d+"
    for path in npy(tmp_path / "x.npy", x), parquet(tmp_path / "x.parquet", x, 300):
        with pytest.raises(DataError, match=words):
            whole(Stored.open(path))


def test_a_missing_integer_is_nan(tmp_path):
    column = pa.array([1, None, 3], pa.int64())
    pq.write_table(pa.table({"a": column}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="NaN: column 'a' of row 1"):
        whole(Stored.open(tmp_path / "x.parquet"))


@pytest.mark.parametrize("column", [["x", "y"], [[1.0], [2.0]], pd.to_datetime(["2020-01-01"] * 2), [{"k": 1}] * 2])
def test_a_column_of_no_numbers_is_named(tmp_path, column):
    pd.DataFrame({"fine": [1.0, 2.0], "bad": column}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataTypeError, match=r"'x\.parquet': X must hold numbers only; column 'bad'"):
        Stored.open(tmp_path / "x.parquet")


def test_text_in_an_array_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([["a"]]))
    with pytest.raises(DataTypeError, match="numbers only"):
        Stored.open(tmp_path / "x.npy")


@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
def test_cut_files_are_named_when_opened(tmp_path, suffix):
    write(tmp_path / f"whole{suffix}", table("float64"))
    data = (tmp_path / f"whole{suffix}").read_bytes()
    for length in range(0, len(data) - 1, len(data) // 7):
        (tmp_path / f"cut{suffix}").write_bytes(data[:length])
        with pytest.raises(FileError, match=r"cut\."):
            Stored.open(tmp_path / f"cut{suffix}")


def test_a_file_broken_in_the_middle_is_named_when_read(tmp_path):
    path = parquet(tmp_path / "x.parquet", table("float64"), 100)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"'x\.parquet' is cut, broken or foreign"):
        whole(Stored.open(path))


def test_other_paths_are_refused(tmp_path):
    with pytest.raises(MissingFileError, match="no file or folder"):
        Stored.open(tmp_path / "gone.npy")
    (tmp_path / "x.csv").touch()
    for path in tmp_path / "x.csv", tmp_path:
        with pytest.raises(FileError, match=r"block by block; known: \.npy, \.parquet"):
            Stored.open(path)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("domain", ["real", "unit", "counts"])
def test_streamed_scaling_is_that_of_the_whole(tmp_path, dtype, domain):
    x = table(dtype) + np.array(0, dtype)
    expected = Scaling.fit(x, (domain,) * 3)
    for path in npy(tmp_path / "x.npy", x), parquet(tmp_path / "x.parquet", x):
        got = Scaling.of(Moments.of(Stored.open(path).blocks(), (domain,)), (domain,) * 3)
        np.testing.assert_allclose(got.shift, expected.shift, rtol=1e-13)
        np.testing.assert_allclose(got.scale, expected.scale, rtol=1e-13)


def test_moments_far_from_zero_and_of_extreme_size_survive_the_joining():
    for centre, size in (1e9, 1.0), (0.0, 1e-200), (0.0, 1e200), (-1e-3, 1e-9):
        noise = np.random.default_rng(0).normal(size=(1000, 1))
        noise[::50] = noise[0]  # blocks differ
        moments = Moments.of(np.split(centre + noise * size, 20), ("real",))
        assert moments.std[0] == pytest.approx(noise.std() * size, rel=1e-7)
        assert moments.mean[0] == pytest.approx(centre + noise.mean() * size, rel=1e-12)


def test_missing_and_constant_blocks_are_joined_exactly():
    blocks = [np.full((3, 1), np.nan), np.full((2, 1), 0.1), np.full((5, 1), 0.1), np.full((1, 1), np.nan)]
    moments = Moments.of(blocks, ("real",))
    assert (moments.count, moments.mean, moments.std, moments.low, moments.high) == (7, 0.1, 0, 0.1, 0.1)


def test_one_hot_is_checked_over_all_blocks():
    blocks = [np.array([[0.0], [1.0]]), np.array([[0.5]]), np.array([[1.0]])]
    with pytest.raises(DataError, match="Column 0 must hold 0 or 1 only"):
        Scaling.of(Moments.of(blocks, ("one-hot",)), ("one-hot",))
    Scaling.of(Moments.of([blocks[0], blocks[2]], ("one-hot",)), ("one-hot",))


def test_infinity_in_two_blocks_and_no_block_at_all_are_refused():
    with pytest.raises(DataError, match="too far apart"):
        Moments.of([np.array([[1e308]]), np.array([[-1e308]])], ("real",))
    with pytest.raises(DataError, match="at least one sample"):
        Moments.of([], ("real",))


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
def test_parts_are_written_as_one(tmp_path, suffix):
    x = table("float64", rows=103)
    for name, parts in ("array", np.array_split(x, 5)), ("frame", map(frame, np.array_split(x, 5))):
        assert write_parts(tmp_path / f"{name}{suffix}", parts) == x.shape
        got = read(tmp_path / f"{name}{suffix}")
        np.testing.assert_allclose(np.asarray(got), x, rtol=1e-15)
        if isinstance(got, pd.DataFrame):
            assert got.columns.tolist() == [("c" if name == "frame" else "x") + str(i) for i in range(3)]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_parts_that_fail_on_the_way_leave_the_old_file(tmp_path, suffix):
    write(tmp_path / f"x{suffix}", table())

    def failing():
        yield table()
        raise DataError("row 7")

    for parts in (failing(), iter([table(), table(columns=2)])):
        with pytest.raises(DataError, match=r"row 7|alike"):
            write_parts(tmp_path / f"x{suffix}", parts)
    assert np.asarray(read(tmp_path / f"x{suffix}")).shape == (ROWS, 3)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_table_of_text_is_no_array_and_told_which_files_take_it(tmp_path, name):
    with pytest.raises(DataTypeError, match=r"holds numbers only, .* such as text; name a file \.csv or \.parquet"):
        write(tmp_path / name, pd.DataFrame({"a": [1.0], "city": ["Oslo"]}))
    assert not list(tmp_path.iterdir())

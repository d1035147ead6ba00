import importlib
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image

from diabolo.data import read, write
from diabolo.errors import CapabilityError, DataError, DataTypeError, FileError, MissingFileError

TABLE = np.array([[1.5, 2.0], [3.0, -4.25]])


def stored(read_back):
    return np.asarray(read_back)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet", ".NPY"])
@pytest.mark.parametrize("make", [np.array, torch.tensor, pd.DataFrame, pl.DataFrame, list])
def test_tables_round_trip(tmp_path, suffix, make):
    result = pd.DataFrame(TABLE, columns=["x0", "x1"]) if make is pd.DataFrame else make(TABLE)
    write(tmp_path / f"result{suffix}", result)
    assert stored(read(str(tmp_path / f"result{suffix}"))).tolist() == TABLE.tolist()
    assert [p.name for p in tmp_path.iterdir()] == [f"result{suffix}"]


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_any_shape_round_trips_in_numpy_files(tmp_path, suffix):
    x = np.arange(24, dtype=np.uint8).reshape(1, 2, 3, 4)
    write(tmp_path / f"x{suffix}", x)
    got = stored(read(tmp_path / f"x{suffix}"))
    assert got.dtype == x.dtype
    assert (got == x).all()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_vectors_become_one_column(tmp_path, suffix):
    write(tmp_path / f"x{suffix}", np.array([1, 2]))
    frame = read(tmp_path / f"x{suffix}")
    assert isinstance(frame, pd.DataFrame)
    assert frame["x0"].tolist() == [1, 2]


def test_columns_and_meaningful_indices_are_kept(tmp_path):
    frame = pd.DataFrame({"score": [0.5]}, index=pd.Index(["u1"], name="user"))
    for suffix in ".csv", ".parquet":
        write(tmp_path / f"x{suffix}", frame)
    csv, parquet = read(tmp_path / "x.csv"), read(tmp_path / "x.parquet")
    assert isinstance(csv, pd.DataFrame)
    assert csv.columns.tolist() == ["user", "score"]
    assert isinstance(parquet, pd.DataFrame)
    pd.testing.assert_frame_equal(parquet, frame, check_index_type=False, check_column_type=False)


@pytest.mark.parametrize("value", [TABLE, [[1]], None, 3, {"a": 1}])
def test_what_is_no_path_is_returned_unchanged(value):
    assert read(value) is value


def test_home_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write("~/x.npy", TABLE)
    assert (stored(read("~/x.npy")) == TABLE).all()


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(MissingFileError, match=r"no file or folder .*gone\.npy"):
        read(tmp_path / "gone.npy")
    with pytest.raises(FileNotFoundError):
        read(f"{tmp_path}/gone.npz:key")


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    (tmp_path / "x.xls").touch()
    with pytest.raises(FileError, match=r"'x\.xls'.*\.csv.*\.npy.*\.png"):
        read(tmp_path / "x.xls")
    with pytest.raises(FileError, match=r"'x\.xls'; known suffixes: \.csv, \.npy, \.npz, \.parquet"):
        write(tmp_path / "x.xls", TABLE)


def test_of_several_arrays_the_conventional_or_the_chosen_one_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=TABLE, y=TABLE + 1)
    np.savez(tmp_path / "b.npz", p=TABLE, q=TABLE + 1)
    np.savez(tmp_path / "c.npz", other=TABLE)
    assert (stored(read(tmp_path / "a.npz")) == TABLE).all()
    assert (stored(read(f"{tmp_path}/b.npz:q")) == TABLE + 1).all()
    assert (stored(read(tmp_path / "c.npz")) == TABLE).all()
    with pytest.raises(DataError, match=r"'b\.npz' holds the arrays \['p', 'q'\].*choose one as 'b\.npz:p'"):
        read(tmp_path / "b.npz")
    with pytest.raises(DataError, match="none named 'z'"):
        read(f"{tmp_path}/c.npz:z")


def test_an_archive_without_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(DataError, match="none named 'X'"):
        read(tmp_path / "empty.npz")
    with zipfile.ZipFile(tmp_path / "foreign.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(FileError, match=r"'foreign\.npz' is cut, broken or foreign"):
        read(tmp_path / "foreign.npz")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet", ".png", ".tif", ".webp"])
@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" + b"\0" * 40]
)
def test_broken_files_are_named(tmp_path, suffix, content):
    (tmp_path / f"broken{suffix}").write_bytes(content)
    with pytest.raises(FileError, match=r"broken\."):
        read(tmp_path / f"broken{suffix}")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_cut_files_are_named(tmp_path, suffix):
    write(tmp_path / f"whole{suffix}", np.random.default_rng(0).random((50, 3)))
    data = (tmp_path / f"whole{suffix}").read_bytes()
    for length in range(0, len(data) - 1, 97):
        (tmp_path / f"cut{suffix}").write_bytes(data[:length])
        with pytest.raises(FileError, match=r"cut\."):
            read(tmp_path / f"cut{suffix}")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n1,2,3,4\n", b"a\n\xff\xfe\n"])
def test_broken_csv_files_are_named(tmp_path, content):
    (tmp_path / "broken.csv").write_bytes(content)
    with pytest.raises(FileError, match=r"broken\.csv"):
        read(tmp_path / "broken.csv")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_python_objects_are_never_unpickled(tmp_path, suffix):
    target = tmp_path / f"objects{suffix}"
    (np.save if suffix == ".npy" else np.savez)(target, np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileError, match="allow_pickle"):
        read(target)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write(tmp_path / "x.npy", TABLE)
    with pytest.raises(DataTypeError):
        write(tmp_path / "x.npy", np.array(["text"]))
    assert (stored(read(tmp_path / "x.npy")) == TABLE).all()
    assert len(list(tmp_path.iterdir())) == 1


def test_images_do_not_fit_into_a_table(tmp_path):
    with pytest.raises(DataError, match="2 axes"):
        write(tmp_path / "x.csv", np.zeros((1, 3, 4, 4)))


def test_a_path_that_cannot_be_written_is_a_file_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="file"):
        write(tmp_path / "file" / "x.npy", TABLE)


def test_a_missing_package_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "x.csv").write_text("a\n1\n")
    Image.new("L", (2, 2)).save(tmp_path / "x.png")

    def fail(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", fail)
    for name in "x.csv", "x.png":
        with pytest.raises(CapabilityError, match=r'pip install "diabolo\[data\]"'):
            read(tmp_path / name)


def test_iso_dates_of_a_csv_are_dates_and_other_text_stays(tmp_path):
    (tmp_path / "x.csv").write_text(
        "time,day,code,note\n2026-01-02 03:04:05,2026-01-02,2026-13-45,a\n2026-01-02T04:00:00,,2026-01-01,b\n"
    )
    frame: Any = read(tmp_path / "x.csv")
    assert [dtype.kind for dtype in frame.dtypes[:2]] == ["M", "M"]
    assert frame["time"].tolist() == [pd.Timestamp("2026-01-02 03:04:05"), pd.Timestamp("2026-01-02 04:00:00")]
    assert frame["day"].isna().tolist() == [False, True]
    assert frame["code"].tolist() == ["2026-13-45", "2026-01-01"]
    assert frame["note"].tolist() == ["a", "b"]

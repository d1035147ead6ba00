"""Compressed files on the command line: in, looked at, and out again under their names."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import diabolo
from diabolo import Compressor
from diabolo.cli import compressed, making, members
from diabolo.codec import Absolute, Container, Exact, Relative, pack
from diabolo.coders import Columns, Rows
from diabolo.errors import FileError

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=400).round(3)
PLAIN = ("--recipe", "Columns", "--quiet")
BRIEF = ("--set", "training.steps=5", "--quiet")


def table(rows=400):
    return pd.DataFrame(
        {
            "value": VALUES[:rows],
            "double": (2 * VALUES).round(3)[:rows],
            "word": np.array(["a", "b"])[np.arange(rows) % 2],
            "count": np.arange(rows) // 40,
        }
    )


@pytest.fixture
def world(tmp_path):
    (tmp_path / "data").mkdir()
    table().to_csv(tmp_path / "data/first.csv", index=False)
    table(100).to_csv(tmp_path / "data/second.csv", index=False)
    return tmp_path


def told(call, *args):
    code, out, err = call(*args, "--json")
    assert (code, err) == (0, ""), (args, out, err)
    return json.loads(out)


def failed(call, *args):
    code, out, err = call(*args)
    assert (code, out) == (1, ""), args
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_a_table_and_back(call, world):
    source = world / "data/first.csv"
    found = told(call, "compress", source, "-o", world / "first.dbl", *PLAIN)
    data = (world / "first.dbl").read_bytes()
    assert found["bytes"] == len(data)
    assert found["bytes of files"] == source.stat().st_size
    assert found["ratio to files"] == round(source.stat().st_size / len(data), 3) > 2
    assert found["ratio"] == round(found["raw bytes"] / len(data), 3)
    assert found["ratio without model"] == round(found["raw bytes"] / (len(data) - found["model bytes"]), 3)
    assert found == told(call, "info", world / "first.dbl") | {"identical": 1}
    assert found["columns"][0] == "value (double)"
    assert found["promise"] == "x̂ = x"
    back = told(call, "decompress", world / "first.dbl", "-o", world / "out")
    assert back == {"files": 1, "samples": 400, "output": str(world / "out"), "identical": 1}
    assert (world / "out/first.csv").read_bytes() == source.read_bytes()
    told(call, "decompress", world / "first.dbl", "-o", world / "first.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(world / "first.parquet"), pd.read_csv(source))


def test_it_is_said_that_a_layout_does_not_come_back(call, world):
    (world / "odd.csv").write_text("a;b\n1,5;x\n2,0;y\n")
    found = told(call, "compress", world / "odd.csv", "-o", world / "odd.dbl", *PLAIN)
    assert found["identical"] == 0
    assert "every value comes back as it was read" in found["note"]
    assert told(call, "decompress", world / "odd.dbl", "-o", world / "out")["identical"] == 0
    assert pd.read_csv(world / "out/odd.csv").to_dict("list") == {"a": [1.5, 2.0], "b": ["x", "y"]}


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_learned(call, world, monkeypatch):
    monkeypatch.setattr("diabolo.estimators.Compressor.fit", lambda *_, **__: pytest.fail("it was fitted"))
    assert "no plain file" in failed(call, "compress", world / "data/first.csv", "-o", world / "data")


def test_a_promise_of_the_command_line_is_kept(call, world):
    knobs = ("--set", "fidelity=Absolute()", "--set", "fidelity.error=0.01", "--set", "training.steps=20")
    found = told(call, "compress", world / "data/first.csv", "-o", world / "near.dbl", *knobs)
    assert found["promise"] == "|x̂ − x| ≤ 0.01"
    assert 0 < found["worst error"] <= 0.01
    back = told(call, "decompress", world / "near.dbl", "-o", world / "out")
    assert back["identical"] == 0
    near, was = pd.read_csv(world / "out/first.csv"), table()
    error = near[["value", "double"]].to_numpy() - was[["value", "double"]].to_numpy()
    assert np.abs(error).max() <= 0.01 + 1e-12
    assert near["word"].tolist() == was["word"].tolist()
    assert near["count"].tolist() == was["count"].tolist()


def test_a_folder_of_tables_is_one_file(call, world):
    found = told(call, "compress", world / "data", "-o", world / "both.dbl", *PLAIN)
    assert found["files"] == ["first.csv", "second.csv"]
    assert found["shape"] == [500, 4]
    assert told(call, "decompress", world / "both.dbl", "-o", world / "out")["identical"] == 2
    assert sorted(file.name for file in (world / "out").iterdir()) == ["first.csv", "second.csv"]
    told(call, "decompress", world / "both.dbl", "-o", world / "all.csv")
    assert len(pd.read_csv(world / "all.csv")) == 500
    words = call("info", world / "both.dbl")[1]
    assert "'value (double)', 'double (double)', 'word (large_string)' and 1 more" in words
    named = told(call, "compress", *sorted((world / "data").iterdir()), "-o", world / "named.dbl", *PLAIN)
    assert named["identity"] == found["identity"]


def test_frames_keep_index_types_and_missing_values(call, tmp_path):
    frame = table().assign(day=pd.date_range("2024-01-01", periods=400), gap=np.where(VALUES > 0, VALUES, np.nan))
    frame["word"] = frame["word"].astype("category")
    for name, index in (("numbered", frame.index), ("named", [f"r{i}" for i in range(400)])):
        frame.set_axis(index).to_parquet(tmp_path / f"{name}.parquet")
        told(call, "compress", tmp_path / f"{name}.parquet", "-o", tmp_path / "x.dbl", *PLAIN)
        told(call, "decompress", tmp_path / "x.dbl", "-o", tmp_path / "out")
        back = pd.read_parquet(tmp_path / f"out/{name}.parquet")
        pd.testing.assert_frame_equal(back, pd.read_parquet(tmp_path / f"{name}.parquet"))
    frame[:100].to_parquet(tmp_path / "few.parquet")
    files = [tmp_path / f"{name}.parquet" for name in ("numbered", "few")]
    told(call, "compress", *files, "-o", tmp_path / "two.dbl", *PLAIN)
    told(call, "decompress", tmp_path / "two.dbl", "-o", tmp_path / "again")
    for file in files:
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "again" / file.name), pd.read_parquet(file))


@pytest.mark.parametrize(
    "array",
    [VALUES, VALUES.astype(np.float32).reshape(100, 4), np.arange(600).reshape(10, 20, 3)],
    ids=["signal", "table", "series"],
)
def test_arrays_keep_shape_and_type(call, tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    np.savez(tmp_path / "y.npz", X=array[:5], other=array)
    told(call, "compress", tmp_path / "x.npy", tmp_path / "y.npz", "-o", tmp_path / "x.dbl", *PLAIN)
    told(call, "decompress", tmp_path / "x.dbl", "-o", tmp_path / "out")
    for name, was in (("x.npy", array), ("y.npz", array[:5])):
        back = diabolo.data.read(tmp_path / "out" / name)
        assert back.dtype == was.dtype
        np.testing.assert_array_equal(back, was)
    told(call, "decompress", tmp_path / "x.dbl", "-o", tmp_path / "all.npy")
    assert np.load(tmp_path / "all.npy").shape == (len(array) + 5, *array.shape[1:])
    told(call, "compress", f"{tmp_path / 'y.npz'}:other", "-o", tmp_path / "z.dbl", *PLAIN)
    told(call, "decompress", tmp_path / "z.dbl", "-o", tmp_path / "z.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "z.npy"), array)


def test_large_arrays_are_compressed_too(call, tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.data.reading.LARGE", 100)
    holed = np.where(VALUES.reshape(100, 4) > 1, np.nan, VALUES.reshape(100, 4))
    np.save(tmp_path / "x.npy", holed)
    table().to_parquet(tmp_path / "t.parquet")
    for name in ("x.npy", "t.parquet"):
        told(call, "compress", tmp_path / name, "-o", tmp_path / "x.dbl", *PLAIN)
        told(call, "decompress", tmp_path / "x.dbl", "-o", tmp_path / "out")
    np.testing.assert_array_equal(np.load(tmp_path / "out/x.npy"), holed)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out/t.parquet"), table())


def test_pictures_and_back(call, tmp_path):
    (tmp_path / "in").mkdir()
    kinds = {"grey.png": (8, 9), "photo.bmp": (8, 9, 3), "photo.png": (8, 9, 3)}
    pixels = {name: RNG.integers(0, 9, shape, dtype=np.uint8) for name, shape in kinds.items()}
    for name, array in pixels.items():
        Image.fromarray(array).save(tmp_path / "in" / name)
    found = told(call, "compress", tmp_path / "in", "-o", tmp_path / "all.dbl", *BRIEF)
    assert (found["kind"], found["files"]) == ("images", sorted(kinds))
    assert found["raw bytes"] == 3 * 3 * 8 * 9
    told(call, "decompress", tmp_path / "all.dbl", "-o", tmp_path / "out")
    for name, out in (("grey.png", "grey.png"), ("photo.bmp", "photo.bmp.png"), ("photo.png", "photo.png.png")):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / out)), pixels[name])
    told(call, "compress", tmp_path / "in/photo.bmp", "-o", tmp_path / "one.dbl", *BRIEF)
    for output in ("one.png", "one.tif"):
        told(call, "decompress", tmp_path / "one.dbl", "-o", tmp_path / output)
        np.testing.assert_array_equal(diabolo.data.read(tmp_path / output)[0].transpose(1, 2, 0), pixels["photo.bmp"])
    told(call, "decompress", tmp_path / "all.dbl", "-o", tmp_path / "all.npy")
    assert np.load(tmp_path / "all.npy").dtype == np.uint8
    assert "holds one picture" in failed(call, "decompress", tmp_path / "all.dbl", "-o", tmp_path / "all.png")


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "out"),
    [
        ("deep.png", (8, 9), np.uint16, "deep.png"),
        ("clear.png", (8, 9, 4), np.uint8, "clear.png"),
        ("stack.tif", (3, 8, 9), np.uint16, "stack.tif"),
        ("field.tif", (8, 9), np.float32, "field.tif"),
        ("wide.tif", (8, 9, 3), np.uint16, "wide.tif"),
        ("veil.tif", (8, 9, 4), np.uint16, "veil.tif"),
    ],
)
def test_depth_pages_and_transparency_are_kept(call, tmp_path, name, shape, dtype, out):
    tifffile = pytest.importorskip("tifffile")
    pixels = RNG.integers(0, 200, shape).astype(dtype)
    if name.endswith(".png"):
        Image.fromarray(pixels).save(tmp_path / name)
    else:
        tifffile.imwrite(tmp_path / name, pixels, photometric="rgb" if shape[-1] < 5 else "minisblack")
    told(call, "compress", tmp_path / name, "-o", tmp_path / "x.dbl", *BRIEF)
    told(call, "decompress", tmp_path / "x.dbl", "-o", tmp_path / "out")
    was, back = (diabolo.data.open_picture(path) for path in (tmp_path / name, tmp_path / "out" / out))
    with was, back:
        for i in range(len(was)):
            for one, two in zip(was.planes(i), back.planes(i), strict=True):
                assert one.dtype == two.dtype
                np.testing.assert_array_equal(one, two)


def test_pictures_of_several_sizes(call, tmp_path):
    (tmp_path / "in").mkdir()
    pixels = {f"{i}.png": RNG.integers(0, 9, (8 + i, 9), dtype=np.uint8) for i in range(3)}
    for name, array in pixels.items():
        Image.fromarray(array).save(tmp_path / "in" / name)
    told(call, "compress", tmp_path / "in", "-o", tmp_path / "all.dbl", *BRIEF)
    told(call, "decompress", tmp_path / "all.dbl", "-o", tmp_path / "out")
    for name, array in pixels.items():
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / name)), array)
    assert "images of several sizes" in failed(call, "decompress", tmp_path / "all.dbl", "-o", tmp_path / "x.npy")


def test_a_model_of_its_own(call, world):
    source = world / "data/first.csv"
    fit = ("fit", "compressor", source, "-o", world / "model", "--quiet", "--set", "fidelity=Relative(0.01)")
    told(call, *fit, "--set", "coder=Columns")
    model = ("--model", world / "model")
    without = told(call, "compress", source, "-o", world / "without.dbl", *model)
    within = told(call, "compress", source, "-o", world / "within.dbl", *model, "--embed")
    assert without["model"] == within["model"] == told(call, "info", world / "model")["model"]
    assert (without["model bytes"], within["model bytes"] > 0) == (0, True)
    assert 0 < within["model bytes"] - (within["bytes"] - without["bytes"]) < 64  # the name of the model is not there
    told(call, "decompress", world / "within.dbl", "-o", world / "a.csv")
    told(call, "decompress", world / "without.dbl", "-o", world / "b.csv", *model)
    assert (world / "a.csv").read_bytes() == (world / "b.csv").read_bytes()
    out = world / "c.csv"
    assert "does not hold its model" in failed(call, "decompress", world / "without.dbl", "-o", out)
    told(call, *fit[:3], "-o", world / "other", *PLAIN)
    other = ("--model", world / "other")
    assert "give the one that wrote it" in failed(call, "decompress", world / "without.dbl", "-o", out, *other)
    assert "give the one that wrote it" in failed(call, "verify", world / "without.dbl", *other)
    assert not out.exists()


def test_verify(call, world):
    told(call, "compress", world / "data", "-o", world / "x.dbl", *PLAIN)
    code, out, err = call("verify", world / "x.dbl")
    size = (world / "x.dbl").stat().st_size
    assert (code, err) == (0, "")
    assert out == f"x.dbl is whole, {size} bytes: every checksum is right, and all of it was decoded\n"
    found = told(call, "verify", world / "x.dbl")
    assert (found["whole"], found["decoded"]) == (True, True)
    data = (world / "x.dbl").read_bytes()
    for place in (0, 12, len(data) // 2, len(data) - 1):
        (world / "y.dbl").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert "y.dbl" in failed(call, "verify", world / "y.dbl")
    (world / "y.dbl").write_bytes(data[:-40])
    code, out, _ = call("verify", world / "y.dbl", "--json")
    assert (code, json.loads(out)["error"]["type"]) == (1, "FileError")
    told(call, "fit", "compressor", world / "data/first.csv", "-o", world / "model", *PLAIN)
    told(call, "compress", world / "data/first.csv", "-o", world / "z.dbl", "--model", world / "model")
    assert "name its model by --model" in call("verify", world / "z.dbl")[1]
    assert "all of it was decoded" in call("verify", world / "z.dbl", "--model", world / "model")[1]


def test_info_tells_files_from_models_by_what_is_in_them(call, world):
    told(call, "compress", world / "data/first.csv", "-o", world / "named_oddly.zip", *PLAIN)
    assert told(call, "info", world / "named_oddly.zip")["files"] == ["first.csv"]
    told(call, "fit", "compressor", world / "data/first.csv", "-o", world / "model.zip", *PLAIN)
    assert told(call, "info", world / "model.zip")["estimator"] == "Compressor"
    (world / "foreign.dbl").write_bytes(b"something else")
    assert "no .dbl file" in failed(call, "info", world / "foreign.dbl")


def test_files_that_python_made(call, tmp_path):
    frame, array = table(), VALUES.reshape(-1, 2)
    for X, name in ((frame, "frame.parquet"), (array, "array.npy")):
        stem = name.partition(".")[0]
        (tmp_path / f"{stem}.dbl").write_bytes(Compressor(coder="Columns").fit(X).compress(X))
        assert "files" not in told(call, "info", tmp_path / f"{stem}.dbl")
        told(call, "decompress", tmp_path / f"{stem}.dbl", "-o", tmp_path / "out")
        np.testing.assert_array_equal(diabolo.data.read(tmp_path / "out" / name), X)


def made(*settings, recipe=None):
    found = making.make("compressor", None, recipe, settings, 0, "cpu")
    assert isinstance(found, Compressor)
    return found


def test_settings():
    assert made("fidelity=Absolute(1e-3)").fidelity == Absolute(1e-3)
    assert made("fidelity=Relative()", "fidelity.error=0.5").fidelity == Relative(0.5)
    assert made().fidelity == Exact()
    assert made("coder=Columns").coder == Columns()
    assert made("coder=Rows", "coder.before=2").coder == Rows(2)
    assert made("coder=Rows()", "before=1").coder == Rows(1)
    assert made("training.steps=9", recipe="Rows(before=3)").coder == Rows(3)
    assert made("training.steps=9").schedule.steps == 9


def test_errors_are_one_sentence(call, world):
    first, data, out = world / "data/first.csv", world / "data", world / "x.dbl"
    (world / "other").mkdir()
    table().to_csv(world / "other/first.csv")
    table().assign(count=0.5).to_csv(world / "other/half.csv", index=False)
    table()[["word", "value", "double", "count"]].to_csv(world / "other/turned.csv", index=False)
    np.save(world / "x.npy", VALUES.reshape(100, 4))
    Image.new("L", (4, 4)).save(world / "a.png")
    Image.new("RGBA", (4, 4)).save(world / "b.png")
    Image.new("RGB", (4, 4)).save(world / "c.png")
    (world / "empty").mkdir()
    told(call, "fit", "reducer", world / "x.npy", "-o", world / "reducer", "--recipe", "linear")
    told(call, "fit", "compressor", first, "-o", world / "model", *PLAIN)
    other = world / "other"
    for args, word in (
        ((first, other / "first.csv"), "must differ in name; got 'first.csv', 'first.csv'"),
        ((first, other / "half.csv"), "'count' is int64 in 'first.csv' and float64 in 'half.csv'"),
        ((first, other / "turned.csv"), "the order is missing"),
        ((first, world / "x.npy"), "must have the same columns"),
        ((first, world / "a.png"), "Pictures and tables are compressed apart"),
        ((world / "b.png", world / "c.png"), "colour is 4 in 'b.png' and 3 in 'c.png'"),
        ((world / "empty",), "'empty' holds none of .csv"),
        ((world / "nowhere.csv",), "no file or folder"),
        ((first, "--no-embed"), "--no-embed leaves out the model"),
        ((first, "--model", world / "reducer"), "'reducer' is a Reducer"),
        ((first, "--model", world / "model", "-n", 3), "--model is fitted already"),
        ((first, "--model", world / "model", "--recipe", "Rows"), "--model is fitted already"),
        (
            (first, "--model", world / "model", "--set", "training.steps=3"),
            "--set takes fidelity; got 'training.steps'",
        ),
        ((first, "--model", world / "model", "--set", "fidelity=Absolute(1)"), "were learned for x̂ = x"),
        ((world / "x.npy", "--model", world / "model"), "must have the columns of training"),
        ((first, "--set", "fidelity.error=0.1"), "which has no 'error'; set 'fidelity' first"),
        ((first, "--set", "fidelity=Absolut(1)"), "Did you mean 'Absolute'"),
        ((first, "--recipe", "Row"), "Did you mean 'Rows'"),
        ((first, "--recipe", "Recipe()"), "Cannot read 'Recipe'"),
    ):
        assert word in failed(call, "compress", *args, "-o", out), args
    assert not out.exists()
    assert "itself among what is compressed" in failed(call, "compress", data, "-o", first)
    told(call, "compress", data, "-o", out, *PLAIN)
    assert "holds 'first.csv', 'second.csv' already" in failed(call, "decompress", out, "-o", data)
    assert "Cannot write 'x.jpg'; known endings: .csv" in failed(call, "decompress", out, "-o", world / "x.jpg")
    assert "is to be a picture" in failed(call, "decompress", out, "-o", world / "x.png")
    assert pd.read_csv(first).equals(table())


def edited(data, **changed):
    with Container.open(data) as container:
        return pack({**container.head, **changed}, list(container))


NOTED = {"name": "a.csv", "rows": 40, "bytes": 1, "sha256": "", "channels": 0, "axes": 0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("name", name)
            for name in ("../a.csv", "/a.csv", "..", ".", "", "a\0.csv", "a/b.csv", "c:\\a.csv", "a\n", 3)
        ),
        *(("rows", rows) for rows in (-1, 39, 41, 2**70, 1.5, True, "40", None)),
        ("sha256", 5),
        ("bytes", "many"),
        ("other", 1),
        ("channels", 3),
        ("axes", 1),
    ],
)
def test_a_head_that_was_edited_is_an_error_or_harmless(call, tmp_path, name, value):
    X = table(40)
    data = Compressor(coder="Columns").fit(X).compress(X)
    (tmp_path / "x.dbl").write_bytes(edited(data, beside={"files": [{**NOTED, name: value}]}))
    assert "edited" in failed(call, "decompress", tmp_path / "x.dbl", "-o", tmp_path / "in/out")
    assert [file.name for file in tmp_path.iterdir()] == ["x.dbl"]


def test_two_files_of_one_name_are_an_error(call, tmp_path):
    X = table(40)
    twice = [{**NOTED, "rows": 20}, {**NOTED, "name": "A.CSV", "rows": 20}]
    data = edited(Compressor(coder="Columns").fit(X).compress(X), beside={"files": twice})
    (tmp_path / "x.dbl").write_bytes(data)
    assert "two files of one name" in failed(call, "decompress", tmp_path / "x.dbl", "-o", tmp_path / "out")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON | st.builds(lambda files: {"files": files}, JSON | st.lists(st.builds(lambda x: NOTED | x, st.dictionaries(
    st.sampled_from(list(NOTED)), JSON)))))  # fmt: skip
def test_whatever_is_noted_is_files_or_one_error(noted):
    try:
        found = members.members_of({"beside": noted})
    except FileError:
        return
    assert all(member.name and "/" not in member.name for member in found)


def test_beside_is_kept_by_python_too():
    X = VALUES.reshape(-1, 4)
    data = Compressor(coder="Columns").fit(X).compress(X, beside={"from": "a thermometer"})
    with Container.open(data) as container:
        assert container.head["beside"] == {"from": "a thermometer"}
    np.testing.assert_array_equal(diabolo.decompress(data), X)
    with pytest.raises(FileError, match="no JSON"):
        Compressor(coder="Columns").fit(X).compress(X, beside={"from": VALUES})


def test_a_model_with_long_lists_is_told_in_full():
    assert compressed.in_words({"columns": 5, "files": ["a", "b"], "x": [1] * 9}) == {
        "columns": 5,
        "files": "'a', 'b'",
        "x": [1] * 9,
    }

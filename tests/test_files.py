import json
import re
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

import diabolo
from diabolo.errors import FileError, MissingFileError
from diabolo.files import FORMAT, load, load_tensors, match, model, save, save_tensors

PLACES = ["model", "model.zip", "new/parents/model", "new/parents/MODEL.ZIP", "with.dots.v2", "Käse и 雪"]
NAMES = ["a", "ß", "\ud800", ""]
DOCUMENT = {"job": "Reducer", "scale": 0.1, "names": NAMES, "none": None, "deep": {"x": [1, {"y": -0.0}]}}
KINDS = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64"]


def arrays() -> dict[str, torch.Tensor]:
    made = {kind: (torch.arange(12.0).reshape(3, 4) * 0.75).to(getattr(torch, kind)) for kind in KINDS}
    odd = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 2.0**-149], dtype=torch.float64)
    made |= {"odd": odd, "scalar": torch.tensor(3.5)}
    made |= {"empty": torch.empty(0), "empty 2": torch.empty(4, 0, 2, dtype=torch.bool), "": torch.ones(1)}
    return made


def same(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    def bits(array: torch.Tensor) -> tuple:
        return array.dtype, array.shape, array.detach().reshape(-1).contiguous().view(torch.uint8).tolist()

    return some.keys() == others.keys() and all(bits(some[name]) == bits(others[name]) for name in some)


def listing(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


@pytest.mark.parametrize("place", PLACES)
def test_what_is_saved_is_loaded_bit_for_bit(tmp_path, place):
    save(tmp_path / place, DOCUMENT, arrays())
    document, loaded = load(str(tmp_path / place))
    assert same(loaded, arrays())
    assert {key: document[key] for key in DOCUMENT} == DOCUMENT
    assert str(document["deep"]["x"][1]["y"]) == "-0.0"
    assert document["format"] == FORMAT and document["library"] == diabolo.__version__
    save(tmp_path / "again", document, loaded)
    assert load(tmp_path / "again")[0] == document


def test_loaded_arrays_can_be_changed_and_stand_alone(tmp_path):
    save(tmp_path / "m", {}, {"a": torch.zeros(2), "b": torch.zeros(2)})
    loaded = load(tmp_path / "m")[1]
    loaded["a"] += 1
    assert loaded["b"].tolist() == [0, 0]
    assert load(tmp_path / "m")[1]["a"].tolist() == [0, 0]


def test_tied_sliced_transposed_expanded_and_trained_arrays_are_kept(tmp_path):
    weight = nn.Parameter(torch.arange(24.0).reshape(2, 3, 2, 2))
    given = {
        "weight": weight,
        "tied": weight,
        "part": weight[:, 1],
        "turned": weight.transpose(0, 1),
        "spread": torch.ones(1).expand(5),
        "last": weight.detach().to(memory_format=torch.channels_last),
    }
    save(tmp_path / "m", {}, given)
    assert same(load(tmp_path / "m")[1], given)


@pytest.mark.parametrize("place", ["model", "model.zip"])
def test_equal_models_are_equal_files(tmp_path, place):
    save(tmp_path / "a" / place, DOCUMENT, arrays())
    save(tmp_path / "b" / place, DOCUMENT, dict(reversed(arrays().items())))
    assert listing(tmp_path / "a") == listing(tmp_path / "b")
    for name in listing(tmp_path / "a"):
        if (tmp_path / "a" / name).is_file():
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_model_is_exactly_two_files_with_the_rights_of_ordinary_ones(tmp_path):
    save(tmp_path / "m", {}, {})
    save(tmp_path / "m.zip", {}, {})
    assert listing(tmp_path) == ["m", "m.zip", "m/model.json", "m/weights.safetensors"]
    assert zipfile.ZipFile(tmp_path / "m.zip").namelist() == ["model.json", "weights.safetensors"]
    (tmp_path / "ordinary").mkdir()
    (tmp_path / "ordinary.txt").touch()
    assert (tmp_path / "m").stat().st_mode == (tmp_path / "ordinary").stat().st_mode
    assert (tmp_path / "m" / "model.json").stat().st_mode == (tmp_path / "ordinary.txt").stat().st_mode


@pytest.mark.parametrize("place", ["model", "model.zip"])
def test_a_model_replaces_an_older_one_and_what_belongs_to_it(tmp_path, place):
    save(tmp_path / place, {"turn": 1}, {"a": torch.zeros(1), "b": torch.zeros(1)})
    if place == "model":
        (tmp_path / place / "report.html").write_text("of turn 1")
    save(tmp_path / place, {"turn": 2}, {"a": torch.ones(1)})
    document, loaded = load(tmp_path / place)
    assert document["turn"] == 2 and same(loaded, {"a": torch.ones(1)})
    assert [file.name for file in tmp_path.iterdir()] == [place]
    assert not (tmp_path / place / "report.html").exists()


def test_a_zipped_folder_unpacked_is_the_model(tmp_path):
    save(tmp_path / "m.zip", DOCUMENT, arrays())
    zipfile.ZipFile(tmp_path / "m.zip").extractall(tmp_path / "m")
    assert same(load(tmp_path / "m")[1], arrays())


def test_a_link_to_a_model_stays_a_link(tmp_path):
    save(tmp_path / "real", {"turn": 1}, {})
    (tmp_path / "link").symlink_to("real")
    save(tmp_path / "link", {"turn": 2}, {})
    assert (tmp_path / "link").is_symlink() and load(tmp_path / "real")[0]["turn"] == 2


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "m").mkdir()
    save(tmp_path / "m", {}, {})
    assert listing(tmp_path) == ["m", "m/model.json", "m/weights.safetensors"]


def foreign(folder: Path) -> dict[str, Path]:
    """Make everything that is no model of diabolo, each at its own path."""
    contents = {
        "folder with notes": {"notes.txt": "mine"},
        "model and notes": {"model.json": '{"format": 1}', "notes.txt": "mine"},
        "no format": {"model.json": '{"a": 1}'},
        "of another tool": {"model.json": '{"format": "layers-model"}'},
        "no json": {"model.json": "{"},
        "weights alone": {"weights.safetensors": ""},
        "folder.zip": {"model.json": '{"format": 1}'},
    }
    for name, files in contents.items():
        (folder / name).mkdir()
        for file, text in files.items():
            (folder / name / file).write_text(text)
    (folder / "thesis.txt").write_text("ten years of work")
    (folder / "thesis.zip").write_text("ten years of work")
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("photo.png", "mine")
    return {path.name: path for path in folder.iterdir()}


def test_nothing_foreign_is_replaced_or_loaded(tmp_path):
    for path in foreign(tmp_path).values():
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        with pytest.raises(FileError, match=re.escape(str(path)) + ".* is no model of diabolo; .*\\.$"):
            save(path, {}, {})
        with pytest.raises(FileError):
            load(path)
        assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_what_is_missing_is_told_apart(tmp_path):
    for read in (load, load_tensors):
        with pytest.raises(MissingFileError, match=r"There is no .* at .*nothing; check the path\.$"):
            read(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing" / "deeper.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match=re.escape("model.json is missing")):
        load(tmp_path / "empty")


@pytest.mark.parametrize("path", ["a\0b", "x" * 300, "", "/", ".."])
def test_impossible_paths_are_told(tmp_path, monkeypatch, path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "notes.txt").touch()
    monkeypatch.chdir(tmp_path / "here")
    for use in (load, lambda path: save(path, {}, {}), load_tensors, lambda path: save_tensors(path, {}, {})):
        with pytest.raises(FileError, match=r"^.*\.$"):
            use(path)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1, 2}, b"x", object(), torch.zeros(1), 10**5000],
    ids=["nan", "inf", "set", "bytes", "object", "tensor", "huge"],
)
def test_a_document_that_is_no_finite_json_is_refused_and_nothing_written(tmp_path, value):
    with pytest.raises(FileError, match=re.escape(str(tmp_path / "m")) + ".* is no plain JSON .*\\.$"):
        save(tmp_path / "m", {"deep": [value]}, {})
    assert listing(tmp_path) == []


def test_a_document_that_could_not_be_read_back_is_not_written(tmp_path, monkeypatch):
    nest = []
    for _ in range(model.DEPTH):
        nest = [nest]
    with pytest.raises(FileError, match="levels"):
        save(tmp_path / "m", {"nest": nest}, {})
    monkeypatch.setitem(model.MOST, "model.json", 1000)
    with pytest.raises(FileError, match="at most 1000 bytes"):
        save(tmp_path / "m", {"long": "x" * 1000}, {})
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    "array",
    [torch.zeros(2, dtype=torch.complex128), torch.eye(2).to_sparse(), torch.empty(2, device="meta"), [1.0]],
    ids=["complex128", "sparse", "meta", "list"],
)
def test_arrays_that_cannot_be_kept_are_refused_and_nothing_written(tmp_path, array):
    for write in (save, lambda path, document, arrays: save_tensors(path, arrays, document)):
        with pytest.raises(FileError, match=f"cannot be kept in {re.escape(str(tmp_path / 'm'))} .*convert"):
            write(tmp_path / "m", {}, {"a": array})
    assert listing(tmp_path) == []


def test_a_newer_format_asks_for_an_upgrade(tmp_path):
    save(tmp_path / "m", {}, {})
    file = tmp_path / "m" / "model.json"
    for number in (FORMAT + 1, 10**400):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"format": number}))
        with pytest.raises(FileError, match=r"has format .*upgrade diabolo\.$"):
            load(tmp_path / "m")


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", None, [1]])
def test_a_format_is_a_number_from_one(tmp_path, number):
    save(tmp_path / "m", {}, {})
    file = tmp_path / "m" / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": number}))
    with pytest.raises(FileError, match="names no format"):
        load(tmp_path / "m")


def test_a_save_between_the_reads_of_the_two_files_is_no_error(tmp_path, monkeypatch):
    save(tmp_path / "m", {"turn": 1}, {"a": torch.zeros(1)})
    read, turns = model._read, iter([2])

    def slow(source, name):
        for turn in turns if name == "weights.safetensors" else ():
            save(tmp_path / "m", {"turn": turn}, {"a": torch.ones(1)})
        return read(source, name)

    monkeypatch.setattr(model, "_read", slow)
    document, loaded = load(tmp_path / "m")
    assert document["turn"] == 2 and loaded["a"].item() == 1


def test_format_1_is_read_for_ever():
    document, loaded = load(Path(__file__).parent / "golden" / "format_1.zip")
    assert document["format"] == 1 and document["library"] == "0.1.0"
    assert {key: document[key] for key in DOCUMENT} == DOCUMENT
    assert same(loaded, arrays())


def test_match_names_the_first_array_that_differs():
    given = {"a": torch.zeros(2, 3), "b": torch.zeros(())}
    match({"b": (), "a": (2, 3)}, given)
    for expected, message in [
        ({"a": (2, 3), "c": (1,), "b": (7,)}, "no array 'c'"),
        ({"a": (3, 2), "b": ()}, r"'a' of the file has shape \(2, 3\), but the model needs \(3, 2\)"),
        ({"a": (2, 3)}, "an array 'b', which the model has no place for"),
    ]:
        with pytest.raises(FileError, match=message):
            match(expected, given)


def test_tensors_and_metadata_come_back_bit_for_bit(tmp_path):
    metadata = {"epoch": 3, "best": float("inf"), "history": [[1.0, None]], "name": "ß"}
    save_tensors(tmp_path / "new" / "last.safetensors", arrays(), metadata)
    save_tensors(tmp_path / "new" / "last.safetensors", arrays() | {"more": torch.ones(2)}, metadata)
    loaded, found = load_tensors(tmp_path / "new" / "last.safetensors")
    assert same(loaded, arrays() | {"more": torch.ones(2)}) and found == metadata
    assert listing(tmp_path) == ["new", "new/last.safetensors"]


def test_metadata_that_are_no_json_are_refused(tmp_path):
    for value in ({1}, b"", {(1, 2): 3}):
        with pytest.raises(FileError, match="no plain JSON"):
            save_tensors(tmp_path / "c", {}, {"value": value})
    assert listing(tmp_path) == []

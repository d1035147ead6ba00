"""Bytes that were not written by diabolo, or not like this: an error, or the very same model, and nothing else."""

import hashlib
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.errors import FileError
from diabolo.files import FORMAT, load, load_tensors, model, save, save_tensors

NAMES = ["model.json", "weights.safetensors"]
ARRAYS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([True, False]), "empty": torch.empty(0, 2)}
EDITS = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert", "end"]), st.floats(0, 1), st.binary(min_size=1, max_size=9)),
    min_size=1,
    max_size=3,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
quick = settings(max_examples=100, deadline=None)


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    save(folder / "m", {"job": "Reducer", "threshold": 0.25, "names": ["a", "b"]}, ARRAYS)
    save(folder / "m.zip", {"job": "Reducer", "threshold": 0.25, "names": ["a", "b"]}, ARRAYS)
    save_tensors(folder / "c.safetensors", ARRAYS, {"epoch": 3})
    return folder


def edited(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, piece in edits:
        at = int(where * len(data))
        rest = {
            "flip": bytes(a ^ b for a, b in zip(data[at:], piece, strict=False)) + data[at + len(piece) :],
            "cut": data[at + len(piece) :],
            "insert": piece + data[at:],
            "end": b"",
        }
        data = data[:at] + rest[kind]
    return data


def forge(folder: Path, document: dict, weights: bytes) -> Path:
    """Write a folder whose every SHA-256 is right."""
    body = {"format": FORMAT} | document | {"weights_sha256": hashlib.sha256(weights).hexdigest()}
    body.pop("document_sha256", None)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(json.dumps(body | {"document_sha256": digest}))
    (folder / "weights.safetensors").write_bytes(weights)
    return folder


def identical_or_refused(path: Path, original: Path) -> None:
    try:
        document, arrays = load(path)
    except FileError as error:
        assert str(path) in str(error) and str(error).endswith(".")
        return
    assert (document, sorted(arrays)) == (load(original)[0], sorted(ARRAYS))
    assert all(torch.equal(arrays[name], ARRAYS[name]) for name in ARRAYS)


@quick
@given(edits=EDITS, name=st.sampled_from(NAMES))
def test_an_edited_folder_is_refused_or_identical(room, edits, name):
    (room / "edited").mkdir(exist_ok=True)
    for file in NAMES:
        data = (room / "m" / file).read_bytes()
        (room / "edited" / file).write_bytes(edited(data, edits) if file == name else data)
    identical_or_refused(room / "edited", room / "m")


@quick
@given(edits=EDITS)
def test_an_edited_zip_is_refused_or_identical(room, edits):
    (room / "edited.zip").write_bytes(edited((room / "m.zip").read_bytes(), edits))
    identical_or_refused(room / "edited.zip", room / "m.zip")


@quick
@given(data=st.binary(max_size=200), name=st.sampled_from(NAMES))
def test_random_bytes_are_refused(room, data, name):
    (room / "random").mkdir(exist_ok=True)
    for file in NAMES:
        (room / "random" / file).write_bytes(data if file == name else (room / "m" / file).read_bytes())
    for path in ("random.zip", "random.safetensors"):
        (room / path).write_bytes(data)
    for read, path in [(load, "random"), (load, "random.zip"), (load_tensors, "random.safetensors")]:
        with pytest.raises(FileError, match=r"\.$"):
            read(room / path)


@quick
@given(value=JSON)
def test_any_json_is_refused_or_read_as_it_is(room, value):
    weights = (room / "m" / "weights.safetensors").read_bytes()
    (room / "json").mkdir(exist_ok=True)
    (room / "json" / "weights.safetensors").write_bytes(weights)
    (room / "json" / "model.json").write_text(json.dumps(value))
    with pytest.raises(FileError):
        load(room / "json")
    document, _ = load(forge(room / "json", {"any": value}, weights))
    assert document["any"] == value


@quick
@given(edits=EDITS)
def test_edited_arrays_under_a_right_sha_are_refused_or_read(room, edits):
    data = edited((room / "m" / "weights.safetensors").read_bytes(), edits)
    for read in (
        lambda: load(forge(room / "forged", {}, data))[1],
        lambda: load_tensors(room / "edited.safetensors")[0],
    ):
        (room / "edited.safetensors").write_bytes(edited((room / "c.safetensors").read_bytes(), edits))
        try:
            arrays = read()
        except FileError:
            continue
        assert all(array.numel() <= 1000 for array in arrays.values())


@quick
@given(
    header=st.dictionaries(
        st.sampled_from(["a", "b", "__metadata__"]),
        JSON
        | st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["F32", "BOOL", "F4", "F8_E8M0", "C64", "X"]),
                "shape": st.lists(st.integers(-1, 2**63), max_size=3),
                "data_offsets": st.lists(st.integers(0, 2**64), min_size=2, max_size=2),
            }
        ),
    )
)
def test_any_header_is_refused_or_read(room, header):
    text = json.dumps(header).encode()
    data = len(text).to_bytes(8, "little") + text
    (room / "header.safetensors").write_bytes(data)
    for read in (
        lambda: load(forge(room / "header", {}, data))[1],
        lambda: load_tensors(room / "header.safetensors")[0],
    ):
        try:
            assert all(array.numel() == 0 for array in read().values())
        except FileError as error:
            assert str(room) in str(error)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 10**6,
        b'{"a":' * 10**6,
        b'{"format": 1, "a": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"format": 1, "a": NaN}',
        b'{"format": 1, "a": [-Infinity]}',
        b'{"format": 1, "a": 1e999}',
        b'{"format": 1, "a": ' + b"9" * 10**6 + b"}",
        b'{"format": 1, "a": "' + b"\xff" + b'"}',
        b'\xef\xbb\xbf{"format": 1}',
        b"\x80\x04.",
        b"",
        b"null",
        b'{"format": 1}',
    ],
    ids=lambda text: text[:24].decode(errors="replace"),
)
def test_a_document_that_is_no_plain_json_object_is_refused(tmp_path, text):
    save(tmp_path / "m", {}, {})
    (tmp_path / "m" / "model.json").write_bytes(text)
    with pytest.raises(FileError, match=r"model\.json of .*\.$"):
        load(tmp_path / "m")


def test_files_that_are_too_large_are_not_read(tmp_path, monkeypatch):
    for place in ("m", "m.zip"):
        save(tmp_path / place, {"long": "x" * 2000}, {})
    monkeypatch.setitem(model.MOST, "model.json", 1000)
    for place in ("m", "m.zip"):
        with pytest.raises(FileError, match="large"):
            load(tmp_path / place)


@pytest.mark.parametrize("name", NAMES)
def test_pipes_devices_and_folders_are_not_read(tmp_path, name):
    for make in (
        os.mkfifo,
        Path.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("gone"),
    ):
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        save(place, {}, {})
        (place / name).unlink()
        make(place / name)
        with pytest.raises(FileError, match=f"{name} is missing or no plain file"):
            load(place)


def zipped(path: Path, entries: list[tuple[str, bytes]], how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, how)
    return path


@pytest.mark.parametrize(
    "extra", ["/etc/passwd", "../model.json", "m/model.json", "weights.pkl", "model.json/", "C:\\x"]
)
def test_a_zip_holds_exactly_two_names(tmp_path, room, extra):
    good = [(name, (room / "m" / name).read_bytes()) for name in NAMES]
    load(zipped(tmp_path / "m.zip", good))
    for entries in ([*good, (extra, b"")], [(extra, good[0][1]), good[1]], good[:1], good[1:], []):
        with pytest.raises(FileError, match=r"not exactly model\.json and weights\.safetensors"):
            load(zipped(tmp_path / "m.zip", entries))
    assert [file.name for file in tmp_path.iterdir()] == ["m.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_name_twice_is_refused(tmp_path, room):
    good = [(name, (room / "m" / name).read_bytes()) for name in NAMES]
    with pytest.raises(FileError, match="not exactly"):
        load(zipped(tmp_path / "m.zip", [*good, good[0]]))


def test_a_zip_that_would_swell_is_refused(tmp_path, room):
    bomb = [("model.json", b" " * 10**7), ("weights.safetensors", b"\0" * 10**7)]
    assert zipped(tmp_path / "m.zip", bomb, zipfile.ZIP_DEFLATED).stat().st_size < 10**5
    with pytest.raises(FileError, match=r"compressed or too large; unpack the zip and give the folder\.$"):
        load(tmp_path / "m.zip")
    good = [(name, (room / "m" / name).read_bytes()) for name in NAMES]
    for how in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        with pytest.raises(FileError, match="compressed or too large"):
            load(zipped(tmp_path / "m.zip", good, how))
    data = bytearray((room / "m.zip").read_bytes())
    at = data.rindex(b"PK\x01\x02") + 20  # the sizes, packed and unpacked, in the table of contents
    data[at : at + 8] = (2**31).to_bytes(4, "little") * 2
    (tmp_path / "m.zip").write_bytes(data)
    with pytest.raises(FileError, match="too large"):
        load(tmp_path / "m.zip")


class Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_in_disguise_is_never_executed(tmp_path):
    proof = tmp_path / "executed"
    plain = pickle.dumps(Payload(proof))
    torch.save(Payload(proof), tmp_path / "torch.pt")
    pickle.loads(plain)
    assert proof.exists()  # the payload does work
    proof.unlink()
    save(tmp_path / "document", {}, {})
    for data in (plain, (tmp_path / "torch.pt").read_bytes()):
        forge(tmp_path / "weights", {}, data)
        (tmp_path / "document" / "model.json").write_bytes(data)
        for name in ("m.zip", "m.pt", "m.safetensors", "m"):
            (tmp_path / name).write_bytes(data)
        zipped(tmp_path / "inside.zip", [(name, (tmp_path / "weights" / name).read_bytes()) for name in NAMES])
        for name in ("weights", "document", "m.zip", "m.pt", "m.safetensors", "m", "inside.zip"):
            with pytest.raises(FileError):
                load(tmp_path / name)
        for name in ("m.pt", "m.safetensors"):
            with pytest.raises(FileError, match="pickles are never read"):
                load_tensors(tmp_path / name)
    assert not proof.exists()


def test_arrays_of_other_tools_are_no_checkpoint(tmp_path):
    for name, metadata in [
        ("a", None),
        ("b", {"format": "pt"}),
        ("c", {"diabolo": "[1]"}),
        ("d", {"diabolo": "[" * 9999}),
    ]:
        (tmp_path / name).write_bytes(safetensors.torch.save({"a": torch.ones(2)}, metadata))
        with pytest.raises(FileError, match="holds no metadata of diabolo"):
            load_tensors(tmp_path / name)

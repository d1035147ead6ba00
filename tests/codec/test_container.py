"""The .dbl file as diabolo writes it: ``python -m tests.codec.test_container`` makes the golden one, once a format."""

import hashlib
import io
import json
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.codec import Container, pack, write
from diabolo.codec.layout import FORMAT, deflated
from diabolo.codec.words import WORDS
from diabolo.errors import DataError, DataTypeError, FileError, MissingFileError, ParameterError

GOLDEN = Path(__file__).parents[1] / "golden" / f"container_{FORMAT}.dbl"
HEAD = {
    "columns": ["Größe", "age"],
    "step": 1e-3,
    "least": -0.0,
    "seed": 2**70,
    "rows": 3,
    "none": None,
    "of": {"a": []},
}
CHUNKS = [b"first", b"", bytes(range(256)), b"\r\n\x1a\n\x00"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
HEADS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)


def content(source) -> tuple[dict, list[bytes]]:
    with Container.open(source) as file:
        file.verify()
        assert file.sizes == list(map(len, file))
        return file.head, list(file)


def same(a: object, b: object) -> bool:
    return repr(a) == repr(b)  # 0.0 is not -0.0, True is not 1


class Watched(io.BytesIO):
    """Bytes that note which of them are read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.seen: list[tuple[int, int]] = []

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.seen.append((start, len(data)))
        return data


@given(HEADS, st.lists(st.binary(max_size=40), max_size=6))
def test_what_is_packed_comes_back(head, chunks):
    data = pack(head, chunks)
    assert same(content(data), (head, chunks))
    assert len(data) == 58 + len(deflated(head)) + sum(8 + len(chunk) for chunk in chunks)


def test_the_bytes_are_as_documented():
    data = pack(HEAD, CHUNKS)
    magic, number, size = struct.unpack_from("<8sHI", data)
    assert (magic, number) == (b"\x89DBL\r\n\x1a\n", FORMAT)
    inflate = zlib.decompressobj(wbits=-15, zdict=WORDS)
    assert same(json.loads(inflate.decompress(data[14 : 14 + size])), HEAD) and inflate.eof
    at = 14 + size
    (seal,) = struct.unpack_from("<I", data, at)
    assert seal == zlib.crc32(data[:at])
    at += 4
    for i, chunk in enumerate(CHUNKS):
        assert data[at + 4 : at + 4 + len(chunk)] == chunk
        assert struct.unpack_from("<I", data, at)[0] == zlib.crc32(struct.pack("<II", seal, i) + chunk)
        at += 4 + len(chunk)
    *sizes, count = struct.unpack_from(f"<{len(CHUNKS)}II", data, at)
    assert sizes == list(map(len, CHUNKS)) and count == len(CHUNKS)
    assert data[-36:-4] == hashlib.sha256(data[:-36]).digest() and len(data) == at + 4 * (count + 1) + 36
    assert struct.unpack("<I", data[-4:])[0] == zlib.crc32(data[at:-4])


@pytest.mark.parametrize(
    ("number", "identity"),
    [
        (1, "9a156f3dca0c8eae1958d5403b064dd24303b3a926a78633763fcd54bb0feaa4"),
        (2, "c44c9387d33d00f8d5db5268ffa0e5ce9aabf050839059b932c5e14e156107db"),
    ],
)
def test_every_format_is_read_for_ever(number, identity):
    golden = GOLDEN.with_name(f"container_{number}.dbl")
    assert same(content(golden), (HEAD, CHUNKS))
    with Container.open(golden) as file:
        assert file.identity == identity


def test_the_words_of_a_format_stay_and_are_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "file-format.md").read_text("utf-8")
    told = guide.partition("```text\n")[2].partition("\n```")[0]
    assert told.replace("\n", "").encode() == WORDS
    assert f"They are {len(WORDS):,} bytes" in guide
    assert hashlib.sha256(WORDS).hexdigest() == "83d181b1ce93b39479ffb2f1e80f00447f3487a6121448490bf7a895b5165ee4"


def test_a_chunk_is_read_alone():
    data = pack(HEAD, CHUNKS)
    watched = Watched(data)
    file = Container(watched, Path("watched"))
    starts = [data.index(CHUNKS[0]) - 4]
    starts += [starts[0] + sum(4 + len(chunk) for chunk in CHUNKS[:i]) for i in range(1, len(CHUNKS) + 1)]
    assert not any(start < starts[-1] and start + long > starts[0] for start, long in watched.seen)
    for i in (2, 0, 3, 1):
        watched.seen.clear()
        assert file.chunk(i) == CHUNKS[i]
        assert min(start for start, _ in watched.seen) == starts[i]
        assert max(start + long for start, long in watched.seen) == starts[i + 1]


def test_the_identity_is_that_of_the_content():
    data = pack(HEAD, CHUNKS)
    with Container.open(data) as file:
        assert file.identity == hashlib.sha256(data[:-36]).hexdigest() and file.size == len(data)
    others = [pack(HEAD | {"rows": 4}, CHUNKS), pack(HEAD, CHUNKS[::-1]), pack(HEAD, CHUNKS[:-1]), data]
    identities = []
    for other in others:
        with Container.open(other) as file:
            identities.append(file.identity)
    assert len(set(identities)) == 4


def test_threads_share_a_file(tmp_path):
    chunks = [bytes([i]) * 999 for i in range(64)]
    write(tmp_path / "a.dbl", {}, chunks)
    with Container.open(tmp_path / "a.dbl") as file, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(file.chunk, list(range(64)) * 20)) == chunks * 20


@pytest.mark.parametrize(
    "head",
    [
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": b"bytes"},
        {"a": {1, 2}},
        {1: "a"},
        {"a": [{None: 1}]},
        {"a": "\ud800"},
        {"a": "x" * 2**22},
        {"a": json.loads("[" * 64 + "]" * 64)},
    ],
    ids=lambda head: str(head)[:20],
)
def test_a_head_that_json_does_not_keep_is_refused(head):
    with pytest.raises(
        FileError, match=r"The header is no JSON object .*; keep what is larger, or no JSON, in chunks\.$"
    ):
        pack(head, [])


def test_a_head_that_holds_itself_is_refused():
    head: dict = {}
    head["a"] = [head]
    with pytest.raises(FileError, match="Circular"):
        pack(head, [])


def test_the_deepest_and_the_largest_head_come_back():
    for head in ({"a": json.loads("[" * 62 + "7" + "]" * 62)}, {"a": "x" * (2**22 - 8)}):
        assert content(pack(head, [])) == (head, [])


def test_chunks_that_are_no_bytes_or_too_large_are_refused(monkeypatch):
    for chunk, kind in [("text", "str"), (bytearray(3), "bytearray"), (7, "int")]:
        with pytest.raises(DataTypeError, match=f"Chunk 1 must be bytes; got {kind}."):
            pack({}, [b"", chunk])
    monkeypatch.setattr("diabolo.codec.writing._LARGEST", 3)
    assert content(pack({}, [b"123"])) == ({}, [b"123"])
    with pytest.raises(DataError, match="Chunk 0 must have at most 3 bytes; got 4"):
        pack({}, [b"1234"])


def test_a_chunk_that_is_not_there_is_told():
    with Container.open(pack({}, [b"a", b"b"])) as file:
        for i in (2, -1, 0.0, True, "0"):
            with pytest.raises(ParameterError, match=r"'i' of Container\.chunk must be an integer in \[0, 1\]; got"):
                file.chunk(i)  # pyright: ignore[reportArgumentType]


def test_a_path_without_a_file_is_told(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no file at .*a\.dbl; check the path\.$"):
        Container.open(tmp_path / "a.dbl")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(FileError, match="is no plain file"):
            Container.open(path)
    with pytest.raises(FileError, match=r"cannot be written \("):
        write("/dev/null/a.dbl", {}, [])


def test_a_file_that_is_refused_is_closed(tmp_path, monkeypatch):
    (tmp_path / "a.dbl").write_bytes(b"something else")
    handles = []
    usual = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: handles.append(usual(self, mode)) or handles[-1])
    with pytest.raises(FileError, match=r"a\.dbl is no \.dbl file"):
        Container.open(tmp_path / "a.dbl")
    assert [handle.closed for handle in handles] == [True]


def test_a_closed_or_shortened_file_is_told(tmp_path):
    write(tmp_path / "a.dbl", {}, [b"x" * 20000, b"y" * 20000])
    with Container.open(tmp_path / "a.dbl") as file:
        assert file.chunk(0) == b"x" * 20000
        os.truncate(tmp_path / "a.dbl", 25000)
        with pytest.raises(FileError, match=r"a\.dbl became shorter while it was read"):
            file.chunk(1)
    with pytest.raises(FileError, match=r"a\.dbl cannot be read .*closed"):
        file.chunk(0)


def main() -> None:
    """Write the golden file of the present format."""
    if GOLDEN.exists():
        raise SystemExit(f"{GOLDEN.name} is there already: a golden file is kept for ever; raise FORMAT for a new one")
    write(GOLDEN, HEAD, CHUNKS)


if __name__ == "__main__":
    main()

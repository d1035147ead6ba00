"""Bytes that were not written by diabolo, or not like this: a FileError, or the very same content, and nothing else."""

import hashlib
import json
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diabolo.codec import Container, pack
from diabolo.codec.layout import FORMAT
from diabolo.codec.words import WORDS
from diabolo.errors import FileError

MAGIC = b"\x89DBL\r\n\x1a\n"
HEAD = {"job": "Compressor", "shape": [7, 3], "step": 0.25}
CHUNKS = [b"first chunk", b"", b"a second chunk, longer than the first", b"first chunk", bytes(60)]
DATA = pack(HEAD, CHUNKS)
HUGE = [0, 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 13, 2**32 - 1]


def given_by(data: bytes) -> bool:
    """Tell whether `verify` found nothing; whatever is given without an error must be what was packed."""
    try:
        with Container.open(data) as file:
            assert file.head == HEAD
            for i in range(len(file)):
                chunk_or_refused(file, i)
            file.verify()
            assert list(file) == CHUNKS
            return True
    except FileError as error:
        assert "<bytes>" in str(error) and str(error).endswith(".")
        return False


def chunk_or_refused(file: Container, i: int) -> None:
    try:
        chunk = file.chunk(i)
    except FileError:
        return
    assert chunk == CHUNKS[i]


def mutated(rng: random.Random) -> bytes:
    """Return the file after 1 to 3 changes of random kinds."""
    data = bytearray(DATA)
    for _ in range(rng.randint(1, 3)):
        at, to = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
        long = rng.randint(1, 16)
        kind = rng.choice(["flip", "bytes", "cut", "end", "insert", "move", "swap", "number", "zero", "twice"])
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == "bytes":
            data[at : at + long] = rng.randbytes(len(data[at : at + long]))
        elif kind == "cut":
            del data[at : at + long]
        elif kind == "end":
            del data[at:]
        elif kind == "insert":
            data[at:at] = rng.randbytes(long)
        elif kind == "move":
            piece = data[at : at + long]
            del data[at : at + long]
            data[to:to] = piece
        elif kind == "swap":
            data[at : at + long], data[to : to + long] = data[to : to + long], data[at : at + long]
        elif kind == "number":
            data[at : at + 4] = struct.pack("<I", rng.choice(HUGE))
        elif kind == "zero":
            data[at:to] = bytes(len(data[at:to]))
        elif kind == "twice":
            data[to:to] = data[at : at + 8 * long]
    return bytes(data)


def forged(
    packed: bytes, body: bytes = b"", index: bytes = b"", count: int = 0, size: int | None = None, number: int = FORMAT
) -> bytes:
    """Return a file whose every checksum is right, whatever is in it."""
    start = MAGIC + struct.pack("<HI", number, len(packed) if size is None else size) + packed
    end = index + struct.pack("<I", count)
    before = start + struct.pack("<I", zlib.crc32(start)) + body + end
    sha = hashlib.sha256(before).digest()
    return before + sha + struct.pack("<I", zlib.crc32(end + sha))


def raw(text: bytes, number: int = FORMAT) -> bytes:
    deflate = zlib.compressobj(9, wbits=-15, zdict=WORDS if number > 1 else b"")
    return deflate.compress(text) + deflate.flush()


def test_every_flipped_bit_is_noticed():
    assert given_by(DATA)
    for at in range(len(DATA)):
        for bit in range(8):
            assert not given_by(DATA[:at] + bytes([DATA[at] ^ 1 << bit]) + DATA[at + 1 :]), (at, bit)


def test_every_cut_and_every_addition_is_noticed_when_opened():
    for data in [DATA[:end] for end in range(len(DATA))] + [DATA[start:] for start in range(1, len(DATA))]:
        with pytest.raises(FileError):
            Container.open(data)
    for more in (b"\0", b"\n", DATA[-4:], DATA[-36:], DATA):
        with pytest.raises(FileError, match="longer than it was"):
            Container.open(DATA + more)


def test_ten_thousand_mutations_give_an_error_or_the_same_content():
    rng = random.Random(0)
    refused = 0
    for _ in range(10_000):
        data = mutated(rng)
        assert given_by(data) == (data == DATA)
        refused += data != DATA
    assert refused > 9_500


@given(st.binary(max_size=200))
@example(b"")
@example(MAGIC)
@example(MAGIC + b"\x01\x00" + bytes(52))
@example(MAGIC + b"\x02\x00" + bytes(52))
def test_any_bytes_are_refused(data):
    for tried in (data, MAGIC + data, MAGIC + b"\x01\x00" + data, MAGIC + b"\x02\x00" + data):
        with pytest.raises(FileError):
            Container.open(tried)


def test_a_damaged_chunk_leaves_the_others():
    data = DATA.replace(b"second", b"secund")
    with Container.open(data) as file:
        with pytest.raises(FileError, match=r"Chunk 2 of <bytes> is damaged: .*; copy it again\.$"):
            file.chunk(2)
        assert [file.chunk(i) for i in (0, 1, 3, 4)] == [CHUNKS[i] for i in (0, 1, 3, 4)]
        with pytest.raises(FileError, match="Chunk 2"):
            file.verify()


def test_a_chunk_whose_own_size_is_changed_is_refused():
    """Of format 1, where the size stands before each chunk as well as in the index."""
    data = (Path(__file__).parents[1] / "golden" / "container_1.dbl").read_bytes()
    with Container.open(data) as file:
        chunks = list(file)
    assert chunks[0] == b"first" and chunks[2] == bytes(range(256))
    for i in (0, 2):
        at = data.index(chunks[i]) - 8
        assert data[at : at + 4] == struct.pack("<I", len(chunks[i]))
        with Container.open(data[:at] + b"\x09" + data[at + 1 :]) as file:
            assert file.chunk(3) == chunks[3]
            with pytest.raises(FileError, match=f"Chunk {i}"):
                file.chunk(i)


def test_a_right_chunk_in_a_wrong_place_is_refused():
    a, b = b"a" * 40, b"b" * 40
    data = pack(HEAD, [a, b])
    at, to = data.index(a) - 4, data.index(b) - 4
    swapped = data[:at] + data[to : to + 44] + data[at : at + 44] + data[to + 44 :]
    other = pack(HEAD | {"step": 0.5}, [a, b])
    elsewhere = other.replace(other[other.index(a) - 4 :][:44], data[at : at + 44])
    assert elsewhere != other
    for changed in (swapped, elsewhere):
        with Container.open(changed) as file, pytest.raises(FileError, match="Chunk 0"):
            file.chunk(0)


def test_a_wrong_sha_under_a_right_crc_is_noticed():
    end = struct.pack("<I", 0) + bytes(32)
    data = forged(raw(b"{}"))[:-40] + end + struct.pack("<I", zlib.crc32(end))
    with Container.open(data) as file, pytest.raises(FileError, match="SHA-256 is not the noted one"):
        file.verify()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not begin like one"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "does not begin like one"),
        (b"PK\x03\x04" + bytes(100), "does not begin like one"),
        (DATA.replace(b"\r\n", b"\n"), "changed, perhaps by a transfer as text"),
        (DATA.replace(b"\n", b"\r\n"), "changed, perhaps by a transfer as text"),
        (bytes(byte & 127 for byte in DATA), "changed, perhaps by a transfer as text"),
        (DATA.decode("latin-1").encode(), "changed, perhaps by a transfer as text"),
        (MAGIC + struct.pack("<H", 3) + DATA[10:], "has format 3, this diabolo reads up to 2; upgrade diabolo"),
        (MAGIC + struct.pack("<H", 0) + DATA[10:], "its first bytes are damaged"),
        (DATA[:50], "is cut: 50 bytes are no whole .dbl file"),
        (DATA[:-50], "is cut, longer than it was, or damaged at its end"),
    ],
    ids=range(11),
)
def test_the_error_says_what_is_wrong(data, message):
    with pytest.raises(FileError, match=message.replace(".", r"\.")):
        Container.open(data)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"{} {}",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}",
        b'{"a": ' + b"[" * 100_000,
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b'{"a": "' + b"x" * 2**22 + b'"}',
        b" " * 2**22 + b"{}",
    ],
    ids=lambda text: str(text[:12]),
)
def test_a_hostile_header_under_right_checksums_is_refused(text):
    with pytest.raises(FileError, match=r"The header of <bytes> is not what diabolo writes"):
        Container.open(forged(raw(text)))


def test_each_format_inflates_after_its_own_words():
    text = json.dumps(HEAD, separators=(",", ":")).encode()
    for number in (1, FORMAT):
        with Container.open(forged(raw(text, number), number=number)) as file:
            assert file.head == HEAD
    with pytest.raises(FileError, match="The header of <bytes> is not what diabolo writes"):
        Container.open(forged(raw(text), number=1))


def test_a_header_that_is_not_one_deflated_piece_is_refused():
    whole = raw(json.dumps(HEAD).encode())
    with Container.open(forged(whole)) as file:
        assert file.head == HEAD
    for packed in (b"", whole[:-1], whole + b"\0", whole + whole, json.dumps(HEAD).encode(), zlib.compress(b"{}")):
        with pytest.raises(FileError, match=r"The header of <bytes> is not what diabolo writes"):
            Container.open(forged(packed))


def test_sizes_that_the_file_does_not_have_are_refused():
    body = struct.pack("<I", 0) + b"abcd"
    for sizes, count in [
        ([3], 1),
        ([5], 1),
        ([2**32 - 1], 1),
        ([], 1),
        ([4], 0),
        ([4], 2),
        ([4, 0], 2),
        ([4], 2**32 - 1),
    ]:
        with pytest.raises(FileError, match="damaged at its end"):
            Container.open(forged(raw(b"{}"), body, struct.pack(f"<{len(sizes)}I", *sizes), count))
    for size in HUGE:
        with pytest.raises(FileError, match=r"first bytes are damaged|header of"):
            Container.open(forged(raw(b"{}"), body, struct.pack("<I", 4), 1, size=size))
    with Container.open(forged(raw(b"{}"), body, struct.pack("<I", 4), 1)) as file:
        assert file.sizes == [4]
        with pytest.raises(FileError, match="Chunk 0"):  # whose CRC32 is not right
            file.chunk(0)


def test_memory_is_bounded_by_the_file_not_by_its_numbers():
    start = 18 + struct.unpack_from("<I", DATA, 10)[0]  # of the first chunk
    bombs = [
        forged(raw(b"[" * 2**26)),
        forged(raw(b'{"a":"' + b"x" * 2**26 + b'"}')),
        *(forged(raw(b"{}"), size=size) for size in HUGE[2:]),
        *(forged(raw(b"{}"), count=count) for count in HUGE[2:]),
        *(forged(raw(b"{}"), bytes(8), struct.pack("<I", size), 1) for size in HUGE[2:]),
        *(DATA[:start] + struct.pack("<I", size) + DATA[start + 4 :] for size in HUGE[2:]),
    ]
    tracemalloc.start()
    for bomb in bombs:
        with pytest.raises(FileError), Container.open(bomb) as file:
            file.verify()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 2**22

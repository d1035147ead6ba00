"""Compressed files that were changed: an error of diabolo, or other content where the checksums were made right again.

``python -m tests.estimators.compression.test_hostile`` tries 10,000 instead of 500, and prints what came of them.
"""

from __future__ import annotations

import copy
import json
import random
import resource
import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from diabolo import Compressor, Training
from diabolo.codec import Absolute, Container, pack
from diabolo.codec import packed as codec
from diabolo.codec.squeezed import expanded, squeezed
from diabolo.codec.words import deflated
from diabolo.errors import DataError, FileError, ParameterError
from diabolo.estimators.compression import chunk
from diabolo.estimators.compression.opening import decompress, described, verified

TRAINING = Training(steps=60, batch_size=64, learning_rate=1e-2, weight_decay=0.0)
HUGE = [0, 1, -1, 2, 255, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, -(2**63)]
ODD: list[Any] = [None, True, False, "", "x", "0", 0.5, -1e308, [], {}, [0], {"grid": "Steps"}, *HUGE, 2**64, 10**30]

Parts = tuple[dict[str, Any], bytes, list[bytes]]
"""Header, model, and chunks of a file."""


def table(size=400):
    """A frame with all that a file may hold: nets, grids of each kind, columns beside, and single values beside."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=size)
    return pd.DataFrame(
        {
            "steps": x,
            "near": x + 0.01 * draw.normal(size=size),
            "decimals": x.round(2),
            "ordered": np.where(x > 1, -0.0, x).astype(np.float32),
            "whole": pd.array([None if a > 1.5 else int(10 * a) for a in x], dtype="Int32"),
            "running": np.arange(size) * 3 + 10**9,
            "word": np.where(x > 0, "pos", "neg"),
            "kind": pd.Categorical(draw.choice(["a", "b"], size), categories=["c", "b", "a"]),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 99, size), unit="D"),
            "text": [f"{value:.6f}" for value in draw.random(size)],
        }
    )


def new():
    """A frame with unseen values, which are beside the levels."""
    X = table(200)
    return X.assign(steps=np.where(X.index % 20, X["steps"], np.inf), word=np.where(X.index % 30, X["word"], "new"))


def made() -> dict[str, bytes]:
    """Return files of a net, of columns, and of an array."""
    compressor = Compressor(3, coder="Rows(before=1)", fidelity=Absolute(0.01), training=TRAINING, random_state=0)
    array = np.round(np.random.default_rng(0).normal(size=(300, 3)), 2)
    return {
        "net": compressor.fit(table()).compress(new()),
        "columns": Compressor(fidelity=Absolute(0.01), coder="Columns").fit(table()).compress(new()),
        "array": Compressor(coder="Columns").fit(array).compress(array),
        "series": Compressor(2, coder="Rows(before=2)", training=TRAINING, random_state=0)
        .fit(np.cumsum(array, 0).round(1)[None].repeat(2, 0))
        .compress(np.cumsum(array, 0).round(1)[None].repeat(2, 0)),
    }


@pytest.fixture(scope="module")
def files():
    return made()


def parted(data: bytes) -> Parts:
    with Container.open(data) as file:
        return file.head, file.chunk(0), [file.chunk(i) for i in range(1, len(file))]


def sealed(head: dict[str, Any], model: bytes, chunks: list[bytes]) -> bytes:
    """Return a file whose every checksum is right."""
    return pack(head, [model, *chunks])


def bent(rng: random.Random, data: bytes) -> bytes:
    """Return bytes after 1 to 3 changes of random kinds."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at, long = rng.randrange(len(changed) + 1), rng.randint(1, 8)
        match rng.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + long] = rng.randbytes(len(changed[at : at + long]))
            case 2:
                del changed[at : at + long]
            case 3:
                changed[at:at] = rng.randbytes(long)
            case 4:
                changed[at : at + 4] = (rng.choice(HUGE) % 2**32).to_bytes(4, "little")
            case _:
                changed[at : at + long] = bytes(len(changed[at : at + long]))
    return bytes(changed)


def twisted(rng: random.Random, plain: Any) -> Any:
    """Return JSON with something else at one place: another value, one more or less, or the value of another place."""
    plain = copy.deepcopy(plain)
    spots: list[tuple[Any, Any]] = []
    queue = [plain]
    while queue:
        value = queue.pop()
        keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
        spots += [(value, key) for key in keys]
        queue += [value[key] for key in keys]
    owner, key = rng.choice(spots)
    match rng.randrange(4):
        case 0:
            del owner[key]
        case 1:
            other, place = rng.choice(spots)
            owner[key] = copy.deepcopy(other[place]) if not contains(other, place, owner) else None
        case 2 if type(owner[key]) in (int, float):
            owner[key] += rng.choice([-1, 1, 100, -(10**6), 2**33])
        case _:
            owner[key] = rng.choice(ODD)
    return plain


def contains(owner: Any, key: Any, other: Any) -> bool:
    """Tell whether the place was removed, or holds the other: a value must not hold itself."""
    try:
        return repr(other) in repr(owner[key])
    except LookupError:
        return True


def turned(rng: random.Random, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return arrays, one of them with other numbers, or of another shape, or gone."""
    arrays = dict(arrays)
    name = rng.choice(sorted(arrays))
    array = np.array(arrays[name], copy=True)
    match rng.randrange(6):
        case 0:
            del arrays[name]
            return arrays
        case 1:
            array = array.ravel()[: rng.randrange(array.size + 1)]
        case 2:
            array = array[None] if rng.random() < 0.5 else array.ravel()
        case 3:
            array = np.concatenate([array.ravel(), array.ravel()[:1]])
        case _:
            for _ in range(rng.randint(1, 3)):
                if array.size:
                    value = rng.choice(HUGE)
                    array.ravel()[rng.randrange(array.size)] = value % 2**64 if array.dtype == np.uint64 else value
    return arrays | {name: array}


def flipped(rng: random.Random, data: bytes) -> bytes:
    return bent(rng, data)


def of_header(rng: random.Random, data: bytes) -> bytes:
    head, model, chunks = parted(data)
    return sealed(twisted(rng, head), model, chunks)


def of_model_bytes(rng: random.Random, data: bytes) -> bytes:
    head, model, chunks = parted(data)
    return sealed(head, bent(rng, model), chunks)


def of_model_words(rng: random.Random, data: bytes) -> bytes:
    head, model, chunks = parted(data)
    plain, arrays = codec.unpack(model)
    return sealed(head, codec.pack(twisted(rng, plain), arrays), chunks)


def of_model_numbers(rng: random.Random, data: bytes) -> bytes:
    head, model, chunks = parted(data)
    plain, arrays = codec.unpack(model)
    return sealed(head, codec.pack(plain, turned(rng, arrays)), chunks)


def of_chunk_bytes(rng: random.Random, data: bytes) -> bytes:
    head, model, chunks = parted(data)
    i = rng.randrange(len(chunks))
    return sealed(head, model, [*chunks[:i], bent(rng, chunks[i]), *chunks[i + 1 :]])


def of_chunk_code(rng: random.Random, data: bytes) -> bytes:
    head, model, chunks = parted(data)
    method, code, beside = chunk.parted(chunks[0])
    method = rng.choice([method, rng.randrange(len(chunk.METHODS))])
    return sealed(head, model, [chunk.joined(chunk.Coded(method, bent(rng, code)), beside), *chunks[1:]])


def of_what_is_beside(rng: random.Random, data: bytes) -> bytes:
    head, model, chunks = parted(data)
    method, code, beside = chunk.parted(chunks[0])
    if not beside:
        return of_chunk_code(rng, data)
    size = int.from_bytes(beside[:4], "little")
    plain, arrays = codec.unpack(beside[4 : 4 + size])
    rest = expanded(beside[4 + size :], 2**30)
    match rng.randrange(3):
        case 0:
            plain = twisted(rng, plain)
        case 1:
            arrays = turned(rng, arrays)
        case _:
            rest = bent(rng, rest)
    told = codec.pack(plain, arrays)
    beside = len(told).to_bytes(4, "little") + told + squeezed(rest, 1)
    return sealed(head, model, [chunk.joined(chunk.Coded(method, code), beside), *chunks[1:]])


def of_chunk_order(rng: random.Random, data: bytes) -> bytes:
    head, model, chunks = parted(data)
    pieces = [model, *chunks, b"", rng.randbytes(9)]
    rng.shuffle(pieces)
    return sealed(head, pieces[0], pieces[1 : rng.randrange(1, len(pieces) + 1)])


KINDS: list[Callable[[random.Random, bytes], bytes]] = [
    flipped,
    of_header,
    of_model_bytes,
    of_model_words,
    of_model_numbers,
    of_chunk_bytes,
    of_chunk_code,
    of_what_is_beside,
    of_chunk_order,
]


def outcome(data: bytes) -> str:
    """Return what comes of a file: an error that is expected, or some content."""
    begun = time.process_time()
    try:
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # numbers of no sense
            back = decompress(data)
    except (FileError, DataError) as error:
        assert str(error).endswith((".", "?")), error
        return "refused"
    except ParameterError as error:
        assert "does not hold its model" in str(error), error
        return "refused"
    finally:
        assert time.process_time() - begun < 5
    assert hasattr(back, "shape")
    return "other content"


def tried(files: dict[str, bytes], count: int, seed: int = 0) -> Counter[tuple[str, str]]:
    """Return how many changed files of each kind came to what."""
    rng, found = random.Random(seed), Counter[tuple[str, str]]()
    for i in range(count):
        kind, name = KINDS[i % len(KINDS)], rng.choice(sorted(files))
        try:
            data = kind(rng, files[name])
        except (FileError, ValueError, OverflowError):  # no header, or no JSON, could hold that
            found[kind.__name__, "cannot be written"] += 1
            continue
        try:
            found[kind.__name__, outcome(data) if data != files[name] else "unchanged"] += 1
        except BaseException as error:
            raise AssertionError(f"number {i}, {kind.__name__} of {name}, seed {seed}") from error
    return found


def peak() -> int:
    """Return the largest size that this process had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_five_hundred_changes_do_no_harm(files):
    before = peak()
    found = tried(files, 500)
    assert peak() - before < 2**30
    assert found["flipped", "refused"] + found["flipped", "unchanged"] >= 55
    assert sum(many for (_, what), many in found.items() if what == "refused") > 250
    assert sum(many for (_, what), many in found.items() if what == "other content") > 10


def test_every_flipped_byte_is_refused(files):
    data = files["array"]
    for at in range(len(data)):
        assert outcome(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]) == "refused"
    for end in range(0, len(data), 7):
        assert outcome(data[:end]) == "refused"


def test_resealing_alone_changes_nothing(files):
    for data in files.values():
        assert sealed(*parted(data)) == data
    assert decompress(files["net"])["word"].tolist() == new()["word"].tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 10**12},
        {"rows": 2**63},
        {"rows": -1},
        {"rows": 299},
        {"rows": 301},
        {"rows": "300"},
        {"rows": 300.0},
        {"rows": True},
        {"chunk_rows": 0},
        {"chunk_rows": -5},
        {"chunk_rows": 2**40},
        {"chunk_rows": 1},
        {"shape": [7, 300, 1, 1]},
        {"shape": [10**9, 10**9]},
        {"shape": ["x", 2**40, 3]},
        {"shape": [300.0, 3]},
        {"shape": [-300, 3]},
        {"shape": []},
        {"shape": "300"},
        {"shape": None},
        {"sheet": None},
        {"sheet": {"dtype": "<f8", "columns": 4, "tensor": False}},
        {"sheet": {"dtype": "<i8", "columns": 3, "tensor": False}},
        {"embedded": 1},
        {"embedded": None},
        {"kind": 3},
    ],
    ids=str,
)
def test_a_header_that_lies_is_refused(files, change):
    head, model, chunks = parted(files["array"])
    data = sealed({**head, **change}, model, chunks)
    if change == {"kind": 3}:  # the model knows better
        np.testing.assert_array_equal(decompress(data), decompress(files["array"]))
        return
    assert outcome(data) == "refused"
    if "embedded" not in change:
        with pytest.raises(FileError):
            verified(data)


def test_a_file_that_names_another_model_is_refused(files):
    head, model, chunks = parted(files["array"])
    for wrong in ("0" * 64, "", 3):
        with pytest.raises(FileError):
            decompress(pack({**head, "model": wrong}, [model, *chunks]))
    with pytest.raises(FileError):
        decompress(pack(head, []))


def test_a_bomb_is_refused_before_it_is_expanded(files):
    head, model, chunks = parted(files["array"])
    bomb = squeezed(bytes(2**28), 1)
    lengths = b"".join(len(bomb).to_bytes(4, "little") for _ in range(2))
    before = peak()
    for each in (lengths + bomb + bomb, deflated(b"[" + b" " * 2**27), deflated(b'[{},["a"],1]') + bytes(4)):
        assert outcome(sealed(head, each, chunks)) == "refused"
    method, code, _ = chunk.parted(chunks[0])
    repeated = chunk.joined(chunk.Coded(3, b"\x08" + bomb), b"")
    assert outcome(sealed(head, model, [repeated])) == "refused"
    beside = (8).to_bytes(4, "little") + bytes(8) + bomb
    assert outcome(sealed(head, model, [chunk.joined(chunk.Coded(method, code), beside)])) == "refused"
    assert peak() - before < 2**29


def test_what_is_described_of_a_foreign_file_does_no_harm(files):
    assert described(files["array"])["chunks"] == 1
    rng = random.Random(0)
    for _ in range(100):
        try:
            data = of_header(rng, files["array"])
        except (FileError, ValueError):
            continue
        try:
            assert json.dumps(described(data))
        except FileError:
            continue


def main() -> None:
    """Try 10,000 changes."""
    begun, before = time.process_time(), peak()
    for (kind, what), many in sorted(tried(made(), 10_000, seed=1).items()):
        print(f"{kind:20} {what:20} {many:6}")  # noqa: T201
    print(f"{time.process_time() - begun:.0f} s, {(peak() - before) / 2**20:.0f} MiB more at most")  # noqa: T201


if __name__ == "__main__":
    main()

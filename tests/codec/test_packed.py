"""Arrays of whole numbers and JSON as few bytes: all of it comes back, and bytes of others are refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from diabolo.codec import packed
from diabolo.codec.arrays import ArrayWriter
from diabolo.codec.packed import pack, unpack
from diabolo.codec.squeezed import expanded, squeezed
from diabolo.codec.words import deflated
from diabolo.errors import FileError

ARRAY = st.one_of(
    arrays(np.int64, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)),
    arrays(np.int64, st.integers(0, 200), elements=st.integers(-3, 3)),
    arrays(np.uint64, array_shapes(max_side=9)),
    arrays(st.sampled_from([np.int8, np.uint16, np.int32]), array_shapes(max_side=9)),
)
PLAIN = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
ARRAYS = {"weights": np.array([[0, 0, -3], [0, 1, 0]]), "gaps": np.array([2**64 - 1, 0], np.uint64)}
DATA = pack({"job": "rows"}, ARRAYS)


@given(PLAIN, st.dictionaries(st.text(max_size=5), ARRAY, max_size=4))
def test_all_comes_back(plain, named):
    found, got = unpack(pack(plain, named))
    assert found == plain
    assert list(got) == list(named)
    for name, array in named.items():
        assert got[name].shape == array.shape
        assert got[name].dtype == (np.uint64 if array.dtype == np.uint64 else np.int64)
        np.testing.assert_array_equal(got[name], array)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_many_kinds_of_number_come_back(dtype):
    info = np.iinfo(dtype)
    array = np.random.default_rng(0).integers(info.min, info.max, 20_000, dtype=dtype, endpoint=True)
    data = pack({}, {"a": array})
    np.testing.assert_array_equal(unpack(data)[1]["a"], array)
    assert len(data) < 8.1 * len(array)


def test_few_kinds_of_number_cost_their_entropy():
    array = np.random.default_rng(0).choice([-70, 0, 5], 20_000, p=[0.05, 0.9, 0.05])
    p = np.unique(array, return_counts=True)[1] / len(array)
    bits = -len(array) * (p * np.log2(p)).sum()
    assert 8 * len(pack({}, {"a": array})) < 1.005 * bits + 8 * 30


def test_steps_that_are_alike_cost_next_to_nothing():
    levels = np.repeat([700, 20, 0], 300)
    assert len(pack({}, {"a": levels})) < 40
    assert len(pack({}, {"a": np.arange(10_000) * 3})) < 40
    assert len(pack({}, {"a": np.random.default_rng(0).permutation(900)})) > 900


def test_a_shape_is_told_once():
    arrays = {name: np.arange(12).reshape(2, 3, 2) % 5 for name in "abcdef"}
    more = len(pack({}, arrays)) - len(pack({}, {"a": arrays["a"]}))
    assert more < 5 * (len(pack({}, {"a": arrays["a"]})) - 4)


def test_what_begins_as_format_1_did_is_told_otherwise(monkeypatch):
    usual = pack({"job": "rows"}, ARRAYS)
    monkeypatch.setattr(packed, "_FIRST", usual[8:12])
    other = pack({"job": "rows"}, ARRAYS)
    assert other[8:12] != usual[8:12]
    monkeypatch.undo()
    assert unpack(other)[0] == {"job": "rows"}
    np.testing.assert_array_equal(unpack(other)[1]["weights"], ARRAYS["weights"])


def test_no_byte_of_it_is_believed():
    for at in range(len(DATA)):
        for changed in (0, 1, 127, 255):
            data = DATA[:at] + bytes([changed]) + DATA[at + 1 :]
            try:
                plain, got = unpack(data)
            except FileError:
                continue
            assert isinstance(plain, dict)
            assert all(array.dtype in (np.int64, np.uint64) for array in got.values())
    for end in range(len(DATA)):
        with pytest.raises(FileError):
            unpack(DATA[:end])
    for more in (b"\0", bytes(4)):
        with pytest.raises(FileError, match="describes no model"):
            unpack(DATA + more)


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(data):
    with pytest.raises(FileError):
        unpack(data)


def forged(plain, table, kinds, code=b""):
    """Return bytes as format 1 packed them that say these things."""
    text = plain if isinstance(plain, bytes) else json.dumps([plain, table]).encode()
    planes = np.array(kinds, "<i8").view(np.uint8).reshape(-1, 8).T.tobytes()
    parts = [squeezed(text), squeezed(planes)]
    return b"".join(len(part).to_bytes(4, "little") for part in parts) + b"".join(parts) + code


@pytest.mark.parametrize(
    ("plain", "table", "kinds"),
    [
        ([], [], []),
        ({}, None, []),
        ({}, [[]], []),
        ({}, [["a", [2], 0, 1, 0, 0]], [5, 2]),
        ({}, [["a", [2], 0, 1, 0]], [5, 1]),
        ({}, [["a", [2], 0, 1, 0]], [5, -2]),
        ({}, [["a", [2], 0, 2, 0]], [5, 2]),
        ({}, [["a", [2], 0, 1, 0]], [5, 2, 0, 0]),
        ({}, [["a", [2], 0, 1, 9]], [5, 2]),
        ({}, [["a", [2], 0, 1, -9]], [5, 2]),
        ({}, [["a", [2], 0, -1, 0]], [5, 2]),
        ({}, [["a", [2], 0, "1", 0]], [5, 2]),
        ({}, [["a", [-2], 0, 1, 0]], [5, 2]),
        ({}, [["a", [2.0], 0, 1, 0]], [5, 2]),
        ({}, [["a", [True], 0, 1, 0]], [5, 1]),
        ({}, [["a", "2", 0, 1, 0]], [5, 2]),
        ({}, [["a", [2**26, 2**26, 2**26], 0, 1, 0]], [5, 2**62]),
        ({}, [["a", [2**26 + 1], 0, 1, 0]], [5, 2**26 + 1]),
        ({}, [["a", [2**26], 0, 0, 0]], []),
        ({}, [["a", [1] * 100, 0, 1, 0]], [5, 1]),
        ({}, [["a", [2], 0, 2, 0]], [5, 1, 2**63 - 1, 3 - 2**63]),
        (b"[{}, []", None, []),
        (b"NaN", None, []),
        (b"[" * 100_000, None, []),
        (b"\xff\xfe", None, []),
        (b"3", None, []),
    ],
    ids=range(26),
)
def test_a_forger_of_format_1_is_refused(plain, table, kinds):
    assert unpack(forged({}, [["a", [2], 0, 1, 0]], [5, 2]))[1]["a"].tolist() == [5, 5]
    with pytest.raises(FileError):
        unpack(forged(plain, table, kinds))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"3",
        b"NaN",
        b"[[], [], 0]",
        b"[{}, null, 0]",
        b'[{}, ["a", "a"], 2]',
        b'[{}, ["a"], 1]',
        b'[{}, ["a"], "2"]',
        b'[{}, ["a"]]',
        b'[{}, ["a"], 2',
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps([{}, [str(i) for i in range(1100)], 2]).encode(),
    ],
    ids=lambda text: str(text[:20]),
)
def test_a_forger_is_refused(text):
    writer = ArrayWriter()
    writer.put(np.arange(5) ** 5)
    writer.put(np.arange(9) ** 7)
    code = writer.bytes()
    assert list(unpack(deflated(b'[{}, ["a"], %d]' % (len(code) // 4)) + code)[1]) == ["a"]
    with pytest.raises(FileError):
        unpack(deflated(text) + code[:8])


def test_no_more_is_expanded_than_fits():
    bomb = squeezed(bytes(2**22))
    assert len(bomb) < 1000
    assert expanded(bomb, 2**22) == bytes(2**22)
    with pytest.raises(FileError, match="4194304 bytes, but 4194303 fit"):
        expanded(bomb, 2**22 - 1)
    for data in (b"", b"zstd", bomb[:-1], bytes(100)):
        with pytest.raises(FileError):
            expanded(data, 2**22)


def test_what_no_json_is_cannot_be_packed():
    with pytest.raises(ValueError, match="JSON"):
        pack({"low": float("nan")}, {})

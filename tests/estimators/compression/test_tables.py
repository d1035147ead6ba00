"""Tables: every frame and array comes back exactly, new ones too, whole or by chunks, and never larger than plain."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, from_dtype

from diabolo import Compressor, Training
from diabolo.codec import Absolute
from diabolo.codec.sheet import Sheet
from diabolo.coders.rows.coding import RowCoding
from diabolo.errors import CapabilityError, DataError, DataTypeError, FileError, ParameterError
from diabolo.estimators.compression import chunk, tables
from diabolo.estimators.compression.opening import decompress, opened

TRAINING = Training(steps=60, batch_size=64, learning_rate=1e-2, weight_decay=0.0)
DTYPES = [np.dtype(kind) for kind in ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]]
N = 900


def mixed(size=N, seed=0):
    """A frame of every kind of column, some of which say something of each other."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=size)
    return pd.DataFrame(
        {
            "price": x.round(3),
            "near": (2 * x + 0.05 * draw.normal(size=size)).astype(np.float32),
            "sign": np.where(x > 0, "pos", "neg"),
            "count": draw.integers(0, 50, size),
            "maybe": pd.array([None if a > 1 else int(9 * abs(a)) % 9 for a in x], dtype="Int16"),
            "moment": pd.to_datetime(draw.integers(0, 10**9, size), unit="s", utc=True),
            "kind": pd.Categorical(draw.choice(["u", "v"], size), categories=["w", "v", "u"]),
            "text": [f"{a:.9f} {b:.9f}" for a, b in draw.random((size, 2))],
            "list": [np.arange(3)] * size,
            "none": [None] * size,
        }
    )


@pytest.fixture(scope="module")
def fitted():
    return Compressor(4, training=TRAINING, random_state=0).fit(mixed())


def assert_same(got, X):
    assert type(got) is type(X)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(got, X, check_exact=True, check_freq=False)
    elif isinstance(X, pl.DataFrame):
        assert got.schema == X.schema
        assert got.equals(X)
    else:
        assert got.dtype == X.dtype
        np.testing.assert_array_equal(got, X)
        if X.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(got)[X == 0], np.signbit(X)[X == 0])


def plain_size(X):
    """Return the bytes of columns as zstandard has them at level 9."""
    sheet, columns = Sheet.of(X)
    return sum(len(zstandard.ZstdCompressor(level=9).compress(sheet.as_bytes(column))) for column in columns)


def test_a_frame_comes_back(fitted):
    assert_same(decompress(fitted.compress(mixed())), mixed())


def test_columns_of_types_that_no_file_gives_back_are_refused_when_they_are_compressed(fitted):
    X = pd.DataFrame({"size": pd.cut(np.arange(30.0), 3)})
    for call in (Compressor(training=TRAINING).fit, fitted.compress):
        with pytest.raises(DataTypeError, match=r"column 'size' is .dictionary.*astype\(str\)"):
            call(X)


@pytest.mark.parametrize(
    "X",
    [
        pl.DataFrame({"a": pl.Series([{"k": 1}, "x"], dtype=pl.Object)}),
        pd.DataFrame({"a": pd.array([[1], [2]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))}),
    ],
    ids=["objects of polars", "lists of Arrow"],
)
def test_columns_that_only_memory_can_hold_are_refused(X):
    with pytest.raises(DataTypeError, match="X has a column that no table file can hold"):
        Compressor(coder="Columns").fit(X)


def test_masked_whole_numbers_are_exact_or_refused():
    small = np.ma.masked_array([[2**53, 3], [4, 5]], mask=np.eye(2, k=1, dtype=bool))
    back = Compressor(coder="Columns").fit(small).reconstruct(small)
    np.testing.assert_array_equal(back, [[2.0**53, np.nan], [4, 5]])
    with pytest.raises(DataTypeError, match="masked array of whole numbers beyond"):
        Compressor(coder="Columns").fit(np.ma.masked_array([[2**60 + 1, 3], [4, 5]], mask=np.eye(2, k=1, dtype=bool)))


def test_columns_in_another_order_are_told_as_they_are():
    X = pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]})
    with pytest.raises(DataError, match=r"in the same order; got 'b \(double\)', 'a \(int64\)'"):
        Compressor(coder="Columns").fit(X).compress(X[["b", "a"]])


def test_a_checkpoint_is_kept_of_the_net_of_rows(tmp_path):
    Compressor(coder="Rows", training=TRAINING, random_state=0).fit(mixed(), checkpoint=tmp_path / "run")
    assert (tmp_path / "run").exists()


@given(st.data(), st.sampled_from(DTYPES))
@settings(max_examples=60)
def test_any_array_comes_back(data, dtype):
    X = data.draw(arrays(dtype, array_shapes(min_dims=2, max_dims=3, max_side=9), elements=from_dtype(dtype)))
    other = data.draw(arrays(dtype, X.shape, elements=from_dtype(dtype)))
    compressor = Compressor(coder="Columns").fit(X)
    for each in (X, other):
        got = compressor.decompress(compressor.compress(each))
        assert_same(got, each)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_random_bits_of_every_type_come_back(dtype):
    draw = np.random.default_rng(0)
    bits = draw.integers(0, 256, (300, 2 * dtype.itemsize), dtype=np.uint8)
    X = (bits[:, :2] > 99) if dtype.kind == "b" else np.ascontiguousarray(bits).view(dtype)
    with np.errstate(invalid="ignore"):
        data = Compressor(training=TRAINING).fit(X).compress(X)
        assert_same(decompress(data), X)
    assert len(data) < 2 * X.nbytes + 2048  # the levels of a model that nothing repeats


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"a": ["only"]}),
        pd.DataFrame({"a": [None]}),
        pd.DataFrame({"a": [1.5] * 400, "b": ["x"] * 400, "c": [True] * 400}),
        pd.DataFrame({"a": np.full(400, np.nan), "b": pd.array([None] * 400, dtype="Int64"), "c": [pd.NaT] * 400}),
        pd.DataFrame({"a": pd.Categorical([None] * 300, categories=["x"]), "b": [None] * 300}),
        pd.DataFrame({"text": [f"{i * 7919 % 1009} {i}" for i in range(400)]}),
        pd.DataFrame({"a": ["", None, "\x00", "é", "\U0001f600"] * 80}),
        pd.DataFrame(
            {
                "date": [dt.date(2020, 1, 1), dt.date(1, 1, 1)] * 150,
                "zone": pd.date_range("2020", periods=300, tz="Asia/Tokyo"),
            }
        ),
        pd.DataFrame({"t": pd.to_timedelta([1, None, -(10**15)] * 100)}),
        pd.DataFrame({"a": range(300)}, index=pd.MultiIndex.from_product([range(3), range(100)], names=["i", "j"])),
        pd.DataFrame({"a": range(300)}, index=[f"row {i % 7}" for i in range(300)]),
        pd.DataFrame(np.arange(600).reshape(300, 2), columns=[3, 1]),
        pd.DataFrame({"i": [2**63 - 1, -(2**63), 0] * 100, "u": np.array([2**64 - 1, 0, 1] * 100, np.uint64)}),
        pd.DataFrame({"f": [np.inf, -np.inf, -0.0, np.nan, 5e-324, 1.1] * 60}),
        pd.DataFrame({"s": [1, "a", None] * 100}).astype("string"),
        pl.DataFrame({"a": ["x", None] * 200, "b": [1.5, float("nan")] * 200, "c": [[1], None] * 200}),
        pl.DataFrame({"e": pl.Series(["x", None, "y"] * 100, dtype=pl.Enum(["y", "z", "x"])), "i": range(300)}),
        pl.DataFrame({"a": [None, None]}),
        np.zeros((1, 1)),
        np.full((400, 2), np.nan, np.float16),
        np.full((400, 2), -7, np.int8),
        np.arange(3000).reshape(3, 1000),
        np.random.default_rng(0).integers(0, 2, (3, 1000)).astype(bool),
    ],
    ids=range(24),
)
def test_degenerate_tables_come_back(X):
    compressor = Compressor(training=TRAINING).fit(X)
    objects = isinstance(X, pd.DataFrame) and "object" in X.dtypes.astype(str).tolist()  # typed by what is there
    for some in (X, X[:1], X[-2:], X if objects else X[:0]):
        assert_same(decompress(compressor.compress(some)), some)


def test_empty_tables_teach_nothing():
    for X in (np.zeros((0, 3)), np.zeros((3, 0)), pd.DataFrame({"a": []}), np.zeros((0, 3, 2)), np.zeros((4, 0, 2))):
        with pytest.raises(DataError, match="must hold rows and columns"):
            Compressor().fit(X)


def test_empty_series_come_back():
    X = np.arange(24.0).reshape(4, 3, 2)
    compressor = Compressor(coder="Columns").fit(X)
    for some in (X[:0], X[:, :0], X[:1]):
        assert_same(compressor.decompress(compressor.compress(some)), some)


def news():
    """Frames that hold what was never seen."""
    new = mixed(200, seed=1)
    yield "others", new
    yield "few", new[:3]
    yield "unseen words", new.assign(sign=["new", None, "neg", ""] * 50)
    yield "unseen words only", new.assign(sign=[f"word {i}" for i in range(200)])
    yield "far numbers", new.assign(price=new["price"] * 1e9, count=new["count"] - 10**15)
    yield "some far numbers", new.assign(price=np.where(new.index % 50 == 0, 1e300, new["price"]))
    yield "missing", new.assign(price=np.where(new.index % 3, new["price"], np.nan), near=np.float32(np.nan))
    yield "infinite", new.assign(price=np.where(new.index % 40, new["price"], -np.inf), near=np.float32(np.inf))
    yield "other days", new.assign(moment=new["moment"] + pd.Timedelta(days=100_000))
    yield "never missing", new.assign(maybe=pd.array([32767] * 200, dtype="Int16"))
    yield "other categories", new.assign(kind=pd.Categorical(["q", None] * 100, categories=["q"]))
    yield "unused categories", new.assign(kind=pd.Categorical(["w"] * 200, categories=["w", "v", "u"]))
    yield "index", new.set_index(pd.RangeIndex(7, 607, 3))


@pytest.mark.parametrize("new", [pytest.param(new, id=name) for name, new in news()])
def test_what_was_never_seen_comes_back(fitted, new):
    data = fitted.compress(new)
    assert_same(decompress(data), new)
    assert_same(fitted.reconstruct(new), new)
    assert len(data) <= plain_size(new) + fitted.facts()["model bytes"] + 1024 + 600  # the schema of pandas


def test_rows_of_another_index_come_back_or_are_refused(fitted):
    new = mixed(60, seed=2).set_index(pd.Index([f"r{i}" for i in range(60)]))
    try:
        data = fitted.compress(new)
    except DataError as error:
        assert "__index_level_0__" in str(error)
        return
    assert_same(decompress(data), new)


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.drop(columns="price"),
        lambda X: X.assign(more=1),
        lambda X: X.rename(columns={"price": "cost"}),
        lambda X: X[X.columns[::-1]],
        lambda X: X.astype({"count": np.int32}),
        lambda X: X.astype({"sign": "category"}),
        lambda X: X.to_numpy(),
        lambda X: X[["count"]].to_numpy(),
        lambda X: pl.from_pandas(X[["price", "count"]]),
    ],
)
def test_other_columns_are_refused(fitted, change):
    with pytest.raises(DataError):
        fitted.compress(change(mixed(50)))


def test_other_columns_are_named(fitted):
    with pytest.raises(DataError, match=r"missing: 'count \(int64\)', not known: 'count \(int32\)'"):
        fitted.compress(mixed(50).astype({"count": np.int32}))


@pytest.mark.parametrize("size", [20, 400, 3000])
@pytest.mark.parametrize("kind", ["independent", "random", "repeated", "constant", "few", "text"])
def test_never_larger_than_plain(kind, size):
    draw = np.random.default_rng(size)
    X = {
        "independent": lambda: draw.normal(size=(size, 3)).astype(np.float32),
        "random": lambda: draw.integers(-(2**63), 2**63, (size, 2)),
        "repeated": lambda: np.resize(draw.normal(size=(17, 2)), (size, 2)),
        "constant": lambda: np.full((size, 2), 1.1),
        "few": lambda: draw.integers(0, 3, (size, 4)),
        "text": lambda: pd.DataFrame({"t": [str(x) for x in draw.random(size)]}),
    }[kind]()
    compressor = Compressor(coder="Rows", training=TRAINING).fit(X)
    data = compressor.compress(X)
    assert_same(decompress(data), X)
    assert len(data) <= plain_size(X) + compressor.facts()["model bytes"] + 1024
    assert len(compressor.compress(X, embed=False)) <= plain_size(X) + 1024


def together():
    """A table of numbers (N, 4) that lie near each other."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 200, (3000, 1)) + draw.integers(0, 3, (3000, 4))


def test_what_would_clearly_take_more_is_not_written(monkeypatch):
    compressor = Compressor(training=TRAINING, random_state=0).fit(together())
    data, tried = compressor.compress(together()), []
    for way in chunk.METHODS[1:]:
        write = type(way).write
        monkeypatch.setattr(type(way), "write", lambda self, *all, write=write: tried.append(self) or write(self, *all))
    assert compressor.compress(together()) == data
    assert chunk.METHODS[2] in tried
    assert chunk.METHODS[1] not in tried  # columns by themselves
    np.testing.assert_array_equal(compressor.decompress(data), together())


def test_all_that_could_be_shortest_is_written():
    compressor = Compressor(training=TRAINING, random_state=0).fit(together())
    repeated = np.resize(np.random.default_rng(1).integers(0, 200, (40, 4)), (4000, 4))
    data = compressor.compress(repeated)
    assert len(data) < 4000
    np.testing.assert_array_equal(compressor.decompress(data), repeated)
    noise = np.random.default_rng(1).integers(0, 200, (4000, 4))
    assert len(compressor.compress(noise, embed=False)) < 1.05 * noise.size


def test_a_chunk_that_does_not_give_its_levels_back_is_told_in_another_way(monkeypatch):
    compressor = Compressor(training=TRAINING, random_state=0).fit(together())
    monkeypatch.setattr(RowCoding, "encode", lambda self, samples: b"\0" * 8)
    np.testing.assert_array_equal(compressor.decompress(compressor.compress(together())), together())


def test_a_net_that_does_not_pay_is_dropped():
    draw = np.random.default_rng(0)
    apart = draw.integers(0, 200, (2000, 4))
    packing: Any = Compressor(training=TRAINING).fit(apart).packing_
    assert packing.coding is None
    together = apart[:, :1] + draw.integers(0, 3, (2000, 4))
    kept = Compressor(training=TRAINING).fit(together)
    packing = kept.packing_
    assert packing.coding is not None
    assert kept.score(together) > 1.2 * Compressor(coder="Columns").fit(together).score(together)


def test_numbers_that_count_up_cost_next_to_nothing():
    X = pd.DataFrame({"id": np.arange(4000) + 10**12, "at": pd.date_range("2020", periods=4000, freq="min")})
    compressor = Compressor(training=TRAINING).fit(X)
    assert compressor.score(X) > 100
    for some in (X, X[100:200], X[::-1], X.sample(frac=1.0, random_state=0), pd.concat([X, X])):
        some = some.reset_index(drop=True)
        assert_same(compressor.reconstruct(some), some)


@pytest.fixture
def in_pieces(monkeypatch):
    monkeypatch.setattr(tables, "_CELLS", 2000)


@pytest.mark.usefixtures("in_pieces")
def test_a_part_is_the_rows_of_its_chunk(monkeypatch):
    X = mixed()
    compressor = Compressor(coder="Columns", training=TRAINING).fit(X)
    data = compressor.compress(X)
    rows = 2000 // len(X.columns)
    decoded = []
    decode = tables.Tables._decoded
    monkeypatch.setattr(tables.Tables, "_decoded", lambda *all: decoded.append(all[2]) or decode(*all))
    with opened(data) as file:
        assert len(file) == len(file.container) - 1 == -(-len(X) // rows) == 5
        for i in (3, 0, 4):
            got = file.part(i)
            expected: Any = X[i * rows : (i + 1) * rows].reset_index(drop=True)
            pd.testing.assert_frame_equal(got.reset_index(drop=True), expected, check_exact=True)
        assert len(decoded) == 3
        with pytest.raises(ParameterError):
            file.part(5)
    assert_same(decompress(data), X)
    small = compressor.compress(X, embed=False)
    with opened(small, compressor.packing_) as file:
        assert len(file) == 5
        assert file.part(1)["price"].tolist() == X["price"][rows : 2 * rows].tolist()


@pytest.mark.usefixtures("in_pieces")
def test_chunks_of_series_and_of_numbers_that_count_up():
    X = np.arange(4800).reshape(20, 80, 3)
    compressor = Compressor(training=TRAINING).fit(X)
    assert_same(decompress(compressor.compress(X)), X)
    with opened(compressor.compress(X)) as file:
        assert len(file) == 3
        np.testing.assert_array_equal(file.part(1), X.reshape(-1, 3)[666:1332])


@pytest.mark.usefixtures("in_pieces")
def test_a_damaged_chunk_leaves_the_others():
    X = np.random.default_rng(0).normal(size=(3000, 2)).round(2)
    data = bytearray(Compressor(coder="Columns").fit(X).compress(X))
    with opened(bytes(data)) as file:
        at = data.index(file.container.chunk(2))
    data[at + 9] ^= 1
    with opened(bytes(data)) as file:
        np.testing.assert_array_equal(file.part(0), X[:1000])
        np.testing.assert_array_equal(file.part(2), X[2000:])
        with pytest.raises(FileError, match="Chunk 2 of <bytes> is damaged"):
            file.part(1)
    with pytest.raises(FileError, match="Chunk 2"):
        decompress(bytes(data))


def test_a_promise_is_of_the_fit():
    X = np.random.default_rng(0).normal(size=(300, 2))
    compressor = Compressor(fidelity=Absolute(0.1), coder="Columns").fit(X).set_params(fidelity__error=0.01)
    with pytest.raises((ParameterError, CapabilityError), match="fidelity"):
        compressor.compress(X)

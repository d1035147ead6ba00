"""Entropy coding: what goes in comes out, at the cost that the counts say, and bytes of others do no harm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.codec.entropy import MOST, Comparer, Reader, Writer
from diabolo.errors import FileError

COUNTS = st.lists(st.integers(1, MOST // 64), min_size=1, max_size=40).map(np.array)


def ideal(symbols, counts):
    """Return −Σ log₂ p, in bits."""
    rows = np.broadcast_to(counts, (len(symbols), counts.shape[-1]))
    own = np.take_along_axis(rows, symbols[:, None], 1)[:, 0]
    return float(-np.log2(own / rows.sum(1)).sum())


@given(st.data())
def test_what_is_put_is_taken_piece_by_piece(data):
    pieces = []
    writer = Writer()
    for kind in data.draw(st.lists(st.sampled_from(["shared", "own", "even"]), max_size=6)):
        size = data.draw(st.integers(0, 30))
        draw = np.random.default_rng(data.draw(st.integers(0, 2**32)))
        if kind == "even":
            model = draw.choice([2, 3, 255, 2**16, MOST], size).astype(np.int32)
            symbols = (draw.random(size) * model).astype(np.int32)
            writer.put_even(symbols, model)
        else:
            shared = data.draw(COUNTS)
            model = shared if kind == "shared" else draw.integers(1, 2**16, size=(size, len(shared)))
            symbols = draw.integers(0, len(shared), size)
            writer.put(symbols, model)
        pieces.append((kind, model, symbols))
    coded = writer.bytes()
    reader = Reader(coded)
    for kind, model, symbols in pieces:
        got = (
            reader.take_even(model) if kind == "even" else reader.take(model, len(symbols) if model.ndim == 1 else None)
        )
        np.testing.assert_array_equal(got, symbols)
    again = Writer()
    for kind, model, symbols in pieces:
        again.put_even(symbols, model) if kind == "even" else again.put(symbols, model)
    assert again.bytes() == coded


@pytest.mark.parametrize("size", [1, 100, 20_000])
@pytest.mark.parametrize("kinds", [1, 2, 17, 500])
def test_the_size_is_that_of_the_ideal_code(size, kinds):
    draw = np.random.default_rng(size + kinds)
    shared = np.rint(2.0 ** draw.uniform(0, 15, kinds)).astype(np.int64)
    for counts in (shared, draw.integers(1, 2**12, size=(size, kinds)) if size * kinds < 1e6 else shared):
        rows = np.broadcast_to(counts, (size, kinds))
        symbols = (rows.cumsum(1) <= draw.random((size, 1)) * rows.sum(1, keepdims=True)).sum(1).clip(max=kinds - 1)
        writer = Writer()
        writer.put(symbols, counts)
        bits = ideal(symbols, counts)
        assert bits - 1 <= 8 * len(writer.bytes()) <= 1.01 * bits + 64


def test_even_symbols_cost_the_logarithm_of_their_sizes():
    draw = np.random.default_rng(0)
    sizes = draw.integers(2, 2**16, 5000).astype(np.int32)
    writer = Writer()
    writer.put_even((draw.random(5000) * sizes).astype(np.int32), sizes)
    assert 8 * len(writer.bytes()) <= 1.001 * np.log2(sizes).sum() + 64


def test_what_is_certain_costs_nothing():
    writer = Writer()
    writer.put(np.zeros(1000, int), np.array([7]))
    writer.put(np.zeros(0, int), np.array([1, 2]))
    writer.put_even(np.zeros(0, np.int32), np.zeros(0, np.int32))
    assert writer.bytes() == b""
    assert Reader(b"").take(np.array([7]), 1000).tolist() == [0] * 1000


@given(st.binary(max_size=100), COUNTS, st.integers(0, 200))
def test_bytes_of_others_give_symbols_that_there_are_or_an_error(data, counts, size):
    if len(data) % 4:
        with pytest.raises(FileError, match="whole numbers of 4 bytes"):
            Reader(data)
        data = data[: len(data) // 4 * 4]
    sizes = np.full(size, 300, np.int32)
    for take, most in (
        (lambda reader: reader.take(counts, size), len(counts)),
        (lambda reader: reader.take(np.tile(counts, (size, 1))), len(counts)),
        (lambda reader: reader.take_even(sizes), 300),
    ):
        reader = Reader(data)
        try:
            for _ in range(3):
                got = take(reader)
                assert got.shape == (size,)
                assert ((got >= 0) & (got < most)).all()
        except FileError as error:
            assert "changed or cut" in str(error)


def test_a_stream_read_with_other_counts_is_told_or_other():
    symbols = np.arange(3000) % 7
    writer = Writer()
    writer.put(symbols, np.arange(1, 8))
    try:
        got = Reader(writer.bytes()).take(np.arange(7, 0, -1), 3000)
    except FileError:
        return
    assert (got != symbols).any()


@given(st.integers(0, 2**32), st.sampled_from(["shared", "own", "even"]))
def test_a_comparer_tells_whether_the_same_was_put(seed, kind):
    draw = np.random.default_rng(seed)
    symbols, counts = draw.integers(0, 5, 30), draw.integers(1, 2**16, (30, 5))
    model = {"shared": counts[0], "own": counts, "even": np.full(30, 5, np.int32)}[kind]
    writer, other = Writer(), symbols.copy()
    other[draw.integers(30)] += 1
    (writer.put_even if kind == "even" else writer.put)(symbols, model)
    for each in (symbols, other % 5):
        comparer = Comparer(Reader(writer.bytes()))
        (comparer.put_even if kind == "even" else comparer.put)(each, model)
        assert comparer.same == (each is symbols)

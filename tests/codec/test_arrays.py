"""Arrays in one coded stream: what it costs, and what streams of others do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.codec.arrays import ArrayReader, ArrayWriter
from diabolo.codec.entropy import Reader, Writer
from diabolo.codec.lengths import Lengths, lengths
from diabolo.errors import FileError

NUMBERS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9), max_size=60)


@given(NUMBERS, NUMBERS)
def test_numbers_come_back_and_cost_what_is_foretold(one, two):
    writer, told = Writer(), Lengths()
    bits = told.bits(one)
    told.put(writer, one)
    bits += told.bits(two)
    told.put(writer, two)
    assert 8 * len(writer.bytes()) <= 1.001 * bits + 64
    reader, heard = Reader(writer.bytes()), Lengths()
    assert heard.take(reader, len(one)).tolist() == one
    assert heard.take(reader, len(two)).tolist() == two


@given(NUMBERS)
def test_lengths_are_those_of_python(numbers):
    assert lengths(np.array(numbers, np.uint64)).tolist() == [number.bit_length() for number in numbers]


def test_what_was_told_is_expected_more():
    told = Lengths()
    before = told.bits([1000])
    told.put(Writer(), [1000, 700])
    assert told.bits([1000]) < before - 2 and told.bits([0]) > Lengths().bits([0])


@pytest.mark.parametrize(
    ("array", "most"),
    [
        (np.zeros(1000, int), 8),
        (np.arange(1000), 8),
        (np.repeat([5, 900, -3], 1000), 20),
        (np.random.default_rng(0).permutation(1000), 1250 * 1.05),  # log2(1000) bits each at most
        (np.random.default_rng(0).integers(-(2**40), 2**40, 9000), 9000 * 41 / 8 + 60),
    ],
    ids=["constant", "steps", "runs", "few", "many kinds"],
)
def test_the_shortest_way_is_taken(array, most):
    writer = ArrayWriter()
    writer.put(array)
    assert len(writer.bytes()) <= most
    np.testing.assert_array_equal(ArrayReader(writer.bytes()).take(), array)


def test_any_stream_gives_arrays_of_the_size_it_says_or_is_refused():
    draw, refused = np.random.default_rng(0), 0
    for _ in range(300):
        reader = ArrayReader(draw.bytes(4 * int(draw.integers(0, 30))))
        try:
            for _ in range(4):
                array = reader.take()
                assert array.dtype in (np.int64, np.uint64) and array.size <= 2**26
        except FileError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("shape", [(2**26 + 1,), (2**14, 2**14), (2**40, 0), (1,) * 40], ids=str)
def test_shapes_that_are_too_large_are_refused(shape):
    writer = ArrayWriter()
    stream, writer = writer._stream, writer._writer
    stream.ways.put(writer, [4 * (len(shape) + 1)])
    stream.sizes.put(writer, shape)
    with pytest.raises(FileError, match=r"at most 67108864 are read|of no shape"):
        ArrayReader(writer.bytes()).take()

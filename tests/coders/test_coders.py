"""Common checks of every coder of rows of levels: what comes in goes out, whatever the levels are, and stays small."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diabolo.codec.alphabets import Alphabets
from diabolo.codec.packed import pack, unpack
from diabolo.coders import Auto, Coder, Setting
from diabolo.errors import FileError
from diabolo.part import PARTS, from_json
from diabolo.training import Training

SETTING = Setting(n=6, training=Training(steps=8, batch_size=64, weight_decay=0.0))
ALL: list[Any] = [part for _, part in sorted(PARTS["coders"].items())]
CODERS = [*(part for part in ALL if part.learn.__annotations__["samples"] == "Levels"), Auto]


def table(seed, rows):
    """A table of levels (N, 5): few, many, constant, often missing, of the whole of 64 bits."""
    draw = np.random.default_rng(seed)
    return np.stack(
        [
            draw.integers(0, 5, rows).astype(np.uint64),
            draw.geometric(0.01, rows).astype(np.uint64),
            np.full(rows, 2**64 - 1, np.uint64),
            np.where(draw.random(rows) < 0.7, 0, draw.integers(1, 9, rows)).astype(np.uint64),
            draw.integers(0, 2**64, rows, dtype=np.uint64),
        ],
        1,
    )


@pytest.fixture(scope="module", params=CODERS, ids=lambda part: part.__name__)
def coder(request) -> Coder:
    return request.param()


@pytest.fixture(scope="module")
def coding(coder):
    return coder.learn(table(0, 400), SETTING)


def reread(coder, coding):
    """Return a coding after a file."""
    plain, arrays = coding.state()
    return coder.restore(*unpack(pack(json.loads(json.dumps(plain)), arrays)))


def test_all_coders_of_levels_are_here():
    assert {"Columns", "Rows", "Auto"} <= {part.__name__ for part in CODERS}


@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 399, 400])
def test_rows_come_back(coding, rows):
    levels = table(0, 400)[-rows:]
    data = coding.encode(levels)
    assert isinstance(data, bytes)
    assert coding.encode(levels) == data
    got = coding.decode(data, levels.shape)
    assert got.dtype == np.uint64
    np.testing.assert_array_equal(got, levels)


def test_no_rows_are_no_bytes(coding):
    empty = np.zeros((0, 5), np.uint64)
    assert coding.decode(coding.encode(empty), (0, 5)).shape == (0, 5)


def test_what_was_learned_is_read_again(coder, coding):
    levels, again = table(0, 400), reread(coder, coding)
    data = coding.encode(levels)
    assert again.encode(levels) == data
    np.testing.assert_array_equal(again.decode(data, levels.shape), levels)


@given(seed=st.integers(0, 2**32), rows=st.integers(1, 60))
def test_other_rows_of_known_levels_come_back(coding, seed, rows):
    levels = coding_alphabets(coding).nearest(table(seed, rows))
    np.testing.assert_array_equal(coding.decode(coding.encode(levels), levels.shape), levels)


def coding_alphabets(coding: Any) -> Alphabets:
    return coding.alphabets


@given(data=st.binary(max_size=300), rows=st.integers(1, 40))
@example(data=b"sRGB", rows=30)  # more than the widest cell holds
def test_bytes_of_others_give_levels_that_there_are_or_an_error(coding, data, rows):
    try:
        levels = coding.decode(data, (rows, 5))
    except FileError:
        return
    assert coding_alphabets(coding).known(levels).all()


def test_learning_is_repeated_by_its_seed(coder):
    levels = table(1, 200)
    one, two = (coder.learn(levels, SETTING).encode(levels) for _ in range(2))
    assert one == two


def test_a_large_table_costs_about_the_entropy_of_its_columns(coder):
    levels = table(2, 4000)[:, :4]
    coding = coder.learn(levels, SETTING)
    bits = 0.0
    for column in levels.T:
        many = np.unique(column, return_counts=True)[1]
        bits -= (many * np.log2(many / many.sum())).sum()
    assert 0.99 * bits < 8 * len(coding.encode(levels)) < 1.05 * bits + 64


def test_one_level_in_all_columns(coder):
    levels = np.full((300, 2), 7, np.uint64)
    coding = coder.learn(levels, SETTING)
    assert coding.encode(levels) == b""
    np.testing.assert_array_equal(coding.decode(b"", (300, 2)), levels)


@pytest.mark.parametrize("name", ["gaps", "spans", "weights", "sizes", "cells", "groups"])
def test_a_forged_state_is_refused(coder, coding, name):
    plain, arrays = coding.state()
    arrays = {key: value.astype(np.int64) for key, value in arrays.items()}
    for changed in (arrays[name][:-1], arrays[name] * 0 - 7, arrays[name][None], np.append(arrays[name], 2**62)):
        with pytest.raises(FileError):
            coder.restore(plain, arrays | {name: changed})


def test_a_coder_is_a_value_with_a_formula(coder):
    coder.check()
    assert from_json(coder.to_json()) == coder
    assert "log₂" in coder.equation()
    assert coder.exact

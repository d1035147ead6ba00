"""Arrays that come one by one: the file holds what they would be in a row."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.data.spooled import spooled
from diabolo.errors import DataError, DataTypeError


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=6),
    st.sampled_from([(), (3,), (2, 4)]),
    st.sampled_from(["<f4", "<f8", "<i8", "|u1"]),
)
def test_the_file_is_the_arrays_in_a_row(tmp_path_factory, sizes, shape, dtype):
    blocks = [np.random.default_rng(i).integers(0, 99, (size, *shape)).astype(dtype) for i, size in enumerate(sizes)]
    path = tmp_path_factory.mktemp("spooled") / "x.npy"
    if not sum(sizes):
        with pytest.raises(DataError, match="gave no rows"):
            spooled(iter(blocks), path)
        return
    assert spooled(iter(blocks), path) == path
    found = np.load(path)
    np.testing.assert_array_equal(found, np.concatenate(blocks))
    assert found.dtype == dtype
    assert path.stat().st_size % 64 == found.nbytes % 64  # the head is as long as numpy's


def test_the_first_block_says_what_numbers_are_kept_as(tmp_path):
    path = spooled(iter([torch.ones(2, 3), np.full((1, 3), 2.5), [[1, 2, 3]]]), tmp_path / "x.npy")
    found = np.load(path)
    assert (found.dtype, found.shape) == (np.float32, (4, 3))
    np.testing.assert_array_equal(found[2:], [[2.5] * 3, [1, 2, 3]])


def test_blocks_in_fortran_order_and_views_are_written_as_they_read(tmp_path):
    block = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    path = spooled(iter([block, block[::-1], block[:, ::-1]]), tmp_path / "x.npy")
    np.testing.assert_array_equal(np.load(path), np.concatenate([block, block[::-1], block[:, ::-1]]))


@pytest.mark.parametrize(
    ("blocks", "error", "word"),
    [
        ([], DataError, "gave no rows"),
        ([np.ones((2, 3)), np.ones((2, 4))], DataError, r"got \(3,\) first and \(4,\) after 2 rows"),
        ([np.ones((2, 3)), np.ones(3)], DataError, "rows of one shape"),
        ([np.array([["a"]])], DataTypeError, "numbers only"),
        ([3.0], DataTypeError, "must be an array"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, blocks, error, word):
    with pytest.raises(error, match=word):
        spooled(iter(blocks), tmp_path / "x.npy")

import array
import decimal
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch

from diabolo.data import Form, kind
from diabolo.data.channels import warn_of_channels_last
from diabolo.errors import DataError, DataTypeError


def to_array(X):
    return Form.of(X).array(X)


@pytest.mark.parametrize("shape", [(), (1, 2, 3, 4)])
def test_kind_refuses_other_numbers_of_axes(shape):
    with pytest.raises(DataError, match=f"got {len(shape) + 1} axes"):
        kind(shape)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float32", "float64"])
def test_numeric_arrays_are_not_copied(dtype):
    x = np.ones((3, 2), dtype)
    assert to_array(x) is x
    assert Form.of(x).back(x) is x


@pytest.mark.parametrize("x", [[[True, False]], np.array([[1, 0]], dtype=object), [[1.0, 0.0]], ((1.0, 0),)])
def test_what_numpy_can_make_numbers_of_becomes_float64(x):
    got = to_array(x)
    assert got.dtype == np.float64
    assert got.tolist() == [[1.0, 0.0]]


def test_masked_values_become_missing():
    got = to_array(np.ma.masked_array([[1, 2]], mask=[[False, True]]))
    assert got[0, 0] == 1
    assert np.isnan(got[0, 1])


def test_none_in_an_object_array_becomes_missing():
    assert np.isnan(to_array(np.array([[1.0, None]], dtype=object))[0, 1])


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.array([["1.5"]]), "got <U3 values"),
        (np.array([["1.5"]], dtype=object), "numbers only"),
        (np.array([[{"a": 1}]], dtype=object), "argument must be a string or a real number"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "datetime64"),
        (np.ones((2, 2), dtype=complex), "Complex data not supported"),
        (np.zeros(2, dtype=[("a", float)]), "numbers only"),
        (scipy.sparse.csr_matrix(np.eye(2)), r"sparse.*toarray\(\)"),
        (scipy.sparse.coo_array(np.eye(2)), r"sparse.*toarray\(\)"),
        (torch.eye(2).to_sparse(), r"sparse.*to_dense\(\)"),
        (torch.ones(2, 2, dtype=torch.complex64), "Complex data"),
        (pl.LazyFrame({"a": [1.0]}), r"X.collect\(\)"),
        (None, "got None"),
        (3.0, "got 3.0"),
        ({"a": [1]}, "array, data frame or tensor"),
    ],
)
def test_what_is_no_numbers_is_refused(x, words):
    with pytest.raises(DataTypeError, match=words):
        to_array(x)


@pytest.mark.parametrize(
    "samples, got",
    [
        ([[1.0, 2.0], [3.0]], r"\(2,\) and \(1,\)"),
        ([np.zeros((1, 8, 8)), np.zeros((1, 9, 8))], r"\(1, 8, 8\) and \(1, 9, 8\)"),
        ([[[1.0, 2.0], [3.0]], [1.0]], r"a ragged one and \(1,\)"),
        ([[[1.0, 2.0], [3.0]]] * 2, "samples that are ragged themselves"),
    ],
    ids=str,
)
def test_ragged_lists_are_refused(samples, got):
    with pytest.raises(
        DataError, match=f"rectangular: every sample of the same shape; got {got}. Resize or crop"
    ) as told:
        to_array(samples)
    assert "inhomogeneous" not in str(told.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_tensors_come_back_with_their_dtype(dtype):
    x = torch.tensor([[1.0, 2.5]], dtype=dtype, requires_grad=True)
    form = Form.of(x)
    back = form.back(form.array(x))
    assert back.dtype == dtype
    assert not back.requires_grad
    assert torch.equal(back, x.detach())


def test_a_reconstruction_of_integers_keeps_its_fractions():
    x = torch.zeros(1, 2, dtype=torch.uint8)
    assert to_array(x).dtype == np.uint8
    assert Form.of(x).back(np.array([[0.25, 0.5]], np.float32)).tolist() == [[0.25, 0.5]]


def test_tensors_share_memory_on_the_way_in_but_not_on_the_way_out():
    x = torch.ones(2, 2)
    array = to_array(x)
    assert np.shares_memory(array, x.numpy())
    readonly = array.copy()
    readonly.flags.writeable = False
    assert torch.equal(Form.of(x).back(readonly), x)


def test_pandas_frames_come_back_with_columns_and_index():
    x = pd.DataFrame({"b": [1.0, 2.0], "a": [3.0, 4.0]}, index=pd.Index(["u", "v"], name="user"))
    form = Form.of(x)
    pd.testing.assert_frame_equal(form.back(form.array(x)), x)


def test_pandas_duplicated_and_nested_columns_are_fine():
    x = pd.DataFrame(np.arange(4.0).reshape(2, 2), columns=["a", "a"])
    pd.testing.assert_frame_equal(Form.of(x).back(to_array(x)), x)
    x.columns = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
    pd.testing.assert_frame_equal(Form.of(x).back(to_array(x)), x)


def test_pandas_frames_of_one_dtype_are_not_copied():
    x = pd.DataFrame(np.ones((4, 3), dtype=np.float32))
    assert np.shares_memory(to_array(x), x.to_numpy())


@pytest.mark.parametrize(
    "column",
    [
        pd.array([1, None], dtype="Int64"),
        pd.array([1.0, None], dtype="Float64"),
        pd.array([True, None], dtype="boolean"),
        pd.array([1, None], dtype="int64[pyarrow]"),
        np.array([1, None], dtype=object),
        [1.0, np.nan],
    ],
)
def test_pandas_missing_values_become_nan(column):
    got = to_array(pd.DataFrame({"a": column, "b": [False, True]}))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [[1, 0], [np.nan, 1]])


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"n": [1.0], "city": ["Rome"], "when": pd.to_datetime(["2020-01-01"])}),
        pd.DataFrame({"n": [1.0], "city": pd.Categorical(["Rome"]), "when": pd.to_datetime(["2020-01-01"])}),
        pl.DataFrame({"n": [1.0], "city": ["Rome"], "when": [None]}),
    ],
)
def test_columns_that_are_no_numbers_are_named(frame):
    with pytest.raises(DataTypeError, match=r"columns 'city', 'when' .* drop them, or encode them"):
        to_array(frame)


def test_object_columns_of_strings_are_named_and_at_most_three():
    frame = pd.DataFrame({name: pd.Series(["x"], dtype=object) for name in "abcde"})
    with pytest.raises(DataTypeError, match=r"column 'a'"):
        to_array(frame)
    frame = frame.astype("category")
    with pytest.raises(DataTypeError, match=r"columns 'a', 'b', 'c' and 2 more \(category\)"):
        to_array(frame)


def test_polars_frames_come_back():
    x = pl.DataFrame({"b": [1.0, 2.0], "a": [3.0, 4.0]})
    form = Form.of(x)
    assert form.back(form.array(x)).equals(x)


def test_polars_nulls_booleans_and_decimals_become_float64():
    x = pl.DataFrame({"a": [1, None], "b": [True, False], "c": [decimal.Decimal("1.5"), decimal.Decimal("2.5")]})
    np.testing.assert_array_equal(to_array(x), [[1, 1, 1.5], [np.nan, 0, 2.5]])
    np.testing.assert_array_equal(to_array(pl.DataFrame({"a": [1, None]})), [[1], [np.nan]])


@pytest.mark.parametrize("frame", [pd.DataFrame({"a": [1.0]})[:0], pl.DataFrame({"a": [1.0]})[:0]])
def test_frames_without_rows_come_back(frame):
    assert to_array(frame).shape == (0, 1)
    assert Form.of(frame).back(to_array(frame)).shape == (0, 1)


def test_neither_pandas_nor_polars_is_imported():
    code = "import sys, diabolo.data as d; d.Form.of([[1]]).array([[1]]); print({'pandas', 'polars'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


class Endless:
    """Hands out samples, and never says that there are no more."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.zeros(3)


@pytest.mark.parametrize("data", [Endless(), torch.utils.data.TensorDataset(torch.zeros(4, 3))])
def test_what_hands_out_samples_one_by_one_is_refused(data):
    with pytest.raises(DataTypeError, match="one by one; pass them together"):
        to_array(data)


@pytest.mark.parametrize("data", [[[1.0, 2.0]], ([1.0, 2.0],), range(3), memoryview(b"abc"), array.array("d", [1.0])])
def test_sequences_and_buffers_are_arrays(data):
    np.testing.assert_array_equal(to_array(data), np.asarray(data))


@pytest.mark.parametrize(
    ("shape", "warned"), [((32, 32, 3), True), ((3, 32, 32), False), ((4, 4, 4), False), ((30, 3), False)]
)
def test_images_with_the_channels_last_are_warned_of(shape, warned):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warn_of_channels_last(shape)
    assert [("np.moveaxis(X, -1, 1)" in str(one.message)) for one in seen] == [True] * warned

"""States that no scorer gave: an error, never a scorer of another size or with numbers that are none."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tastes import tastes

from diabolo.errors import DiaboloError, FileError
from diabolo.model import Recipe
from diabolo.nets import Bag
from diabolo.rankers import EASE, Blend, LowRank, Neighbourhood, Popularity, Setting, Trained
from diabolo.rankers.restoring import parted, whole
from diabolo.training import Training

RANKERS = [
    EASE(5.0),
    Neighbourhood(4, ridge=5.0),
    LowRank(5.0),
    Popularity(),
    Blend((LowRank(5.0), Popularity())),
    Trained(Recipe(Bag((4,)))),
]
each = pytest.mark.parametrize("ranker", RANKERS, ids=repr)
SETTING = Setting(n=3, training=Training(epochs=1))


@pytest.fixture(scope="module")
def states():
    return {ranker: ranker.learn(tastes(), SETTING).state() for ranker in RANKERS}


@each
def test_arrays_that_lack_or_have_another_shape_kind_or_nan_are_refused(ranker, states):
    plain, arrays = states[ranker]
    for name, value in arrays.items():
        if name == "precision":
            continue  # not every state has one
        wrong = [None, value[:-1], torch.cat([value, value])]
        if not isinstance(ranker, Trained):  # weights of nets are converted
            wrong += [value.to(torch.complex64), value[..., None]]
            wrong += [torch.full_like(value, torch.nan)] if value.is_floating_point() else []
        for bad in wrong:
            edited = {key: each for key, each in (arrays | {name: bad}).items() if each is not None}
            with pytest.raises(FileError):
                ranker.restore(plain, edited, 15)
    with pytest.raises(FileError):
        ranker.restore(plain, arrays, 14)


@each
@given(data=st.data())
def test_any_other_document_is_refused_or_harmless(ranker, states, data):
    plain, arrays = states[ranker]
    value = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    names = st.sampled_from(["sparse", "members", "n", "history"])
    edited = data.draw(st.dictionaries(names, value | st.lists(value)))
    try:
        scorer = ranker.restore(plain | edited, arrays, 15)
    except (DiaboloError, LookupError, TypeError, ValueError, AttributeError):  # as `diabolo.load` knows them
        return
    assert scorer.scores(tastes()).shape == (80, 15)


@pytest.mark.parametrize(
    "change",
    [
        {"indptr": torch.tensor([0, 2, 1, 3])},
        {"indptr": torch.tensor([1, 2, 2, 3])},
        {"indptr": torch.tensor([0, 1, 2, 2])},
        {"indptr": torch.tensor([0.0, 1.0, 2.0, 3.0])},
        {"indices": torch.tensor([0, 1, 4], dtype=torch.int32)},
        {"indices": torch.tensor([0, -1, 2], dtype=torch.int32)},
        {"indices": torch.tensor([0, 1, 2, 2], dtype=torch.int32)},
        {"data": torch.ones(3, dtype=torch.float64)},
        {"data": torch.tensor([1.0, torch.inf, 1.0])},
        {"indptr": torch.tensor([0, 2, 2, 3]), "indices": torch.tensor([1, 0, 2])},
        {"indptr": torch.tensor([0, 2, 2, 3]), "indices": torch.tensor([1, 1, 2])},
    ],
)
def test_a_sparse_matrix_that_cannot_be_is_refused(change):
    sound = {"indptr": torch.arange(4), "indices": torch.arange(3, dtype=torch.int32), "data": torch.ones(3)}
    assert whole(sound, "", (3, 4)).nnz == 3
    with pytest.raises(FileError, match="sparse matrix in it"):
        whole(sound | change, "", (3, 4))


def test_a_sparse_matrix_comes_back():
    matrix = tastes()
    again = whole({f"a.{name}": value for name, value in parted(matrix).items()}, "a.", matrix.shape)
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again.toarray(), matrix.toarray())


def test_an_impossible_size_costs_nothing():
    ranker = Trained(Recipe(Bag((4,))))
    for n in (2**40, 0, -1, 3.0, "3", None, True):
        with pytest.raises(FileError):
            ranker.restore({"n": n}, {}, 15)
    with pytest.raises(FileError):
        ranker.restore({"n": 2**20}, {}, 2**31)  # petabytes, were they made

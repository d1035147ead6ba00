"""Held-out parts: together they are the whole, apart they share nothing, and what is told of whom is as asked."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import csc_array, csr_array, csr_matrix

from diabolo.data import before, leave_out, strong
from diabolo.errors import DataError, DataTypeError, ParameterError

DENSE = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 2).map(float))


def dense(rows, columns=40, seed=0):
    """Users of 3 to 12 items, each of another weight."""
    rng = np.random.default_rng(seed)
    out = np.zeros((rows, columns), np.float32)
    for row in out:
        count = rng.integers(3, 13)
        row[rng.choice(columns, count, replace=False)] = rng.integers(1, 99, count)
    return out


def apart(found):
    """Whether histories and targets share nothing, and neither is empty."""
    histories, targets = found.histories.toarray(), found.targets.toarray()
    return not (histories * targets).any() and histories.any(1).all() and targets.any(1).all()


@given(DENSE, st.floats(0.01, 0.99), st.integers(0, 3))
def test_strong_parts_are_the_whole(x, share, seed):
    able = np.flatnonzero((x > 0).sum(1) >= 2)
    count = min(len(able), len(x) - 1)
    if not count:
        with pytest.raises(DataError, match="Cannot hold out 1 of"):
            strong(csr_array(x), 1, share, seed)
        return
    found = strong(csr_array(x), count, share, seed)
    assert apart(found)
    assert len(found.users) == count
    assert set(found.users) <= set(able)
    np.testing.assert_array_equal(found.histories.toarray() + found.targets.toarray(), x[found.users])
    np.testing.assert_array_equal(found.train.toarray(), np.delete(x, found.users, axis=0))
    for part in (found.train, found.histories, found.targets):
        assert isinstance(part, csr_array)
        assert part.has_canonical_format


@pytest.mark.parametrize("share", [0.8, 0.5, 0.55, 0.1, 0.99])
def test_the_share_that_is_told_is_that_of_the_paper(share):
    x = (np.arange(40) < np.arange(2, 41)[:, None]).astype(np.float32)  # users of 2 to 40 items
    found = strong(csr_array(x), 38, share)
    items = x[found.users].sum(1).astype(int)
    # the paper's code: int(0.2 * items) are targets; here one at least, and never all
    hidden = [int(round((1 - share) * n, 6)) for n in items]
    assert found.targets.sum(1).tolist() == [min(max(n, 1), total - 1) for n, total in zip(hidden, items, strict=True)]


def test_a_share_of_users_counts_those_who_can_be_tested():
    x = np.vstack([dense(30), np.eye(10, 40, dtype=np.float32)])
    assert len(strong(csr_array(x), 0.2).users) == 6
    assert len(strong(csr_array(x), 0.001).users) == 1
    assert strong(csr_array(x), 0.2).train.shape == (34, 40)


def test_the_seed_makes_the_parts():
    x = csr_array(dense(50))
    for split in (lambda seed: strong(x, 10, seed=seed), lambda seed: leave_out(x, 2, seed=seed)):
        one, again, other = split(1), split(1), split(2)
        np.testing.assert_array_equal(one.targets.toarray(), again.targets.toarray())
        np.testing.assert_array_equal(one.users, again.users)
        assert not np.array_equal(one.targets.toarray(), other.targets.toarray())


@given(DENSE, st.integers(1, 4), st.integers(0, 3))
def test_leaving_out_keeps_the_whole_and_takes_k(x, k, seed):
    able = np.flatnonzero((x > 0).sum(1) > k)
    if not len(able):
        with pytest.raises(DataError, match="No user has both"):
            leave_out(csr_array(x), k, seed=seed)
        return
    found = leave_out(csr_array(x), k, seed=seed)
    assert apart(found)
    assert found.users.tolist() == able.tolist()
    assert found.targets.indptr.tolist() == [k * i for i in range(len(able) + 1)]
    whole = found.train.toarray()
    np.testing.assert_array_equal(found.histories.toarray(), whole[able])
    whole[able] += found.targets.toarray()
    np.testing.assert_array_equal(whole, x)


@given(DENSE, st.floats(0.01, 0.99))
def test_a_share_is_left_out_of_who_has_two(x, share):
    items = (x > 0).sum(1)
    if (items < 2).all():
        return
    found = leave_out(csr_array(x), share)
    assert apart(found)
    assert found.users.tolist() == np.flatnonzero(items >= 2).tolist()
    hidden, total = np.diff(found.targets.indptr), items[found.users]
    assert (np.abs(hidden - share * total) < 1 + 1e-6).all()


def test_every_item_is_left_out_as_often():
    x = csr_array(np.ones((3000, 5)))
    for k in (1, 3):
        often = leave_out(x, k).targets.sum(0) / 3000
        np.testing.assert_allclose(often, k / 5, atol=0.04)  # four standard deviations


@given(DENSE, st.integers(1, 3), st.integers(0, 3))
def test_with_times_the_last_are_left_out(x, k, seed):
    matrix = csr_array(x)
    times = np.random.default_rng(seed).integers(0, 4, matrix.nnz).astype(float)
    if ((x > 0).sum(1) <= k).all():
        return
    found = leave_out(matrix, k, times, seed)
    at = csr_array((times + 1, matrix.indices, matrix.indptr), shape=matrix.shape).toarray()[found.users]
    latest = np.where(found.histories.toarray() > 0, at, 0).max(1)
    first = np.where(found.targets.toarray() > 0, at, np.inf).min(1)
    assert (latest <= first).all()
    assert (np.diff(found.targets.indptr) == k).all()


def test_of_equal_times_any_is_left_out():
    x = csr_array(np.ones((400, 2)))
    often = leave_out(x, 1, np.zeros(800)).targets.sum(0) / 400
    np.testing.assert_allclose(often, 0.5, atol=0.1)


@given(DENSE, st.integers(-1, 5), st.integers(0, 3))
def test_before_and_after_a_moment(x, moment, seed):
    matrix = csr_array(x)
    times = np.random.default_rng(seed).integers(0, 5, matrix.nnz).astype(float)
    at = csr_array((times + 1, matrix.indices, matrix.indptr), shape=matrix.shape).toarray() - 1
    early, late = np.where((x > 0) & (at < moment), x, 0), np.where((x > 0) & (at >= moment), x, 0)
    able = np.flatnonzero(early.any(1) & late.any(1))
    if not len(able):
        with pytest.raises(DataError, match="No user has both"):
            before(matrix, times, moment)
        return
    found = before(matrix, times, moment)
    assert found.users.tolist() == able.tolist()
    np.testing.assert_array_equal(found.train.toarray(), early)
    np.testing.assert_array_equal(found.histories.toarray(), early[able])
    np.testing.assert_array_equal(found.targets.toarray(), late[able])


def test_the_whole_is_not_changed():
    matrix: Any = csr_matrix(dense(20))
    kept = matrix.copy()
    times = np.arange(matrix.nnz, dtype=float)
    for found in (strong(matrix, 5), leave_out(matrix), leave_out(matrix, 1, times), before(matrix, times, 50)):
        assert {type(part) for part in (found.train, found.histories, found.targets)} == {csr_array}
        found.train.data[:] = 0
        found.targets.data[:] = 0
        found.histories.data[:] = 0
    np.testing.assert_array_equal(matrix.toarray(), kept.toarray())


@pytest.mark.parametrize("users", [0, -1, 0.0, 1.0, True, "ten", None])
def test_users_are_a_count_or_a_share(users):
    with pytest.raises(ParameterError, match=r"'users' of strong must be (an integer >= 1|a number in \(0, 1\))"):
        strong(csr_array(dense(9)), users)


@pytest.mark.parametrize("share", [0, 1, 1.5, None])
def test_some_is_told_and_some_is_not(share):
    with pytest.raises(ParameterError, match=r"'share' of strong must be a number in \(0, 1\)"):
        strong(csr_array(dense(9)), 2, share)


def test_someone_must_be_left_to_train():
    with pytest.raises(DataError, match="Cannot hold out 9 of 9 users, of whom 9 have two items or more"):
        strong(csr_array(dense(9)), 9)
    with pytest.raises(DataError, match="Cannot hold out 1 of 3 users, of whom 0 have two items"):
        strong(csr_array(np.eye(3)), 1)


def test_what_is_no_tidy_csr_matrix_is_refused():
    for matrix in (csc_array(np.eye(3)), np.eye(3), None):
        for split in (lambda m: strong(m, 1), lambda m: leave_out(m), lambda m: before(m, np.ones(3), 1)):
            with pytest.raises(DataTypeError, match="must be a SciPy CSR matrix"):
                split(matrix)
    doubled = csr_array((np.ones(2), np.array([0, 0]), np.array([0, 2])), shape=(1, 1))
    with pytest.raises(DataError, match="each pair of user and item once"):
        leave_out(doubled)


@pytest.mark.parametrize("times", [np.ones(2), np.ones((3, 1)), 1.0])
def test_there_is_a_time_for_each(times):
    for split in (lambda: leave_out(csr_array(np.eye(3)), 1, times), lambda: before(csr_array(np.eye(3)), times, 1)):
        with pytest.raises(DataError, match=r"times must be one for each interaction, shape \(3,\)"):
            split()


@pytest.mark.parametrize(("k", "moment"), [(0, "now"), (1.0, None), (0.0, None), (None, np.inf)])
def test_k_and_moment_are_numbers(k, moment):
    with pytest.raises(ParameterError, match=r"'k' of leave_out must be (an integer >= 1|a number in \(0, 1\))"):
        leave_out(csr_array(dense(3)), k)
    with pytest.raises(ParameterError, match="'moment' of before must be a number"):
        before(csr_array(np.eye(3)), np.ones(3), moment)

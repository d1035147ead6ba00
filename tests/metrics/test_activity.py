"""Activity: dimensions that vary are active, the others have collapsed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diabolo.errors import DataError, ParameterError
from diabolo.metrics import activity

MEANS = arrays(np.float64, st.tuples(st.integers(2, 9), st.integers(1, 5)), elements=st.floats(-3, 3, width=16))


def test_a_variance_above_the_threshold_is_active():
    spread = np.sqrt([0.0, 0.0099, 0.0101, 4.0])
    found = activity(np.array([[1.0], [-1.0]]) * spread + 5)
    assert found.variance == pytest.approx(spread**2)
    assert found.active.tolist() == [False, False, True, True]
    assert (found.units, found.collapsed) == (2, (0, 1))
    assert str(found) == "2 of 4 dimensions active; collapsed: 0, 1"


def test_the_threshold_moves_what_is_active():
    means = np.array([[1.0, 0.1], [-1.0, -0.1]])
    assert [activity(means, least=least).units for least in (0, 0.005, 0.5, 1.5)] == [2, 2, 1, 0]


def test_the_kl_is_averaged_and_summed_in_print():
    found = activity([[1.0, 2.0], [3.0, 5.0]], [[1.0, 0.5], [2.0, 0.0]])
    assert found.kl.tolist() == [1.5, 0.25]
    assert str(found) == "2 of 2 dimensions active, 1.75 nats, 1.50 in the costliest"


def test_of_many_collapsed_dimensions_the_first_are_printed():
    found = activity(np.zeros((3, 20)))
    assert np.isnan(found.kl).all()
    assert str(found) == "0 of 20 dimensions active; collapsed: 0, 1, 2, 3, 4, 5, 6, 7, …"


@given(MEANS, st.integers(0, 99))
def test_the_order_of_samples_does_not_count_and_that_of_dimensions_carries_over(means, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(means.shape[1])
    found, other = activity(means), activity(rng.permutation(means)[:, order])
    np.testing.assert_allclose(other.variance, found.variance[order], atol=1e-12)
    assert found.units + len(found.collapsed) == means.shape[1]


def test_bad_input_is_refused():
    with pytest.raises(ParameterError, match="'least' of activity must be a number >= 0; got -1"):
        activity(np.ones((3, 2)), least=-1)
    with pytest.raises(DataError, match="mean must hold at least 2 samples; got 1"):
        activity(np.ones((1, 2)))
    with pytest.raises(DataError, match=r"mean and kl must be of one shape \(N, n\); got \(3, 2\) and \(3, 3\)"):
        activity(np.ones((3, 2)), np.ones((3, 3)))

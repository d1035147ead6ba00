"""The Fréchet distance of normal distributions that are known exactly, and what it does not depend on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from diabolo.metrics import frechet


def with_moments(mean, covariance, count, seed=0):
    """Points (count, F) that have exactly this mean and this unbiased covariance."""
    x = np.random.default_rng(seed).normal(size=(count, len(mean)))
    x -= x.mean(0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T).reshape(len(mean), -1))).T
    return white @ np.linalg.cholesky(np.atleast_2d(covariance)).T + mean


def spd(rng, width):
    root = rng.normal(size=(width, width))
    return root @ root.T + 0.1 * np.eye(width)


def test_known_normal_distributions():
    a = with_moments([0.0, 0.0], np.diag([1.0, 4.0]), 50)
    b = with_moments([3.0, 4.0], np.diag([9.0, 4.0]), 70, seed=1)
    assert frechet(a, b) == pytest.approx(25 + (1 - 3) ** 2 + (2 - 2) ** 2)


def test_in_one_dimension_it_is_the_difference_of_means_and_of_deviations():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 2, (100, 1)), rng.normal(-1, 5, (60, 1))
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert frechet(a, b) == pytest.approx(expected)


@given(st.integers(0, 999), st.integers(1, 6))
def test_it_is_the_formula_with_the_root_of_the_product(seed, width):
    rng = np.random.default_rng(seed)
    one, two, shift = spd(rng, width), spd(rng, width), rng.normal(size=width)
    expected = shift @ shift + np.trace(one + two - 2 * np.real(sqrtm(one @ two)))
    a, b = with_moments(np.zeros(width), one, 30, seed), with_moments(shift, two, 40, seed + 1)
    assert frechet(a, b) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(st.integers(0, 999), st.integers(2, 12), st.integers(2, 12), st.integers(1, 15))
def test_it_is_symmetric_and_blind_to_order_place_and_turning(seed, n, m, width):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, width)), rng.normal(size=(m, width)) * 3 + 1
    value = frechet(a, b)
    turn = np.linalg.qr(rng.normal(size=(width, width)))[0]
    assert value >= 0
    assert frechet(b, a) == pytest.approx(value)
    assert frechet(a[::-1], rng.permutation(b)) == pytest.approx(value)
    assert frechet(a @ turn + 7, b @ turn + 7) == pytest.approx(value)
    assert frechet(2 * a, 2 * b) == pytest.approx(4 * value)
    assert frechet(a, a) == pytest.approx(0, abs=1e-12 * n * width)
    assert frechet(a, a + 1) == pytest.approx(width)


def test_with_fewer_points_than_features_it_is_that_in_the_space_they_span():
    rng = np.random.default_rng(0)
    few, other = rng.normal(size=(6, 3)), rng.normal(size=(8, 3)) * 2
    wide = np.linalg.qr(rng.normal(size=(400, 3)))[0].T  # three orthogonal directions of 400
    assert frechet(few @ wide, other @ wide) == pytest.approx(frechet(few, other))


def test_equal_points_are_at_no_distance_where_a_root_of_a_product_is_not_precise():
    x = np.random.default_rng(0).normal(size=(40, 300)) * 1e4 ** np.linspace(0, 1, 300)
    assert frechet(x, x) <= 1e-12 * np.square(x).sum(1).mean()


def test_a_constant_has_no_spread():
    assert frechet(np.ones((3, 2)), np.zeros((4, 2))) == pytest.approx(2)

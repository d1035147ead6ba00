"""Precision, recall, density and coverage: their definition written out, and worlds in which they are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diabolo.errors import ParameterError
from diabolo.metrics import Coverage, coverage

GRID = st.integers(-3, 3).map(float)


def written_out(real, other, k):
    def reach(x):
        squares = np.square(x[:, None] - x).sum(2)
        np.fill_diagonal(squares, np.inf)
        return np.sort(squares, axis=1)[:, k - 1]

    squares = np.square(real[:, None] - other).sum(2)
    inside, inside_of_other = squares <= reach(real)[:, None], squares <= reach(other)
    return Coverage(
        float(inside.any(0).mean()),
        float(inside_of_other.any(1).mean()),
        float(inside.sum() / (k * len(other))),
        float(inside.any(1).mean()),
    )


@st.composite
def worlds(draw):
    width = draw(st.integers(1, 3))
    one, two = (
        draw(arrays(np.float64, st.tuples(st.integers(2, 12), st.just(width)), elements=GRID)) for _ in range(2)
    )
    return one, two, draw(st.integers(1, min(len(one), len(two)) - 1))


@given(worlds())
def test_it_is_its_definition_ties_and_doubles_included(world):
    real, other, k = world
    found, expected = coverage(real, other, k), written_out(real, other, k)
    assert vars(found) == pytest.approx(vars(expected))


@given(worlds())
def test_recall_is_precision_the_other_way_round(world):
    real, other, k = world
    assert coverage(real, other, k).precision == coverage(other, real, k).recall


@given(worlds(), st.integers(-9, 9), st.integers(-4, 4))
def test_place_scale_and_order_do_not_count(world, place, power):
    real, other, k = world
    moved = coverage(2.0**power * (real[::-1] + place), 2.0**power * (other + place), k)
    assert vars(moved) == pytest.approx(vars(coverage(real, other, k)))


@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_the_same_points_are_all_precise_and_covered(offset):
    x = np.random.default_rng(0).normal(size=(60, 30)) + offset
    found = coverage(x, x)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx(6 / 5)  # a point lies in its own ball, and in those of five others


def test_points_far_away_are_worth_nothing():
    x = np.random.default_rng(0).normal(size=(40, 5))
    assert coverage(x, x + 100) == Coverage(0.0, 0.0, 0.0, 0.0)


def test_draws_of_one_distribution_have_a_density_of_one():
    rng = np.random.default_rng(0)
    found = coverage(rng.normal(size=(1500, 3)), rng.normal(size=(1500, 3)))
    assert found.density == pytest.approx(1, abs=0.1)
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.02)  # Naeem et al. 2020, lemma 2, with as many of each
    assert min(found.precision, found.recall) > 0.85


def test_one_mode_of_two_is_precise_but_covers_half():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 2)) + np.repeat([[0.0], [50.0]], 200, axis=0)
    found = coverage(real, rng.normal(size=(400, 2)))
    assert found.precision > 0.9
    assert found.coverage == pytest.approx(0.5, abs=0.03)
    assert found.recall < 0.6


def test_outliers_raise_recall_and_not_coverage():
    rng = np.random.default_rng(0)
    real, narrow = rng.normal(size=(300, 2)), 0.05 * rng.normal(size=(300, 2))
    narrow[:8] *= 400
    with_outliers = coverage(real, narrow)
    assert with_outliers.recall > 0.9
    assert with_outliers.coverage < 0.3


@pytest.mark.parametrize("k", [0, 4, 1.0, True, None])
def test_k_is_less_than_the_number_of_points(k):
    with pytest.raises(ParameterError, match=r"'k' of coverage must be an integer in \[1, 3\]"):
        coverage(np.eye(4), np.eye(5)[:, :4], k)

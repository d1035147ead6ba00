"""New series of the bootstrap and of an autoregression: where they come from, and what of it they keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.errors import ParameterError
from diabolo.metrics import autoregressive, bootstrapped


def labelled(count=7, steps=12, channels=2):
    """Series (N, T, C) in which each number tells whence it is: 1000 n + 10 t + c."""
    n, t, c = np.indices((count, steps, channels))
    return 1000.0 * n + 10 * t + c


def simulated(matrices, count, steps, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    x = noise * rng.normal(size=(count, steps + 50, matrices.shape[1]))
    for t in range(len(matrices), steps + 50):
        x[:, t] += sum(x[:, t - 1 - lag] @ matrix.T for lag, matrix in enumerate(matrices))
    return x[:, 50:]


@given(st.integers(1, 12), st.integers(0, 99))
def test_blocks_keep_their_place_and_their_channels_stay_together(block, seed):
    made = bootstrapped(labelled(), 20, block=block, jitter=0, seed=seed)
    assert made.shape == (20, 12, 2)
    source, rest = made // 1000, made % 1000
    assert (rest == labelled(1)).all()
    assert (source[..., 0] == source[..., 1]).all()
    assert set(np.unique(source)) <= set(range(7))


@pytest.mark.parametrize("block", [1, 3, 12])
def test_a_series_changes_its_source_once_in_a_block(block):
    source = bootstrapped(labelled(100), 4000, block=block, jitter=0)[..., 0] // 1000
    changes = (np.diff(source, axis=1) != 0).mean()
    assert changes == pytest.approx(0.99 / block, abs=0.01)
    runs = np.flatnonzero(np.diff(source, axis=1)[0])
    assert len({int(run) % block for run in runs}) <= 1


def test_the_default_block_is_the_root_of_the_steps():
    one = bootstrapped(labelled(), 5, seed=3)
    assert np.array_equal(one, bootstrapped(labelled(), 5, block=4, seed=3))


def test_jitter_is_in_deviations_of_the_channel():
    x = np.random.default_rng(0).normal(size=(50, 30, 2)) * [1.0, 100.0]
    still, moved = (bootstrapped(x, 400, jitter=jitter, seed=1) for jitter in (0, 0.2))
    assert (moved - still).std((0, 1)) == pytest.approx(0.2 * x.std((0, 1)), rel=0.05)


def test_means_at_each_step_stay():
    x = np.random.default_rng(0).normal(size=(40, 10, 1)) + np.sin(np.arange(10))[:, None]
    assert bootstrapped(x, 20_000).mean(0) == pytest.approx(x.mean(0), abs=0.05)


MATRICES = np.array([[[0.5, 0.2], [0.0, 0.3]], [[0.1, 0.0], [0.3, -0.4]]])  # the first lag, then the second


def test_an_autoregression_comes_back():
    x = simulated(MATRICES, 400, 40)
    made = autoregressive(x, 3000, order=2)

    def lagged(series, lag):
        z = series - series.mean((0, 1))
        steps = z.shape[1]
        return np.einsum("ntc,ntd->cd", z[:, lag:], z[:, : steps - lag]) / (len(z) * (steps - lag))

    for lag in range(4):
        np.testing.assert_allclose(lagged(made, lag), lagged(x, lag), atol=0.06)


def test_the_order_is_found():
    x = simulated(MATRICES, 300, 30)
    by_bic, of_two, of_one = (autoregressive(x, 4, order=order, seed=5) for order in (None, 2, 1))
    assert np.array_equal(by_bic, of_two)
    assert not np.array_equal(by_bic, of_one)


def test_a_rule_without_noise_is_followed():
    start = np.random.default_rng(0).normal(size=(30, 2, 1))
    x = np.concatenate([start, np.zeros((30, 8, 1))], axis=1)
    for t in range(2, 10):
        x[:, t] = 0.9 * x[:, t - 1] - 0.5 * x[:, t - 2]
    x += 3
    made = autoregressive(x, 5, order=2)
    z = made - 3
    np.testing.assert_allclose(z[:, 2:], 0.9 * z[:, 1:-1] - 0.5 * z[:, :-2], atol=1e-5)
    assert all((np.abs(made[i, :2] - x[:, :2]).max((1, 2)) < 1e-9).any() for i in range(5))


def test_series_that_explode_are_damped():
    x = np.stack([np.outer(2.0 ** np.arange(12), [1.0]), -np.outer(2.0 ** np.arange(12), [1.0])])
    made = autoregressive(x, 50, order=1)
    assert np.isfinite(made).all()
    assert np.abs(made).max() < 2 * np.abs(x).max()


@pytest.mark.parametrize("make", [bootstrapped, autoregressive])
def test_of_constant_series_come_constant_ones(make):
    x = np.full((3, 8, 2), 0.1) * [1.0, 3.0]
    np.testing.assert_allclose(make(x, 4), np.resize(x, (4, 8, 2)), rtol=1e-9)


@pytest.mark.parametrize("make", [bootstrapped, autoregressive])
@given(st.integers(1, 6), st.integers(2, 9), st.integers(1, 3), st.integers(0, 99))
def test_any_series_give_finite_ones_the_same_for_the_same_seed(make, count, steps, channels, seed):
    x = np.random.default_rng(seed).standard_t(2, size=(count, steps, channels))
    made = make(x, 3, seed=seed)
    assert made.shape == (3, steps, channels)
    assert np.isfinite(made).all()
    assert np.array_equal(made, make(x, 3, seed=seed))


@pytest.mark.parametrize("make", [bootstrapped, autoregressive])
def test_another_seed_gives_others(make):
    x = np.random.default_rng(0).normal(size=(9, 8, 2))
    assert (make(x, 3, seed=1) != make(x, 3, seed=2)).all()


@pytest.mark.parametrize(
    ("make", "knobs", "words"),
    [
        (bootstrapped, {"count": 0}, "'count' of bootstrapped must be an integer >= 1"),
        (bootstrapped, {"count": 1, "block": 9}, r"'block' of bootstrapped must be an integer in \[1, 8\] or None"),
        (bootstrapped, {"count": 1, "jitter": -0.1}, "'jitter' of bootstrapped must be a number >= 0"),
        (bootstrapped, {"count": 1, "seed": None}, "'seed' of bootstrapped must be an integer >= 0"),
        (autoregressive, {"count": 1.0}, "'count' of autoregressive must be an integer >= 1"),
        (autoregressive, {"count": 1, "order": 8}, r"'order' of autoregressive must be an integer in \[1, 7\] or None"),
        (autoregressive, {"count": 1, "seed": -1}, "'seed' of autoregressive must be an integer >= 0"),
    ],
)
def test_bad_knobs_are_refused(make, knobs, words):
    with pytest.raises(ParameterError, match=words):
        make(np.ones((2, 8, 1)), **knobs)

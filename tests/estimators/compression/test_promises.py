"""Promises: each is held by every number that comes back, of what was learned from and of what was never seen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, from_dtype

from diabolo import Compressor, Training
from diabolo.codec import PSNR, Absolute, Exact, Rate, Relative
from diabolo.errors import DataError, DiaboloWarning, ParameterError
from diabolo.estimators.compression.opening import decompress, described

TRAINING = Training(steps=60, batch_size=64, learning_rate=1e-2, weight_decay=0.0)
FLOATS = [np.dtype(f"f{size}") for size in (2, 4, 8)]


def table(seed=0, size=2500, dtype: type = np.float64):
    """An array (N, 4): a number, one near it, a heavy tail, and mostly zeros."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=size)
    columns = [x, 3 * x + 0.1 * draw.normal(size=size), draw.standard_t(2, size), draw.random(size) ** 9 * 50]
    return np.stack(columns, 1).astype(dtype)


def spread(column):
    finite = column[np.isfinite(column)].astype(np.float64)
    return np.ptp(finite) if len(finite) else 0.0


def errors(back, X):
    """Return how far each number is from what it was, in float64, once what is no finite number is the same."""
    assert back.dtype == X.dtype
    assert back.shape == X.shape
    there = np.isfinite(X)
    np.testing.assert_array_equal(back[~there], X[~there])
    return np.where(there, np.abs(np.subtract(back, X, dtype=np.float64, where=there, out=np.zeros(X.shape))), 0)


@pytest.fixture(scope="module", params=[np.float32, np.float64], ids=["float32", "float64"])
def learnt(request):
    """A compressor with a net for each promise, and what was learned from."""
    X = table(dtype=request.param)
    promises = (Absolute(0.01), Relative(0.001), PSNR(45.0), Rate(5.0))
    return X, [Compressor(4, fidelity=each, training=TRAINING, random_state=0).fit(X) for each in promises]


def test_absolute(learnt):
    X, (absolute, *_) = learnt
    for some in (X, X[:1], X[::-1], table(1, 500, X.dtype), table(2, 500, X.dtype) * X.dtype.type(1000)):
        data = absolute.compress(some)
        worst = errors(decompress(data), some).max()
        assert worst <= 0.01
        assert described(data)["worst error"] <= 0.01
        assert described(data)["promise"] == "|x̂ − x| ≤ 0.01"
    assert errors(absolute.reconstruct(X), X).max() > 0.009  # what is promised is used


def test_relative(learnt):
    X, (_, relative, *_) = learnt
    allowed = 0.001 * np.array([spread(column) for column in X.T])
    for some in (X, table(1, 500, X.dtype), table(2, 500, X.dtype) * X.dtype.type(1000)):
        assert (errors(decompress(relative.compress(some)), some) <= allowed).all()


def test_peak_signal_to_noise_ratio(learnt):
    X, (_, _, psnr, _) = learnt
    error = errors(decompress(psnr.compress(X)), X)
    for off, column in zip(error.T, X.T, strict=True):
        reached = 20 * np.log10(spread(column)) - 10 * np.log10(np.mean(off**2))
        assert 45.0 <= reached < 49.0


def test_rate(learnt):
    X, (*_, rate) = learnt
    model = described(rate.compress(X))["model bytes"]
    bits = 8 * (len(rate.compress(X)) - model) / X.size
    assert bits < 5.0
    alone = Compressor(fidelity=Rate(5.0), coder="Columns").fit(X)
    assert 4.0 < 8 * len(alone.compress(X, embed=False)) / X.size < 5.2  # a header of 200 bytes is 0.1 bits


def test_a_wider_promise_takes_fewer_bytes():
    X = table(size=1000)
    sizes = [
        [len(Compressor(fidelity=each, coder="Columns").fit(X).compress(X)) for each in promises]
        for promises in (
            (Exact(), Absolute(1e-3), Absolute(1e-1)),
            (Relative(1e-5), Relative(1e-3), Relative(1e-1)),
            (PSNR(80.0), PSNR(50.0), PSNR(20.0)),
            (Rate(12.0), Rate(6.0), Rate(3.0)),
        )
    ]
    assert all(a > b > c for a, b, c in sizes)


@given(st.data(), st.sampled_from(FLOATS), st.floats(1e-9, 1e9))
@settings(max_examples=40)
def test_any_numbers_are_within_the_error(data, dtype, error):
    X, other = (
        data.draw(arrays(dtype, st.tuples(st.integers(1, 30), st.just(2)), elements=from_dtype(dtype))) for _ in "ab"
    )
    compressor = Compressor(fidelity=Absolute(error), coder="Columns").fit(X)
    for some in (X, other):
        back = compressor.decompress(compressor.compress(some))
        np.testing.assert_array_equal(np.isnan(back), np.isnan(some))
        with np.errstate(all="ignore"):
            off = np.abs(back.astype(np.float64) - some.astype(np.float64))
        assert ((off <= error) | (back == some) | np.isnan(some)).all()


@given(st.data(), st.sampled_from(FLOATS), st.floats(1e-9, 1))
@settings(max_examples=40)
def test_any_numbers_are_within_a_share_of_their_range(data, dtype, share):
    X = data.draw(arrays(dtype, st.tuples(st.integers(1, 30), st.just(1)), elements=from_dtype(dtype)))
    back = Compressor(fidelity=Relative(share), coder="Columns").fit(X)
    back = back.decompress(back.compress(X))
    np.testing.assert_array_equal(np.isnan(back), np.isnan(X))
    with np.errstate(all="ignore"):
        off = np.abs(back.astype(np.float64) - X.astype(np.float64))
        allowed = share * spread(X)
    assert ((off <= allowed) | (back == X) | np.isnan(X)).all()


@pytest.mark.parametrize("fidelity", [Absolute(0.5), Relative(0.1), PSNR(20.0), Rate(9.0)], ids=repr)
def test_what_is_no_floating_point_number_is_exact(fidelity):
    draw = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "number": draw.normal(size=500),
            "whole": draw.integers(-1000, 1000, 500),
            "word": ["a", "b", None, "b", "a"] * 100,
            "day": pd.date_range("2020", periods=500),
            "true": draw.random(500) < 0.5,
        }
    )
    got = Compressor(fidelity=fidelity, coder="Columns").fit(X).reconstruct(X)
    pd.testing.assert_frame_equal(got.drop(columns="number"), X.drop(columns="number"), check_exact=True)
    assert not np.array_equal(got["number"], X["number"])


def test_infinite_and_missing_numbers_are_exact():
    X = table(size=800)
    X[::50, 0], X[1::90, 1], X[2::90, 2], X[:, 3] = np.nan, np.inf, -np.inf, np.nan
    for fidelity in (Absolute(0.1), Relative(0.01), PSNR(30.0)):
        back = Compressor(fidelity=fidelity, coder="Columns").fit(X).reconstruct(X)
        np.testing.assert_array_equal(np.isfinite(back), np.isfinite(X))
        errors(back, X)


def test_series_and_images_keep_promises_too():
    series = table(size=1200, dtype=np.float32).reshape(20, 60, 4)
    images = table(size=960).reshape(5, 3, 16, 16)
    for X in (series, images):
        back = Compressor(fidelity=Absolute(0.02), coder="Columns").fit(X).reconstruct(X)
        assert 0.01 < errors(back, X).max() <= 0.02


def test_numbers_of_no_spread_or_of_all_are_kept():
    columns = ([3.3] * 300, [-1e308, 1e308, 0.5] * 100, [0.0, 1.7e308] * 150, [5e-324, 0.0] * 150, [np.inf] * 300)
    for column in columns:
        X = np.array(column)[:, None]
        for fidelity in (
            Absolute(1e-3),
            Absolute(1e308),
            Relative(1.0),
            Relative(1e-6),
            PSNR(0.0),
            PSNR(60.0),
            Rate(9.0),
        ):
            back = Compressor(fidelity=fidelity, coder="Columns").fit(X).reconstruct(X)
            with np.errstate(over="ignore", invalid="ignore"):
                assert ((np.abs(back - X) <= 1e308) | (back == X)).all()


def test_large_numbers_of_a_small_type_are_within_the_error():
    X = np.linspace(-65504, 65504, 700).astype(np.float16)[:, None]
    X[::100] = np.inf
    for fidelity in (Absolute(0.1), Absolute(50.0), Relative(1e-3), PSNR(60.0)):
        errors(Compressor(fidelity=fidelity, coder="Columns").fit(X).reconstruct(X), X)


def test_a_ratio_beyond_all_digits_is_exact():
    X = table(size=500)
    back = Compressor(fidelity=PSNR(400.0), coder="Columns").fit(X).reconstruct(X)
    np.testing.assert_array_equal(back, X)


def test_bits_that_cannot_do_are_refused():
    with pytest.raises(DataError, match="'bits' of Rate"):
        Compressor(fidelity=Rate(0.01)).fit(table(size=300))


@pytest.mark.parametrize("fidelity", [Relative(0.001), PSNR(40.0)])
def test_errors_that_go_by_a_range_tell_whose_range_it_is(fidelity):
    wide = table()
    narrow = wide[:500] * np.array([1.0, 0.001, 1.0, 1.0])
    compressor = Compressor(coder="Columns", fidelity=fidelity).fit(wide)
    assert described(compressor.compress(wide))["promise"].endswith(", by what it learned from")
    with pytest.warns(DiaboloWarning, match=r"those of '1' are less than a tenth of these here\. Fit to such a table"):
        data = compressor.compress(narrow)
    allowed = [column.max() for column in errors(decompress(compressor.compress(wide)), wide).T]
    assert (errors(decompress(data), narrow).max(0) <= 1.01 * np.array(allowed)).all()


def test_a_promise_that_is_set_later_is_checked():
    compressor = Compressor(coder="Columns").fit(table())
    for verb in ("compress", "score"):
        with pytest.raises(ParameterError, match=r"'fidelity' of Compressor must be .* got 'Absolute\(0\.1\)'"):
            getattr(compressor.set_params(fidelity="Absolute(0.1)"), verb)(table())

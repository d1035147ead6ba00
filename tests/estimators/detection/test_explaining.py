"""Reasons and expected values where values are missing: what never was is to blame, and all is filled in."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.anomalies import hours, orders, plane, quick, turns


@pytest.fixture(scope="module")
def complete():
    """A detector of rows without a missing value."""
    return quick(n_components=3).fit(plane(600))


@pytest.fixture(scope="module")
def framed():
    return quick().fit(orders(300))


def holes(x, seed=0):
    """The same rows with one value of each missing, and which column that is (N,)."""
    column, bad = np.random.default_rng(seed).integers(0, x.shape[1], len(x)), x.copy()
    bad[np.arange(len(x)), column] = np.nan
    return bad, column


def test_a_value_that_was_never_missing_is_to_blame_where_it_is(complete):
    X = plane(300, seed=1)
    bad, column = holes(X)
    parts = complete.explain(bad)
    assert (parts.argmax(1) == column).mean() > 0.95
    np.testing.assert_allclose(parts.sum(1), -complete.score_samples(bad), rtol=1e-9)
    assert (complete.score_samples(bad) < complete.score_samples(X)).mean() > 0.95


def test_a_missing_value_is_filled_in_by_what_goes_with_it(complete):
    X, each = plane(300, seed=1), np.arange(300)
    bad, column = holes(X)
    filled = complete.reconstruct(bad)
    assert np.isfinite(filled).all()
    assert np.corrcoef(filled[each, column], X[each, column])[0, 1] > 0.9
    error = np.abs(filled - X)[each, column].mean()
    assert error < 0.6 * np.abs(X - X.mean(0))[each, column].mean()


def test_beside_a_missing_value_a_wrong_one_is_named(complete):
    bad = plane(200, seed=2)
    bad[:, 0] = np.nan
    bad[:, 5] += 5 * bad[:, 5].std()
    first = np.argsort(-complete.explain(bad), axis=1)[:, :2]
    assert ((first == 5).any(1)).mean() > 0.9
    assert ((first == 0).any(1)).mean() > 0.9  # it was never missing


@pytest.mark.parametrize(("share", "blamed"), [(0.01, True), (0.5, False)])
def test_that_a_value_is_missing_is_a_reason_where_it_is_rare(share, blamed):
    train, new = plane(600), plane(100, seed=5)
    train[np.random.default_rng(3).random(600) < share, 2] = np.nan
    new[:, 2] = np.nan
    parts = quick(n_components=3).fit(train).explain(new)
    part = (parts[:, 2] / parts.sum(1)).mean()
    assert part > 0.4 if blamed else part < 0.05


def test_a_row_of_nothing_has_an_energy_and_an_expectation(complete, framed):
    nothing = np.full((2, 8), np.nan)
    parts = complete.explain(nothing)
    assert (parts >= 0).all()
    np.testing.assert_allclose(parts.sum(1), -complete.score_samples(nothing), rtol=1e-9)
    empty = pd.DataFrame({name: [None, None] for name in orders(1).columns})
    assert np.isfinite(framed.score_samples(empty)).all()
    np.testing.assert_allclose(framed.explain(empty).sum(axis=1), -framed.score_samples(empty), rtol=1e-9)


@pytest.mark.parametrize("name", ["price", "paid", "when"])
def test_of_every_kind_of_column_one_that_was_never_missing_is_to_blame(framed, name):
    frame = orders(50, seed=1)
    frame[name] = frame[name].astype(object if name == "paid" else frame[name].dtype)
    frame.loc[frame.index[:20], name] = None
    parts = framed.explain(frame)
    assert (parts.iloc[:20].idxmax(axis=1) == name).mean() > 0.8
    assert parts[name].iloc[:20].median() > 1.2 * parts[name].iloc[20:].median()
    np.testing.assert_allclose(parts.sum(axis=1), -framed.score_samples(frame), rtol=1e-9)
    other = framed.explain(pl.from_pandas(frame)) if name != "paid" else parts
    np.testing.assert_allclose(np.asarray(other[name])[:20], parts[name].iloc[:20], rtol=1e-9)


def test_missing_points_of_a_series_that_had_none_are_to_blame():
    X = turns(400, 2)
    detector, bad = quick(window=25).fit(X), turns(400, 2, seed=1)
    bad[100:104, 0] = np.nan
    bad[300, :] = np.nan
    parts = detector.explain(bad)
    assert (parts[100:104, 0] > 10 * parts[100:104, 1]).all()
    np.testing.assert_allclose(parts.sum(1), -detector.score_samples(bad), rtol=1e-9)
    filled = detector.reconstruct(bad)
    assert np.abs(filled - turns(400, 2, seed=1))[100:104, 0].max() < 1


def test_what_was_expected_of_each_kind_of_column(framed):
    frame = orders(100, seed=1)
    expected = framed.reconstruct(frame)
    assert expected.index.equals(frame.index)
    assert list(expected.columns) == list(frame.columns)
    assert expected["price"].notna().all()
    assert set(expected["city"].dropna()) <= {"Rome", "Oslo", "Bern", "other"}
    assert expected["when"].str.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\d, \d+ [A-Z][a-z]{2}").all()


def test_a_frame_with_a_clock_is_explained_without_it():
    detector = quick(window=24).fit(hours(200))
    for X in (hours(50), hours(50).drop(columns="time")):
        parts: Any = detector.explain(X)
        assert isinstance(parts, pd.DataFrame)
        assert list(parts.columns) == ["load", "heat", "shift"]

"""Several series at once: they are read as one series is, with gaps, categories and a clock."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from tests.anomalies import hours, quick, turns

import diabolo
from diabolo.errors import DataError, DataTypeError, DiaboloWarning

LENGTHS = (150, 100, 48, 120)


def plants(seed=0):
    """Frames of several lengths, each of other days: the time, a number, one often missing, and a category."""
    return [hours(count, seed + i, start=f"202{i}-03-01") for i, count in enumerate(LENGTHS)]


def fields_of(detector):
    return detector.schema_.fields


@pytest.fixture(scope="module")
def fitted():
    return quick(window=24).fit(plants()), plants()


def test_one_series_in_a_list_is_read_as_the_series_itself():
    for X in (hours(300), turns(300, 2)):
        alone, listed = quick(window=24).fit(X), quick(window=24).fit([X])
        for field, same in zip(fields_of(listed), fields_of(alone), strict=True):
            assert (field.name, field.kind, field.missing) == (same.name, same.kind, same.missing)
            assert (field.shift, field.scale) == pytest.approx((same.shift, same.scale), abs=1e-12)
        assert (listed.clock_, listed.shape_, listed.single_) == (alone.clock_, alone.shape_, not alone.single_)
        np.testing.assert_allclose(listed.energy_map([X])[0], alone.energy_map(X), rtol=1e-4)
        np.testing.assert_allclose(listed.score_samples([X]), [alone.score_samples(X).min()], rtol=1e-4)


def test_columns_are_learned_of_all_series():
    first, second = turns(100, 2), turns(100, 2, seed=1)
    first[:, 1], second[:, 1] = 5.0, np.where(np.arange(100) % 25 < 12, 5.0, 9.0)
    a, b = (pd.DataFrame({"x": x[:, 0], "y": x[:, 1], "mode": mode}) for x, mode in ((first, "on"), (second, "off")))
    both = quick(window=25).fit([a, b])
    x, y, mode = fields_of(both)
    assert (y.shift, y.scale) == pytest.approx((np.r_[first, second][:, 1].mean(), np.r_[first, second][:, 1].std()))
    assert x.shift == pytest.approx(np.r_[first, second][:, 0].mean())
    assert set(mode.categories) == {"on", "off"}


def test_those_held_out_have_no_say():
    X = [turns(60, 1, seed=i) for i in range(12)]
    detector = quick(window=25, false_alarm_rate=0.4).fit(X)
    energies = -detector.score_samples(X)
    held = np.flatnonzero(np.isclose(energies[:, None], detector.scores_[None], rtol=1e-9).any(1))
    assert len(held) == len(detector.scores_) == 2
    for i in held:
        X[i] = 100 * X[i]
    again = quick(window=25, false_alarm_rate=0.4).fit(X)
    assert again.schema_ == detector.schema_
    assert again.scores_.min() > detector.scores_.max()


def test_a_shift_at_the_wrong_time_is_found_in_its_series(fitted):
    detector, _ = fitted
    assert (detector.clock_, detector.n_features_in_, detector.window_) == ("time", 3, 24)
    odd = plants(seed=10)
    odd[3].iloc[50:62, 3] = np.where(odd[3].iloc[50:62, 3] == "early", "late", "early")
    assert detector.score_samples(odd).argmin() == 3
    assert 50 - 24 < detector.energy_map(odd)[3].argmax() < 62 + 24
    assert detector.explain(odd)[3].iloc[50:62].sum().idxmax() == "shift"


def test_reasons_and_what_was_expected_come_in_the_form_of_each(fitted):
    detector, X = fitted
    parts, expected = detector.explain(X), detector.reconstruct(X)
    for x, part, each, score in zip(X, parts, expected, detector.score_samples(X), strict=True):
        assert list(part.columns) == list(each.columns) == ["load", "heat", "shift"]
        assert part.index.equals(x.index)
        np.testing.assert_allclose(part.to_numpy().sum(), -score, rtol=1e-9)
        assert (each["shift"] == x["shift"]).mean() > 0.9
        assert (each["load"] - x["load"]).abs().mean() < 30
    frames = [pl.from_pandas(x) for x in X]
    polar = quick(window=24).fit(frames)
    assert isinstance(polar.explain(frames)[0], pl.DataFrame)
    np.testing.assert_allclose(polar.score_samples(frames), detector.score_samples(X), rtol=1e-9)


def test_a_gap_counts_for_nothing_where_gaps_are_usual_and_arrays_may_have_them():
    X = [turns(80, 2, seed=i) for i in range(4)]
    rng = np.random.default_rng(0)
    for x in X:
        x[rng.random(x.shape) < 0.1] = np.nan
    detector = quick(window=25).fit(X)
    clean = turns(80, 2, seed=9)
    holes = clean.copy()
    holes[rng.random(holes.shape) < 0.1] = np.nan
    scores = detector.score_samples([clean, holes, clean + np.r_[np.zeros((40, 2)), np.ones((40, 2))]])
    assert scores.argmin() == 2
    assert scores[2] < 3 * scores[1]
    rebuilt = detector.reconstruct([holes])[0]
    assert np.abs(rebuilt - clean)[np.isnan(holes)].mean() < 0.3


def test_an_array_of_series_may_hold_gaps_or_text_and_comes_back_as_one():
    X = np.stack([turns(60, 2, seed=i) for i in range(4)])
    X[2, 10:20, 1] = np.nan
    detector = quick(window=25).fit(X)
    scores, parts = detector.score_samples(X), detector.explain(X)
    assert parts.shape == X.shape
    np.testing.assert_allclose(parts.sum((1, 2)), -scores, rtol=1e-9)
    for verb in ("score_samples", "explain", "reconstruct"):
        found = getattr(detector, verb)(torch.tensor(X))
        assert isinstance(found, np.ndarray if verb == "score_samples" else torch.Tensor)
        np.testing.assert_allclose(np.asarray(found), getattr(detector, verb)(X), rtol=1e-9, atol=1e-12)
    words = np.where(np.arange(50) % 10 < 5, "on", "off")[None, :, None].repeat(3, 0)
    states = quick(window=10).fit(words)
    assert (states.reconstruct(words) == words).mean() > 0.9
    stuck = words.copy()
    stuck[1, 20:40] = "on"
    assert states.score_samples(stuck).argmin() == 1


def test_the_make_of_frames_do_not_matter_but_their_columns_do(fitted):
    detector, X = fitted
    mixed = [X[0], pl.from_pandas(X[1]), X[2].assign(time="noon"), X[3].drop(columns="time")]
    np.testing.assert_allclose(detector.score_samples(mixed), detector.score_samples(X), rtol=1e-9)
    with pytest.raises(DataError, match=r"series of the same columns; the first has 'load', 'heat', 'shift', series 1"):
        quick(window=24).fit([X[0], X[1].rename(columns={"heat": "cold"})])
    with pytest.raises(DataError, match="same columns"):
        quick(window=24).fit([X[0], X[1][["shift", "heat", "time", "load"]]])
    with pytest.raises(DataError, match="as many channels"):
        quick(window=24).fit([X[0], X[1].drop(columns="heat")])
    with pytest.raises(DataError, match="feature names"):
        detector.score_samples([X[0].rename(columns={"heat": "cold"})])


def test_a_column_that_is_missing_in_one_series_has_that_of_the_others():
    X = plants()
    X[1] = X[1].assign(shift=None, heat=None)
    fields = fields_of(quick(window=24).fit(X))
    assert [(field.name, field.kind, field.missing) for field in fields] == [
        ("load", "number", False),
        ("heat", "number", True),
        ("shift", "category", True),
    ]
    with pytest.warns(DiaboloWarning, match="heat"):
        quick(window=24).fit([x.assign(heat=None) for x in X[2:]])


def test_a_column_of_two_kinds_is_refused():
    X = plants()
    with pytest.raises(DataTypeError, match="'shift' must hold values of one kind"):
        quick(window=24).fit([X[0].assign(shift=1.0), *X[1:]])


def test_what_is_saved_scores_the_same(tmp_path, fitted):
    detector, X = fitted
    detector.save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    assert (again.single_, again.schema_, again.clock_) == (False, detector.schema_, "time")
    np.testing.assert_allclose(again.score_samples(X), detector.score_samples(X), rtol=1e-9)
    pd.testing.assert_frame_equal(again.explain(X)[1], detector.explain(X)[1])


def test_findings_and_page_of_frames(fitted):
    detector, X = fitted
    found = detector.findings(X)
    assert found.columns.tolist() == ["energy", "p_value", "anomaly"]
    np.testing.assert_allclose(found["energy"], -detector.score_samples(X), rtol=1e-9)
    page = detector.report(X, [0, 1, 0, 0]).html()
    assert all(page.count(f"Series {number}.") for number in np.argsort(detector.score_samples(X))[:3])

"""One long series by windows: which points are unusual, why, and that its form, units and year do not matter."""

from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from tests.anomalies import hours, quick, reordered, turns

from diabolo import Detector, Recipe, Training
from diabolo.errors import CapabilityError, DataError, DiaboloWarning, ParameterError
from diabolo.estimators.detection.serial import learn_one
from diabolo.likelihoods import Bernoulli
from diabolo.nets import MLP

FORMS = {
    "list": np.ndarray.tolist,
    "tensor": torch.tensor,
    "pandas": lambda x: pd.DataFrame(x, columns=["a", "b"], index=pd.RangeIndex(7, 7 + len(x))),
    "polars": lambda x: pl.DataFrame(x, schema=["a", "b"]),
}
LINES = {
    "array": np.asarray,
    "list": np.ndarray.tolist,
    "tensor": torch.tensor,
    "pandas": pd.Series,
    "polars": pl.Series,
}


def daily(count, seed=0):
    """A series (T,) that turns around every 24 points."""
    return np.sin(np.arange(count) * np.pi / 12) + 0.1 * np.random.default_rng(seed).normal(size=count)


@pytest.fixture(scope="module")
def fitted():
    return quick(window=25).fit(turns(1000, 2)), turns(1000, 2)


@pytest.fixture(scope="module")
def framed():
    return quick(window=24).fit(hours(600)), hours(600)


@pytest.mark.parametrize("window", [12, 25, 40, "auto"])
def test_usual_values_in_an_unusual_order_are_found_where_they_are(window):
    detector, clean = quick(window=window).fit(turns(1000, 3)), turns(500, 3, seed=1)
    for at, channel in ((0, 0), (210, 1), (475, 2)):
        bad = reordered(clean, at, channel)
        np.testing.assert_array_equal(np.sort(bad, axis=0), np.sort(clean, axis=0))  # no value tells
        size, energies = cast(int, detector.window_), -detector.score_samples(bad)
        assert at - size < energies.argmax() < at + 25 + size
        y = (np.arange(500) >= at) & (np.arange(500) < at + 25)
        assert roc_auc_score(y, energies) > 0.9
        assert detector.explain(bad)[at : at + 25].sum(0).argmax() == channel
        assert (detector.predict(bad)[y] < 0).mean() > 0.9


def test_auto_is_the_period():
    assert quick(window="auto").fit(turns(1000)).window_ == 25
    assert quick(window="auto").fit(hours(1000)).window_ == 24


def test_a_change_reaches_no_farther_than_a_window(fitted):
    detector, _ = fitted
    usual = turns(300, 2, seed=1)
    odd = usual.copy()
    odd[150, 1] += 3
    changed = np.flatnonzero(~np.isclose(detector.score_samples(odd), detector.score_samples(usual), rtol=1e-9))
    assert len(changed)
    assert 150 - 25 < changed.min() <= 150 <= changed.max() < 150 + 25


@pytest.mark.parametrize("name", FORMS)
def test_a_series_of_channels_in_any_form(fitted, name):
    detector, X = fitted
    given = FORMS[name](X)
    same = quick(window=25).fit(given)
    for each in (same, detector) if name in ("list", "tensor") else (same,):
        scores = each.score_samples(given)
        assert isinstance(scores, np.ndarray)
        assert scores.shape == each.energy_map(given).shape == (1000,)
        np.testing.assert_allclose(scores, detector.score_samples(X), rtol=1e-9)
        np.testing.assert_array_equal(each.energy_map(given), -scores)
        for verb in ("explain", "reconstruct"):
            back, expected = getattr(each, verb)(given), getattr(detector, verb)(X)
            assert isinstance(back, np.ndarray if name == "list" else type(given))
            np.testing.assert_allclose(np.asarray(back), expected, rtol=1e-9, atol=1e-12)
            if name in ("pandas", "polars"):
                assert list(back.columns) == ["a", "b"]
            if name == "pandas":
                assert back.index.equals(given.index)


@pytest.mark.parametrize("name", LINES)
def test_a_series_of_one_channel_in_any_form(name):
    X = turns(200)
    given, expected = LINES[name](X[:, 0]), quick(window=25).fit(X)
    detector = quick(window=25).fit(given)
    for source in (given, X):
        np.testing.assert_allclose(detector.score_samples(source), expected.score_samples(X), rtol=1e-9)
    np.testing.assert_allclose(
        np.asarray(detector.explain(given)).reshape(200, 1), expected.explain(X), rtol=1e-9, atol=1e-12
    )


def test_a_line_comes_back_as_a_line():
    x = turns(100)[:, 0]
    detector = quick(window=25).fit(x)
    assert detector.explain(x).shape == detector.reconstruct(x).shape == (100,)


def test_reasons_sum_to_the_energy_and_what_was_expected_has_the_units_of_the_series(fitted):
    detector, X = fitted
    parts = detector.explain(X)
    assert parts.shape == X.shape
    assert (parts >= 0).all()
    np.testing.assert_allclose(parts.sum(1), -detector.score_samples(X), rtol=1e-9)
    large = quick(window=25).fit(1000 * X + 5e6)
    np.testing.assert_allclose(large.score_samples(1000 * X + 5e6), detector.score_samples(X), rtol=1e-3)
    expected = large.reconstruct(1000 * X + 5e6)
    assert np.abs(expected - (1000 * X + 5e6)).mean() < 300 < np.abs(1000 * X).mean()


def test_blocks_do_not_change_scores(fitted, monkeypatch):
    detector, X = fitted
    expected = {verb: getattr(detector, verb)(X) for verb in ("score_samples", "explain", "reconstruct")}
    monkeypatch.setattr("diabolo.estimators.detection.placing.BLOCK", 7)
    for verb, before in expected.items():
        np.testing.assert_allclose(getattr(detector, verb)(X), before, rtol=1e-6, atol=1e-9)


def test_a_frame_of_mixed_columns(framed):
    detector, X = framed
    assert (detector.clock_, detector.window_, detector.n_features_in_) == ("time", 24, 3)
    parts, expected = detector.explain(X), detector.reconstruct(X)
    assert list(parts.columns) == list(expected.columns) == ["load", "heat", "shift"]
    assert parts.index.equals(X.index)
    assert expected.index.equals(X.index)
    np.testing.assert_allclose(parts.sum(axis=1), -detector.score_samples(X), rtol=1e-9)
    assert (expected["shift"] == X["shift"]).mean() > 0.9
    assert (expected["load"] - X["load"]).abs().mean() < 30
    odd = X.copy()
    odd.iloc[300:312, 3] = np.where(X.iloc[300:312, 3] == "early", "late", "early")
    assert detector.explain(odd).iloc[300:312].sum().idxmax() == "shift"
    assert detector.score_samples(odd)[300:312].mean() < 3 * detector.score_samples(X)[300:312].mean()
    unseen = X.assign(shift="night", heat=np.nan)
    assert np.isfinite(detector.score_samples(unseen)).all()


def test_the_year_does_not_matter_and_the_clock_may_be_left_out(framed):
    detector, X = framed
    scores = detector.score_samples(X)
    for same in (hours(600, start="2031-05-05"), X.drop(columns="time"), X.assign(time="noon")):
        np.testing.assert_array_equal(detector.score_samples(same), scores)
        np.testing.assert_array_equal(detector.explain(same), detector.explain(X))
    other = quick(window=24).fit(pl.from_pandas(X))
    assert other.clock_ == "time"
    np.testing.assert_allclose(other.score_samples(pl.from_pandas(X)), scores, rtol=1e-9)


def test_dates_that_fall_are_a_column(framed):
    X = framed[1].iloc[np.random.default_rng(0).permutation(600)]
    with pytest.warns(DiaboloWarning, match="'time' goes back at row"):
        detector = quick(window=24).fit(X)
    assert detector.clock_ is None
    assert "time" in detector.explain(X).columns


def test_the_last_fifth_calibrates_a_false_alarm_rate_and_nothing_else():
    X = turns(1000, 2)
    detector = quick(window=10, false_alarm_rate=0.1).fit(X)
    np.testing.assert_allclose(detector.scores_, np.sort(-detector.score_samples(X[800:])), rtol=1e-9)
    odd = np.vstack([X[:800], 5 * X[800:]])
    same = quick(window=10, false_alarm_rate=0.1).fit(odd)
    np.testing.assert_allclose(same.score_samples(X), detector.score_samples(X), rtol=1e-9)
    assert same.scores_.min() > detector.scores_.max()


@pytest.mark.parametrize("seed", range(2))
def test_the_rate_of_false_alarms_is_what_was_said(seed):
    detector = quick(window=10, false_alarm_rate=0.1, random_state=seed).fit(turns(20_000, seed=seed))
    new = turns(20_000, seed=10 + seed)
    assert 0.06 < (detector.predict(new) < 0).mean() < 0.15
    assert (detector.p_values(new) <= 0.1).mean() == pytest.approx((detector.predict(new) < 0).mean(), abs=1e-3)
    assert (detector.set_threshold(false_alarm_rate=0.02).predict(new) < 0).mean() < 0.05


def test_where_a_series_begins_does_not_matter():
    """Every second window is learned from, and what is usual at odd phases is to be known as well."""
    with pytest.warns(DiaboloWarning, match=r"0.01 needs 99 windows .* 300 points .* 47.*longer series"):
        detector = quick(window=24, false_alarm_rate=0.01).fit(daily(1500))
    new = daily(1500, seed=1)
    shares = [float((detector.predict(new[at:]) < 0).mean()) for at in range(6)]
    assert max(shares) < 0.08
    for total, size, turn in ((1500, 24, 24), (5000, 20, 24), (3300, 25, 24)):
        cut = cast(Any, learn_one(quick(), size, daily(total), 0.0)[1]).cut
        assert {int(at) % turn for at in cut.places[:, 1]} == set(range(turn))


def test_a_hole_in_a_series_that_had_none_is_found(framed):
    detector, X = framed
    lost = X.astype({"shift": object})
    lost.iloc[300:312, [0, 3]] = None
    energies = -detector.score_samples(lost)
    assert 300 - 24 < energies.argmax() < 312 + 24
    assert (detector.predict(lost)[300:312] < 0).all()
    assert lost.iloc[400:412, 2].isna().any()  # which is usual of that column
    assert (detector.predict(lost)[400:412] > 0).all()


def test_a_share_of_the_points_is_flagged_where_that_is_said():
    X = turns(1000)
    assert (quick(window=25, contamination=0.05).fit_predict(X) < 0).sum() == pytest.approx(50, abs=3)
    detector = quick(window=25).fit(X)
    for share in (0.1, 0.3):
        assert (detector.set_threshold(contamination=share).predict(X) < 0).mean() == pytest.approx(share, abs=0.003)


def test_the_same_seed_gives_the_same_scores(fitted):
    detector, X = fitted
    np.testing.assert_array_equal(quick(window=25).fit(X).score_samples(X), detector.score_samples(X))
    assert not np.allclose(quick(window=25, random_state=4).fit(X).score_samples(X), detector.score_samples(X))


def test_the_window_is_a_parameter_like_others_and_refitting_forgets(fitted):
    detector, X = fitted
    copy = cast(Detector, clone(detector))
    assert copy.get_params()["window"] == 25
    again = copy.fit(hours(200)).set_params(window=None).fit(X)
    assert (again.window_, again.clock_, again.shape_) == (None, None, (2,))
    np.testing.assert_array_equal(again.set_params(window=25).fit(X).score_samples(X), detector.score_samples(X))


@pytest.mark.parametrize("count", [25, 26, 31, 49])
def test_a_series_about_as_long_as_a_window(fitted, count):
    detector, X = fitted
    scores = detector.score_samples(X[:count])
    assert scores.shape == (count,)
    np.testing.assert_allclose(detector.explain(X[:count]).sum(1), -scores, rtol=1e-9)
    if count > 25:
        short = quick(window=25).fit(X[:count])
        assert np.isfinite(short.score_samples(X)).all()


@pytest.mark.parametrize("window", [1, 0, -3, 5000, 2.0, True, "x", "25", (25,)])
def test_a_wrong_window_gives_one_sentence(window):
    words = r"'window' of Detector must be an integer in \[2, 4096\], 'auto' or None \(samples .* whole\); got "
    with pytest.raises(ParameterError, match=words):
        quick(window=window).fit(turns(100))


REFUSED = {
    "another number of channels": (turns(50, 3), "X has 3 features, but Detector is expecting 2"),
    "a line": (turns(50)[:, 0], "X has 1 features"),
    "many series": (np.ones((3, 50, 2)), r"X must be one series \(T, C\), as in training; give one at a time"),
    "a list of series": ([np.ones((50, 2)), np.ones((40, 2))], "X must be one series"),
    "too short": (turns(24, 2), "at least 25 points .* has 24. Give longer ones, or a smaller window"),
    "nothing": (np.ones((0, 2)), r"0 sample\(s\)"),
    "infinity": (np.full((50, 2), np.inf), "infinity"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_such_series_is_refused(fitted, name):
    X, words = REFUSED[name]
    for verb in ("score_samples", "energy_map", "explain", "reconstruct"):
        with pytest.raises(DataError, match=words):
            getattr(fitted[0], verb)(X)


@pytest.mark.parametrize(
    ("X", "knobs", "words"),
    [
        (turns(25), {}, "longer than a window of 25 points; got 25 points. Give a longer series, or a smaller window"),
        (turns(125), {"false_alarm_rate": 0.1}, "longer than a window of 25 points, even the share held out; got 125"),
        (np.ones((0, 2)), {}, r"0 sample\(s\)"),
        ([], {}, r"0 sample\(s\)"),
        (pd.DataFrame({"a": [], "b": []}), {}, "at least 2 samples"),
        (hours(100)[["time"]], {}, r"0 feature\(s\)"),
        (np.full((100, 1), np.inf), {}, "infinity"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(X, knobs, words):
    with pytest.raises(DataError, match=words):
        quick(window=25, **knobs).fit(X)


def test_a_map_needs_a_window():
    with pytest.raises(CapabilityError, match=r"Detector\(window='auto'\), fitted anew"):
        quick().fit(turns(50, 2)).energy_map(turns(50, 2))


@pytest.mark.parametrize("name", ["linear", "vae", "conv", "lstm", "k-sparse", "masked"])
def test_other_recipes_have_windows(name):
    X = turns(150, 2)
    short = Training(steps=5, validation=0.0)
    detector = quick(window=16, recipe=name, n_components=4, training=short).fit(X)
    assert (detector.score_samples(100 * X).mean() < detector.score_samples(X)).all()
    np.testing.assert_allclose(detector.explain(X).sum(1), -detector.score_samples(X), rtol=1e-9)


def test_a_likelihood_of_bits_is_refused_for_numbers():
    with pytest.raises(ParameterError, match="likelihood"):
        quick(window=16, recipe=Recipe(MLP(), likelihood=Bernoulli())).fit(turns(100))

"""A stream gives each point the score of the last point of the series so far, in steps of any size, across a save."""

from typing import cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.anomalies import hours, quick, reordered, turns, waves, weaves

import diabolo
from diabolo import files
from diabolo.errors import CapabilityError, DataError, FileError, ParameterError

SIZE = 25


@pytest.fixture(scope="module")
def fitted():
    return quick(window=SIZE).fit(turns(600, 2)), turns(80, 2, seed=1)


@pytest.fixture(scope="module")
def framed():
    return quick(window=24).fit(hours(300)), hours(80, seed=1)


def steps(X, sizes):
    """Cut a series into steps of these sizes, and what is left."""
    starts = np.cumsum([0, *sizes])
    ends = [*starts[1:], len(X)]
    return [X[start:end] for start, end in zip(starts, ends, strict=True) if len(X[start:end])]


@pytest.mark.parametrize("world", ["fitted", "framed"])
def test_a_score_is_that_of_the_last_point_of_the_series_so_far(world, request):
    detector, X = request.getfixturevalue(world)
    stream, size = detector.stream(), detector.window_
    scores = np.concatenate([stream.score_next(X[i : i + 1]) for i in range(len(X))])
    assert np.isnan(scores[: size - 1]).all()
    expected = [detector.score_samples(X[: end + 1])[-1] for end in range(size - 1, len(X))]
    np.testing.assert_allclose(scores[size - 1 :], expected, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 40), max_size=8))
def test_the_steps_do_not_matter(fitted, sizes):
    detector, X = fitted
    stream = detector.stream()
    scores = np.concatenate([stream.score_next(step) for step in steps(X, sizes)])
    np.testing.assert_allclose(scores, detector.stream().score_next(X), rtol=1e-9)


def test_what_has_gone_by_is_forgotten(fitted):
    detector, X = fitted
    old, new = detector.stream(), detector.stream()
    old.score_next(np.r_[100 * X, X])
    new.score_next(X)
    np.testing.assert_allclose(old.score_next(X[:30]), new.score_next(X[:30]), rtol=1e-9)


def test_streams_do_not_know_of_each_other(fitted):
    detector, X = fitted
    one, other = detector.stream(), detector.stream()
    one.score_next(X)
    assert np.isnan(other.score_next(X[:5])).all()


def test_an_unusual_turn_is_told_while_it_goes_on(fitted):
    detector, X = fitted
    flagged = detector.stream().score_next(reordered(X, 40, channel=1)) < detector.stream().offset()
    assert not flagged[:40].any()
    assert 40 <= np.flatnonzero(flagged)[0] < 65


def test_one_point_may_come_without_its_axis(fitted, framed):
    detector, X = fitted
    expected = detector.stream().score_next(X[:40])
    for form in (np.asarray, list, torch.tensor):
        stream = detector.stream()
        np.testing.assert_allclose(
            np.concatenate([stream.score_next(form(x)) for x in X[:40]]), expected, rtol=1e-9, equal_nan=True
        )
    line = turns(200)[:, 0]
    alone = quick(window=SIZE).fit(line)
    stream = alone.stream()
    each = [stream.score_next(x) for x in (*line[:30], line[30:40], line[40:45].tolist(), torch.tensor(line[45:50]))]
    np.testing.assert_allclose(np.concatenate(each), alone.stream().score_next(line[:50]), rtol=1e-9)
    mixed, rows = framed
    bare = rows.drop(columns="time").astype(object)
    known = quick(window=24).fit(hours(300).drop(columns="time").to_numpy(dtype=object)).stream()
    scores = [known.score_next([row["load"], row["heat"], row["shift"]]) for _, row in bare.iloc[:30].iterrows()]
    np.testing.assert_allclose(np.concatenate(scores)[23:], mixed.stream().score_next(rows[:30])[23:], rtol=1e-4)


def test_a_row_of_a_data_frame_goes_by_its_names(framed):
    detector, X = framed
    expected = detector.stream().score_next(X[:30])
    for rows in (X, X[["shift", "heat", "time", "load"]][::1][X.columns], X.drop(columns="time")):
        stream = detector.stream()
        each = np.concatenate([stream.score_next(rows.iloc[i]) for i in range(30)])
        np.testing.assert_allclose(each, expected, rtol=1e-9, equal_nan=True)
    numbers = pd.DataFrame(turns(80, 2), columns=["a", "b"])
    plain = quick(window=SIZE).fit(numbers)
    stream = plain.stream()
    each = np.concatenate([stream.score_next(numbers.iloc[i]) for i in range(40)])
    np.testing.assert_allclose(each, plain.stream().score_next(numbers[:40]), rtol=1e-9, equal_nan=True)


def test_a_series_of_points_is_no_row_for_a_detector_of_arrays():
    detector = quick(window=SIZE).fit(turns(600, 1))
    points = turns(40, 1, seed=1)[:, 0]
    streams = [detector.stream() for _ in range(2)]
    found = [stream.score_next(x) for stream, x in zip(streams, (points, pd.Series(points)), strict=True)]
    assert found[0].shape == (40,)
    assert np.array_equal(*found, equal_nan=True)


def test_columns_go_by_name_and_the_clock_may_be_left_out(framed):
    detector, X = framed
    expected = detector.stream().score_next(X)
    stream = detector.stream()
    parts = [X[:30], X[30:60].drop(columns="time"), pl.from_pandas(X[60:])]
    np.testing.assert_allclose(np.concatenate([stream.score_next(part) for part in parts]), expected, rtol=1e-9)


def test_a_detector_of_many_series_streams_one():
    detector = quick(window=SIZE).fit([turns(count, 2) for count in (60, 80)])
    X = turns(50, 2, seed=1)
    expected = detector.energy_map([X])[0][-1]
    assert detector.stream().score_next(X)[-1] == pytest.approx(-expected, rel=1e-9)


@pytest.mark.parametrize("rate", [0.1, 0.02])
def test_its_own_threshold_keeps_the_rate_of_false_alarms(rate):
    detector = quick(window=10, false_alarm_rate=rate).fit(turns(20_000))
    stream = detector.stream()
    scores = stream.score_next(turns(20_000, seed=10))[9:]
    assert rate / 2 < (scores < stream.offset()).mean() < 1.6 * rate
    assert stream.offset(false_alarm_rate=0.2) > stream.offset() == stream.offset(false_alarm_rate=rate)
    share = stream.offset(contamination=0.3)
    assert (-cast(np.ndarray, detector.ends_) < share).mean() == pytest.approx(0.3, abs=0.01)
    with pytest.raises(ParameterError, match="'false_alarm_rate' of Stream"):
        stream.offset(false_alarm_rate=1.0)


@pytest.mark.parametrize("gone", [0, 10, 60])
@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_a_saved_stream_goes_on_beside_a_saved_model(tmp_path, framed, gone, suffix):
    detector, X = framed
    stream = detector.stream()
    if gone:
        stream.score_next(X[:gone])
    detector.save(tmp_path / "model")
    stream.save(tmp_path / f"pump{suffix}")
    again = diabolo.load(tmp_path / "model").stream(tmp_path / f"pump{suffix}")
    assert again.offset(contamination=0.1) == pytest.approx(stream.offset(contamination=0.1), rel=1e-9)
    for part in (X[gone : gone + 1], X[gone + 1 :]):
        np.testing.assert_allclose(again.score_next(part), stream.score_next(part), rtol=1e-9)
    again.save(tmp_path / f"pump{suffix}")


def test_a_state_does_not_replace_a_model_in_the_home_folder(tmp_path, monkeypatch, fitted):
    monkeypatch.setenv("HOME", str(tmp_path))
    fitted[0].save("~/model")
    with pytest.raises(FileError, match="exists and is no state of a stream"):
        fitted[0].stream().save("~/model")
    assert diabolo.load(tmp_path / "model").window_ == SIZE


def test_a_state_does_not_replace_a_model_nor_serve_another(tmp_path, fitted, framed):
    detector, X = fitted
    detector.save(tmp_path / "model")
    stream = detector.stream()
    stream.score_next(X)
    with pytest.raises(FileError, match="no state of a stream; choose another path"):
        stream.save(tmp_path / "model")
    stream.save(tmp_path / "state")
    for other in (framed[0], quick(window=24).fit(turns(100, 2)), quick(window=SIZE).fit(2 * turns(600, 2))):
        with pytest.raises(FileError, match="no state of a stream of this detector"):
            other.stream(tmp_path / "state")
    with pytest.raises(FileError, match="no state of a stream"):
        detector.stream(tmp_path / "model")
    with pytest.raises(FileError):
        diabolo.load(tmp_path / "state")


@pytest.mark.parametrize(
    "edit",
    [
        {"values": torch.zeros(5, 3, dtype=torch.float64)},
        {"values": torch.zeros(25, 2, dtype=torch.float64), "counts": torch.ones(25, 2, dtype=torch.bool)},
        {"values": torch.full((24, 2), torch.inf, dtype=torch.float64)},
        {"values": torch.zeros(24, 2)},
        {"counts": torch.ones(24, 2)},
        {"counts": torch.ones(24, 1, dtype=torch.bool)},
    ],
)
def test_an_edited_state_is_refused(tmp_path, fitted, edit):
    detector, X = fitted
    stream = detector.stream()
    stream.score_next(X)
    stream.save(tmp_path / "state")
    document, arrays = files.load(tmp_path / "state")
    files.save(tmp_path / "state", document, arrays | edit)
    with pytest.raises(FileError, match="no sound state"):
        detector.stream(tmp_path / "state")


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.ones((4, 3)), "3 features"),
        ([1.0, 2.0, 3.0], "columns|features"),
        ([np.inf, 1.0], "infinity"),
        (["a", 1.0], "must hold numbers"),
        (np.ones((0, 2)), r"0 sample\(s\)"),
        ([[1.0, 2.0], [1.0]], "ragged"),
        (7.0, "columns|features"),
    ],
)
def test_what_are_no_such_points_is_refused_and_nothing_is_lost(fitted, x, words):
    detector, X = fitted
    stream, same = detector.stream(), detector.stream()
    for each in (stream, same):
        each.score_next(X[:30])
    with pytest.raises(DataError, match=words):
        stream.score_next(x)
    np.testing.assert_array_equal(stream.score_next(X[30:40]), same.score_next(X[30:40]))


def test_missing_values_are_read_as_in_a_series(framed):
    detector, X = framed
    gone = X.assign(heat=np.nan)
    assert detector.stream().score_next(gone)[-1] == pytest.approx(detector.score_samples(gone)[-1], rel=1e-9)
    assert detector.stream().score_next(gone)[-1] < detector.stream().score_next(X)[-1]


@pytest.mark.parametrize(("X", "knobs"), [(turns(60, 2), {}), (waves(40), {}), (weaves(4), {"window": 8})])
def test_a_detector_without_windows_of_series_has_no_stream(X, knobs):
    with pytest.raises(CapabilityError, match="stream needs a Detector with a window"):
        quick(**knobs).fit(X).stream()

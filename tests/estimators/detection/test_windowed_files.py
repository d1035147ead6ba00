"""Detectors of a long series and files: saved and read back, refused if edited, and series larger than memory."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.anomalies import hours, quick, turns

import diabolo
from diabolo import files
from diabolo.data import Stored
from diabolo.errors import FileError


@pytest.fixture(scope="module")
def framed():
    return quick(window=24).fit(hours(300)), hours(300)


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_what_is_saved_scores_the_same(tmp_path, framed, suffix):
    detector, X = framed
    detector.save(tmp_path / f"model{suffix}")
    again = diabolo.load(tmp_path / f"model{suffix}")
    assert again.get_params() == detector.get_params()
    assert (again.window_, again.clock_, again.schema_) == (24, "time", detector.schema_)
    for verb in ("score_samples", "predict", "p_values", "energy_map"):
        np.testing.assert_allclose(getattr(again, verb)(X), getattr(detector, verb)(X), rtol=1e-9)
    pd.testing.assert_frame_equal(again.explain(X), detector.explain(X))
    assert (again.set_threshold(contamination=0.1).predict(X) < 0).mean() == pytest.approx(0.1, abs=0.01)


EVIL = {
    "window_": [None, 1, 24.0, "auto", "24", 12, True],
    "single_": [None, 1, "yes"],
    "clock_": [3, True, ["time"]],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in EVIL for value in EVIL[name]])
def test_a_file_with_another_window_is_refused(tmp_path, framed, name, value):
    framed[0].save(tmp_path / "model")
    document, arrays = files.load(tmp_path / "model")
    document["fitted"][name] = value
    files.save(tmp_path / "model", document, arrays)
    with pytest.raises(FileError, match="window"):
        diabolo.load(tmp_path / "model")


def test_a_parameter_set_after_the_fit_does_not_spoil_the_file(tmp_path):
    X = turns(100)
    detector = quick(window=25).fit(X)
    other = quick(window=25).fit(X).set_params(window=None)
    other.save(tmp_path / "model")
    np.testing.assert_array_equal(diabolo.load(tmp_path / "model").score_samples(X), detector.score_samples(X))


@pytest.mark.parametrize("line", [False, True])
def test_a_file_larger_than_memory_is_one_series(tmp_path, monkeypatch, line):
    monkeypatch.setattr("diabolo.data.layout.ROWS", 100)
    X = turns(330, 2)[:, 0] if line else turns(330, 2)
    np.save(tmp_path / "x.npy", X)
    stored: Any = Stored.open(tmp_path / "x.npy")
    assert len(stored.chunks) == 4
    inside, outside = quick(window=25).fit(X), quick(window=25).fit(stored)
    for verb in ("score_samples", "energy_map", "explain", "reconstruct", "p_values"):
        for source in (stored, str(tmp_path / "x.npy")):
            np.testing.assert_allclose(getattr(outside, verb)(source), getattr(inside, verb)(X), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("count", [7, 12, 40])
def test_auto_of_a_short_series_can_be_saved(tmp_path, count):
    detector = quick(window="auto").fit(turns(count))
    detector.save(tmp_path / "model")
    np.testing.assert_array_equal(
        diabolo.load(tmp_path / "model").score_samples(turns(count)), detector.score_samples(turns(count))
    )

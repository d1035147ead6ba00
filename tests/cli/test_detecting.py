"""Anomalies from the command line: tables, a series with its times, and images of mixed sizes."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.anomalies import hours, orders, plane, quick, reordered, torn, turns, weaves

from diabolo import load

STEPS = ("--set", "training.steps=50", "--quiet")


def done(answer):
    code, out, err = answer
    assert (code, err) == (0, ""), err
    return out


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_is_written_with_what_was_found(call, tmp_path, suffix):
    frame = orders(150).drop(columns="when").reset_index(drop=True)
    frame.to_csv(tmp_path / "x.csv", index=False)
    done(call("fit", "detector", tmp_path / "x.csv", "-o", tmp_path / "model", "--set", "contamination=0.1", *STEPS))
    out = done(call("apply", tmp_path / "model", tmp_path / "x.csv", "-o", tmp_path / f"found.{suffix}"))
    assert "150" in out
    found = pd.read_csv(tmp_path / "found.csv") if suffix == "csv" else pd.read_parquet(tmp_path / "found.parquet")
    detector, given = load(tmp_path / "model"), pd.read_csv(tmp_path / "x.csv")
    pd.testing.assert_frame_equal(found, detector.findings(given), check_dtype=False, rtol=1e-9)
    assert list(found.columns[: len(given.columns)]) == list(given.columns)
    assert (found["anomaly"].to_numpy() > 0).sum() == 15
    done(call("apply", tmp_path / "model", tmp_path / "x.csv", "-o", tmp_path / "again.csv", "--as", "findings"))
    done(call("apply", tmp_path / "model", tmp_path / "x.csv", "-o", tmp_path / "scores.csv", "--as", "score_samples"))
    np.testing.assert_allclose(pd.read_csv(tmp_path / "scores.csv")["score_samples"], -found["energy"], rtol=1e-9)


def test_an_array_is_written_as_scores(call, tmp_path):
    np.save(tmp_path / "x.npy", plane(100))
    done(call("fit", "detector", tmp_path / "x.npy", "-o", tmp_path / "model", *STEPS))
    for name in ("scores.npy", "scores.npz"):
        done(call("apply", tmp_path / "model", tmp_path / "x.npy", "-o", tmp_path / name))
    scores = np.load(tmp_path / "scores.npy")
    np.testing.assert_allclose(scores, load(tmp_path / "model").score_samples(plane(100)), rtol=1e-9)
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npz")["X"], scores)
    code, _, err = call("apply", tmp_path / "model", tmp_path / "x.npy", "-o", tmp_path / "f.npy", "--as", "findings")
    assert code == 1
    assert "numbers" in err
    assert err.count("\n") == 1


def test_what_is_found_in_a_folder_is_named(call, tmp_path):
    (tmp_path / "parts").mkdir()
    for i in range(40):
        image = np.random.default_rng(i).integers(90, 110, (12, 12), dtype=np.uint8)
        Image.fromarray(image if i != 7 else image + 100).save(tmp_path / "parts" / f"part{i:02}.png")
    model = ("fit", "detector", tmp_path / "parts", "-o", tmp_path / "model", "--set", "contamination=0.025")
    done(call(*model, "--set", "training.steps=5", "-q"))
    for suffix, read in (("csv", pd.read_csv), ("parquet", lambda path: pd.read_parquet(path).reset_index())):
        done(call("apply", tmp_path / "model", tmp_path / "parts", "-o", tmp_path / f"found.{suffix}"))
        found = read(tmp_path / f"found.{suffix}")
        assert found["file"].tolist() == [f"part{i:02}.png" for i in range(40)]
        assert found.loc[found["anomaly"], "file"].tolist() == ["part07.png"]
    scores = ("apply", tmp_path / "model", tmp_path / "parts", "-o", tmp_path / "scores.csv", "--as", "score_samples")
    done(call(*scores))
    assert pd.read_csv(tmp_path / "scores.csv").columns.tolist() == ["file", "score_samples"]


def test_rows_larger_than_memory_are_found_in_parts(call, tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.data.reading.LARGE", 1000)
    monkeypatch.setattr("diabolo.data.layout.ROWS", 30)
    rows = plane(100, seed=1)
    rows[3, 0] = np.nan
    np.save(tmp_path / "x.npy", rows)
    quick().fit(plane(100)).save(tmp_path / "model")
    expected = load(tmp_path / "model").findings(rows)
    for name in ("found.csv", "found.parquet"):
        out = done(call("apply", tmp_path / "model", tmp_path / "x.npy", "-o", tmp_path / name))
        assert "100" in out
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "found.parquet"), expected, rtol=1e-9)
    texts = {name: str for name in expected.columns if name.startswith(("reason", "expected"))}
    found = pd.read_csv(tmp_path / "found.csv", dtype=texts)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9)


def test_a_series_larger_than_memory_is_one_series(call, tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.data.reading.LARGE", 1000)
    monkeypatch.setattr("diabolo.data.layout.ROWS", 70)
    np.save(tmp_path / "x.npy", turns(300))
    detector = quick(window=25).fit(turns(300))
    detector.save(tmp_path / "model")
    done(call("apply", tmp_path / "model", tmp_path / "x.npy", "-o", tmp_path / "scores.npy"))
    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), detector.score_samples(turns(300)), rtol=1e-9)


@pytest.mark.parametrize(("window", "size"), [("auto", 25), ("50", 50)])
def test_the_window_is_set_from_the_command_line(call, tmp_path, window, size):
    np.save(tmp_path / "x.npy", turns(500))
    fit = ("fit", "detector", tmp_path / "x.npy", "-o", tmp_path / "model", *STEPS)
    out = done(call(*fit, "--set", f"window={window}"))
    assert f"window_ {size}" in " ".join(out.split())
    assert load(tmp_path / "model").window_ == size
    code, out, err = call(*fit, "--set", "window=1.5")
    assert (code, out) == (1, "")
    assert "'window' of Detector must be an integer in [2, 4096], 'auto' or None" in err


def test_a_series_with_its_times(call, tmp_path):
    usual, odd = hours(500), hours(300, seed=1, start="2027-03-01")
    odd.loc[odd.index[100:112], "load"] = np.sort(odd.loc[odd.index[100:112], "load"])
    odd.loc[odd.index[100], "load"] = 900.0
    for name, frame in (("usual", usual), ("odd", odd)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    model = tmp_path / "model.zip"
    out = done(call("fit", "detector", tmp_path / "usual.csv", "-o", model, "--set", "window=auto", *STEPS))
    assert "clock_ time" in " ".join(out.split())
    done(call("apply", model, tmp_path / "odd.csv", "-o", tmp_path / "found.csv"))
    found = pd.read_csv(tmp_path / "found.csv")
    assert list(found.columns[:7]) == ["load", "time", "heat", "shift", "energy", "p_value", "anomaly"]
    assert found["time"].tolist() == [str(at) for at in odd["time"]]
    np.testing.assert_allclose(-found["energy"], load(model).score_samples(odd), rtol=1e-6)
    assert 76 < found["energy"].to_numpy().argmax() < 136
    assert found.loc[100, "reason_1"] == "load"
    done(call("apply", model, tmp_path / "odd.csv", "-o", tmp_path / "why.csv", "--as", "explain"))
    assert list(pd.read_csv(tmp_path / "why.csv").columns) == ["load", "heat", "shift"]
    pytest.importorskip("matplotlib")
    done(call("report", model, tmp_path / "odd.csv", "-o", tmp_path / "report.html"))
    assert "what is flagged is shaded" in (tmp_path / "report.html").read_text()


def test_a_folder_of_images_of_mixed_sizes(call, tmp_path):
    for name, images in (("usual", weaves(9)), ("new", weaves(4, seed=1))):
        (tmp_path / name).mkdir()
        images[-1] = torn(images[-1], 12, 12) if name == "new" else images[-1]
        for i, image in enumerate(images):
            pixels = np.uint8(127 + 60 * image[0].clip(-1.9, 1.9))
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    fit = ("fit", "detector", tmp_path / "usual", "-o", tmp_path / "model", *STEPS)
    done(call(*fit, "--set", "window=8"))
    done(call("apply", tmp_path / "model", tmp_path / "new", "-o", tmp_path / "scores.npy"))
    scores = np.load(tmp_path / "scores.npy")
    assert scores.shape == (4,)
    assert scores.argmin() == 3
    code, _, err = call(*fit)
    assert code == 1
    assert "Images must have one size" in err
    assert "Detector(window=16)" in err


def test_what_was_found_in_images_of_mixed_sizes_is_a_table(call, tmp_path):
    for i, image in enumerate(weaves(6)):
        Image.fromarray(np.uint8(127 + 60 * image[0].clip(-1.9, 1.9))).save(tmp_path / f"{i}.png")
    quick(window=8).fit(tmp_path).save(tmp_path / "model")
    done(call("apply", tmp_path / "model", tmp_path, "-o", tmp_path / "found.csv"))
    assert pd.read_csv(tmp_path / "found.csv").shape == (6, 4)


def test_series_of_one_length(call, tmp_path):
    X = np.stack([turns(60, 2, seed=i) for i in range(6)])
    X[4] = reordered(X[4], 20)
    np.save(tmp_path / "usual.npy", np.stack([turns(60, 2, seed=10 + i) for i in range(6)]))
    np.save(tmp_path / "x.npy", X)
    done(call("fit", "detector", tmp_path / "usual.npy", "-o", tmp_path / "model", "--set", "window=20", *STEPS))
    done(call("apply", tmp_path / "model", tmp_path / "x.npy", "-o", tmp_path / "found.csv"))
    found = pd.read_csv(tmp_path / "found.csv")
    assert list(found.columns) == ["energy", "p_value", "anomaly"]
    assert found["energy"].to_numpy().argmax() == 4

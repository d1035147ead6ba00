"""Findings: a row for each sample, which say what the other verbs say."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image
from tests.anomalies import hours, orders, plane, quick, turns, waves, weaves
from tests.worlds import digit_images

from diabolo.data import Stored
from diabolo.errors import CapabilityError, DataError

FOUND = ["energy", "p_value", "anomaly"]
WHY = [f"{what}_{rank}" for rank in (1, 2, 3) for what in ("reason", "nats", "expected")]


def images(count):
    return digit_images()[:count] / 16


@pytest.fixture(scope="module")
def framed():
    return quick(contamination=0.05).fit(orders(300))


@pytest.fixture(scope="module")
def numeric():
    return quick(contamination=0.05).fit(plane(300))


def test_frames_of_polars_whose_columns_have_no_type_in_common():
    frame = pl.from_pandas(orders(60)).with_columns(
        pl.Series("when", pd.date_range("2020", periods=60)), pl.Series("paid", [True, False] * 30)
    )
    detector = quick(contamination=0.05).fit(frame)
    found = detector.findings(frame[:4])
    assert found.columns[: frame.width] == frame.columns
    assert len(found) == 4
    assert detector.report(frame)


def odd():
    """Orders of which the eighth is far too dear."""
    frame = orders(60, seed=1)
    frame.loc[frame.index[7], "price"] = 5000.0
    return frame


def same(found, detector, X):
    """Compare with what the other verbs say."""
    np.testing.assert_allclose(found["energy"], -detector.score_samples(X), rtol=1e-9)
    np.testing.assert_allclose(found["p_value"], detector.p_values(X), rtol=1e-9)
    np.testing.assert_array_equal(found["anomaly"], detector.predict(X) < 0)


def test_a_frame_keeps_its_columns_and_index(framed):
    X = odd()
    found = framed.findings(X)
    assert list(found.columns) == [*X.columns, *FOUND, *WHY]
    pd.testing.assert_frame_equal(found[X.columns], X)
    assert found["anomaly"].dtype == bool
    same(found, framed, X)
    assert found.loc[found.index[7], ["anomaly", "reason_1"]].tolist() == [True, "price"]
    assert list(X.columns) == list(orders(1).columns)  # what was given is left as it is


def test_the_first_reason_is_what_adds_most_and_the_others_follow(framed):
    X = odd()
    found, parts, expected = framed.findings(X), framed.explain(X), framed.reconstruct(X)
    assert found["reason_1"].tolist() == parts.idxmax(axis=1).tolist()
    nats = found[["nats_1", "nats_2", "nats_3"]].to_numpy()
    np.testing.assert_allclose(nats, np.sort(parts.to_numpy())[:, ::-1][:, :3], rtol=1e-9)
    for rank in (1, 2, 3):
        names = found[f"reason_{rank}"]
        np.testing.assert_allclose(found[f"nats_{rank}"], [parts.loc[i, name] for i, name in names.items()], rtol=1e-9)
        for i, name in names.items():
            value = expected.loc[i, name]
            told = "missing" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else value
            assert found.loc[i, f"expected_{rank}"] == told


def test_a_frame_of_polars_gives_one_of_polars(framed):
    X = odd()
    found, expected = framed.findings(pl.from_pandas(X)), framed.findings(X)
    assert isinstance(found, pl.DataFrame)
    assert found.columns == list(expected.columns)
    assert found["anomaly"].dtype == pl.Boolean
    assert found["energy"].dtype == found["nats_3"].dtype == pl.Float64
    for name in ("anomaly", *WHY[::3], *WHY[2::3]):
        assert found[name].to_list() == expected[name].tolist()
    for name in ("energy", "p_value", *WHY[1::3]):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9)


@pytest.mark.parametrize("form", [np.asarray, np.ndarray.tolist, torch.tensor, pd.DataFrame, np.float32])
def test_rows_of_numbers_in_any_form(numeric, form):
    X = plane(40, seed=1)
    given = form(X)
    found = numeric.findings(given)
    assert isinstance(found, pd.DataFrame)
    assert list(found.columns[8:]) == [*FOUND, *WHY]
    np.testing.assert_array_equal(found.iloc[:, :8].to_numpy(), np.asarray(given))
    same(found, numeric, given)
    first = numeric.explain(X).argmax(1)
    assert np.mean([int(name.removeprefix("x")) for name in found["reason_1"]] == first) > 0.9  # all but rounding


def test_the_reasons_of_an_array_are_columns_of_its_findings(numeric):
    found = numeric.findings(plane(40, seed=1))
    assert set(found["reason_1"]) <= set(found.columns)


def test_lists_of_mixed_columns():
    rows = [list(row) for row in orders(60)[["price", "city"]].astype(object).to_numpy()]
    detector = quick().fit(rows)
    found = detector.findings(rows)
    assert list(found.columns) == ["x0", "x1", *FOUND, *WHY[:6]]
    assert found["x1"].tolist() == [city for _, city in rows]
    same(found, detector, rows)


def test_masked_values_are_missing():
    X = np.ma.masked_array(plane(60), mask=np.random.default_rng(0).random((60, 8)) < 0.1)
    found = quick().fit(X).findings(X)
    np.testing.assert_array_equal(found.iloc[:, :8].isna(), X.mask)


def test_names_that_are_taken_get_an_underscore():
    names = {"price": "energy", "weight": "energy_", "city": "reason_1", "paid": "anomaly"}
    X = orders(60).rename(columns=names)
    detector = quick().fit(X)
    found = detector.findings(X)
    assert list(found.columns[:6]) == list(X.columns)
    assert list(found.columns[6:]) == ["energy__", "p_value", "anomaly_", "reason_1_", *WHY[1:]]
    pd.testing.assert_frame_equal(found[X.columns], X)
    np.testing.assert_allclose(found["energy__"], -detector.score_samples(X), rtol=1e-9)
    other = detector.findings(pl.from_pandas(X))
    assert other.columns == list(found.columns)
    again = detector.findings(found[X.columns])  # of findings, the columns of training
    pd.testing.assert_frame_equal(again, found)


def test_names_that_are_no_text(numeric):
    found = quick().fit(pd.DataFrame(plane(60))).findings(pd.DataFrame(plane(60)))
    assert list(found.columns) == [*range(8), *FOUND, *WHY]
    assert set(found["reason_1"]) <= set("01234567")


def test_columns_of_several_levels_stay_as_they_are():
    columns = pd.MultiIndex.from_product([["pump", "fan"], ["heat", "load"]], names=["machine", "sensor"])
    X = pd.DataFrame(plane(60)[:, :4], columns=columns, index=pd.RangeIndex(100, 160))
    found = quick().fit(X).findings(X)
    pd.testing.assert_frame_equal(found[X.columns], X)
    assert found.columns[4:].tolist() == [(name, "") for name in (*FOUND, *WHY)]
    assert set(found["reason_1"]) <= set(map(str, X.columns))


@pytest.mark.parametrize("sizes", [(32, 32, 32), (32, 40, 36)], ids=["one size", "several sizes"])
def test_findings_of_a_folder_go_by_its_files(tmp_path, sizes):
    rng = np.random.default_rng(0)
    names = ["c.png", "a.png", "b.png"]
    for name, size in zip(names, sizes, strict=True):
        Image.fromarray(rng.integers(0, 256, (32, size), dtype=np.uint8)).save(tmp_path / name)
    found = quick(window=8).fit(tmp_path).findings(str(tmp_path))
    assert found.index.tolist() == sorted(names)
    assert list(found.columns) == FOUND


def test_a_column_has_one_reason():
    found = quick().fit(plane(60)[:, :1]).findings(plane(5)[:, :1])
    assert list(found.columns) == ["x0", *FOUND, *WHY[:3]]
    np.testing.assert_allclose(found["nats_1"], found["energy"], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:A contamination of 0.1")  # few images are known by heart
@pytest.mark.parametrize("form", [np.asarray, torch.tensor, list])
@pytest.mark.parametrize("world", [waves, images], ids=["series", "images"])
def test_series_and_images_have_no_columns(world, form):
    detector = quick(contamination=0.1).fit(world(60))
    found = detector.findings(form(world(60)))
    assert list(found.columns) == FOUND
    assert found.index.tolist() == list(range(60))
    assert found["anomaly"].sum() == 6
    same(found, detector, world(60))


@pytest.mark.parametrize("form", [list, tuple])
@pytest.mark.parametrize("X", [weaves(6), [turns(n, 2) for n in (40, 50, 60)]], ids=["images", "series"])
def test_samples_of_several_sizes_have_rows_too(X, form):
    detector = quick(window=8).fit(X)
    found = detector.findings(form(X))
    assert list(found.columns) == FOUND
    same(found, detector, X)


def test_each_point_of_a_series_is_a_row():
    X = hours(200)
    detector = quick(window=24, contamination=0.1).fit(X)
    found = detector.findings(X)
    assert list(found.columns) == [*X.columns, *FOUND, *WHY]  # the time is still there
    pd.testing.assert_frame_equal(found[X.columns], X)
    same(found, detector, X)
    assert found["reason_1"].tolist() == detector.explain(X).idxmax(axis=1).tolist()
    assert "time" not in set(found["reason_1"]) | set(found["reason_2"]) | set(found["reason_3"])
    line = turns(100)[:, 0]
    for each in (line, line.tolist(), torch.tensor(line), pd.Series(line)):
        found = quick(window=25).fit(line).findings(each)
        assert list(found.columns) == ["x0", *FOUND, *WHY[:3]]
        np.testing.assert_array_equal(found["x0"], line)


@pytest.mark.parametrize("name", ["x.npy", "x.parquet", "x.csv"])
def test_rows_on_disk_in_parts_are_found_as_in_memory(tmp_path, monkeypatch, numeric, name):
    monkeypatch.setattr("diabolo.data.layout.ROWS", 30)
    frame, known = (pd.DataFrame(plane(100, seed=seed), columns=list("abcdefgh")) for seed in (1, 2))
    X: Any = frame.to_numpy() if name == "x.npy" else frame
    detector = numeric if name == "x.npy" else quick().fit(known)
    {"npy": np.save, "parquet": lambda p, x: x.to_parquet(p), "csv": lambda p, x: x.to_csv(p, index=False)}[
        name.split(".")[1]
    ](tmp_path / name, X)
    expected = detector.findings(X)
    for source in [str(tmp_path / name), *([Stored.open(tmp_path / name)] if name != "x.csv" else [])]:
        pd.testing.assert_frame_equal(detector.findings(source), expected)


def test_what_is_not_as_in_training_is_refused(framed, numeric, monkeypatch):
    with pytest.raises(DataError, match="feature names"):
        framed.findings(orders(5).rename(columns={"price": "cost"}))
    with pytest.raises(DataError, match="features"):
        numeric.findings(plane(5)[:, :3])
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(CapabilityError, match=r'pip install "diabolo\[data\]"'):
        numeric.findings(plane(5))

"""The report of a detector: what it says of worlds in which the greatest anomaly and its reason are known."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.exceptions import NotFittedError
from tests.anomalies import hours, orders, plane, quick, reordered, turns, waves, weaves
from tests.worlds import digit_images

from diabolo.data import Stored
from diabolo.errors import DataError
from diabolo.report import course

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(orders(300))


def odd():
    """Orders of which the eighth is far too dear, and which those are that are known to be wrong."""
    frame = orders(60, seed=1)
    frame.loc[frame.index[7], "price"] = 5000.0
    return frame, np.arange(60) == 7


def parsed(page):
    return ET.fromstring(page.html().removeprefix("<!DOCTYPE html>\n"))


def cells(page, number):
    """Table `number` of a page: its heads, and its rows as dictionaries."""
    table = parsed(page).findall(".//table")[number]
    heads = [cell.text for cell in table.findall(".//th")]
    rows = [[cell.text or "" for cell in row.findall("td")] for row in table.findall(".//tr")]
    return heads, [dict(zip(heads, row, strict=True)) for row in rows if row]


def headings(page):
    return [heading.text for heading in parsed(page).findall(".//h2")]


def test_a_page_says_how_many_are_flagged_and_why(fitted):
    frame, _ = odd()
    page = fitted.report(frame)
    heads, (facts,) = cells(page, 0)
    assert heads == ["samples", "flagged", "threshold"]
    assert int(facts["samples"]) == 60
    assert int(facts["flagged"]) == (fitted.predict(frame) < 0).sum() > 0
    assert float(facts["threshold"]) == pytest.approx(-fitted.offset_, rel=1e-3)
    assert headings(page) == ["Scores", "The greatest anomalies, and why", "Training"]
    heads, lines = cells(page, 1)
    assert heads == ["row", "energy", "reason 1", "reason 2", "reason 3"]
    assert len(lines) == 10
    assert lines[0]["row"] == "7"
    assert re.fullmatch(r"price = 5000, expected -?\d.* \(\d+\.\d nats\)", lines[0]["reason 1"])
    energies = [float(line["energy"]) for line in lines]
    assert energies == sorted(energies, reverse=True)
    np.testing.assert_allclose(energies, np.sort(-fitted.score_samples(frame))[::-1][:10], rtol=1e-4)
    assert len(parsed(page).findall(".//img")) == 2


def test_false_alarms_are_told_where_their_rate_was_said_and_samples_were_held_out():
    careful = quick(false_alarm_rate=0.1).fit(plane(300))
    _, (facts,) = cells(careful.report(plane(60, seed=1)), 0)
    assert float(facts["false alarms expected"]) == pytest.approx(6)
    heads, _ = cells(careful.set_threshold(contamination=0.1).report(plane(60)), 0)
    assert "false alarms expected" not in heads
    heads, _ = cells(quick().fit(plane(300)).set_threshold(false_alarm_rate=0.1).report(plane(60)), 0)
    assert "false alarms expected" not in heads
    series = quick(window=10, false_alarm_rate=0.2).fit(turns(600))
    _, (facts,) = cells(series.report(turns(50)), 0)
    assert float(facts["false alarms expected"]) == pytest.approx(10)


def test_a_value_that_is_what_was_expected_is_unusual_beside_the_rest():
    frame = pd.DataFrame({"vip": [True, False] * 50, "x": np.repeat([0.0, 1.0], 50) + 0.01 * np.arange(100) % 0.1})
    frame["vip"] = frame["x"] > 0.5
    page = quick().fit(frame).report(pd.DataFrame({"vip": [True, False], "x": [0.03, 1.03]}))
    _, lines = cells(page, 1)
    told = [reason for line in lines for head, reason in line.items() if (head or "").startswith("reason")]
    for reason in told:
        value, said = re.fullmatch(r"\w+ = (.*?), (.*) \(.* nats\)", reason).groups()  # pyright: ignore[reportOptionalMemberAccess]
        assert said == "unusual beside the rest" or said.removeprefix("expected ") != value
    assert any("unusual beside the rest" in reason for reason in told)


@pytest.mark.parametrize("form", [list, np.array, pd.Series, torch.tensor, lambda y: y.astype(int)])
def test_with_known_anomalies_a_page_says_how_well_they_are_found(fitted, form):
    frame, known = odd()
    _, (facts,) = cells(fitted.report(frame, form(known)), 0)
    assert float(facts["AUROC"]) == float(facts["average precision"]) == 1
    assert facts["known anomalies flagged"] == "1 of 1"


def test_where_no_anomaly_is_known_a_page_does_not_say_how_well_they_are_found(fitted):
    frame, known = odd()
    heads, _ = cells(fitted.report(frame, known & False), 0)
    assert "AUROC" not in heads


@pytest.mark.parametrize(
    "y",
    [[0, 1], np.where(odd()[1], -1, 1), ["good"] * 60, [[0]] * 60, [0.5] * 60, [np.nan] * 60, [None] * 60, 1],
)
def test_labels_that_do_not_tell_an_anomaly_are_refused(fitted, y):
    with pytest.raises(DataError, match="y must hold 60 numbers, 1 or true for known anomalies"):
        fitted.report(odd()[0], y)


def test_the_form_of_a_table_does_not_matter(fitted):
    frame, known = odd()
    expected = cells(fitted.report(frame, known), 1)
    assert any("= missing, expected" in line["reason 1"] for line in expected[1])
    other = quick().fit(pl.from_pandas(orders(300)))
    assert cells(other.report(pl.from_pandas(frame), known), 1) == expected
    lists = [list(row) for row in frame[["price", "city"]].astype(object).to_numpy()]
    train = [list(row) for row in orders(300)[["price", "city"]].astype(object).to_numpy()]
    detector = quick().fit(train)
    for X in (lists, np.array(lists, dtype=object)):
        _, lines = cells(detector.report(X), 1)
        assert lines[0]["reason 1"].startswith("0 = 5000, expected ")
        assert "reason 3" not in lines[0]


def test_text_of_the_user_stays_text():
    frame = pd.DataFrame({"<b>": np.arange(40.0), "name": ["<script>alert(1)</script>", "b"] * 20})
    page = quick().fit(frame).report(frame)
    assert "<script" not in page.html()
    assert any("<script>" in line["reason 1"] + line["reason 2"] for line in cells(page, 1)[1])


@pytest.mark.parametrize("world", [waves, lambda count: digit_images()[:count] / 16], ids=["series", "images"])
@pytest.mark.parametrize("known", [None, np.arange(40) < 3])
def test_series_and_images_are_shown_beside_what_was_expected(world, known):
    X = world(40)
    page = quick().fit(X).report(X, known)
    assert headings(page) == ["Scores", "The greatest anomalies, and why", "Training"]
    images = parsed(page).findall(".//img")
    assert [image.get("alt") for image in images[:2]] == [
        "Histogram of the energies, with the threshold.",
        "Samples, and what was expected instead.",
    ]
    assert len(images) == 3
    heads, _ = cells(page, 0)
    assert ("AUROC" in heads) == (known is not None)


@pytest.mark.parametrize("count", [1, 2])
def test_few_samples_and_a_model_that_was_solved(count):
    detector = quick(recipe="linear").fit(plane(30))
    page = detector.report(plane(count))
    assert headings(page) == ["Scores", "The greatest anomalies, and why"]
    assert len(cells(page, 1)[1]) == count
    with pytest.raises(NotFittedError):
        quick().report(plane(5))


def test_of_many_rows_on_disk_some_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.estimators.detection.report._MEASURED", 100)
    frame = pd.DataFrame(plane(1000), columns=list("abcdefgh"))
    frame.iloc[500] *= 100
    frame.to_parquet(tmp_path / "x.parquet", row_group_size=300)
    page = quick().fit(frame).report(Stored.open(tmp_path / "x.parquet"), np.arange(1000) == 500)
    _, (facts,) = cells(page, 0)
    assert (facts["samples"], facts["known anomalies flagged"]) == ("100", "1 of 1")


def texts(page):
    return [image.get("alt") for image in parsed(page).findall(".//img")]


def test_the_page_of_a_series_shows_its_course_and_points_that_are_apart():
    detector, X = quick(window=25).fit(turns(1000, 2)), reordered(turns(500, 2, seed=1), 300, channel=1)
    page = detector.report(X, (np.arange(500) >= 300) & (np.arange(500) < 325))
    assert headings(page) == ["Scores", "The greatest anomalies, and why", "Training"]
    assert "The series; what is flagged is shaded." in texts(page)
    _, (facts,) = cells(page, 0)
    assert (facts["samples"], int(facts["flagged"])) == ("500", (detector.predict(X) < 0).sum())
    assert float(facts["AUROC"]) > 0.9
    _, lines = cells(page, 1)
    assert len(lines) == 10
    assert 275 < int(lines[0]["row"]) < 350
    rows = sorted(int(line["row"]) for line in lines)
    assert min(np.diff(rows)) > 25
    scores = -detector.score_samples(X)
    np.testing.assert_allclose([float(line["energy"]) for line in lines], scores[[int(x["row"]) for x in lines]], 1e-3)
    assert float(lines[0]["energy"]) == pytest.approx(scores.max(), rel=1e-3)


def test_the_page_of_a_frame_names_its_columns_and_not_its_clock():
    X = hours(300)
    X.loc[X.index[150], "load"] = 2000.0
    detector = quick(window=24).fit(hours(300))
    page = detector.report(X)
    _, lines = cells(page, 1)
    assert 126 < int(lines[0]["row"]) < 174
    assert all("time" not in line["reason 1"] + line["reason 2"] + line["reason 3"] for line in lines)
    assert any(line["reason 1"].startswith("load = ") for line in lines)
    assert cells(detector.report(X.drop(columns="time")), 1) == cells(page, 1)
    other = quick(window=24).fit(pl.from_pandas(hours(300)))
    assert cells(other.report(pl.from_pandas(X)), 1) == cells(page, 1)


@pytest.mark.parametrize("form", [np.asarray, np.ndarray.tolist, torch.tensor, pd.Series])
def test_a_line_in_any_form_has_a_page(form):
    line = turns(60)[:, 0]
    page = quick(window=25).fit(line).report(form(line[:25]))
    _, lines = cells(page, 1)
    assert len(lines) == 1  # no point is a window away from another
    assert lines[0]["reason 1"].startswith("0 = ")


@pytest.mark.parametrize(
    ("world", "alt"),
    [
        (weaves(9), "Images, and the energy at each of their pixels."),
        ([turns(40 + 10 * i, 2, seed=i) for i in range(4)], r"Series \d."),
    ],
    ids=["images", "series"],
)
def test_the_page_of_samples_of_several_sizes_shows_where(world, alt):
    detector = quick(window=8).fit(world)
    page = detector.report(world, [0] * (len(world) - 1) + [1])
    _, (facts,) = cells(page, 0)
    assert facts["samples"] == str(len(world))
    assert "AUROC" in facts
    assert sum(bool(re.fullmatch(alt, text or "")) for text in texts(page)) == (1 if "Images" in alt else 3)
    greatest = int(np.argmin(detector.score_samples(world)))
    if "Series" in alt:
        assert texts(page)[1] == f"Series {greatest}."
    with pytest.raises(DataError, match=f"y must hold {len(world)} numbers"):
        detector.report(world, [1])


def test_a_series_on_disk_is_shown_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.estimators.detection.report._MEASURED", 100)
    monkeypatch.setattr("diabolo.data.layout.ROWS", 70)
    X = turns(300)
    np.save(tmp_path / "x.npy", X)
    detector = quick(window=25).fit(X)
    assert cells(detector.report(Stored.open(tmp_path / "x.npy")), 1) == cells(detector.report(X), 1)


def test_whole_numbers_of_which_some_are_missing_are_drawn_as_numbers(monkeypatch):
    drawn = []
    where = "diabolo.estimators.detection.report.course"
    monkeypatch.setattr(where, lambda x, *rest: drawn.append(x) or course(x, *rest))
    X = pd.DataFrame({"kids": pd.array([9, 10, 11, None] * 10, dtype="Int64"), "x": turns(40)[:, 0]})
    quick(window=10).fit(X).report(X)
    np.testing.assert_array_equal(drawn[0][:4, 0], [9, 10, 11, np.nan])

"""The report of a compressor: real bytes, those of others beside, errors and what columns cost."""

import gzip
import io
import re
import sys
import types
from typing import cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image

from diabolo import Compressor, Training
from diabolo.codec import PSNR, Absolute, Exact
from diabolo.coders import Rows
from diabolo.estimators.compression import by_column, compressed, formats, others
from diabolo.estimators.compression.tables import Tables

pytest.importorskip("matplotlib")

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=600)
TABLE = np.stack([VALUES, 2 * VALUES + 0.01 * RNG.normal(size=600), RNG.normal(size=600)], 1).astype(np.float32)
FRAME = pd.DataFrame({"wide": 10 * VALUES, "word": RNG.choice(["a", "b"], 600), "near": VALUES, "same": 1.0})
Y, X = np.mgrid[:24, :24]
IMAGES = np.stack([(127 + 100 * np.sin(X / 5 + i) * np.cos(Y / 4 + i))[None] for i in range(3)]).astype(np.uint8)


def page(X, fidelity, **knobs):
    compressor = Compressor(fidelity=fidelity, random_state=0, **knobs).fit(X)
    return compressor, compressor.report(X).html()


def rows(html):
    """Return the first table of a page, by the names of its rows."""
    table = re.search(r"<table>.*?</table>", html, re.DOTALL)
    assert table
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table[0])]
    return {row[0]: row[1:] for row in cells if row}


def headings(html):
    return re.findall(r"<h2>(.*?)</h2>", html)


def learnt(X, fidelity):
    compressor = Compressor(fidelity=fidelity, coder="Columns").fit(X)
    assert isinstance(compressor.packing_, Tables)
    return compressor, compressor.packing_


def test_sizes_are_those_of_files():
    compressor, html = page(TABLE, Absolute(0.01), coder="Columns")
    size = len(compressor.compress(TABLE))
    told = rows(html)
    assert int(told["this file, its model in it"][0]) == size
    assert int(told["without the model"][0]) == size - compressor.facts()["model bytes"]
    assert float(told["this file, its model in it"][1]) == pytest.approx(TABLE.nbytes / size, rel=1e-4)
    assert told["this file, its model in it"][2] == "|x̂ − x| ≤ 0.01"
    data = np.ascontiguousarray(TABLE.T).tobytes()
    assert told["gzip -9"][0] == str(len(gzip.compress(data, 9, mtime=0)))
    assert told["gzip -9"][2] == "exactly"
    assert told["rounded to the error, zstd -19"][2] == "|x̂ − x| ≤ 0.01"
    assert list(told) == sorted(told, key=lambda name: int(told[name][0]))
    assert f"Compressor: {TABLE.nbytes:,} bytes become {size:,}" in html
    assert headings(html) == ["Bytes of whole files", "Errors", "Bits of each column"]
    assert html.count("<img") == 2


def test_a_net_is_shown_with_its_training():
    same = RNG.normal(size=(3000, 1)).repeat(4, 1)
    _, html = page(same, Absolute(0.01), coder=Rows(0), training=Training(steps=60, batch_size=256))
    assert headings(html)[-1] == "Loss over training"


@pytest.mark.parametrize("X", [FRAME, pl.from_pandas(FRAME)], ids=["pandas", "polars"])
def test_frames_are_beside_their_text_and_parquet(X):
    _, html = page(X, Exact(), coder="Columns")
    told = rows(html)
    text = X.to_csv(index=False) if isinstance(X, pd.DataFrame) else X.write_csv()
    assert told["CSV"][0] == str(len(text))
    assert {"CSV, xz -9", "CSV, zstd -19", "Parquet, zstd -19"} < told.keys()
    assert all(row[2] == "exactly" for row in told.values())
    assert "None: each part was read back" in html
    assert "imagecodecs" not in html


@pytest.mark.parametrize(
    "X",
    [torch.tensor(TABLE), TABLE.reshape(20, 30, 3), TABLE.reshape(10, 3, 4, 15)],
    ids=["tensor", "series", "fields"],
)
def test_any_array_has_a_page(X):
    _, html = page(X, PSNR(40.0), coder="Columns")
    assert "zstd -19" in rows(html)
    assert "numbers that may be off" not in html  # inside of the picture
    assert "Promised: PSNR(x̂, x) ≥ 40 dB" in html


def test_what_columns_cost():
    told = by_column.bits(learnt(FRAME, Absolute(0.3))[1], FRAME)
    assert [row["column"] for row in told] == ["wide", "near", "word", "same"]
    assert told[0]["bits"] - told[1]["bits"] == pytest.approx(np.log2(10), abs=0.7)
    assert told[2]["bits"] == pytest.approx(1, abs=0.1)
    assert told[3]["bits"] < 0.1
    assert [row["error allowed"] for row in told] == [0.3, 0.3, "none", 0.3]


def test_errors_are_shares_of_what_is_allowed():
    compressor, packing = learnt(TABLE, Absolute(0.01))
    back = np.where(TABLE[5, 1] == TABLE, np.nan, TABLE + np.float32(0.005))
    shares = by_column.errors(packing, np.where(TABLE[5, 1] == TABLE, np.float32(np.nan), TABLE), back)
    assert shares.shape == (1799,)
    np.testing.assert_allclose(shares, 0.5, atol=1e-3)
    assert np.abs(by_column.errors(packing, TABLE, compressor.decompress(compressor.compress(TABLE)))).max() <= 1


def test_large_data_is_looked_at_in_part(monkeypatch):
    monkeypatch.setattr("diabolo.estimators.compression.compressed._MOST", TABLE.nbytes // 3)
    compressor, html = page(TABLE, Absolute(0.01), coder="Columns")
    size = len(compressor.compress(TABLE))
    assert f"All together {TABLE.nbytes:,} bytes become {size:,}, the model among them." in html
    assert "Looked at are the first 200 of 600 samples." in html
    assert f"Compressor: {TABLE[:200].nbytes:,} bytes" in html


def test_rounded_numbers_take_as_few_bytes_as_fit():
    levels = np.stack([np.arange(1000, 1256), RNG.permutation(256), np.full(256, 2**40)], 1).astype(np.uint64)
    found = others.of_levels(levels)
    assert 256 < found.size < 600
    assert not found.exact
    flat = others.of_levels(np.full((5000, 2), 9, np.uint64))
    assert flat.size < 40


def test_images_are_beside_formats_of_images():
    _, html = page(IMAGES, Exact(), training=Training(steps=20))
    told = rows(html)
    files = [io.BytesIO() for _ in IMAGES]
    for image, file in zip(IMAGES, files, strict=True):
        Image.fromarray(image[0]).save(file, "PNG", optimize=True)
    assert told["PNG"][0] == str(sum(len(file.getvalue()) for file in files))
    assert "WebP, lossless" in told
    assert "Rate and distortion" not in headings(html)  # nothing is lost
    _, html = page(tuple(IMAGES), Absolute(2.0), training=Training(steps=20))
    assert "Rate and distortion" in headings(html)
    assert html.count("<img") == 4


def test_curves_of_formats_rise():
    images = list(IMAGES)
    drawn = formats.curves(images)
    assert {"JPEG", "WebP"} <= drawn.keys()
    for points in drawn.values():
        bits, decibels = np.array(points).T
        assert bits[-1] > bits[0]
        assert decibels[-1] > decibels[0]
    colours = list(IMAGES.repeat(3, 1))
    assert formats.curves(colours)["JPEG"][0][0] > drawn["JPEG"][0][0]
    assert formats.bits(72, images) == pytest.approx(8 * 72 / (3 * 24 * 24))
    assert formats.distortion(images, images) == np.inf


@pytest.mark.parametrize(
    ("X", "images"),
    [
        (IMAGES, True),
        (list(IMAGES), True),
        (IMAGES.repeat(3, 1), True),
        (IMAGES.repeat(2, 1), False),
        (IMAGES.astype(np.uint16), False),
        (TABLE, False),
        ([], False),
        (FRAME, False),
    ],
)
def test_what_formats_of_images_can_hold(X, images):
    assert formats.are_images(X) is images


class Codecs(types.ModuleType):
    """Stands for imagecodecs, so that what it is asked can be looked at."""

    def __init__(self):
        super().__init__("imagecodecs")
        self.seen = []

    def sz3_encode(self, data, *, mode, abs):
        self.seen.append(("sz3", data.copy(), mode, abs))
        return bytes(100 + len(data))

    def zfp_encode(self, data, level, *, mode, header):
        self.seen.append(("zfp", data.copy(), mode, level))
        return bytes(90)


def test_compressors_of_fields_see_each_column_in_units_of_its_error(monkeypatch):
    codecs = Codecs()
    monkeypatch.setitem(sys.modules, "imagecodecs", codecs)
    found = list(others.of_field(TABLE, [0.01, 0.02, 0.0]))
    assert [(each.name, each.size, each.exact) for each in found] == [("SZ3", 103, False), ("zfp", 90, False)]
    name, data, mode, error = codecs.seen[0]
    assert (name, mode, error, data.dtype) == ("sz3", "abs", 1.0, np.float32)
    np.testing.assert_allclose(data, TABLE / np.array([0.01, 0.02, 1]), rtol=1e-5)
    np.testing.assert_array_equal(codecs.seen[1][1], data.T)
    _, html = page(TABLE, Absolute(0.01), coder="Columns")
    assert rows(html)["zfp"][0] == "90"
    assert "not installed" not in html


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    _, html = page(TABLE, Absolute(0.01), coder="Columns")
    assert "not installed: SZ3 and zfp (imagecodecs)" in html


class Rated:
    """Stands for a compressor of images that was fitted: what is asked of it comes back with that error."""

    fidelity = PSNR(30.0)

    def set_params(self, fidelity):
        self.fidelity = fidelity
        return self

    def compress(self, X, *, embed):
        assert not embed
        return bytes(round(10 * self.fidelity.decibels))

    def decompress(self, data):
        off = 255 * 10 ** (-len(data) / 200)
        return [np.clip(image.astype(float) + off, 0, 255) for image in np.full_like(IMAGES, 50)]


def test_one_model_is_drawn_at_several_rates():
    compressor = Rated()
    point = compressed._at(cast(Compressor, compressor), PSNR(26.0), list(np.full_like(IMAGES, 50)))
    assert point == pytest.approx((8 * 260 / (3 * 24 * 24), 26.0))
    assert compressor.fidelity == PSNR(30.0)  # as it was
    figure = compressed._curve({"this file": [point, (9.0, np.inf)], "JPEG": [(1.0, 30.0), (2.0, 33.0)]})
    assert [np.size(line.get_xdata()) for line in figure.axes[0].lines] == [1, 2]

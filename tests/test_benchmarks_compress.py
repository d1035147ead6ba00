"""The benchmarks of compression on made-up numbers: plain levels, curves, damage, and what the pages count."""

import gzip
import json
from argparse import Namespace
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import compress_lossless, compress_promises, compression
from benchmarks.compress_images import middle, single, table
from benchmarks.harness import Side
from benchmarks.report import Report
from benchmarks.workers import large, levels
from benchmarks.workers.coding import same, told, trial, worst
from benchmarks.workers.curves import interpolated, nearest, psnr
from benchmarks.workers.decoder import digest, outcome_of
from benchmarks.workers.mosaics import each, every, mosaic, tiles
from benchmarks.workers.mutation import DAMAGES, forged, mutated
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from diabolo.codec import Container, pack
from diabolo.errors import FileError

unit = st.floats(-1, 1, width=32)
tables = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=unit)


@given(tables, st.sampled_from([0.2, 1e-2, 1e-3, 1e-4]))
def test_plain_levels_come_back_within_the_bound_in_float64(X, bound):
    assert worst(X, levels.unpacked(levels.packed(X, bound)))["worst"] <= bound


def test_plain_levels_cost_their_entropy_and_their_tables():
    draw = np.random.default_rng(0)
    X = np.column_stack([draw.random(20_000), draw.random(20_000) ** 4, np.ones(20_000)]).astype(np.float32)
    bits = levels.ideal(levels.rounded(X, levels.step(X, 1e-2)))
    size = 8 * len(levels.packed(X, 1e-2))
    assert bits / 20_000 == pytest.approx(np.log2(50) + 4.2, rel=0.1)  # 50 levels alike, fewer of the second column
    assert bits < size < 1.01 * bits


def test_ideal_length_of_levels_known_by_hand():
    assert levels.ideal(np.array([[0, 7], [0, 7], [1, 7], [5, 7]])) == pytest.approx(4 * 1.5)


def test_a_bound_that_float32_cannot_keep_is_refused():
    with pytest.raises(ValueError, match="bound must be above"):
        levels.packed(np.ones((3, 1), np.float32), 1e-8)
    with pytest.raises(ValueError, match="at most 65536 levels"):
        levels.packed(np.array([[0], [1000]], np.float32), 1e-3)


def test_large_tables_are_their_numbers(monkeypatch, tmp_path):
    monkeypatch.setattr(large, "FOLDER", tmp_path)
    record = ",".join(["0", "tcp", "ftp", "SF", *map(str, range(37)), "normal", "20"])
    sensors = "time;a;b;c;d;e;f;g;h;anomaly;changepoint\n2020;1;2;3;4;5;6;7;8.5;0.0;0.0\n"
    for name, text in {
        "nsl_kdd/KDDTrain+_20Percent.txt.gz": f"{record}\n{record}\n",
        "nsl_kdd/KDDTest+.txt.gz": f"{record}\n",
        "skab/valve1/0.csv.gz": sensors,
        "skab/other/1.csv.gz": sensors,
        "cf/ml-100k/ml-100k.inter.gz": "user\titem\trating\ttime\n1\t2\t3\t4\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    found = {name: make() for name, make in large.TABLES.items()}
    assert found["NSL-KDD"].tolist() == [[0.0, *range(37)]] * 3
    assert found["SKAB"].tolist() == [[1, 2, 3, 4, 5, 6, 7, 8.5]] * 2
    assert found["MovieLens"].tolist() == [[1, 2, 3, 4]]


def test_columns_are_scaled_and_a_constant_is_zero():
    X = compression.scaled(np.array([[2.0, 5.0], [4.0, 5.0], [3.0, 5.0]]))
    assert X.tolist() == [[0, 0], [1, 0], [0.5, 0]]
    assert X.dtype == np.float32


def test_a_trial_counts_bytes_and_refuses_what_is_not_the_same():
    X = np.arange(6, dtype=np.int16).reshape(2, 3)
    found = trial(X.tobytes, lambda data: np.frombuffer(data, np.int16).reshape(2, 3), lambda back: same(X, back), 0)
    assert found["bytes"] == 12
    assert found.keys() == {"bytes", "encode", "decode"}
    for back in (X.T, X.astype(np.int32), X + np.eye(2, 3, dtype=np.int16)):
        assert "failed" in told(lambda _, back=back: same(X, back))({})
    assert worst(np.zeros((2, 1), np.float32), np.array([[0.5], [-2]], np.float32)) == {"worst": 2.0}
    assert "comes back as" in told(lambda _: worst(X, X.astype(np.float32)))({})["failed"]


def test_curves_are_read_between_their_points_only():
    curve = [[1.0, 34.0], [0.25, 30.0], [0.5, 29.0], [4.0, 40.0]]  # the second costs more than the first and is worse
    found = interpolated(curve, [0.2, 0.25, 0.5, 1, 2, 5])
    assert found[1:5] == pytest.approx([30, 32, 34, 37])
    assert np.isnan(found[[0, 5]]).all()
    assert nearest([0.1, 0.4, 0.9], 0.5) == 1


def test_psnr_known_by_hand():
    photo = np.full((4, 5, 3), 100, np.uint8)
    assert psnr(photo, photo + np.uint8(5)) == pytest.approx(20 * np.log10(255 / 5))
    assert psnr(photo, photo) == 99
    with pytest.raises(ValueError, match="comes back as"):
        psnr(photo, photo[1:])


@given(st.integers(1, 300), st.integers(0, 300))
def test_the_middle_is_of_the_size_asked_for(size, crop):
    part = middle(size, crop)
    assert part.stop - part.start == (min(crop, size) or size)
    assert 0 <= size - part.stop - part.start <= 1


@given(arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=7)))
def test_small_images_come_back_from_one_picture_and_from_files(images):
    picture = mosaic(images)
    assert np.array_equal(tiles(picture, images.shape), images)
    assert picture[: images.shape[1], : images.shape[2]].tolist() == images[0].tolist()
    files = each(lambda image: bytes(image), images)
    shape = images.shape[1:]
    assert np.array_equal(every(lambda data: np.frombuffer(data, np.uint8).reshape(shape), files, images.shape), images)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 1000))
def test_a_damaged_copy_is_another_and_the_same_each_time(data, seed):
    first, again = (mutated(data, np.random.default_rng(seed)) for _ in range(2))
    assert first == again != data
    for damage in DAMAGES:
        damage(data, np.random.default_rng(seed))


@given(st.integers(0, 10_000))
def test_a_forged_file_is_well_formed(seed):
    head, chunks = {"shape": [3, 4], "parts": {"step": 0.5}}, [b"abcdef", b"xyz"]
    file = pack(*forged(head, chunks, np.random.default_rng(seed)))
    with Container.open(file) as opened:
        opened.verify()
    assert (head, chunks) == ({"shape": [3, 4], "parts": {"step": 0.5}}, [b"abcdef", b"xyz"])


def test_forgers_change_headers_payloads_and_numbers_of_chunks():
    head, chunks = {"shape": [3, 4], "parts": {"step": 0.5}}, [b"abcdef", b"xyz"]
    made = [forged(head, chunks, np.random.default_rng(seed)) for seed in range(200)]
    assert sum(h != head for h, _ in made) > 80
    assert {len(c) for _, c in made} == {1, 2, 3}
    assert any(len(c) == 2 and c != chunks for _, c in made)


def test_digests_tell_types_shapes_and_values_apart():
    X = np.arange(6, dtype=np.float32).reshape(2, 3)
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    different = [X, X.T, X.T.copy().reshape(2, 3), X.astype(np.float64), [X], [X, X], -X, frame]
    different += [frame.rename(columns={"a": "c"}), frame.astype({"a": float}), frame.assign(b=["x", "z"])]
    assert len({digest(each) for each in different}) == len(different)
    assert digest(np.asfortranarray(X)) == digest(X)
    assert digest(frame.copy()) == digest(frame)


def test_outcomes_of_a_file():
    def decompress(file):
        if file == b"cut":
            raise FileError("cut")
        if file == b"bad":
            raise MemoryError("much")
        return np.frombuffer(file, np.uint8)

    right = digest(np.frombuffer(b"good", np.uint8))
    said = [outcome_of(decompress, file, right) for file in (b"good", b"fine", b"cut", b"bad")]
    assert said == [("same", ""), ("other", ""), ("error", ""), ("crash", "MemoryError: much")]


def test_a_process_that_ends_counts_and_the_next_goes_on(tmp_path, monkeypatch):
    log, ends = tmp_path / "log.json", {3: "Worker:\nTimeout (0:00:10)!\nin decompress", 5: "killed"}

    def go(first, count, **_):
        for i in range(first, count):
            log.write_text(json.dumps({"at": i, "counts": {"error": i - first}, "seen": {}}))
            if i in ends:
                raise RuntimeError(ends[i])
        return {"counts": {"error": count - first}, "seen": {}}

    @contextmanager
    def running(side, threads):
        yield Namespace(go=go)

    monkeypatch.setattr(compress_promises, "running", running)
    counts, seen = compress_promises.survived({"count": 10, "log": str(log)})
    assert counts == Counter(error=8, hang=1, crash=1)
    assert seen == {"hang: 0:00:10)! in decompress": "copy 3", "crash: killed": "copy 5"}


def test_files_that_decode_alike_are_counted():
    files = compress_promises.Files(Path("model"), [Path("a"), Path("b")], [Path("c"), Path("d")], ["1", "2"])
    of = {"a": "1", "b": "2", "c": "1", "d": "2"}
    go = lambda files, model: {"sha": [of[file] for file in files]}  # noqa: E731
    assert compress_promises.equal(go, files, backwards=False) == compress_promises.equal(go, files, True) == "4 of 4"
    of["d"] = "3"
    assert compress_promises.equal(go, files, backwards=True) == "**3 of 4**"


def block(size, **more):
    return {"bytes": size, "encode": 0.5, "decode": 0.25, "worst": 0.5, "ideal": 800.0} | more


class Worker:
    """Says the same each time, or fails in one way."""

    measured = Namespace(side=Side("", "", {}), versions={})

    def go(self, way, seed, **_):
        if way == "SZ3":
            return {"failed": "ValueError:\n no"}
        return block(90 + seed, model=20, fit=3.0) if way == "diabolo" else block(100 if way != "zfp" else 80)


STARTED: dict[str, Any] = {"diabolo": Worker(), "": Worker()}


def test_ways_take_turns_and_one_that_fails_is_left_out():
    report = Report("", Namespace(rounds=3, write=None))
    found, failures = compression.by_turns(STARTED, report, ["diabolo", "SZ3", "zfp"], "made")
    assert {way: len(blocks) for way, blocks in found.items()} == {"diabolo": 3, "zfp": 3}
    assert failures == ["\nSZ3 fails on made, round 0: ValueError: no."]


def test_the_page_of_arrays_has_sizes_with_and_without_the_model():
    report = Report("", Namespace(rounds=3, write=None))
    among = ["diabolo", compression.PLAIN, "SZ3", "zfp"]
    found, _ = compression.by_turns(STARTED, report, among, "made")
    row = compression.array_row("made", (100, 2), found, among)
    assert row == "| made | 100 × 2 | 3.640 | 4.440 | 4.000 | – | 3.200 | 4.000 |"
    assert row.count("|") == compression.array_head(among)[0].count("|")
    lines = compression.summary({"made": found}, {"made": 10**6}, 0.5)
    speed = "2 (2–2) | 4 (4–4)"
    assert f"| diabolo | 0.910 (0.910–0.910) | 0.910 | 1.137 | 0 of 1 | 1.00000000 | {speed} | 3.0 |" in lines
    assert (
        f"| diabolo with its model | 1.110 (1.110–1.110) | 1.110 | 1.387 | 1 of 1 | 1.00000000 | {speed} | 3.0 |"
        in lines
    )
    assert f"| zfp | 0.800 (0.800–0.800) | 0.800 | 0.800 | 0 of 1 | 1.00000000 | {speed} |  |" in lines
    assert "**1.25000000**" in compression.summary({"made": found}, {"made": 10**6}, 0.4)[2]


def test_the_page_of_exact_files():
    lines = compress_lossless.table({"diabolo": [block(90, model=20, fit=3.0)], "xz": [block(100)]}, 100, "pixel", 900)
    assert "| diabolo | 90 | 7.2000 | 10.00 | 0.50 (0.50–0.50) | 0.25 (0.25–0.25) | 3.0 |" in lines
    assert "| diabolo with its model | 110 | 8.8000 | 8.18 |  |  |  |" in lines
    assert len({line.count("|") for line in lines}) == 1


def test_the_page_of_photographs():
    curve = [[0.1, 20.0], [2.0, 40.0]]
    said = {"curves": {"1": curve, "2": [[0.3, 30.0], [2.0, 40.0]]}, "encode": 0.5, "decode": 0.25}
    found = {"diabolo": [said | {"fit": 7.0, "model": 1234}], "JPEG": [said]}
    lines = table(found)
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| diabolo | – | – |")
    assert lines[2].endswith("| 0.30–2.00 | 0.500 | 0.250 | 7 | 1,234 |")
    assert single(found)[0] == "| at 0.5 | 1 | 2 |"
    assert (
        single(found)[2]
        == f"| diabolo | {20 + 20 * np.log(5) / np.log(20):.2f} | {30 + 10 * np.log(0.5 / 0.3) / np.log(2 / 0.3):.2f} |"
    )

"""The compressor: bytes and back, as an estimator; ``python -m tests.estimators.compression.test_compressor`` writes
the golden file of the present format, once.
"""

import hashlib
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from diabolo import Compressor, Training, load
from diabolo.codec import PSNR, Absolute, Container, Exact
from diabolo.codec.layout import FORMAT
from diabolo.coders import Auto, Columns, Rows
from diabolo.coders.rows.coding import RowCoding
from diabolo.errors import DataError, DataTypeError, FileError, MissingFileError, ParameterError
from diabolo.estimators.compression.opening import decompress, described, opened, verified

GOLDEN = Path(__file__).parents[2] / "golden" / f"compressed_{FORMAT}.dbl"
TRAINING = Training(steps=60, batch_size=64, learning_rate=1e-2, weight_decay=0.0)


def frame(size=1200):
    """A frame whose columns say something of each other, and whose rows are in an order, all by whole numbers."""
    place = np.arange(size)
    wave = (place * place * 7 + place * 31) % 997  # as good as random
    walk = np.cumsum(wave % 21 - 10)
    return pd.DataFrame(
        {
            "level": walk,
            "price": (3 * walk + wave % 5) / 100,
            "sign": np.where(walk > 0, "above", "below"),
            "kind": pd.Categorical(np.array(["a", "b", "c"])[wave % 3], categories=["c", "b", "a", "never"]),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(place // 24, unit="D"),
            "seen": pd.array(np.where(wave % 11 == 0, None, wave % 4 == 0), dtype="boolean"),
        }
    )


@pytest.fixture(scope="module")
def fitted():
    return Compressor(4, training=TRAINING, random_state=0).fit(frame())


@pytest.fixture(scope="module")
def data(fitted):
    return fitted.compress(frame())


def test_bytes_and_back(fitted, data):
    pd.testing.assert_frame_equal(fitted.decompress(data), frame(), check_exact=True)
    pd.testing.assert_frame_equal(decompress(data), frame(), check_exact=True)
    pd.testing.assert_frame_equal(fitted.reconstruct(frame()), frame(), check_exact=True)
    assert fitted.compress(frame()) == data
    assert fitted.packing_.coding.before == 2


def test_the_net_is_worth_its_bytes(fitted, data):
    columns = Compressor(coder="Columns").fit(frame()).compress(frame())
    assert fitted.packing_.coding is not None
    assert len(data) < len(columns)


def test_without_its_model_a_file_is_smaller_and_needs_it(fitted, data):
    small = fitted.compress(frame(), embed=False)
    assert len(small) < len(data) - 300
    pd.testing.assert_frame_equal(fitted.decompress(small), frame(), check_exact=True)
    with pytest.raises(ParameterError, match=r"does not hold its model, [0-9a-f]{12}…; decompress it with"):
        decompress(small)
    with pytest.raises(FileError, match=r"The model '[0-9a-f]{12}' wrote the file, this is [0-9a-f]{12}"):
        Compressor(coder="Columns").fit(frame()).decompress(small)
    pd.testing.assert_frame_equal(Compressor(coder="Columns").fit(frame()).decompress(data), frame(), check_exact=True)


def test_a_net_that_saves_less_than_it_takes_is_left_out(fitted, data):
    for rows, net in ((1200, True), (20, False)):
        with opened(fitted.compress(frame(rows))) as file:
            assert (file.packing.coding is not None) == net  # pyright: ignore[reportAttributeAccessIssue]
            assert (file.packing.identity == fitted.identity_) == net
            pd.testing.assert_frame_equal(file.samples(), frame(rows), check_exact=True)
        small = fitted.compress(frame(rows), embed=False)
        assert described(small)["model"] == fitted.identity_
        pd.testing.assert_frame_equal(fitted.decompress(small), frame(rows), check_exact=True)
    few, columns = frame(20), Compressor(coder="Columns").fit(frame())
    assert len(fitted.compress(few)) <= len(columns.compress(few)) + 8


def test_the_head_of_few_rows_is_small():
    draw = np.random.default_rng(0)
    numbers, table = draw.normal(size=(10, 3)), pd.DataFrame(draw.integers(0, 9, (10, 3)), columns=list("abc"))
    for X, fidelity, most in ((numbers, Absolute(0.01), 215), (numbers, Exact(), 240 + 170), (table, Exact(), 320)):
        data = Compressor(fidelity=fidelity, training=TRAINING).fit(X).compress(X)
        assert len(data) <= most
        np.testing.assert_allclose(decompress(data), X, rtol=0, atol=0.01)


def test_paths_and_bytes_are_read_alike(fitted, data, tmp_path):
    path = tmp_path / "table.dbl"
    path.write_bytes(data)
    for source in (path, str(path)):
        pd.testing.assert_frame_equal(decompress(source), frame(), check_exact=True)
    with pytest.raises(MissingFileError, match="There is no file"):
        fitted.decompress(tmp_path / "none.dbl")
    with pytest.raises(FileError, match=r"no \.dbl file"):
        fitted.decompress(b"PK\x03\x04" + bytes(100))
    frame().to_parquet(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(decompress(fitted.compress(tmp_path / "table.parquet")), frame(), check_exact=True)


def test_what_is_told_of_a_file_is_right(fitted, data):
    about = described(data)
    assert about == verified(data)
    assert about["kind"] == "table"
    assert about["shape"] == [1200, 6]
    assert about["bytes"] == len(data)
    assert about["model"] == fitted.identity_ == fitted.facts()["model"]
    assert about["promise"] == Exact().equation()
    assert about["worst error"] == 0
    assert about["chunks"] == 1
    assert about["ratio"] == pytest.approx(about["raw bytes"] / len(data), abs=1e-3)
    small = described(fitted.compress(frame(), embed=False))
    assert small["model bytes"] == 0
    assert about["model bytes"] == fitted.facts()["model bytes"] == pytest.approx(len(data) - small["bytes"], abs=64)
    assert fitted.score(frame()) > about["ratio without model"] > about["ratio"]
    assert 1200 * 3 * 8 < about["raw bytes"] < 1200 * 40


def test_saved_and_loaded_it_writes_and_reads_the_same(fitted, data, tmp_path):
    for name in ("model", "model.zip"):
        fitted.save(tmp_path / name)
        again = load(tmp_path / name)
        assert again.get_params() == fitted.get_params()
        assert again.identity_ == fitted.identity_
        assert again.compress(frame()) == data
        pd.testing.assert_frame_equal(again.decompress(fitted.compress(frame(), embed=False)), frame())


def test_a_fresh_process_writes_and_reads_the_same(fitted, data, tmp_path):
    fitted.save(tmp_path / "model")
    (tmp_path / "table.dbl").write_bytes(data)
    code = (
        "import hashlib, torch\n"
        "from diabolo import load\n"
        "from diabolo.estimators.compression.opening import decompress\n"
        "torch.set_num_threads(2)\n"
        "back = decompress('table.dbl')\n"
        "print(hashlib.sha256(load('model').compress(back)).hexdigest())\n"
    )
    kernels = {"OPENBLAS_CORETYPE": "Nehalem", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | kernels, capture_output=True, text=True
    )
    assert found.stdout.strip() == hashlib.sha256(data).hexdigest(), found.stderr


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("onednn", [True, False])
def test_threads_and_kernels_change_nothing(fitted, data, threads, onednn):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=onednn):
            assert fitted.compress(frame()) == data
            pd.testing.assert_frame_equal(decompress(data), frame(), check_exact=True)
    finally:
        torch.set_num_threads(before)


def test_training_is_repeated_by_its_seed(data):
    one, two = (Compressor(4, training=TRAINING, random_state=seed).fit(frame()).compress(frame()) for seed in (0, 1))
    assert one == data
    assert two != data


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_the_golden_file_of_every_format_is_read_for_ever(number):
    golden, expected = GOLDEN.with_name(f"compressed_{number}.dbl"), frame(300 if number == 1 else 1200)
    pd.testing.assert_frame_equal(decompress(golden), expected, check_exact=True)
    about = verified(golden)
    assert about["promise"] == Exact().equation() and about["shape"] == [len(expected), 6] and len(about["model"]) == 64
    with opened(golden) as file:
        assert type(file.packing.coder) is Rows
        assert file.packing.coding is not None  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "X",
    [
        np.arange(240.0).reshape(40, 3, 2) % 17,
        np.arange(480, dtype=np.float32).reshape(5, 2, 6, 8) % 13,
        torch.arange(60).reshape(20, 3) % 7,
        torch.arange(60.0).reshape(5, 4, 3),
        torch.arange(480.0).reshape(5, 2, 6, 8),
        [[1, 2], [3, 4]],
        [[1.5, np.nan], [3, 4]],
        ((1, 2), (3, 4)),
        np.asfortranarray(np.arange(60).reshape(20, 3)),
        np.arange(240)[::-2].reshape(40, 3),
        np.zeros((2, 3, 4)).transpose(2, 0, 1),
    ],
    ids=range(11),
)
def test_every_form_comes_back_in_its_form(X):
    got = decompress(Compressor(training=TRAINING).fit(X).compress(X))
    assert isinstance(got, torch.Tensor if isinstance(X, torch.Tensor) else np.ndarray)
    assert got.dtype == (X.dtype if hasattr(X, "dtype") else np.asarray(X).dtype)
    np.testing.assert_array_equal(np.asarray(got), np.asarray(X))


def test_scikit_learn_finds_what_it_expects(fitted):
    compressor = Compressor(coder=Rows(before=1), fidelity=Absolute(0.5))
    again: Any = clone(compressor)
    assert again.get_params() == compressor.get_params()
    assert compressor.get_params()["coder"] == Rows(before=1)
    assert repr(compressor) == "Compressor(coder=Rows(before=1), fidelity=Absolute(error=0.5))"
    assert eval(repr(compressor), {"Compressor": Compressor, "Rows": Rows, "Absolute": Absolute}).get_params() == (
        compressor.get_params()
    )
    compressor.set_params(coder__before=2, fidelity__error=0.25, n_components=3)
    assert (compressor.coder, compressor.fidelity, compressor.n_components) == (Rows(before=2), Absolute(0.25), 3)
    assert Compressor().get_params()["coder"] == "auto"
    for said, coder in (("auto", Auto()), ("Columns", Columns()), ("Rows(before=1)", Rows(1)), (Rows(), Rows())):
        assert Compressor(coder=said).check_parameters() == coder
    for call in (Compressor().compress, Compressor().score, Compressor().reconstruct):
        with pytest.raises(NotFittedError):
            call(frame())
    with pytest.raises(NotFittedError):
        Compressor().decompress(b"")
    assert len(fitted.history_)


def test_parameters_decide_what_is_learned():
    draw = np.random.default_rng(0)
    X = (100 * draw.normal(size=(6000, 1)) + draw.normal(size=(6000, 3))).round()
    for n, before in ((1, 0), (6, 1)):
        packing: Any = Compressor(n, coder=Rows(before), training=TRAINING).fit(X).packing_
        found = packing.coding
        assert isinstance(found, RowCoding)
        assert found.weights["embed"].shape[::2] == (1 + before, n)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"coder": "none"}, "none"),
        ({"coder": 3}, "Parameter 'coder' of Compressor"),
        ({"coder": Exact()}, "Parameter 'coder' of Compressor"),
        ({"coder": "Rows(before=9)"}, "'before' of Rows"),
        ({"fidelity": "exact"}, "Parameter 'fidelity' of Compressor"),
        ({"fidelity": Rows()}, "Parameter 'fidelity' of Compressor"),
        ({"fidelity": Absolute(-1.0)}, "'error' of Absolute"),
        ({"fidelity": PSNR(float("nan"))}, "'decibels' of PSNR"),
        ({"n_components": 0}, "'n_components' of Compressor"),
        ({"n_components": 1.5}, "'n_components' of Compressor"),
        ({"training": 3}, "Parameter 'training' of Compressor"),
        ({"training": Training(steps=-1)}, "'steps' of Training"),
        ({"device": "nowhere"}, "Parameter 'device'"),
    ],
    ids=str,
)
def test_errors_name_the_parameter(parameters, message):
    with pytest.raises(ParameterError, match=message):
        Compressor(**parameters).fit(frame(30))


def test_a_path_that_is_none_of_a_part_is_named():
    with pytest.raises(ParameterError, match="before"):
        Compressor().set_params(coder__before=2)
    with pytest.raises(ParameterError, match="'nothing'"):
        Compressor().set_params(nothing=2)


@pytest.mark.parametrize(
    "X",
    [np.zeros(3), 1.0, np.zeros((2,) * 5), "none.csv", None, {"a": [1]}, np.array([["a"]]), [[1], [1, 2]], []],
    ids=range(9),
)
def test_what_cannot_be_compressed_is_refused(X, fitted):
    for call in (Compressor().fit, fitted.compress):
        with pytest.raises((DataError, DataTypeError, FileError)):
            call(X)


def test_what_stands_beside_comes_along(fitted):
    data = fitted.compress(frame(40), beside={"from": ["a.csv"]})
    with Container.open(data) as file:
        assert file.head["beside"] == {"from": ["a.csv"]}
    pd.testing.assert_frame_equal(decompress(data), frame(40), check_exact=True)


def main() -> None:
    """Write the golden file, unless it is there."""
    if GOLDEN.exists():
        raise SystemExit(f"{GOLDEN.name} is there already: a golden file is kept for ever; a new format is a new name")
    compressor = Compressor(2, coder="Rows(before=2)", training=TRAINING, random_state=0).fit(frame())
    GOLDEN.write_bytes(compressor.compress(frame()))


if __name__ == "__main__":
    main()

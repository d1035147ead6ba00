"""Data larger than memory: an estimator on a file equals the same on the array."""

import json
import threading
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from diabolo import Reducer, Training, load
from diabolo.data import Stored, read
from diabolo.errors import DataError, DiaboloError, DiaboloWarning
from diabolo.estimators import base, sources
from diabolo.training import Callback

pytestmark = pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")

QUICK = Training(epochs=3)
NAMES = [f"c{i}" for i in range(5)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr("diabolo.data.layout.ROWS", 100)
    monkeypatch.setattr("diabolo.estimators.sources.BUFFER", 4 * 5 * 300)


def world(rows=1000, dtype=np.float32):
    rng = np.random.default_rng(0)
    return (rng.normal(size=(rows, 2)) @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(rows, 5)) + 3).astype(dtype)


def stored(folder, x, name="x.parquet"):
    if name.endswith(".npy"):
        np.save(folder / name, x)
    else:
        pd.DataFrame(x, columns=NAMES).to_parquet(folder / name, row_group_size=50)
    return Stored.open(folder / name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["x.parquet", "x.npy"])
def test_a_linear_recipe_is_solved_as_in_memory(tmp_path, name, dtype):
    x = world(dtype=dtype)
    on_disk = stored(tmp_path, x, name)
    whole = Reducer(2, recipe="linear", training=Training(validation=0), random_state=0).fit(x)
    streamed = Reducer(2, recipe="linear", training=Training(validation=0), random_state=0).fit(on_disk)
    for key, value in whole.model_.state_dict().items():
        torch.testing.assert_close(streamed.model_.state_dict()[key], value, rtol=0, atol=1e-6)
    assert streamed.score(on_disk) == pytest.approx(whole.score(x), rel=1e-6)
    np.testing.assert_allclose(streamed.pca_.mean, whole.pca_.mean, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transform_reconstruct_and_score_are_those_of_the_array(tmp_path, dtype):
    frame = pd.DataFrame(world(dtype=dtype), columns=NAMES)
    on_disk = stored(tmp_path, frame.to_numpy())
    reducer = Reducer(2, training=QUICK, random_state=0).fit(frame)
    np.testing.assert_allclose(reducer.transform(on_disk), reducer.transform(frame), atol=1e-5)
    assert reducer.score(on_disk) == pytest.approx(reducer.score(frame), rel=1e-6)
    back = reducer.reconstruct(on_disk)
    pd.testing.assert_frame_equal(back, reducer.reconstruct(frame), rtol=1e-4)
    np.save(tmp_path / "codes.npy", reducer.transform(frame))
    decoded = reducer.inverse_transform(Stored.open(tmp_path / "codes.npy"))
    np.testing.assert_allclose(decoded, back, rtol=1e-3, atol=1e-4)


def test_it_learns_from_a_stream_as_well_as_from_memory(tmp_path):
    x = world(3000)
    on_disk = stored(tmp_path, x)
    whole, streamed = (Reducer(2, training=Training(epochs=10), random_state=0).fit(X) for X in (x, on_disk))
    assert streamed.score(on_disk) == pytest.approx(whole.score(x), abs=0.02)
    assert len(streamed.history_) == 10


def test_names_of_columns_are_learned_and_checked(tmp_path):
    x = world()
    reducer = Reducer(2, training=QUICK, random_state=0).fit(stored(tmp_path, x))
    assert reducer.feature_names_in_.tolist() == NAMES
    assert reducer.get_feature_names_out().tolist() == ["reducer0", "reducer1"]
    with pytest.raises(DataError, match="feature names"):
        reducer.transform(pd.DataFrame(x, columns=list("abcde")))
    pd.DataFrame(x, columns=list("abcde")).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(DataError, match="feature names"):
        reducer.transform(Stored.open(tmp_path / "other.parquet"))
    np.save(tmp_path / "wide.npy", np.ones((5, 9)))
    with pytest.raises(DataError, match=r"9 features|shape"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reducer.transform(Stored.open(tmp_path / "wide.npy"))


@pytest.mark.parametrize("shape, dtype", [((6, 2), np.float32), ((2, 4, 4), np.uint8), ((1, 4, 4), np.float64)])
def test_series_and_images_stream_too(tmp_path, monkeypatch, shape, dtype):
    monkeypatch.setattr("diabolo.estimators.sources.BUFFER", 2**16)
    x = np.random.default_rng(0).integers(0, 200, (250, *shape)).astype(dtype)
    np.save(tmp_path / "x.npy", x / 200 if dtype == np.float64 else x)
    x = np.load(tmp_path / "x.npy")
    on_disk = Stored.open(tmp_path / "x.npy")
    reducer = Reducer(2, training=QUICK, random_state=0).fit(on_disk)
    whole = Reducer(2, training=QUICK, random_state=0).fit(x)
    assert reducer.recipe_.net == whole.recipe_.net
    assert type(reducer.recipe_.likelihood) is type(whole.recipe_.likelihood)  # its bounds differ in the last digit
    assert reducer.reconstruct(on_disk).shape == x.shape
    np.testing.assert_allclose(reducer.transform(on_disk), reducer.transform(x), atol=1e-4)


def test_held_out_rows_are_chosen_by_the_seed_and_never_trained_on(tmp_path, monkeypatch):
    x = np.arange(1000.0)[:, None] * np.ones(5)
    on_disk = stored(tmp_path, x)
    scaling = base.Scaling(np.zeros(5), np.ones(5))
    made = [sources.Sources.of(on_disk, scaling, 0.2, seed, torch.device("cpu")) for seed in (1, 1, 2)]
    trained, held = (
        [torch.cat([b.x[:, 0] for b in s.epoch(64, 0)]) for s in each]
        for each in (zip(*((m.train, m.held_out) for m in made), strict=True))
    )
    for i in range(3):
        assert sorted([*trained[i].tolist(), *held[i].tolist()]) == list(range(1000))
        assert len(held[i]) == 200
        assert sorted(np.asarray(made[i].judged)[:, 0].tolist()) == sorted(held[i].tolist())
    assert torch.equal(held[0], held[1])
    assert not torch.equal(held[0], held[2])
    few = torch.cat([b.x[:, 0] for b in made[0].few.epoch(64, None)]).tolist()
    assert not set(few) & set(held[0].tolist())
    assert max(few) - min(few) > 900


def test_the_same_seed_gives_the_same_weights_killed_and_resumed_or_not(tmp_path):
    on_disk = stored(tmp_path, world())

    def fit(callbacks=(), checkpoint=None):
        return Reducer(2, training=Training(epochs=4), random_state=0).fit(
            on_disk, callbacks=callbacks, checkpoint=checkpoint
        )

    class Crash(Callback):
        def on_epoch(self, run):
            if run.epoch == 2:
                raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fit([Crash()], tmp_path / "run")
    whole, resumed = fit(), fit(checkpoint=tmp_path / "run")
    for one, other in zip(whole.model_.parameters(), resumed.model_.parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_interrupted_fit_leaves_no_thread(tmp_path):
    class Interrupt(Callback):
        def on_epoch(self, run):
            raise KeyboardInterrupt

    with pytest.warns(DiaboloWarning, match="interrupted"):
        Reducer(2, training=QUICK, random_state=0).fit(stored(tmp_path, world()), callbacks=[Interrupt()])
    assert [t for t in threading.enumerate() if t.name.startswith("diabolo")] == []


def test_a_row_that_is_not_finite_is_named(tmp_path):
    x = world()
    x[730, 3] = np.nan
    on_disk = stored(tmp_path, x)
    with pytest.raises(DataError, match=r"NaN: column 'c3' of row 730 in 'x\.parquet'"):
        Reducer(2, training=QUICK).fit(on_disk)


@pytest.mark.parametrize(
    "x, word", [(np.ones((0, 5)), "0 sample"), (np.ones((1, 5)), "1 sample"), (np.ones(9), "1 ax")]
)
def test_too_little_is_refused_as_in_memory(tmp_path, x, word):
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(DataError, match=word) as caught:
        Reducer(2, training=QUICK).fit(Stored.open(tmp_path / "x.npy"))
    assert isinstance(caught.value, DiaboloError)


def test_one_large_row_group_that_cannot_be_mixed_is_said(tmp_path):
    pd.DataFrame(world(), columns=NAMES).to_parquet(tmp_path / "x.parquet")
    with pytest.warns(DiaboloWarning, match=r"1000 of its 1000 rows in one row group.*about 300 neighbouring rows"):
        Reducer(2, training=QUICK, random_state=0).fit(Stored.open(tmp_path / "x.parquet"))


def test_a_report_looks_at_some_of_it(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("diabolo.estimators.reduction.report._MEASURED", 100)
    x = world()
    reducer = Reducer(2, training=QUICK, random_state=0).fit(x)
    reducer.report(stored(tmp_path, x, "x.npy"), x[:, 0]).save(tmp_path / "report.html")
    assert ">100<" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("suffix", [".npy", ".parquet", ".csv", ".npz"])
def test_the_command_line_streams(tmp_path, monkeypatch, capsys, suffix):
    from diabolo.cli import making, work

    x = world()
    stored(tmp_path, x)
    monkeypatch.setattr("diabolo.data.reading.LARGE", 1000)
    assert isinstance(read(tmp_path / "x.parquet"), Stored)
    made = making.make("reducer", 2, "Recipe()", ["training.epochs=2"], 0, "cpu")
    facts = work.fit(made, str(tmp_path / "x.parquet"), tmp_path / "model", None, quiet=True)
    assert json.dumps(facts)
    out = tmp_path / f"codes{suffix}"
    told = work.apply(tmp_path / "model", str(tmp_path / "x.parquet"), out, None, "cpu", quiet=True)
    assert told == {"samples": 1000, "shape": [1000, 2], "output": str(out)}
    back = tmp_path / "back.parquet"
    work.apply(tmp_path / "model", str(tmp_path / "x.parquet"), back, "reconstruct", "cpu", quiet=True)
    monkeypatch.undo()
    fitted, frame = load(tmp_path / "model", "cpu"), pd.DataFrame(x, columns=NAMES)
    got: Any = read(out)
    np.testing.assert_allclose(np.asarray(got), fitted.transform(frame), atol=1e-4)
    back: Any = read(tmp_path / "back.parquet")
    if suffix in (".csv", ".parquet"):
        assert list(got.columns) == ["reducer0", "reducer1"]
    pd.testing.assert_frame_equal(back, fitted.reconstruct(frame), rtol=1e-3)

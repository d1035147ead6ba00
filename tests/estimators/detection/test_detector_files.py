"""Saved detectors: what is read back scores the same, in any process; what was tampered with is refused."""

import copy
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.anomalies import orders, plane, quick, waves
from tests.worlds import digit_images, iris

import diabolo
from diabolo import Reducer, Training, files
from diabolo.density import Density
from diabolo.errors import FileError
from diabolo.nearness import BESIDE

SHORT = Training(steps=20, validation=0.0)


def images(count):
    return digit_images()[:count] / 16


@pytest.fixture(scope="module")
def fitted():
    """Detectors and what they were fitted on."""
    worlds = {"table": plane(150), "frame": orders(150), "series": waves(80), "images": images(120)}
    return {name: (quick(training=SHORT).fit(X), X) for name, X in worlds.items()}


def test_an_older_detector_of_tables_scores_as_it_did(tmp_path, fitted):
    older, X = copy.copy(fitted["table"][0]), fitted["table"][1]
    older.density_ = Density.fit(older.density_.placed, BESIDE)
    older.save(tmp_path / "model")
    np.testing.assert_array_equal(diabolo.load(tmp_path / "model").score_samples(X), older.score_samples(X))
    assert not np.allclose(older.score_samples(X), fitted["table"][0].score_samples(X), rtol=0.01)


@pytest.mark.parametrize("suffix", ["", ".zip"])
@pytest.mark.parametrize("name", ["table", "frame", "series", "images"])
def test_round_trip(tmp_path, fitted, name, suffix):
    detector, X = fitted[name]
    detector.save(tmp_path / f"model{suffix}")
    again = diabolo.load(tmp_path / f"model{suffix}")
    assert again.get_params() == detector.get_params()
    assert (again.schema_, again.offset_, again.shape_) == (detector.schema_, detector.offset_, detector.shape_)
    for verb in ("score_samples", "p_values", "predict", "explain", "reconstruct"):
        given, expected = (np.asarray(getattr(each, verb)(X)) for each in (again, detector))
        np.testing.assert_array_equal(given, expected)
    assert (again.set_threshold(contamination=0.1).predict(X) < 0).sum() == len(X) // 10


def test_what_was_said_survives(tmp_path):
    detector = quick(training=SHORT, false_alarm_rate=0.2, n_components=3, random_state=np.random.RandomState(0))
    detector.fit(plane(60)).save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    assert (again.false_alarm_rate, again.contamination, again.n_components) == (0.2, "auto", 3)
    assert again.random_state is None
    np.testing.assert_array_equal(again.scores_, detector.scores_)
    assert len(again.scores_) == 12
    quick(training=SHORT, contamination=np.float64(0.25)).fit(plane(60)).save(tmp_path / "model")
    assert (diabolo.load(tmp_path / "model").predict(plane(60)) < 0).sum() == 15


def test_scores_are_the_same_in_a_fresh_process(tmp_path, fitted):
    code = """
        import sys, pathlib, numpy as np, diabolo
        for path in sorted(pathlib.Path(sys.argv[1]).glob("*.zip")):
            detector, (source,) = diabolo.load(path), set(path.parent.glob(path.stem + ".*")) - {path}
            X = diabolo.data.read(source)
            one = X.iloc[5:6] if hasattr(X, "iloc") else X[5:6]
            alone = np.append(detector.score_samples(X), detector.score_samples(one))
            np.save(path.with_suffix(".scores"), alone)
            path.with_suffix(".scores.npy").rename(path.with_suffix(".out"))
    """
    for name, (detector, X) in fitted.items():
        detector.save(tmp_path / f"{name}.zip")
        diabolo.data.write(tmp_path / (f"{name}.parquet" if name == "frame" else f"{name}.npy"), X)
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name, (detector, X) in fitted.items():
        scores = detector.score_samples(X)
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.out"), np.append(scores, scores[5]), rtol=1e-9)


def _saved(path, detector, change):
    """Save, change document and arrays, and save those with all hashes right."""
    detector.save(path)
    document, arrays = files.load(path)
    change(document, arrays)
    files.save(path, document, arrays)
    return path


def _field(number, **changes):
    return lambda d, a: d["job"]["schema"]["fields"][number].update(changes)


EVIL = {
    "no job": lambda d, a: d.pop("job"),
    "a job of text": lambda d, a: d.update(job="evil"),
    "no schema": lambda d, a: d["job"].pop("schema"),
    "a schema of nothing": lambda d, a: d["job"].update(schema=None),
    "a schema of text": lambda d, a: d["job"].update(schema="evil"),
    "a schema without fields": lambda d, a: d["job"].update(schema={"fields": []}),
    "a field less": lambda d, a: d["job"]["schema"]["fields"].pop(),
    "a field twice": lambda d, a: d["job"]["schema"]["fields"].append(d["job"]["schema"]["fields"][0]),
    "another kind": _field(0, kind="date"),
    "an unknown kind": _field(0, kind="os.system"),
    "a scale of 0": _field(0, scale=0.0),
    "a scale of text": _field(0, scale="1"),
    "a category less": _field(2, categories=["Rome"]),
    "a category twice": _field(2, categories=["Rome", "Rome", "Oslo"]),
    "an indicator more": _field(0, missing=True),
    "a field of more": _field(0, evil=1),
    "columns more": lambda d, a: d.update(features=7),
    "no offset": lambda d, a: d["fitted"].pop("offset_"),
    "an offset of text": lambda d, a: d["fitted"].update(offset_="-3"),
    "an offset of nothing": lambda d, a: d["fitted"].update(offset_=None),
    "a share above a half": lambda d, a: d["params"].update(contamination=0.7),
    "both lines": lambda d, a: d["params"].update(contamination=0.1, false_alarm_rate=0.1),
    "no scores": lambda d, a: a.pop("job.scores"),
    "scores of none": lambda d, a: a.update({"job.scores": torch.ones(0)}),
    "scores of two axes": lambda d, a: a.update({"job.scores": torch.ones(3, 2)}),
    "a score that is NaN": lambda d, a: a["job.scores"].fill_(float("nan")),
    "no samples": lambda d, a: a.pop("job.density.code"),
    "samples that are NaN": lambda d, a: a["job.density.residual"].fill_(float("nan")),
    "samples of another width": lambda d, a: a.update({f"job.density.{k}": torch.ones(9, 3) for k in PLACES}),
    "levels of 0": lambda d, a: a["job.density.scales"].zero_(),
    "weights of another size": lambda d, a: a.update({"model.encoder.evil": torch.ones(1)}),
    "another estimator": lambda d, a: d.update(estimator="Reducer"),
}
PLACES = ("residual", "code", "rebuilt")


@pytest.mark.parametrize("name", EVIL)
def test_tampered_files_are_refused(tmp_path, fitted, name):
    with pytest.raises(FileError) as caught:
        diabolo.load(_saved(tmp_path / "model", fitted["frame"][0], EVIL[name]))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["series", "images"])
def test_samples_that_are_no_rows_have_no_schema(tmp_path, fitted, name):
    schema = fitted["table"][0].schema_.to_json()
    with pytest.raises(FileError, match="schema"):
        diabolo.load(_saved(tmp_path / "model", fitted[name][0], lambda d, a: d["job"].update(schema=schema)))


@given(data=st.data())
def test_fuzzed_documents_are_refused_or_harmless(tmp_path_factory, fitted, data):
    detector, X = fitted["frame"]
    path = tmp_path_factory.mktemp("fuzz") / "model"
    detector.save(path)
    document, arrays = files.load(path)
    parent, key = document, data.draw(st.sampled_from(["job", "fitted", "params", "features"]))
    while isinstance(parent[key], dict | list) and parent[key] and data.draw(st.integers(0, 4)):
        parent = parent[key]
        key = data.draw(st.sampled_from(sorted(parent) if isinstance(parent, dict) else range(len(parent))))
    plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    parent[key] = data.draw(
        st.recursive(plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))
    )
    try:
        files.save(path, document, arrays)
        again = diabolo.load(path)
        names = [field.name for field in again.schema_.fields]
    except FileError:
        return
    table = X.set_axis(names, axis=1)
    if [field.kind for field in again.schema_.fields] == [field.kind for field in detector.schema_.fields]:
        again.feature_names_in_ = np.asarray(names, dtype=object)  # a name that was changed in one place only
        assert again.predict(table).shape == (150,)


def test_a_reducer_saved_before_there_were_jobs_still_loads(tmp_path):
    X = iris()
    reducer = Reducer(2, recipe="linear").fit(X)
    expected = reducer.transform(X)

    def older(document, arrays):
        for key in ("job", "code", "features"):
            document.pop(key)

    again = diabolo.load(_saved(tmp_path / "model", reducer, older))
    np.testing.assert_array_equal(again.transform(X), expected)
    assert (again.n_features_in_, again.n_components) == (4, 2)

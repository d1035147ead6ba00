"""Saved estimators: what is read back predicts the same; what was tampered with is refused."""

import subprocess
import sys
import textwrap
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.worlds import iris, iris_frame

import diabolo
from diabolo import Recipe, Reducer, Training, files, latents
from diabolo.errors import FileError, MissingFileError
from diabolo.nets import ResUNet
from diabolo.recipes import RECIPES

X = iris()
QUICK = Training(epochs=1)
pytestmark = pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")


@pytest.fixture(scope="module")
def fitted():
    with pytest.warns(UserWarning, match="PCA"):
        return Reducer(2, recipe="vae", training=QUICK, random_state=0).fit(X)


@cache
def named(name):
    """A reducer of a recipe, to be read only."""
    return Reducer(8, recipe=name, training=QUICK, random_state=0).fit(X)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_round_trip(tmp_path, name, suffix):
    reducer = named(name)
    reducer.save(tmp_path / f"model{suffix}")
    again = diabolo.load(tmp_path / f"model{suffix}")
    assert again.recipe == reducer.recipe
    assert again.training == reducer.training
    assert again.history_ == reducer.history_
    assert again.errors_ == reducer.errors_
    np.testing.assert_array_equal(again.transform(X), reducer.transform(X))
    np.testing.assert_array_equal(again.reconstruct(X), reducer.reconstruct(X))


def test_names_and_scores_survive(tmp_path):
    pytest.importorskip("pandas")
    frame = iris_frame()
    reducer = Reducer(2, training=QUICK, random_state=np.random.RandomState(0)).fit(frame)
    reducer.save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    assert list(again.feature_names_in_) == list(frame.columns)
    assert again.score(frame) == reducer.score(frame)
    assert again.random_state is None


def test_loads_in_a_fresh_process(tmp_path):
    for name in RECIPES:
        named(name).save(tmp_path / name)
    code = """
        import sys, pathlib, numpy as np, diabolo
        X = np.load(sys.argv[2])
        for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
            assert diabolo.load(path).transform(X).shape == (150, 8), path
    """
    np.save(tmp_path.with_suffix(".npy"), X)
    call = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), str(tmp_path.with_suffix(".npy"))]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_scaling_of_another_shape_is_refused(tmp_path, fitted):
    path = tmp_path / "model"
    fitted.save(path)
    document, arrays = files.load(path)
    wrong = {f"scaling.{name}": torch.ones(1, dtype=torch.float64) for name in ("shift", "scale")}
    files.save(path, document, arrays | wrong)
    with pytest.raises(FileError, match="scaling"):
        diabolo.load(path)


def test_unfitted_and_missing(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        Reducer().save(tmp_path / "model")
    with pytest.raises(MissingFileError, match="nothing-here"):
        diabolo.load(tmp_path / "nothing-here")


def _tampered(tmp_path, fitted, change):
    """Save, change the document, save it with all hashes right, and return the path."""
    path = tmp_path / "model"
    fitted.save(path)
    document, arrays = files.load(path)
    change(document)
    files.save(path, document, arrays)
    return path


EVIL = {
    "unknown estimator": lambda d: d.update(estimator="os.system"),
    "unknown part": lambda d: d["recipe"].update(part="nets.Evil"),
    "import path": lambda d: d["params"].update(recipe={"part": "os.system", "command": "true"}),
    "recipe name": lambda d: d["params"].update(recipe="no-such-recipe"),
    "unknown knob": lambda d: d["params"]["training"].update(evil=1),
    "unknown parameter": lambda d: d["params"].update(evil=1),
    "billion layers": lambda d: d["recipe"].update(net={"part": "nets.MLP", "hidden": [8] * 100_000}),
    "billion wide": lambda d: d["recipe"].update(net={"part": "nets.MLP", "hidden": [10**9]}),
    "billion components": lambda d: d["params"].update(n_components=10**9),
    "other shape": lambda d: d.update(shape=[5]),
    "other columns": lambda d: d.update(features=1),
    "huge shape": lambda d: d.update(shape=[2**40]),
    "no shape": lambda d: d.update(shape=[]),
    "shape of text": lambda d: d.update(shape=["4"]),
    "negative shape": lambda d: d.update(shape=[-4]),
    "text for a history": lambda d: d.update(history="evil"),
    "no params": lambda d: d.pop("params"),
    "params of numbers": lambda d: d.update(params=3),
    "no fitted values": lambda d: d.pop("fitted"),
}


@pytest.mark.parametrize("name", EVIL)
def test_tampered_documents_are_refused(tmp_path, fitted, name):
    with pytest.raises(FileError) as caught:
        diabolo.load(_tampered(tmp_path, fitted, EVIL[name]))
    assert "\n" not in str(caught.value)


@given(data=st.data())
def test_fuzzed_documents_are_refused_or_harmless(tmp_path_factory, fitted, data):
    path = tmp_path_factory.mktemp("fuzz") / "model"
    fitted.save(path)
    document, arrays = files.load(path)
    parent, key = document, data.draw(st.sampled_from(sorted(document)))
    while isinstance(parent[key], dict) and parent[key] and data.draw(st.booleans()):
        parent = parent[key]
        key = data.draw(st.sampled_from(sorted(parent)))
    values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    parent[key] = data.draw(
        st.recursive(values, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))
    )
    try:
        files.save(path, document, arrays)
        again = diabolo.load(path)
    except FileError:
        return
    assert again.transform(X).shape == (150, 2)


def test_weights_of_another_model_are_refused(tmp_path, fitted):
    fitted.save(tmp_path / "a")
    Reducer(3, recipe="vae", training=QUICK).fit(X).save(tmp_path / "b")
    (tmp_path / "a" / "weights.safetensors").write_bytes((tmp_path / "b" / "weights.safetensors").read_bytes())
    with pytest.raises(FileError):
        diabolo.load(tmp_path / "a")


def test_weights_of_other_shapes_are_named(tmp_path, fitted):
    path = tmp_path / "model"
    fitted.save(path)
    document, arrays = files.load(path)
    name = next(key for key in arrays if key.startswith("model.encoder") and key.endswith("weight"))
    files.save(path, document, arrays | {name: torch.zeros(1, 1)})
    with pytest.raises(FileError, match=name):
        diabolo.load(path)


def test_golden_file_of_format_1_still_reads(request):
    """The pair of files was written by `python -m tests.golden_model` when format 1 was made; it is never rewritten."""
    golden = request.path.parent.parent / "golden" / "reducer_format_1.zip"
    reducer = diabolo.load(golden)
    with np.load(golden.with_suffix(".npz")) as expected:
        np.testing.assert_allclose(reducer.transform(expected["X"]), expected["codes"], atol=1e-9)
        np.testing.assert_allclose(reducer.reconstruct(expected["X"]), expected["rebuilt"], atol=1e-9)
    assert reducer.recipe_.latent == latents.Gaussian(beta=0.5)


def test_a_code_that_is_a_grid_comes_back(tmp_path):
    images = np.random.default_rng(0).random((12, 1, 8, 8)).astype(np.float32)
    reducer = Reducer(2, recipe=Recipe(ResUNet((4, 4), 1)), training=QUICK, random_state=0).fit(images)
    assert reducer.transform(images).shape == (12, 2 * 2 * 2)
    reducer.save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    assert again.n_components == 2
    np.testing.assert_array_equal(again.transform(images), reducer.transform(images))

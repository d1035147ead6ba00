"""Saved estimators: what is read back predicts the same; what was tampered with is refused."""

import json
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load as load_safe
from safetensors.torch import save as save_safe
from sklearn.datasets import load_iris

import diabolo
from diabolo import Recipe, Reducer, Training
from diabolo.errors import FileError, MissingFileError
from diabolo.recipes import RECIPES

X = load_iris().data
QUICK = Training(epochs=1)
pytestmark = pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")


@pytest.fixture(scope="module")
def fitted():
    with pytest.warns(UserWarning, match="PCA"):
        return Reducer(2, recipe="vae", training=QUICK, random_state=0).fit(X)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_round_trip(tmp_path, name, suffix):
    reducer = Reducer(8, recipe=name, training=QUICK, random_state=0).fit(X)
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
    frame = load_iris(as_frame=True).data
    reducer = Reducer(2, training=QUICK, random_state=np.random.RandomState(0)).fit(frame)
    reducer.save(tmp_path / "model")
    again = diabolo.load(tmp_path / "model")
    assert list(again.feature_names_in_) == list(frame.columns)
    assert again.score(frame) == reducer.score(frame)
    assert again.random_state is None


def test_unfitted_and_missing(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        Reducer().save(tmp_path / "model")
    with pytest.raises(MissingFileError, match="nothing-here"):
        diabolo.load(tmp_path / "nothing-here")


def _tampered(tmp_path, fitted, change):
    """Save, change the document (keeping the hash of the weights right), and return the path."""
    path = tmp_path / "model"
    fitted.save(path)
    document = json.loads((path / "model.json").read_text())
    change(document)
    (path / "model.json").write_text(json.dumps(document))
    return path


EVIL = {
    "unknown estimator": lambda d: d.update(estimator="os.system"),
    "unknown part": lambda d: d["params"]["recipe"].update(part="nets.Evil"),
    "import path": lambda d: d["params"].update(recipe={"part": "os.system", "command": "true"}),
    "recipe name": lambda d: d["params"].update(recipe="no-such-recipe"),
    "unknown knob": lambda d: d["params"]["training"].update(evil=1),
    "unknown parameter": lambda d: d["params"].update(evil=1),
    "billion layers": lambda d: d["params"]["recipe"].update(net={"part": "nets.MLP", "hidden": [8] * 100_000}),
    "billion wide": lambda d: d["params"]["recipe"].update(net={"part": "nets.MLP", "hidden": [10**9]}),
    "billion components": lambda d: d["params"].update(n_components=10**9),
    "other size": lambda d: d["params"].update(n_components=3),
    "other shape": lambda d: d.update(shape=[5]),
    "huge shape": lambda d: d.update(shape=[2**40]),
    "no shape": lambda d: d.update(shape=[]),
    "shape of text": lambda d: d.update(shape=["4"]),
    "negative shape": lambda d: d.update(shape=[-4]),
    "text for a history": lambda d: d.update(history="evil"),
    "no params": lambda d: d.pop("params"),
    "params of numbers": lambda d: d.update(params=3),
    "newer format": lambda d: d.update(format=99),
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
    document = json.loads((path / "model.json").read_text())
    place, keys = document, []
    while isinstance(place, dict) and place and (not keys or data.draw(st.booleans())):
        keys.append(data.draw(st.sampled_from(sorted(place))))
        parent, place = place, place[keys[-1]]
    values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    parent[keys[-1]] = data.draw(
        st.recursive(values, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))
    )
    (path / "model.json").write_text(json.dumps(document))
    try:
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
    import hashlib

    path = tmp_path / "model"
    fitted.save(path)
    arrays = load_safe((path / "weights.safetensors").read_bytes())
    name = next(key for key in arrays if key.startswith("model.encoder") and key.endswith("weight"))
    arrays[name] = torch.zeros(1, 1)
    weights = save_safe(arrays)
    (path / "weights.safetensors").write_bytes(weights)
    document = json.loads((path / "model.json").read_text())
    document["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    (path / "model.json").write_text(json.dumps(document))
    with pytest.raises(FileError, match=name):
        diabolo.load(path)


def test_golden_file_of_format_1_still_reads(request):
    golden = request.path.parent.parent / "golden" / "reducer_format_1.zip"
    assert zipfile.is_zipfile(golden)
    reducer = diabolo.load(golden)
    assert reducer.recipe == Recipe()(latent=reducer.recipe.latent, net=reducer.recipe.net)
    with np.load(golden.with_suffix(".npz")) as expected:
        np.testing.assert_allclose(reducer.transform(expected["X"]), expected["codes"], atol=1e-9)

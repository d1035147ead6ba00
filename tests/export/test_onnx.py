"""ONNX files: equal outputs, whole or not at all, and what cannot be written."""

from typing import cast

import numpy as np
import pytest
import torch
from tests.worlds import digit_images, digit_labels, iris

from diabolo import Generator, Imputer, Pretrainer, Recipe, Reducer, Training
from diabolo.data import Schema
from diabolo.errors import CapabilityError, ParameterError
from diabolo.estimators import Classifier, Regressor, Tuning
from diabolo.export import to_onnx
from diabolo.export.onnx import exported
from diabolo.latents import TopK
from diabolo.nets import MLP, Transformer

QUICK = Training(steps=10)
SHORT = Tuning(steps=20)


def gappy():
    X = iris()
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    X[3, 0] = 500.0  # beyond the knee
    return X


def images():
    return digit_images().astype(np.uint8)


def cases():
    y = np.arange(150) // 50
    tiny = Recipe(Transformer(patch=4, width=8, depth=1, heads=2))
    return {
        "linear": (Reducer(2, recipe="linear").fit(iris()), iris(), "transform"),
        "vae": (Pretrainer(2, recipe="vae", training=QUICK).fit(iris()), iris(), "transform"),
        "missing": (Pretrainer(training=QUICK, layer=1).fit(gappy()), gappy(), "transform"),
        "sparse": (Pretrainer(8, recipe=Recipe(MLP((9,)), TopK(3)), training=QUICK).fit(iris()), iris(), "transform"),
        "images": (Pretrainer(training=QUICK, layer=-1).fit(images()), images(), "transform"),
        "tokens": (Pretrainer(training=QUICK, layer=-1, recipe=tiny).fit(images()), images(), "transform"),
        "classes": (Classifier(training=QUICK, tuning=SHORT).fit(iris(), y), iris(), "predict_proba"),
        "quantity": (Regressor(training=QUICK, tuning=SHORT).fit(iris(), y + 0.5), iris(), "predict"),
        "digits": (Classifier(training=QUICK, tuning=SHORT).fit(images(), digit_labels()), images(), "predict_proba"),
    }


@pytest.fixture(scope="module")
def fitted():
    return cases()


NAMES = ["linear", "vae", "missing", "sparse", "images", "tokens", "classes", "quantity", "digits"]


@pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")
@pytest.mark.parametrize("name", NAMES)
def test_the_module_that_is_exported_computes_what_the_estimator_does(fitted, name):
    estimator, X, verb = fitted[name]
    with torch.no_grad():
        found = exported(estimator)(torch.tensor(X[:60], dtype=torch.float32))
    np.testing.assert_allclose(found, getattr(estimator, verb)(X[:60]), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:The autoencoder is not better than PCA")
@pytest.mark.parametrize("name", [name for name in NAMES if name != "sparse"])
def test_the_file_computes_the_same_for_any_number_of_samples(fitted, name, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    estimator, X, verb = fitted[name]
    to_onnx(estimator, tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 7, 60):
        (found,) = session.run(None, {"x": X[:count].astype(np.float32)})
        np.testing.assert_allclose(found, getattr(estimator, verb)(X[:count]), rtol=1e-4, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_latent_that_counts_samples_says_so(fitted, tmp_path):
    pytest.importorskip("onnxscript")
    with pytest.raises(CapabilityError, match="MLP with TopK can be written as ONNX only for a set number of samples"):
        to_onnx(fitted["sparse"][0], tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_mixed_tables_are_given_encoded():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"size": iris()[:, 0], "town": np.array(["Oslo", "Rome"], dtype=object)[np.arange(150) % 2]})
    pretrainer = Pretrainer(training=QUICK).fit(frame)
    with pytest.raises(
        CapabilityError, match="before its encoder sees them cannot be written as ONNX; pass scaled=True"
    ):
        exported(pretrainer)
    x = torch.from_numpy(cast(Schema, pretrainer.schema_).encode(frame)[0])
    with torch.no_grad():
        found = exported(pretrainer, scaled=True)(x)
    np.testing.assert_allclose(found, pretrainer.transform(frame), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_exported_says_so():
    with pytest.raises(
        CapabilityError, match="A Generator that is told conditions cannot be exported; fit it without y"
    ):
        exported(Generator(2, training=QUICK).fit(iris(), np.arange(150) // 50))
    with pytest.raises(CapabilityError, match="What this Imputer does"):
        exported(Imputer(training=QUICK).fit(gappy()))
    with pytest.raises(ParameterError, match="'estimator' of to_onnx must be one with an encoder; got 3"):
        to_onnx(3, "model.onnx")  # pyright: ignore[reportArgumentType]


def test_without_onnx_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    reducer = Reducer(2, recipe="linear").fit(iris())
    with pytest.raises(CapabilityError, match=r"pip install .diabolo\[onnx\]"):
        to_onnx(reducer, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []

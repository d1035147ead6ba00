"""Saved classifiers and regressors that were edited, or are foreign."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.worlds import iris
from typer.testing import CliRunner

import diabolo
from diabolo import Training, files
from diabolo.cli.app import app
from diabolo.errors import FileError
from diabolo.estimators import Classifier, Regressor, Tuning

QUICK = Training(steps=3)
SHORT = Tuning(steps=5)
LABELS = np.array(["cat", "dog", "emu"])[np.arange(150) // 50]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    Classifier(training=QUICK, tuning=SHORT, random_state=0).fit(iris(), LABELS).save(folder / "classifier")
    Regressor(training=QUICK, tuning=SHORT, random_state=0).fit(iris(), iris()[:, :2]).save(folder / "regressor")
    return folder


def edited(path: Path, target: Path, change):
    document, arrays = files.load(path)
    for key in ("format", "library", "weights_sha256", "document_sha256"):
        del document[key]
    change(document, arrays)
    files.save(target, document, arrays)
    return target


def classes(**changes):
    return lambda document, arrays: document["job"]["classes"].update(changes)


def array(name, value):
    return lambda document, arrays: arrays.update({f"job.{name}": value})


def fitted(value):
    return lambda document, arrays: document["fitted"].update(temperature_=value)


BROKEN = {
    "too few classes": classes(labels=["cat"]),
    "one class twice": classes(labels=["cat", "cat", "emu"]),
    "classes of lists": classes(labels=[[], [], []]),
    "classes that are no list": classes(labels="cat"),
    "another number of classes": classes(labels=["cat", "dog"]),
    "no type": classes(type=3),
    "a void type": classes(type="V9"),
    "a type of numbers": classes(type="<i8"),
    "weights of text": classes(weights=["a", "b", "c"]),
    "no temperature": fitted(0.0),
    "a temperature of text": fitted("hot"),
    "a head of NaN": array("head.map.bias", torch.full((3,), torch.nan)),
    "a head of another width": array("head.shift", torch.zeros(3)),
    "a scale of zero": array("head.scale", torch.zeros(8)),
    "a schema of others": lambda document, arrays: document["job"]["schema"]["fields"].pop(),
    "no such layer": lambda document, arrays: document["params"].update(layer=99),
    "no tuning": lambda document, arrays: document["params"].update(tuning=3),
    "a tuning that is none": lambda document, arrays: document["params"].update(tuning={"part": "latents.Plain"}),
    "a head that is missing": lambda document, arrays: arrays.pop("job.head.map.weight"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_classifier_is_an_error(saved, tmp_path, name):
    with pytest.raises(FileError):
        diabolo.load(edited(saved / "classifier", tmp_path / "broken", BROKEN[name]))


def test_a_type_of_endless_text_takes_no_memory(saved, tmp_path):
    loaded = diabolo.load(edited(saved / "classifier", tmp_path / "long", classes(type="<U1000000000")))
    assert loaded.classes_.dtype == np.dtype("<U3")


@pytest.mark.parametrize(
    "change",
    [
        array("quantities.shift", torch.zeros(3, dtype=torch.float64)),
        array("quantities.scale", torch.zeros(2, dtype=torch.float64)),
        array("quantities.scale", torch.full((2,), torch.inf, dtype=torch.float64)),
        lambda document, arrays: document["job"].update(single=True),
        lambda document, arrays: document["job"].update(single="no"),
    ],
)
def test_a_broken_regressor_is_an_error(saved, tmp_path, change):
    with pytest.raises(FileError):
        diabolo.load(edited(saved / "regressor", tmp_path / "broken", change))


def test_what_is_whole_comes_back(saved):
    classifier, regressor = (diabolo.load(saved / name) for name in ("classifier", "regressor"))
    assert classifier.predict(iris()).shape == (150,)
    assert classifier.tuning == SHORT
    assert len(classifier.tuning_history_) > 0
    assert regressor.predict(iris()).shape == (150, 2)


def test_predictions_as_a_frame(saved):
    pytest.importorskip("pandas")
    classifier, regressor = (diabolo.load(saved / name) for name in ("classifier", "regressor"))
    frame = classifier.predictions(iris())
    assert list(frame.columns) == ["prediction", "p(cat)", "p(dog)", "p(emu)"]
    assert frame["prediction"].tolist() == classifier.predict(iris()).tolist()
    np.testing.assert_allclose(frame.to_numpy()[:, 1:].astype(float).sum(1), 1)
    np.testing.assert_allclose(regressor.predictions(iris()).to_numpy(), regressor.predict(iris()))


def test_on_the_command_line(saved, tmp_path):
    np.save(tmp_path / "new.npy", iris())
    words = ["apply", str(saved / "classifier"), str(tmp_path / "new.npy"), "-o", str(tmp_path / "told.csv")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "told.csv").read_text("utf-8").splitlines()
    assert lines[0] == "prediction,p(cat),p(dog),p(emu)"
    assert len(lines) == 151

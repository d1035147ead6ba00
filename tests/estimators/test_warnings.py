"""Warnings of estimators name the line of the user's program, whatever lies between."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from diabolo import Compressor, Denoiser, Detector, Generator, Imputer, Recipe, Recommender, Reducer, Training
from diabolo.data import Stored
from diabolo.errors import DataError, DiaboloWarning
from diabolo.latents import Gaussian
from diabolo.nets import MLP, ResUNet
from diabolo.rankers import EASE
from diabolo.training import Callback

RNG = np.random.default_rng(0)
QUICK = Training(steps=4)
NOISE = RNG.normal(size=(120, 6))
FRAME = pd.DataFrame(NOISE, columns=list("abcdef"))
NOTHING, COUNTED = FRAME.assign(c=np.nan), FRAME.assign(row=np.arange(120.0))
NEARLY = FRAME.assign(age=["?", "?", *map(str, np.arange(118) % 40)])[["a", "age"]]
LAST = RNG.uniform(size=(24, 8, 8, 3))
SHOWN = (LAST * 255).astype(np.uint8)
TIMES = pd.date_range("2026-01-01", periods=100, freq="h")
HOURS = pd.DataFrame({"a": NOISE[:100, 0], "time": RNG.permutation(TIMES)})
LIKES = pd.DataFrame({"user": np.repeat(np.arange(20), 20), "item": np.tile(np.arange(20), 20)})
STARS = LIKES.assign(weight=RNG.choice([2, 4, 5, 5, 5], 400))


class Interrupt(Callback):
    def on_epoch(self, run):
        raise KeyboardInterrupt


def quick(estimator, *args, **knobs):
    return estimator(*args, training=QUICK, random_state=0, **knobs)


def small():
    return quick(Denoiser, recipe=Recipe(ResUNet((4,), blocks=1)))


def vae():
    return quick(Reducer, 3, recipe="beta-vae")


def recommender():
    return Recommender(model=EASE(5.0))


def collapsing():
    recipe = Recipe(MLP((8,)), Gaussian(beta=50.0))
    return Generator(2, recipe=recipe, training=Training(steps=100), random_state=0)


def noisier():
    x = np.tile(np.linspace(0, 1, 16)[:, None], (20, 1, 1, 16))
    small().fit(x).transform(x + RNG.normal(size=x.shape))


def grouped(folder):
    pd.concat([FRAME] * 9).to_parquet(folder / "x.parquet")
    quick(Reducer, 2).fit(Stored.open(folder / "x.parquet"))


CASES = {
    "reducer, channels last": (lambda _: quick(Reducer, 2).fit(LAST), "channels come last"),
    "reducer, wrapped": (lambda _: quick(Reducer, 2).fit_transform(LAST), "channels come last"),
    "detector, channels last": (lambda _: quick(Detector).fit(LAST), "channels come last"),
    "denoiser, channels last": (lambda _: small().fit(LAST), "channels come last"),
    "compressor, channels last": (lambda _: quick(Compressor).fit(SHOWN), "channels come last"),
    "reducer, far": (lambda _: quick(Reducer, 2).fit(FRAME.assign(f=[1e7, *NOISE[1:, 5]])), "'f' has 1e+07 in row 0,"),
    "detector, empty": (lambda _: quick(Detector).fit(NOTHING), "values are missing"),
    "pipeline, empty": (
        lambda _: make_pipeline(FunctionTransformer(), quick(Detector)).fit(NOTHING),
        "values are missing",
    ),
    "imputer, empty": (lambda _: quick(Imputer).fit(NOTHING), "values are missing"),
    "generator, empty": (lambda _: quick(Generator).fit(NOTHING), "values are missing"),
    "detector, counter": (lambda _: quick(Detector).fit(COUNTED), "numbers the rows"),
    "imputer, counter": (lambda _: quick(Imputer).fit(COUNTED), "numbers the rows"),
    "detector, disorder": (lambda _: quick(Detector, window=10).fit(HOURS), "goes back"),
    "detector, rate": (
        lambda _: quick(Detector, false_alarm_rate=0.005).fit(np.tile(NOISE, (5, 1)) + RNG.normal(size=(600, 6))),
        "extrapolated",
    ),
    "reducer, PCA": (lambda _: vae().fit(NOISE), "not better than PCA"),
    "folds, PCA": (lambda _: cross_val_score(vae(), NOISE, cv=2), "not better than PCA"),
    "generator, collapsed": (lambda _: collapsing().fit(NOISE[:, :4, None]), "they have collapsed"),
    "generator, nearly numbers": (lambda _: quick(Generator).fit(NEARLY), "all numbers but"),
    "denoiser, noise": (lambda _: noisier(), "noise of about"),
    "recommender, ratings": (lambda _: recommender().fit(STARS), "look like ratings"),
    "recommender, unknown": (lambda _: recommender().fit(LIKES).recommend([[99, 3]]), "not known"),
    "recommender, learned": (lambda _: recommender().fit(LIKES).score(LIKES), "learned from"),
    "rows on disk": (grouped, "rows in one row group"),
    "interrupted": (lambda _: quick(Reducer).fit(NOISE, callbacks=[Interrupt()]), "interrupted"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_warning_names_a_line_of_this_file(name, tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.estimators.sources.BUFFER", 6000)  # few rows are read at a time
    provoke, words = CASES[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        provoke(tmp_path)
    told = [found for found in caught if issubclass(found.category, DiaboloWarning)]
    assert any(words in str(found.message) for found in told), [str(found.message) for found in told]
    assert {found.filename for found in told} == {__file__}


@pytest.mark.parametrize("job", [Compressor, Denoiser, Detector, Generator, Reducer], ids=lambda job: job.__name__)
def test_lists_of_images_with_the_channels_last_are_told_how_to_be_given(job):
    images = [np.zeros((height, 12, 3), np.uint8) for height in (12, 13, 14)]
    with pytest.raises(DataError, match=r"pass \[np\.moveaxis\(x, -1, 0\) for x in X\]\.$"):
        quick(job).fit(images)
    with pytest.raises(DataError) as told:
        quick(job).fit([image.transpose(2, 0, 1)[: 3 - (number == 1)] for number, image in enumerate(images)])
    assert "moveaxis" not in str(told.value)

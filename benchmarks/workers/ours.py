"""Our side: whole fits and scoring through the public estimators."""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import Any

import numpy as np
import torch

from benchmarks.workers.counting import flop, forget, peak, resident
from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.series import Series, by_windows, task
from benchmarks.workers.sets import anomaly_split, load, one_class, standardised
from diabolo import Reducer, Training
from diabolo.data import Scaling, Stored
from diabolo.estimators.base import Estimator
from diabolo.flow import Batch, channels
from diabolo.recipes import named
from diabolo.text import revise_from_text
from diabolo.training import Callback
from diabolo.training.run import Run


def fit(settings: Settings) -> Task:
    """Train on a set: samples per second in the epochs, and of the whole `fit`; then score it, if asked."""
    X = load(*settings["data"])
    small = X[: 2 * settings["batch_size"]] if settings["batch_size"] else X[:512]
    warm = _reducer(settings).fit(small)  # the first optimiser of a process takes seconds to import

    def block(_: Settings) -> Settings:
        started = perf_counter()
        reducer = _reducer(settings).fit(X)
        whole = perf_counter() - started
        held = min(round(len(X) * settings["validation"]), 10_000)  # as `diabolo.training.split` holds out
        count = len(reducer.history_) * (len(X) - held)
        found: Settings = {"epoch": [count, sum(reducer.history_.columns["seconds"])], "fit": [count, whole]}
        if settings.get("score"):
            started = perf_counter()
            _ = np.square(reducer.reconstruct(X) - X).sum(1)
            found["score"] = [len(X), perf_counter() - started]
        return found

    return Task(block, _flop(warm, small))


def apply(settings: Settings) -> Task:
    """Apply a fitted estimator by one of its verbs: samples per second, and peak memory above what was there."""
    X = load(*settings["data"])
    reducer = _reducer(settings).fit(X[:20_000])
    verb = getattr(reducer, settings["verb"])
    verb(X[:20_000])

    def block(_: Settings) -> Settings:
        forget()
        before, started = resident(), perf_counter()
        answer = verb(X)
        seconds = perf_counter() - started
        return {"apply": [len(X), seconds], "memory": peak() - before, "answer": np.asarray(answer).nbytes / 1e6}

    return Task(block)


def memory(settings: Settings) -> Task:
    """Fit once in a fresh process: what is held after the imports, after loading, and at most, in MB."""

    def block(_: Settings) -> Settings:
        imported = resident()
        X = load(*settings["data"])
        X = X.reshape(len(X), -1) if settings.get("flat") else X
        loaded = resident()
        forget()
        reducer = _reducer(settings).fit(X)
        weights = sum(p.numel() for p in reducer.model_.parameters()) * 4 / 1e6
        return {"imported": imported, "loaded": loaded, "data": X.nbytes / 1e6, "weights": weights, "peak": peak()}

    return Task(block)


def stored(settings: Settings) -> Task:
    """Train on a Parquet file, as a stream or read whole: rows per second of the epochs, and peak memory in MB."""
    from pandas import read_parquet  # not before it is needed: other tasks measure memory

    _reducer(settings).fit(load("normal", 4096, 5))
    X = read_parquet(settings["path"]).to_numpy() if settings["whole"] else settings["path"]

    def block(_: Settings) -> Settings:
        reducer = _reducer(settings).fit(X)
        rows = len(X) if settings["whole"] else Stored.open(settings["path"]).shape[0]
        count = len(reducer.history_) * (rows - min(round(rows * settings["validation"]), 10_000))
        return {"epoch": [count, sum(reducer.history_.columns["seconds"])], "peak": peak()}

    return Task(block)


def quality(settings: Settings) -> Task:
    """Fit, and tell after each epoch the clock, stopped while testing, and the test error per pixel in [0, 1]."""
    X, test = load(*settings["data"]), load("mnist-test", 10_000)
    _reducer(settings | {"epochs": 1}).fit(X[:512])

    def block(asked: Settings) -> Settings:
        watch = Watch(X, test, settings["recipe"])
        reducer = _reducer(settings | asked)
        started = perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reducer.fit(X, callbacks=[watch])
        whole = perf_counter() - started - watch.testing
        error = watch.error(reducer.model_)
        return {"seconds": [t - started for t in watch.clock], "errors": watch.errors, "whole": whole, "error": error}

    return Task(block)


def detection(settings: Settings) -> Task:
    """Fit on the normal half of an anomaly table; the AUROC of the squared residual on the other rows."""
    from sklearn.metrics import roc_auc_score

    Reducer(2, training=Training(epochs=1)).fit(load("normal", 64, 5))

    def block(asked: Settings) -> Settings:
        train, test, y = one_class(asked["table"], asked["seed"])
        n = int(np.clip(train.shape[1] // 3, 2, 16))
        started = perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reducer = Reducer(n, random_state=asked["seed"]).fit(train)
        scores = np.square(reducer.reconstruct(test).astype(np.float64) - test).sum(1)
        return {"auroc": float(roc_auc_score(y, scores)), "seconds": perf_counter() - started}

    return Task(block)


def anomalies(settings: Settings) -> Task:
    """Fit on an anomaly table as it is; the scores of the test rows, the seconds of both; or how it failed."""
    make = _detector if settings["model"] == "Detector" else _distance
    make(0).fit(load("normal", 64, 5))

    def block(asked: Settings) -> Settings:
        train, test, _ = anomaly_split(asked["table"], asked["seed"], asked["setting"])
        started = perf_counter()
        try:
            detector = make(asked["seed"]).fit(train)
            fitted = perf_counter()
            scores = -np.asarray(detector.score_samples(test))
        except Exception as error:  # as for the peers: whatever it raises is its result on this table
            return {"failed": f"{type(error).__name__}: {error}"}
        return {"scores": scores.tolist(), "fit": fitted - started, "score": perf_counter() - fitted}

    return Task(block)


def series(settings: Settings) -> Task:
    """Fit on a series; the scores of the points of another part of it."""
    _ = _detector(0).fit(load("normal", 64, 5))
    return task(_SERIES[settings["model"]])


class Distance:
    """The Euclidean distance to the mean of the standardised columns, clipped softly: no training."""

    def fit(self, X: np.ndarray) -> Distance:
        """Keep the rows that give means and deviations."""
        self.train = X
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Return minus the distance (M,): beyond 3 deviations, |z| counts as 3 + log(|z| - 2)."""
        size = np.abs(standardised(self.train, X)[1])
        clipped = np.minimum(size, 3) + np.log1p(np.maximum(size - 3, 0))
        return -np.sqrt(np.square(clipped).sum(1))


class Watch(Callback):
    """Tests after every epoch, outside of the clock."""

    def __init__(self, X: np.ndarray, test: np.ndarray, recipe: str) -> None:
        domains = named(recipe).likelihood.domains(channels(X.shape[1:]))
        self.scaling = Scaling.fit(X, domains)  # the estimator's own
        self.test = self.scaling.tensor(test)
        self.pixels = test.size * 255.0**2
        self.clock: list[float] = []
        self.errors: list[float] = []
        self.testing = 0.0

    def on_epoch(self, run: Run) -> None:
        """Note the time and the error."""
        started = perf_counter()
        self.clock.append(started - self.testing)
        self.errors.append(self.error(run.model))
        self.testing += perf_counter() - started

    @torch.inference_mode()
    def error(self, model: torch.nn.Module) -> float:
        """Return the mean squared error per pixel of reconstructions from the deterministic code."""
        model.eval()
        total = 0.0
        for part in self.test.split(1000):
            rebuilt = self.scaling.undo(model.reconstruct(self.scaling.batch(part)))  # type: ignore[operator]
            total += float(np.square(rebuilt.astype(np.float64) - part.numpy()).sum())
        return total / self.pixels


def _detector(seed: int) -> Any:
    from diabolo import Detector

    return Detector(random_state=seed)


def _distance(seed: int) -> Distance:
    return Distance()


def _series_by_detector(series: Series, asked: Settings) -> np.ndarray:
    from diabolo import Detector

    detector = Detector(window=asked["length"], random_state=asked["seed"]).fit(series.train)
    return -detector.score_samples(series.test)


def _series_by_distance(series: Series, asked: Settings) -> np.ndarray:
    return -Distance().fit(series.train).score_samples(series.test)


def _series_by_components(series: Series, asked: Settings) -> np.ndarray:
    """Return what the principal components of 90 % of the variance of windows do not rebuild, squared."""
    from sklearn.decomposition import PCA

    def rows(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        components = PCA(0.9, svd_solver="full").fit(train)
        return np.square(test - components.inverse_transform(components.transform(test))).sum(1)

    return by_windows(series, asked["length"], asked["stride"], rows)


_SERIES = {"Detector": _series_by_detector, "distance": _series_by_distance, "Sub-PCA": _series_by_components}


def _reducer(settings: Settings) -> Reducer:
    training = Training(
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        validation=settings["validation"],
        precision=settings.get("precision", "auto"),
    )
    training = revise_from_text(training, "schedules", f"[{', '.join(settings.get('schedules', ()))}]")
    seed = settings.get("seed", 0)
    return Reducer(settings["n"], recipe=settings["recipe"], training=training, random_state=seed)


def _flop(reducer: Estimator, X: np.ndarray) -> float:
    batch = Batch(reducer.scaling_.batch(reducer.scaling_.tensor(X)))
    model = reducer.model_.train()
    return flop(lambda: model(batch, noise=True).loss, len(X))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    rates = {"fit": fit, "apply": apply, "memory": memory, "stored": stored}
    serve(rates | {"quality": quality, "detection": detection, "anomalies": anomalies, "series": series})

"""PyOD's autoencoder as it comes, and for anomalies the other detectors too."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import torch
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.base import BaseDetector
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.vae import VAE
from sklearn.metrics import roc_auc_score

from benchmarks.workers.counting import flop
from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.series import Series, by_windows, task
from benchmarks.workers.sets import anomaly_split, load, one_class, standardised


class Timed(AutoEncoder):
    """It, with a watch around the training."""

    def train(self, train_loader: Any) -> None:
        """Train, and note the time."""
        started = perf_counter()
        super().train(train_loader)
        self.seconds_ = perf_counter() - started


def fit(settings: Settings) -> Task:
    """Train on a set, then score it: rows per second of each, and of the whole `fit`, which scores its own rows too."""
    X = load(*settings["data"])
    small = X[:512]
    warm = _detector(settings).fit(small)

    def block(_: Settings) -> Settings:
        started = perf_counter()
        detector = _detector(settings).fit(X)
        count, whole = detector.epoch_num * (len(X) // detector.batch_size * detector.batch_size), perf_counter()
        detector.decision_function(X)
        scored = perf_counter() - whole
        return {"epoch": [count, detector.seconds_], "fit": [count, whole - started], "score": [len(X), scored]}

    x = torch.from_numpy(small)
    return Task(block, flop(lambda: (warm.model.train()(x) - x).square().mean(), len(x)))


def detection(settings: Settings) -> Task:
    """Fit on the normal half of an anomaly table; the AUROC of its score on the other rows."""
    _detector(settings).fit(load("normal", 64, 5))

    def block(asked: Settings) -> Settings:
        train, test, y = one_class(asked["table"], asked["seed"])
        started = perf_counter()
        detector = AutoEncoder(random_state=asked["seed"], verbose=0).fit(train)
        auroc = float(roc_auc_score(y, detector.decision_function(test)))
        return {"auroc": auroc, "seconds": perf_counter() - started}

    return Task(block)


def anomalies(settings: Settings) -> Task:
    """Fit a detector on an anomaly table; its scores of the test rows, the seconds of both; or how it failed."""
    kind = np.float32 if settings["model"] in ("AutoEncoder", "VAE") else np.float64
    _untouched(settings["model"], 0).fit(load("normal", 64, 5))

    def block(asked: Settings) -> Settings:
        train, test, _ = anomaly_split(asked["table"], asked["seed"], asked["setting"])
        train, test = (part.astype(kind) for part in standardised(train, test))
        started = perf_counter()
        try:
            detector = _untouched(settings["model"], asked["seed"]).fit(train[: settings.get("rows")])
            fitted = perf_counter()
            scores = detector.decision_function(test)
        except Exception as error:  # whatever it raises is its result on this table
            return {"failed": f"{type(error).__name__}: {error}"}
        return {"scores": scores.tolist(), "fit": fitted - started, "score": perf_counter() - fitted}

    return Task(block)


def series(settings: Settings) -> Task:
    """Fit a detector on the windows of a series as rows; the scores of the points of another part of it."""
    _untouched(settings["model"], 0).fit(load("normal", 64, 5))

    def scores(given: Series, asked: Settings) -> np.ndarray:
        def rows(train: np.ndarray, test: np.ndarray) -> np.ndarray:
            return _untouched(settings["model"], asked["seed"]).fit(train).decision_function(test)

        return by_windows(given, asked["length"], asked["stride"], rows)

    return task(scores)


def _untouched(model: str, seed: int) -> BaseDetector:
    made = {
        "AutoEncoder": lambda: AutoEncoder(random_state=seed, verbose=0),
        "VAE": lambda: VAE(random_state=seed, verbose=0),
        "KNN": KNN,
        "IForest": lambda: IForest(random_state=seed),
        "ECOD": ECOD,
    }
    return made[model]()


def _detector(settings: Settings) -> Timed:
    return Timed(epoch_num=settings.get("epochs", 1), verbose=0)


if __name__ == "__main__":
    serve({"fit": fit, "detection": detection, "anomalies": anomalies, "series": series})

"""scikit-learn's multilayer perceptron, taught to return its input."""

from __future__ import annotations

import warnings
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.sets import load


def fit(settings: Settings) -> Task:
    """Train on a set, then score it: rows per second of the whole `fit`, and of predicting and squaring."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X = load(*settings["data"])
    warm = _net(settings).fit(X[:512], X[:512])

    def block(_: Settings) -> Settings:
        started = perf_counter()
        net = _net(settings).fit(X, X)
        fitted = perf_counter()
        _ = np.square(net.predict(X) - X).sum(1)
        scored = perf_counter() - fitted
        count = [net.n_iter_ * len(X), fitted - started]
        return {"epoch": count, "fit": count, "score": [len(X), scored]}

    weights = [w.size for w in warm.coefs_]
    return Task(block, 6 * sum(weights) - 2 * weights[0])


def _net(settings: Settings) -> MLPRegressor:
    seed = settings.get("seed", 0)
    return MLPRegressor(hidden_layer_sizes=tuple(settings["hidden"]), max_iter=settings["epochs"], random_state=seed)


if __name__ == "__main__":
    serve({"fit": fit})

"""The report of an estimator: its numbers and arrays, laid out on a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.data import Stored, kind
from diabolo.model import count_weights
from diabolo.report import Page, code_map, comparison, curves, pairs, spectrum

if TYPE_CHECKING:
    from diabolo.estimators.reduction.reducer import Reducer

_SHOWN = 2000
"""Samples in the code map, at most."""

_MEASURED = 10_000
"""Samples of a file on disk that are looked at, at most."""


def report(estimator: Reducer, X: Any, y: Any = None) -> Page:
    """Return the page of an estimator that gives codes."""
    array = estimator._take(X)
    if isinstance(array, Stored):
        index = np.arange(0, len(array), math.ceil(len(array) / _MEASURED))
        array, y = array.take(index), None if y is None else np.asarray(y)[index]
    step = max(1, len(array) // _SHOWN)
    codes, few = estimator._codes(array[::step]), array[:10]
    errors = estimator._errors(array)
    page = Page(
        f"{type(estimator).__name__}: {estimator.n_components} numbers for {' × '.join(map(str, estimator.shape_))}"
    )
    page.paragraph(f"{estimator.recipe_}\n{estimator.recipe_.equation()}")
    page.table([_facts(estimator, array, errors)])
    page.heading("Input and reconstruction")
    page.figure(pairs(few, estimator._rebuilt(few), kind(estimator.shape_)))
    page.heading("Against PCA of the same size")
    page.figure(comparison({"this model": errors["model"], "PCA": errors["pca"], "mean": errors["mean"]}))
    page.heading("Map of the code")
    page.figure(code_map(codes, None if y is None else np.asarray(y)[::step]))
    page.heading("Spectrum of the code")
    page.figure(spectrum(_variances(codes), estimator.pca_.variances[: codes.shape[1]].numpy()))
    if len(estimator.history_):
        page.heading("Training")
        page.figure(curves(estimator.history_.columns))
    return page


def _facts(estimator: Reducer, array: Any, errors: dict[str, float]) -> dict[str, object]:
    return {
        "samples": len(array),
        "code": estimator.n_components,
        "weights": count_weights(estimator.model_),
        "error": errors["model"],
        "error / PCA error": errors["model"] / errors["pca"] if errors["pca"] else float("nan"),
        "variance kept": 1 - errors["model"] / errors["mean"] if errors["mean"] else float("nan"),
        "epochs": len(estimator.history_),
        "ended": estimator.history_.stopped,
    }


def _variances(codes: Any) -> Any:
    """Return the eigenvalues of the codes' covariance, falling."""
    covariance = np.atleast_2d(np.cov(codes, rowvar=False)) if len(codes) > 1 else np.zeros((codes.shape[1],) * 2)
    return np.linalg.eigvalsh(covariance)[::-1].clip(min=0)

"""The report of an estimator: its numbers and arrays, laid out on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.data import kind
from diabolo.model import count_weights
from diabolo.report import Page, code_map, comparison, curves, pairs, spectrum

if TYPE_CHECKING:
    from diabolo.estimators.reducer import Reducer

_SHOWN = 2000
"""Samples in the code map, at most."""


def report(reducer: Reducer, X: Any, y: Any = None) -> Page:
    """Return the page of `Reducer.report`."""
    array = reducer._take(X)
    step = max(1, len(array) // _SHOWN)
    codes, few = reducer._codes(array[::step]), array[:10]
    errors = reducer._errors(array)
    page = Page(f"{type(reducer).__name__}: {reducer.n_components} numbers for {' × '.join(map(str, reducer.shape_))}")
    page.paragraph(f"{reducer.recipe_}\n{reducer.recipe_.equation()}")
    page.table([_facts(reducer, array, errors)])
    page.heading("Input and reconstruction")
    page.figure(pairs(few, reducer._rebuilt(few), kind(reducer.shape_)))
    page.heading("Against PCA of the same size")
    page.figure(comparison({"this model": errors["model"], "PCA": errors["pca"], "mean": errors["mean"]}))
    page.heading("Map of the code")
    page.figure(code_map(codes, None if y is None else np.asarray(y)[::step]))
    page.heading("Spectrum of the code")
    page.figure(spectrum(_variances(codes), reducer.pca_.variances[: codes.shape[1]].numpy()))
    if len(reducer.history_):
        page.heading("Training")
        page.figure(curves(reducer.history_.columns))
    return page


def _facts(reducer: Reducer, array: Any, errors: dict[str, float]) -> dict[str, object]:
    return {
        "samples": len(array),
        "code": reducer.n_components,
        "weights": count_weights(reducer.model_),
        "error": errors["model"],
        "error / PCA error": errors["model"] / errors["pca"] if errors["pca"] else float("nan"),
        "variance kept": 1 - errors["model"] / errors["mean"] if errors["mean"] else float("nan"),
        "epochs": len(reducer.history_),
        "ended": reducer.history_.stopped,
    }


def _variances(codes: Any) -> Any:
    """Return the eigenvalues of the codes' covariance, falling."""
    covariance = np.atleast_2d(np.cov(codes, rowvar=False)) if len(codes) > 1 else np.zeros((codes.shape[1],) * 2)
    return np.linalg.eigvalsh(covariance)[::-1].clip(min=0)

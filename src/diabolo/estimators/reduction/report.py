"""The report of an estimator: its numbers and arrays, laid out on a page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.check import listed
from diabolo.data import Stored, kind, read
from diabolo.errors import DataError
from diabolo.estimators.colours import colours
from diabolo.estimators.reduction.measures import measures
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
    array, colour = _taken(estimator, X, y)
    step = max(1, len(array) // _SHOWN)
    codes, few = estimator._codes(array[::step]), array[:10]
    colour = None if colour is None else colour[::step]
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
    page.figure(code_map(codes, colour))
    if codes.shape[1] == 2 and (found := measures(estimator.scaling_, array[::step], codes, colour)):
        page.table([found])
    if (variances := _variances(codes)).any():  # there are none of one sample, or of equal ones
        page.heading("Spectrum of the code")
        page.figure(spectrum(variances, estimator.pca_.variances[: codes.shape[1]].numpy()))
    if len(estimator.history_):
        page.heading("Training")
        page.figure(curves(estimator.history_.columns))
    return page


def _taken(estimator: Reducer, X: Any, y: Any) -> tuple[Any, Any]:
    """Return samples (N, *shape), and a colour for each, (N,), or None."""
    X = read(X)
    named = isinstance(y, str) and not isinstance(X, Stored)
    if named:
        X, y = _without(estimator, X, y)
    array = estimator._take(X)
    if isinstance(array, Stored):
        index = np.arange(0, len(array), math.ceil(len(array) / _MEASURED))
        place = _place(getattr(estimator, "feature_names_in_", ()), y) if isinstance(y, str) else None
        array = array.take(index)
        y = array[:, place] if place is not None else None if y is None else np.asarray(y)[index]
    return array, None if y is None else colours(y, len(array))


def _without(estimator: Reducer, X: Any, name: str) -> tuple[Any, Any]:
    """Return a frame without the column of this name, unless it was fitted with it, and the column."""
    columns = list(getattr(X, "columns", ()))
    colour = X[columns[_place(columns, name)]]
    return X if name in getattr(estimator, "feature_names_in_", ()) else X[[c for c in columns if c != name]], colour


def _place(columns: Iterable[Any], name: str) -> int:
    names = list(columns)
    if name not in names:
        raise DataError(
            f"Parameter 'y' of report must name a column of X, which has {listed(names)}; got {name!r}. Give one "
            "colour for each sample, or the name of a column of a data frame."
        )
    return names.index(name)


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

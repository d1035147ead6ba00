"""What a generator learns from, and what it is asked about: the user's samples as numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Form, Scaling, read
from diabolo.data.form import NumpyForm, TorchForm
from diabolo.data.package import package
from diabolo.errors import DataError, DataTypeError
from diabolo.estimators.base import Estimator
from diabolo.estimators.generation.arrays import Arrays
from diabolo.estimators.generation.conditions import Conditions
from diabolo.estimators.generation.rows import Rows
from diabolo.estimators.sources import gathered, sampled
from diabolo.estimators.start import Start
from diabolo.estimators.tabular import axes, taken
from diabolo.likelihoods import Auto
from diabolo.model import Recipe
from diabolo.recipes import named
from diabolo.training import resolve

Array = NDArray[Any]

_LEARNT = 2**28
"""Numbers of a file on disk that are learnt from, at most."""


class Started(NamedTuple):
    """What a generator has before it is trained."""

    start: Start
    """The data, and the model that begins there."""
    form: Rows | Arrays
    """The form of samples."""
    conditions: Conditions | None
    """What samples are conditioned on."""


def started(estimator: Estimator, X: Any, y: Any, recipe: Recipe, seed: int) -> Started:
    """Return what training starts from, the form of samples, and what they are conditioned on.

    The estimator checks X, and takes up how many columns it has and what these are called: nothing else is changed.

    Raises
    ------
    DataError
        If X or y cannot be learned from, or hold what the likelihood of the recipe is none of.
    """
    X, y = sampled(read(X), _LEARNT, y)
    open_to_choice = isinstance(recipe.likelihood, Auto)
    table = taken(estimator, X, reset=True) if open_to_choice else _taken(estimator, X, reset=True)
    if open_to_choice and axes(table) == 2:
        form, numbers = Rows.of(table, X)
        scaling = Scaling(np.zeros(numbers.shape[1]), np.ones(numbers.shape[1]))
    else:
        form, numbers, scaling = Arrays.of(X, table), table, None
        form.demand_within(numbers, recipe.likelihood)
    recipe = recipe.revise(likelihood=form.likelihood) if open_to_choice else recipe
    conditions, told = None, None
    if y is not None:
        conditions, rows = Conditions.of(y, len(numbers))
        told = torch.from_numpy(rows).float()
    n, share = int(estimator.n_components), estimator.schedule.validation
    start = Start.of(numbers, recipe, n, share, seed, resolve(estimator.device), scaling, told)
    return Started(start, form, conditions)


def numbers_of(estimator: Estimator, form: Rows | Arrays, X: Any) -> Array:
    """Return samples as numbers (N, *shape), not yet scaled.

    Raises
    ------
    DataError
        If they are not as in training, or hold what the likelihood is none of.
    """
    X = gathered(read(X))
    if isinstance(form, Arrays):
        array = _taken(estimator, X, reset=False)
        form.demand_within(array, estimator.recipe_.likelihood)
        return array
    return form.numbers(taken(estimator, X, reset=False))


def one_of(estimator: Estimator, form: Rows | Arrays, sample: Any) -> Array:
    """Return one sample, given as it is or as a batch of one, as numbers (1, *shape).

    Raises
    ------
    DataError
        If there are several.
    """
    if hasattr(sample, "to_frame"):  # a row of a frame of pandas
        sample = _row(form, sample.to_frame().T)
    elif isinstance(Form.of(sample), NumpyForm | TorchForm) and np.ndim(sample) == len(estimator._given):
        sample = sample[None] if hasattr(sample, "ndim") else [sample]
    numbers = numbers_of(estimator, form, sample)
    if len(numbers) != 1:
        raise DataError(f"One sample is wanted here; got {len(numbers)}. Give a row, such as X[:1].")
    return numbers


def _row(form: Rows | Arrays, row: Any) -> Any:
    """Return a frame of one row, of which pandas has made objects, with the categories of training."""
    for label, scale in zip(form.labels, form.scales if isinstance(form, Rows) else (), strict=False):
        if scale is not None and label in row.columns:
            row[label] = row[label].astype(package("pandas").CategoricalDtype(*scale))
    return row


def _taken(estimator: Estimator, X: Any, reset: bool) -> Array:
    """Return samples that are all numbers, as every estimator takes them, as an array."""
    try:
        array = np.asarray(estimator._take(X, reset))
    except DataTypeError as error:
        if isinstance(named(estimator.recipe).likelihood, Auto):
            raise
        raise DataTypeError(f"{error} Or leave the likelihood of the recipe out: each column has its own.") from error
    if np.isnan(array).any():
        raise DataError(
            "X must hold no missing value where the recipe names a likelihood; got NaN. Leave the likelihood out, or "
            "impute those values first."
        )
    return array

"""Tables with gaps: what an imputer learns from them, and its answers, in the form of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diabolo.check import shorten
from diabolo.data import Form, Scaling
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.denoising.restoring import demand_samples
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.imputation.completing import completed, flagged
from diabolo.estimators.imputation.filler import Filler
from diabolo.estimators.imputation.filling import best, covered, draw_cells, ends, errors, trusted, uncertainty
from diabolo.estimators.imputation.imputed import report
from diabolo.estimators.imputation.imputing import answers, learn
from diabolo.estimators.imputation.keeping import recall, remembered
from diabolo.estimators.tabular import ordered, taken
from diabolo.flow import Shape
from diabolo.likelihoods import Auto
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.nets import Auto as AutoNet
from diabolo.report import Page
from diabolo.training import Callback, train_in_stages

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer

Array = NDArray[Any]

_NET = MLP(hidden=(128,))
_ROWS = 256
"""Rows of a batch."""


class Tables(Filler):
    """Mixed columns, each a distribution over bins or categories."""

    def learn(
        self,
        imputer: Imputer,
        X: Any,
        recipe: Recipe,
        seed: int,
        callbacks: Sequence[Callback],
        checkpoint: str | PathLike[str] | None,
    ) -> None:
        X = _table(imputer, X, reset=True)
        if not isinstance(recipe.likelihood, Auto) or recipe.corruption is not None:
            raise ParameterError(
                "Parameter 'recipe' of Imputer must leave likelihood and corruption open for tables: columns are "
                f"modelled by bins, and cells are hidden; got {shorten(recipe.likelihood)} and "
                f"{shorten(recipe.corruption)}."
            )
        if isinstance(recipe.net, AutoNet):
            recipe = replace(recipe, net=_NET)
        training = imputer.schedule
        if training.batch_size is None:
            training = training(batch_size=_ROWS)
        learnt = learn(imputer, X, recipe, seed)
        history = train_in_stages(
            learnt.model,
            learnt.train,
            learnt.held_out,
            training,
            seed=seed,
            callbacks=callbacks,
            checkpoint=checkpoint,
        )
        wide = learnt.model.shape[0]
        imputer._keep(FittedModel(learnt.model, Scaling(np.zeros(wide), np.ones(wide)), history))
        imputer.trust_ = trusted(imputer, learnt)
        imputer.coverage_, imputer.errors_ = covered(imputer, learnt), errors(imputer, learnt)

    def sample_shape(self, imputer: Imputer) -> Shape:
        return (len(imputer.gapped_.columns),)

    def filled(self, imputer: Imputer, X: Any) -> Any:
        X, cells = _read(imputer, X)
        found = completed(X, *answers(imputer, cells, best(imputer, imputer.strategy)))
        flags = indicated(imputer)
        return flagged(found, cells, flags) if flags else found

    def draw(self, imputer: Imputer, X: Any, n: int, seed: int | None) -> list[Any]:
        rng, (X, cells) = np.random.default_rng(seed), _read(imputer, X)
        return [completed(X, *draw_cells(imputer, cells, rng)) for _ in range(n)]

    def unsure(self, imputer: Imputer, X: Any) -> Any:
        X, cells = _read(imputer, X)
        found = np.zeros((len(cells[0]), len(cells)))
        for i, (rows, values) in enumerate(zip(*answers(imputer, cells, uncertainty), strict=True)):
            found[rows, i] = values
        found[:, [column.empty for column in imputer.gapped_.columns]] = np.nan
        return Form.of(X).back(found)

    def between(self, imputer: Imputer, X: Any, coverage: float) -> tuple[Any, Any]:
        X, cells = _read(imputer, X)
        low, high = (completed(X, *answers(imputer, cells, ends(imputer, coverage, upper))) for upper in (False, True))
        return low, high

    def report(self, imputer: Imputer, X: Any) -> Page:
        return report(imputer, *_read(imputer, X))

    def remembered(self, imputer: Imputer) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return remembered(imputer)

    def recall(self, imputer: Imputer, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        recall(imputer, plain, arrays)


def indicated(imputer: Imputer) -> list[int]:
    """Return which columns have an indicator."""
    columns = imputer.gapped_.columns if imputer.add_indicator else ()
    return [i for i, column in enumerate(columns) if column.missing]


def _table(imputer: Imputer, X: Any, reset: bool = False) -> Any:
    """Return X, checked to be a table that an imputer takes."""
    demand_samples(X)
    X = taken(imputer, X, reset)
    axes = len(X.shape) if hasattr(X, "shape") else np.ndim(X)
    if axes != 2:
        raise DataError(
            f"X must be a table (N, D), as in training; got {axes} axes. Reshape it, with X.reshape(len(X), -1), or "
            "fit another Imputer on such."
        )
    return X


def _read(imputer: Imputer, X: Any) -> tuple[Any, list[Array]]:
    """Return X, of a frame the columns in the order of training, and its cells, one array (N,) for each column."""
    table, known = _table(imputer, X), [column.name for column in imputer.gapped_.columns]
    if not hasattr(X, "columns"):
        return X, imputer.gapped_.cells(table)
    if set(map(str, X.columns)) == set(known):  # else those of an array, by position
        table = ordered(table, known)
    return table, imputer.gapped_.cells(table)

"""How a detector's model is trained on pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from diabolo.data import Scaling, Schema
from diabolo.estimators.detection.pieces import Pieces
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.start import Start
from diabolo.estimators.tabular import suited
from diabolo.likelihoods import Auto, SquaredError
from diabolo.model import Recipe
from diabolo.training import Callback, Training, resolve

_LEARNT = 2**25
"""Numbers that a model learns from, at most; of more pieces, some are drawn."""


@dataclass(frozen=True)
class Trainer:
    """What decides a model besides the pieces that it is trained on.

    Parameters
    ----------
    recipe : Recipe
        The composition.
    n_components : int or None
        Size of the code; None: a quarter of the columns, or of the numbers of a piece, from 1 to 64.
    training : Training
        How it is trained.
    device : str
        Where, as a detector says it.
    seed : int
        Decides initial weights, order and noise.
    """

    recipe: Recipe
    n_components: int | None
    training: Training
    device: str
    seed: int

    def trained(
        self,
        pieces: Pieces,
        schema: Schema | None,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> FittedModel:
        """Return a model of pieces, whose columns a schema describes if they are of a table or of series.

        Raises
        ------
        ParameterError
            If the recipe is none for such pieces.
        TrainingError
            If the loss is no longer finite.
        """
        return FittedModel.of(self._start(pieces, schema), self.training, callbacks, checkpoint)

    def _start(self, pieces: Pieces, schema: Schema | None) -> Start:
        """Return what training starts from: numbers of a table are scaled by its schema, others anew."""
        array, _ = pieces.take(_drawn(len(pieces), max(2, _LEARNT // pieces.width), self.seed))
        recipe, size, scaling = self.recipe, pieces.width, None
        if schema is not None:
            scaling = Scaling(np.zeros(schema.width), np.ones(schema.width))
            size = size * len(schema.fields) // schema.width
            recipe = suited(recipe, schema) if array.ndim == 2 else suited(_any_numbers(recipe), schema)
        n = self.n_components or min(max(round(size / 4), 1), 64)
        return Start.of(array, recipe, n, self.training.validation, self.seed, resolve(self.device), scaling)


def _drawn(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return the rising numbers of all pieces, or of as many as may be."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def _any_numbers(recipe: Recipe) -> Recipe:
    """Return the recipe with the likelihood of any numbers, if it leaves that open: windows hold all sorts."""
    return recipe.revise(likelihood=SquaredError()) if isinstance(recipe.likelihood, Auto) else recipe

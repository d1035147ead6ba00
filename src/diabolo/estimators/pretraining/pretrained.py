"""What pretraining jobs share: the user's samples in, an autoencoder trained on them, features out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Maybe, OneOf, Whole, demand
from diabolo.data import Scaling, Schema, read
from diabolo.errors import DataError
from diabolo.estimators.base import Estimator
from diabolo.estimators.colours import colours
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.pretraining.features import Features, Layer, Layers
from diabolo.estimators.pretraining.suiting import composed, precision, size_of_code
from diabolo.estimators.sources import filled, gathered, part_by_part, sampled
from diabolo.estimators.start import Start
from diabolo.estimators.tabular import axes, encoded, restored, taken
from diabolo.flow import Shape
from diabolo.likelihoods import Auto
from diabolo.model import Recipe
from diabolo.report import Page, code_map, curves
from diabolo.training import Callback, Training, resolve

Array = NDArray[Any]

SCHEDULE = Training(steps=2000, batch_size=256)
"""How the autoencoder is trained, if not said otherwise."""

_LEARNT = 2**28
"""Numbers of a file on disk that are learnt from, at most."""

_SHOWN = 2000
"""Samples in the map of a report, at most."""


class Pretrained(Estimator):
    """A job that begins with an autoencoder of unlabelled samples."""

    takes_missing = True
    beside_pca = False
    sizes = Maybe(Whole(1, 2**20), "as many as a sample has numbers, from 8 to 64")

    schema_: Schema | None

    def __init__(
        self,
        n_components: int | None,
        *,
        recipe: Recipe | str,
        training: Training | None,
        random_state: int | np.random.RandomState | None,
        device: str,
        layer: Layer,
        pooling: str,
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.layer = layer
        self.pooling = pooling

    @property
    def schedule(self) -> Training:
        """How the autoencoder is trained."""
        return self.training or SCHEDULE

    @property
    def encoder_(self) -> Features:
        """From scaled samples (B, *shape) to their features (B, width): an ``nn.Module``, its weights the model's."""
        check_is_fitted(self)
        return self._encoder

    @property
    def _encoder(self) -> Features:
        return Features(self.model_, self.layer, self.pooling).eval()

    def check_parameters(self) -> Recipe:
        recipe, owner = super().check_parameters(), type(self).__name__
        demand("layer", owner, self.layer, Layers())
        demand("pooling", owner, self.pooling, OneOf("mean", "max", "all"))
        return recipe

    def _pretrain(
        self,
        numbers: Array,
        scaling: Scaling | None,
        recipe: Recipe,
        seed: int,
        callbacks: Sequence[Callback],
        checkpoint: str | PathLike[str] | None,
    ) -> None:
        """Learn the model, and the scaling unless it is known, from samples as numbers (N, *shape)."""
        shape = numbers.shape[1:]
        n, device = self.n_components or size_of_code(shape), resolve(self.device)
        suited = composed(recipe, shape, self.schema_)
        start = Start.of(numbers, suited, int(n), self.schedule.validation, seed, device, scaling)
        Features(start.model, self.layer, self.pooling)  # says whether there is such a layer, before the training
        schedule = self.schedule if self.training else self.schedule(precision=precision(shape, device))
        self._keep(FittedModel.of(start, schedule, callbacks, checkpoint))

    def _learn(self, X: Any, recipe: Recipe) -> tuple[Array, Scaling | None]:
        """Return samples as numbers, and their scaling if it is known: a table is scaled by its schema."""
        self.schema_ = None
        if _of_plain_numbers(recipe):
            return self._plain(X, reset=True), None
        X = taken(self, X, reset=True)
        if axes(X) != 2:
            return X, None
        self.schema_ = Schema.of(X)
        numbers, _ = encoded(self.schema_, X)
        return numbers, Scaling(np.zeros(self.schema_.width), np.ones(self.schema_.width))

    def _numbers(self, X: Any) -> Array:
        """Return samples as numbers (N, *shape), as in training.

        Raises
        ------
        DataError, DataTypeError
            If they are not as in training.
        """
        if self.schema_ is None:
            return self._plain(X, reset=False)
        X = taken(self, X, reset=False)
        return self.schema_.encode(X, np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64)[0]

    def _plain(self, X: Any, reset: bool) -> Array:
        array = np.asarray(self._take(X, reset))
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise DataError(
                "X must hold no missing value here; got NaN. Leave the likelihood out, or impute those first."
            )
        return array

    @torch.inference_mode()
    def _through(self, head: Callable[[Tensor], Tensor] | None, X: Any) -> Array:
        """Return the features (N, width) of samples, or what a head makes of these, in the precision of the samples."""
        numbers = self._numbers(X)
        return filled(self._each(head, numbers), len(numbers))

    def _each(self, head: Callable[[Tensor], Tensor] | None, numbers: Array) -> Iterator[Array]:
        for x, model in self._blocks(numbers):
            features = Features(model, self.layer, self.pooling)(x)
            yield (features if head is None else head(features)).cpu().numpy()

    def _in_parts(self, method: Callable[[Any], Any], X: Any) -> Any:
        """Return what a method makes of X: rows on disk come part by part."""
        check_is_fitted(self)
        return part_by_part(method, read(X))

    def _page(self, X: Any, y: Any, histories: dict[str, Any]) -> Page:
        """Return a page with the map of the features, coloured by y, and the losses."""
        page = Page(f"{type(self).__name__}: {self.encoder_.width} features of {' × '.join(map(str, self.shape_))}")
        page.paragraph(f"{self.recipe_}\n{self.recipe_.equation()}")
        X = gathered(read(X))
        step = max(1, len(X) // _SHOWN)
        features = self._through(None, X)[::step]
        page.heading("Map of the features")
        page.figure(code_map(features, None if y is None else colours(y, len(X))[::step]))
        for title, history in histories.items():
            if len(history):
                page.heading(title)
                page.figure(curves(history.columns))
        return page

    @property
    def _given(self) -> Shape:
        return self.shape_ if self.schema_ is None else (len(self.schema_.fields),)

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {"schema": None if self.schema_ is None else self.schema_.to_json()}, {}

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        self.schema_ = None
        if plain["schema"] is not None:
            self.schema_ = restored(plain["schema"], self.shape_, self.n_features_in_)
        Features(self.model_, self.layer, self.pooling)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def in_memory(X: Any, y: Any = None) -> tuple[Any, Any]:
    """Return rows on disk in memory, and what is known of them: of many, some at equal distances.

    Raises
    ------
    DataError
        If y does not hold a value for each.
    """
    return sampled(read(X), _LEARNT, y)


def beside(checkpoint: str | PathLike[str] | None, name: str) -> Path | None:
    """Return a checkpoint beside another one, if there is one.

    Examples
    --------
    >>> beside("run.ckpt", "tuning").name
    'run.ckpt.tuning'
    """
    if checkpoint is None:
        return None
    file = Path(checkpoint)
    return file.with_name(f"{file.name}.{name}")


def _of_plain_numbers(recipe: Recipe) -> bool:
    """Tell whether a recipe names a likelihood that standardised columns are nothing for."""
    likelihood = recipe.likelihood
    return not isinstance(likelihood, Auto) and bool(set(likelihood.domains(2)) - {"real"})

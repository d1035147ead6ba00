"""What classifiers and regressors share that begin with pretraining and go on with labels, be they few."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo import files
from diabolo.corruptions import Corruption
from diabolo.errors import FileError, ParameterError
from diabolo.estimators.pretraining.features import Layer
from diabolo.estimators.pretraining.fine import Learnt, Lesson, tune
from diabolo.estimators.pretraining.pretrained import Pretrained, beside, in_memory
from diabolo.estimators.pretraining.suiting import precision
from diabolo.estimators.pretraining.targets import Target, as_array
from diabolo.estimators.pretraining.tuned import Head
from diabolo.estimators.pretraining.tuning import Tuning
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.flow import Shape
from diabolo.model import Recipe
from diabolo.report import Page
from diabolo.training import Callback, History, Training


class Supervised(Pretrained):
    """A job that tells something of samples, by a head on the features of an autoencoder."""

    head_: Head
    tuning_history_: History

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
        tuning: Tuning,
    ) -> None:
        super().__init__(
            n_components,
            recipe=recipe,
            training=training,
            random_state=random_state,
            device=device,
            layer=layer,
            pooling=pooling,
        )
        self.tuning = tuning

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Pretrain on all samples X, and learn what y says of those that have a label.

        Parameters
        ----------
        X : array, data frame, tensor or path
            At least two samples.
        y : array-like
            See the class.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X or y cannot be learned from.
        ParameterError
            If a parameter is not allowed, or there is no such layer.
        TrainingError
            If the loss is no longer finite.
        """
        recipe, seed = self.check_parameters(), self._seed()
        X, y = in_memory(X, y)
        numbers, scaling = self._learn(X, recipe)
        target = self._target(y, len(numbers))
        self._pretrain(numbers, scaling, recipe, seed, callbacks, checkpoint)
        return self._learn_labels(numbers, y, target, seed, callbacks, beside(checkpoint, "tuning"))

    def start_from(self, other: Pretrained) -> Self:
        """Take over what another job learnt of unlabelled samples, a copy of it; what follows is learnt by `go_on`."""
        self._keep(replace(other._fitted, model=copy.deepcopy(other.model_)))
        self._know(other.n_features_in_, getattr(other, "feature_names_in_", None))
        self.schema_ = other.schema_
        return self

    @all_or_nothing
    def go_on(
        self, X: Any, y: Any, unlabelled: Any, callbacks: Sequence[Callback], checkpoint: str | PathLike[str] | None
    ) -> Self:
        """Learn what y says of samples X, with some unlabelled ones beside, from where this job started."""
        self.check_parameters()
        X, y = in_memory(X, y)
        numbers = self._numbers(X)
        target = self._target(y, len(numbers))
        if unlabelled is not None:
            more = self._numbers(in_memory(unlabelled)[0])
            y = _with_blanks(y, len(more))
            numbers = np.concatenate([numbers, more.astype(numbers.dtype, copy=False)])
        file = None if checkpoint is None else Path(checkpoint)
        return self._learn_labels(numbers, y, target, self._seed(), callbacks, file)

    def check_parameters(self) -> Recipe:
        recipe = super().check_parameters()
        if not isinstance(self.tuning, Tuning):
            owner = type(self).__name__
            raise ParameterError(f"Parameter 'tuning' of {owner} must be a Tuning; got {self.tuning!r}.")
        self.tuning.check()
        return recipe

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with a map of the features, coloured by `y`, and the loss curves."""
        check_is_fitted(self)
        return self._page(X, y, {"Pretraining": self.history_, "Fine-tuning": self.tuning_history_})

    @abstractmethod
    def _target(self, y: Any, count: int) -> Target:
        """Return what y says of so many samples."""

    @abstractmethod
    def _views(self, shape: Shape) -> tuple[Corruption | None, Corruption]:
        """Return little noise for labelled samples, or none, and much for unlabelled ones, if nothing else is said."""

    @abstractmethod
    def _settle(self, target: Target, learnt: Learnt) -> None:
        """Take up what was learnt besides the head."""

    @property
    @abstractmethod
    def _outputs(self) -> int:
        """How many outputs there are."""

    def _learn_labels(
        self, numbers: NDArray[Any], y: Any, target: Target, seed: int, callbacks: Sequence[Callback], file: Path | None
    ) -> Self:
        shape, device = self.model_.shape, next(self.model_.parameters()).device
        lesson = Lesson(
            self.scaling_.tensor(numbers),
            target.encode(y, len(numbers)),
            target,
            self.scaling_,
            *self._views(shape),
            precision(shape, device),
            seed,
            device,
            callbacks,
            file,
        )
        learnt = tune(self._encoder, lesson, self.tuning)
        self.head_, self.tuning_history_ = learnt.head.eval(), learnt.history
        self._settle(target, learnt)
        return self

    def _told(self, X: Any) -> NDArray[Any]:
        """Return the outputs (N, K) for X, in the precision of X."""
        heads = {torch.float32: self.head_, torch.float64: copy.deepcopy(self.head_).double()}
        return self._in_parts(lambda part: self._through(lambda f: heads[f.dtype](f), part), X)

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        plain, arrays = super()._more()
        head = {f"head.{name}": value for name, value in self.head_.state_dict().items()}
        return plain | {"tuning": self.tuning_history_.to_json()}, arrays | head

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        super()._restore(plain, arrays)
        found, width = files.under("head.", arrays), self._encoder.width
        sizes = {
            "shift": (width,),
            "scale": (width,),
            "map.weight": (self._outputs, width),
            "map.bias": (self._outputs,),
        }
        files.match(sizes, found)
        if not all(bool(value.isfinite().all()) for value in found.values()) or bool((found["scale"] <= 0).any()):
            raise FileError("its head is not made of sound numbers")
        head = Head(found["shift"], found["scale"], self._outputs)
        head.load_state_dict(found)
        self.head_ = head.to(next(self.model_.parameters()).device).eval()
        self.tuning_history_ = History.from_json(plain["tuning"])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "head_")


def _with_blanks(y: Any, count: int) -> NDArray[Any]:
    """Return y with so many missing values after it."""
    y = as_array(y)
    if y.dtype.kind == "f":
        return np.concatenate([y, np.full((count, *y.shape[1:]), np.nan)])
    return np.concatenate([y.astype(object), np.full((count, *y.shape[1:]), None)])

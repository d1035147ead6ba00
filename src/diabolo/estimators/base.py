"""What every estimator shares: the user's data in, a trained model, the user's data out."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from diabolo.check import Allowed, Whole, demand, unknown
from diabolo.data import Form, Scaling, Stored, kind, read
from diabolo.data.form import NumpyForm, TorchForm
from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.estimators.files import ESTIMATORS, save
from diabolo.estimators.sources import blocks_of, filled
from diabolo.estimators.start import Start
from diabolo.flow import Shape
from diabolo.model import Autoencoder, Recipe
from diabolo.part import Part
from diabolo.recipes import named
from diabolo.report import Page
from diabolo.shallow import PCA, solvable
from diabolo.training import Callback, History, Training, train_in_stages

Array = NDArray[Any]

BLOCK = 2**18
"""Numbers per block when a model is applied: bounds the memory, and keeps what layers make of it in the cache."""


class Estimator(BaseEstimator, ABC):
    """A model of the house behind scikit-learn's conventions.

    Final estimators add their job; what is learned ends in an underscore.
    """

    verbs: ClassVar[tuple[str, ...]]
    """Methods of X that ``diabolo apply`` offers, the usual one first."""

    row_verb: ClassVar[str | None] = None
    """The usual one where rows of a table are written, if another."""

    scalars: ClassVar[tuple[str, ...]] = ()
    """Fitted attributes that are plain JSON and travel in the model's file."""

    sizes: ClassVar[Allowed] = Whole(1, 2**20)
    """What `n_components` may be."""

    takes_missing: ClassVar[bool] = False
    """Whether tables may hold missing values."""
    pictures: ClassVar[bool] = False
    """Whether pictures become pictures, so that files of them can be written as they were."""
    pairs: ClassVar[bool] = False
    """Whether y, of the form of X, is what X is to become."""

    beside_pca: ClassVar[bool] = True
    """Whether PCA of the same size is kept beside the model, to compare with."""

    n_components: Any
    recipe_: Recipe
    model_: Autoencoder
    scaling_: Scaling
    history_: History
    pca_: PCA
    shape_: Shape
    n_iter_: int
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        n_components: int | None,
        *,
        recipe: Recipe | str,
        training: Training | None,
        random_state: int | np.random.RandomState | None,
        device: str,
    ) -> None:
        self.n_components = n_components
        self.recipe = recipe
        self.training = training
        self.random_state = random_state
        self.device = device

    @abstractmethod
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn from X."""

    @abstractmethod
    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page that shows the fitted estimator on X."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        ESTIMATORS[cls.__name__] = cls

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of parts by path, ``recipe__latent__beta=4``.

        Parts are frozen: each path gives the estimator a revised copy.
        """
        allowed = self.get_params(deep=False)
        for path in sorted(params, key=lambda p: (p.count("__"), p)):  # 'recipe' before 'recipe__latent'
            name, _, rest = path.partition("__")
            if name not in allowed:
                raise ParameterError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}: "
                    f"{unknown('parameter', name, allowed)}"
                )
            value = params[path]
            if rest:
                owner = {"recipe": named(self.recipe), "training": self.schedule}.get(name, getattr(self, name))
                if not isinstance(owner, Part):
                    raise ParameterError(
                        f"Parameter {name!r} of {type(self).__name__} has no {rest!r}; it is {owner!r}."
                    )
                value = owner.revise(**{rest: value})
            setattr(self, name, value)
        return self

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted estimator to a folder, or to one zip if `path` ends in ".zip"; read it with `diabolo.load`.

        Raises
        ------
        FileError
            If something other than a model of diabolo is there already.
        """
        check_is_fitted(self)
        save(self, Path(path))

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what the job learned besides the model, to save: plain JSON, and arrays."""
        return {}, {}

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        """Take up what `_more` gave."""

    def _train(
        self, start: Start, callbacks: Sequence[Callback], checkpoint: str | PathLike[str] | None, training: Training
    ) -> None:
        """Train the model of a start, or solve it, and keep what was learned."""
        if solvable(start.recipe, start.pca.mean.numel()) and not start.model.conditioner.size:
            self._keep(start, History(stopped="solved"))
            return
        sources = start.sources
        history = train_in_stages(
            start.model,
            sources.train,
            sources.held_out,
            training,
            seed=start.seed,
            callbacks=callbacks,
            checkpoint=checkpoint,
        )
        self._keep(start, history)

    def _keep(self, start: Start, history: History) -> None:
        self.pca_ = start.pca
        self._learned(start.model, start.scaling, history)

    def _learned(self, model: Autoencoder, scaling: Scaling, history: History) -> None:
        self.shape_, self.recipe_, self.scaling_ = model.shape, model.recipe, scaling
        self.model_, self.history_, self.n_iter_ = model.eval(), history, max(1, len(history))

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def check_parameters(self) -> Recipe:
        """Return the recipe, once every parameter is known to be allowed.

        Raises
        ------
        ParameterError
            For the first parameter that is not.
        """
        demand("n_components", type(self).__name__, self.n_components, self.sizes)
        recipe = named(self.recipe)
        recipe.check()
        if not isinstance(self.schedule, Training):
            owner = type(self).__name__
            raise ParameterError(f"Parameter 'training' of {owner} must be a Training; got {self.schedule!r}.")
        self.schedule.check()
        return recipe

    @property
    def schedule(self) -> Training:
        """How it is trained: as said, or as suits the job."""
        return cast(Training, self.training)

    def _take(self, X: Any, reset: bool = False) -> Array | Stored:
        """Return the user's data as a checked array (N, *shape); rows on disk stay there, checked as they are read."""
        X = read(X)
        if isinstance(X, Stored):
            self._take(X.head(2), reset)
            return X
        form = Form.of(X)
        array = form.array(X)
        try:
            array = check_array(
                array,
                dtype="numeric",
                allow_nd=True,
                ensure_min_samples=2 if reset else 1,
                ensure_all_finite=cast(Any, "allow-nan") if self.takes_missing and array.ndim == 2 else True,
                estimator=self,
                input_name="X",
            )
            names_of = array if isinstance(form, NumpyForm | TorchForm) else X
            validate_data(self, names_of, reset=reset, skip_check_array=True)
        except TypeError as error:
            raise DataTypeError(_one_line(error)) from error
        except ValueError as error:
            raise DataError(_one_line(error)) from error
        kind(array.shape[1:])
        if not reset and array.shape[1:] != self._given:
            raise DataError(
                f"X holds samples of shape {array.shape[1:]}, but {type(self).__name__} was fitted on samples of shape "
                f"{self._given}; reshape or resize X."
            )
        return array

    @property
    def in_parts(self) -> bool:
        """Whether rows on disk can be given part by part: each is a sample of its own."""
        return True

    @property
    def _given(self) -> Shape:
        """The shape of a sample as the user has it, which a job may encode for the model."""
        return self.shape_

    def _blocks(self, array: Array | Stored) -> Iterator[tuple[Tensor, Autoencoder]]:
        """Yield scaled samples in blocks, and the model to apply, in the precision of the data.

        float64 data are computed in float64, so that a sample's result does not depend on its neighbours in the block.
        """
        model, device, precise = self._at(array.dtype not in (np.float32, np.uint8, np.uint16))
        dtype = torch.float64 if precise else torch.float32
        size = max(1, BLOCK // max(1, int(np.prod(self.shape_))))
        for part in blocks_of(array):
            for start in range(0, len(part), size):
                block = self.scaling_.tensor(part[start : start + size], dtype=dtype)
                yield self.scaling_.batch(block.to(device)), model

    def _at(self, precise: bool) -> tuple[Autoencoder, torch.device, bool]:
        """Return the model, in float64 if `precise` and its device can, its device, and whether it is in float64."""
        device = next(self.model_.parameters()).device
        precise = precise and device.type != "mps"
        return (copy.deepcopy(self.model_).double() if precise else self.model_), device, precise

    @torch.inference_mode()
    def _codes(self, array: Array | Stored) -> Array:
        return filled((model.encode(x).mean.cpu().numpy() for x, model in self._blocks(array)), array.shape[0])

    @torch.inference_mode()
    def _rebuilt(self, array: Array | Stored) -> Array:
        blocks = (self.scaling_.undo(model.reconstruct(x).cpu().numpy()) for x, model in self._blocks(array))
        return filled(blocks, array.shape[0])

    @torch.inference_mode()
    def _decoded(self, codes: Array) -> Array:
        model, device, precise = self._at(codes.dtype != np.float32)
        z = torch.tensor(codes, dtype=torch.float64 if precise else torch.float32)
        mean = model.recipe.likelihood.mean
        blocks = z.split(max(1, BLOCK // int(np.prod(self.shape_))))
        return np.concatenate([self.scaling_.undo(mean(model.decode(block.to(device))).cpu()) for block in blocks])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")


def _one_line(error: Exception) -> str:
    text = str(error)
    if "contains NaN" in text or "contains infinity" in text:
        what = "NaN" if "contains NaN" in text else "infinity or a value too large"
        return f"Input X contains {what}; drop or impute those values first."
    return text if "feature names" in text else " ".join(text.split())

"""What every estimator shares: the user's data in, a trained model, the user's data out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data
from torch import Tensor

from diabolo.check import shorten
from diabolo.data import Form, Scaling, Stored, kind, read
from diabolo.data.channels import warn_of_channels_last
from diabolo.data.form import NumpyForm, TorchForm
from diabolo.errors import DataError, DataTypeError
from diabolo.estimators import modelled
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.job import Job
from diabolo.estimators.sources import blocks_of, filled
from diabolo.flow import Shape
from diabolo.model import Autoencoder, Recipe, count_weights
from diabolo.recipes import named
from diabolo.shallow import PCA
from diabolo.training import History, Training

Array = NDArray[Any]

BLOCK = 2**18
"""Numbers per block when a model is applied: bounds the memory, and keeps what layers make of it in the cache."""


class Estimator(Job):
    """A job done by one autoencoder on arrays: rows of tables, series or images."""

    beside_pca: ClassVar[bool] = True
    """Whether PCA of the same size is kept beside the model, to compare with."""

    model_: Autoencoder
    scaling_: Scaling
    history_: History
    pca_: PCA
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

    @staticmethod
    def compose(said: Any) -> Recipe:
        """Return the recipe of a name, or as written out, or as it is."""
        return named(said)

    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing of the fitted estimator, as plain JSON."""
        return {
            "recipe": shorten(self.recipe_, 500),
            "loss": self.recipe_.equation(),
            "sample": list(self.shape_),
            "code": self.model_.n,
            "weights": count_weights(self.model_),
            **self.history_.facts(),
        }

    def document(self) -> dict[str, Any]:
        """Return what was learned as plain JSON, to save."""
        names = getattr(self, "feature_names_in_", None)
        return modelled.document(self._fitted, self.n_features_in_, names)

    def arrays(self) -> dict[str, Tensor]:
        """Return the arrays of what was learned, to save."""
        return modelled.arrays(self._fitted)

    def rebuild(self, document: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        """Take up what `document` and `arrays` gave."""
        fitted, columns, names = modelled.rebuilt(document, arrays, self.n_components, self.device, self.beside_pca)
        self._keep(fitted)
        self._know(columns, names)

    @property
    def recipe_(self) -> Recipe:
        """The recipe that was built, with everything chosen that it left open."""
        return self.model_.recipe

    @property
    def shape_(self) -> Shape:
        """The shape of a sample, as the model sees it."""
        return self.model_.shape

    @property
    def n_iter_(self) -> int:
        """The number of epochs."""
        return max(1, len(self.history_))

    @property
    def _fitted(self) -> FittedModel:
        return FittedModel(self.model_, self.scaling_, self.history_, self.pca_ if self.beside_pca else None)

    def _keep(self, fitted: FittedModel) -> None:
        """Take up what was learned: nothing else sets these attributes."""
        self.model_, self.scaling_, self.history_ = fitted.model.eval(), fitted.scaling, fitted.history
        if fitted.pca is not None:
            self.pca_ = fitted.pca

    def _know(self, columns: int, names: Array | None = None) -> None:
        """Take up how many columns or channels samples have and, of a frame, their names."""
        self.n_features_in_ = columns
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names

    def _take(self, X: Any, reset: bool = False) -> Array | Stored:
        """Return the user's data as a checked array (N, *shape); rows on disk stay there, checked as they are read."""
        X = read(X)
        if isinstance(X, Stored):
            self._take(X.head(2), reset)
            return X
        form = Form.of(X)
        array = form.array(X)
        if array.ndim < 2:
            kind(array.shape[1:])  # which says what to do; scikit-learn prints all numbers
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
        if reset:
            warn_of_channels_last(array.shape[1:])
        if not reset and array.shape[1:] != self._given:
            raise DataError(
                f"X holds samples of shape {array.shape[1:]}, but {type(self).__name__} was fitted on samples of shape "
                f"{self._given}; reshape or resize X."
            )
        return array

    @property
    def _given(self) -> Shape:
        """The shape of a sample as the user has it, which a job may encode for the model."""
        return self.shape_

    def _blocks(self, array: Array | Stored) -> Iterator[tuple[Tensor, Autoencoder]]:
        """Yield scaled samples in blocks, and the model to apply, in the precision of the data.

        float64 data are computed in float64, so that a sample's result does not depend on its neighbours in the block.
        """
        model, device, precise = self._at(array.dtype not in (np.float32, np.float16, np.uint8, np.uint16))
        dtype = torch.float64 if precise else torch.float32
        size = max(1, BLOCK // max(1, int(np.prod(self.shape_))))
        for part in blocks_of(array):
            for start in range(0, len(part), size):
                block = self.scaling_.tensor(part[start : start + size], dtype=dtype)
                yield self.scaling_.batch(block.to(device)), model

    def _at(self, precise: bool) -> tuple[Autoencoder, torch.device, bool]:
        """Return the model, in float64 if `precise` and its device can, its device, and whether it is in float64."""
        model = self._fitted.precise() if precise else self.model_
        weight = next(model.parameters())
        return model, weight.device, precise and weight.dtype == torch.float64

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

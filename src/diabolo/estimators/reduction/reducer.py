"""Dimensionality reduction: codes of tables, images and series, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.data import Form, Stored, joined, read
from diabolo.data.form import NumpyForm, PandasForm, PolarsForm
from diabolo.errors import DataError, FileError, warn
from diabolo.estimators.base import Estimator
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.reduction.report import report
from diabolo.estimators.start import Start
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.model import Recipe
from diabolo.report import Page
from diabolo.training import Callback, Training, resolve


class Reducer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Dimensionality reduction with an autoencoder: short codes of tables, images and series, and back.

    Parameters
    ----------
    n_components : int
        Size of the code.
    recipe : Recipe or str
        The composition, or the name of one: see ``diabolo recipes``.
    training : Training
        How it is trained.
    random_state : int, RandomState or None
        Decides initial weights, order and noise: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".

    Attributes
    ----------
    recipe_ : Recipe
        The composition with what `recipe` left open chosen for the data.
    model_ : Autoencoder
        The trained model, an ``nn.Module``.
    history_ : History
        A row per epoch.
    errors_ : dict of float
        Mean squared error per element on held-out samples, in units of the scaled data: "model", "pca" (of the same
        size) and "mean" (of predicting the mean).
    scaling_ : Scaling
        Learned on `fit`, undone by `inverse_transform`.
    shape_ : tuple of int
        Shape of one sample.
    n_features_in_ : int
        Length of the first axis of a sample.
    feature_names_in_ : ndarray of str
        Names of the columns, where X had them.
    n_iter_ : int
        Epochs run.

    Notes
    -----
    X may be an array (N, D), (N, T, C) or (N, C, H, W), a data frame of pandas or polars, a tensor, or the path of a
    ``.npy``, ``.npz``, ``.csv`` or ``.parquet`` file, of a folder of ``.parquet`` files or of a folder of images.

    ``.npy`` and ``.parquet`` of more than 256 MB when decoded are read block by block, in bounded memory, by every
    method; ``Stored.open(path)`` of `diabolo.data` in place of the path asks for that whatever the size. While such a
    file is trained on, its chunks come in random order, and rows are mixed within buffers of 64 MB. The index of a
    pandas frame in such a file is left out. What `transform` and `reconstruct` return is in memory.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from diabolo import Reducer, Training
    >>> X = load_iris().data
    >>> reducer = Reducer(2, training=Training(epochs=300), random_state=0).fit(X)
    >>> reducer.transform(X).shape, reducer.reconstruct(X).shape
    ((150, 2), (150, 4))
    """

    verbs: ClassVar[tuple[str, ...]] = ("transform", "reconstruct", "inverse_transform")
    scalars: ClassVar[tuple[str, ...]] = ("errors_",)

    def __init__(
        self,
        n_components: int = 2,
        *,
        recipe: Recipe | str = Recipe(),
        training: Training = Training(),
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn scaling and model from X; y is ignored.

        Parameters
        ----------
        X : array, data frame, tensor or path
            At least two samples.
        y : ignored
            For the sake of pipelines.
        callbacks : sequence of Callback
            Watch the training.
        checkpoint : path, optional
            A file written after every epoch; a fit that was killed goes on from it when called again.

        Raises
        ------
        DataError
            If X is not numeric, not finite, or too small.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.
        """
        start = self._prepare(X)
        self._keep(FittedModel.of(start, self.schedule, callbacks, checkpoint))
        self._finish(start.sources.judged)
        return self

    def _prepare(self, X: Any) -> Start:
        recipe = self.check_parameters()
        array, share, device = self._take(X, reset=True), self.schedule.validation, resolve(self.device)
        names = getattr(self, "feature_names_in_", None)
        return Start.of(array, recipe, int(self.n_components), share, self._seed(), device, names=names)

    def _finish(self, judged: NDArray[Any]) -> None:
        """Measure the errors on samples that were held out, or on some where none were."""
        self.errors_ = self._errors(judged)
        maps = any(penalty.pairing() is not None for penalty in self.recipe_.penalties)  # which have another aim
        narrow = self.n_components < int(np.prod(self.shape_))  # PCA of any other code rebuilds all there is
        if narrow and not maps and self.errors_["model"] > self.errors_["pca"] * 1.001:
            warn(_worse(self.errors_, self.n_components))

    @torch.inference_mode()
    def _errors(self, array: NDArray[Any] | Stored) -> dict[str, float]:
        """Return the mean squared error per element, in scaled units, of the model, of PCA and of the mean."""
        sums = dict.fromkeys(("model", "pca", "mean"), 0.0)
        for x, model in self._blocks(array):
            flat, mean = x.flatten(1).double().cpu(), self.pca_.mean
            sums["model"] += float((model.reconstruct(x).flatten(1).double().cpu() - flat).square().sum())
            sums["pca"] += float((self.pca_.reconstruct(flat) - flat).square().sum())
            sums["mean"] += float((flat - mean).square().sum())
        return {name: total / array.size for name, total in sums.items()}

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the codes (N, n_components) of X."""
        check_is_fitted(self)
        return self._codes(self._take(X))

    def inverse_transform(self, X: Any) -> Any:
        """Return the samples that codes X (N, n_components) decode to, in the units of the data.

        A data frame of codes gives a data frame of samples, where columns had names.

        Raises
        ------
        CapabilityError
            If the decoder needs the encoder's skips.
        DataError
            If the codes have the wrong shape.
        """
        check_is_fitted(self)
        X = read(X)
        if isinstance(X, Stored):
            return joined(self.inverse_transform(part) for part in X.parts())
        form = Form.of(X)
        codes = form.array(X)
        if codes.ndim != 2 or codes.shape[1] != self.model_.n:
            raise DataError(f"Codes must have shape (N, {self.model_.n}); got {codes.shape}.")
        if not np.isfinite(codes).all():
            raise DataError("Codes contain NaN or infinity; drop those rows first.")
        return self._named(form).back(self._decoded(codes))

    def reconstruct(self, X: Any) -> Any:
        """Return X by way of its codes, in the form and the units of X."""
        check_is_fitted(self)
        X = read(X)
        if isinstance(X, Stored):
            return joined(self.reconstruct(part) for part in X.parts())
        return Form.of(X).back(self._rebuilt(self._take(X)))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the share of the variance of X, after scaling, that survives the code (R²); 1 is perfect."""
        check_is_fitted(self)
        errors = self._errors(self._take(X))
        if errors["mean"] == 0:
            return float(errors["model"] == 0)
        return 1.0 - errors["model"] / errors["mean"]

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with reconstructions, the code map (coloured by `y`), loss curves, spectrum and PCA beside it.

        A map of two numbers has its measures beside it: see `diabolo.metrics`.

        Parameters
        ----------
        X : array, data frame, tensor or path
            Samples to show; best some that were not trained on. Of a large file, 10,000 rows are taken.
        y : array of (N,) or str, optional
            A colour per sample; or the name of a column of X, a data frame, which need not have been fitted.
        """
        check_is_fitted(self)
        return report(self, X, y)

    def _named(self, form: Form) -> Form:
        """Return the form of codes as that of samples: a frame gets the columns that X had, or becomes an array."""
        if not isinstance(form, PandasForm | PolarsForm):
            return form
        names = getattr(self, "feature_names_in_", None)
        return NumpyForm() if names is None else replace(form, columns=list(names))

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        if self.n_features_in_ != self.shape_[0]:
            raise FileError(
                f"it says that samples have {self.n_features_in_} features, but its model takes those of shape "
                f"{self.shape_}"
            )

    @property
    def _n_features_out(self) -> int:
        return self.model_.n

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _worse(errors: dict[str, float], n: int) -> str:
    return (
        f"The autoencoder is not better than PCA with {n} components on held-out samples (error {errors['model']:.4g}, "
        f"PCA {errors['pca']:.4g}); train longer (training__epochs), loosen the recipe, or use recipe='linear'."
    )

"""Pretraining on unlabelled samples: features for other models, and fine-tuning from few labels."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from diabolo.check import OneOf, demand, shorten
from diabolo.errors import ParameterError
from diabolo.estimators.pretraining.classifier import Classifier
from diabolo.estimators.pretraining.features import Layer
from diabolo.estimators.pretraining.pretrained import Pretrained, in_memory
from diabolo.estimators.pretraining.quantities import holds_quantities, warn_of_many
from diabolo.estimators.pretraining.regressor import Regressor
from diabolo.estimators.pretraining.tuning import TUNING, Tuning
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.model import Recipe
from diabolo.report import Page
from diabolo.training import Callback, Training


class Pretrainer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Pretrained):
    """Features learnt from unlabelled samples by an autoencoder, and classifiers and regressors made of these.

    Parameters
    ----------
    n_components : int, optional
        Size of the code; by default as many as a sample has numbers, from 8 to 64.
    recipe : Recipe or str
        The composition, or the name of one: "stacked-denoising", "masked", "contractive", "vae", .... Where nothing
        keeps it from copying, cells of tables are swapped, and patches of images or spans of series hidden. Noise that
        swaps or hides is one of the cells of a table, not of the columns that these are encoded by.
    training : Training, optional
        How it is trained; by default for 2,000 steps of 256 samples.
    random_state : int, RandomState or None
        Decides initial weights, order and noise: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    layer : "code" or int
        What the features are: the code, or a hidden layer of the encoder of an `MLP`, `Conv` or `Transformer`, 1 for
        the first one, -1 for the last.
    pooling : {"mean", "max", "all"}
        Whether the places of a grid, or the tokens, of a hidden layer are averaged, the largest taken, or all kept.

    Attributes
    ----------
    encoder_ : Features
        From scaled samples to features, an ``nn.Module``.
    schema_ : Schema or None
        The columns of a table.
    model_, recipe_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As for `Reducer`.

    Notes
    -----
    X may be a table (N, D), series (N, T, C) or images (N, C, H, W), as for `Reducer`. Tables may hold text, booleans,
    dates and missing values, unless the recipe names a likelihood such as `Bernoulli`, which takes numbers as they are.
    Of a file too large for memory, a part is learnt from.

    References
    ----------
    Vincent et al., "Stacked denoising autoencoders", JMLR 2010; He et al., "Masked autoencoders are scalable vision
    learners", CVPR 2022; Yoon et al., "VIME", NeurIPS 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from diabolo import Pretrainer, Training
    >>> X, y = load_digits(return_X_y=True)
    >>> pretrainer = Pretrainer(16, training=Training(steps=200), random_state=0).fit(X)
    >>> pretrainer.transform(X).shape
    (1797, 16)
    >>> y[200:] = -1  # the others are not labelled
    >>> classifier = pretrainer.fine_tune(X, y, tuning=Tuning(steps=200))
    >>> bool(classifier.score(X, load_digits().target) > 0.85)
    True
    """

    verbs: ClassVar[tuple[str, ...]] = ("transform",)

    def __init__(
        self,
        n_components: int | None = None,
        *,
        recipe: Recipe | str = Recipe(),
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
        layer: Layer = "code",
        pooling: str = "mean",
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

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn features from X; y is ignored.

        Parameters
        ----------
        X : array, data frame, tensor or path
            At least two samples.
        y : ignored
            For the sake of pipelines.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X holds infinity or identifiers, or is too small.
        ParameterError
            If a parameter is not allowed, or there is no such layer.
        TrainingError
            If the loss is no longer finite.
        """
        recipe, seed = self.check_parameters(), self._seed()
        self._pretrain(*self._learn(in_memory(X)[0], recipe), recipe, seed, callbacks, checkpoint)
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the features (N, width) of X.

        Raises
        ------
        DataError, DataTypeError
            If X is not as in training.
        """
        return self._in_parts(lambda part: self._through(None, part), X)

    def fine_tune(
        self,
        X: Any,
        y: Any,
        *,
        unlabelled: Any = None,
        task: str = "auto",
        tuning: Tuning = TUNING,
        class_weight: Any = None,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Classifier | Regressor:
        """Return a classifier or regressor that starts from what was learnt; the pretrainer stays as it is.

        Parameters
        ----------
        X : array, data frame, tensor or path
            Samples, as in training.
        y : array-like (N,), or (N, K) of numbers
            Classes or quantities. None, NaN and, among two other integers or more, -1 are samples without a label,
            which teach too: see `Tuning`.
        unlabelled : as X, optional
            More samples without a label.
        task : {"auto", "classification", "regression"}
            What y holds: "auto" takes floating point numbers that are not all whole as quantities, and warns where
            whole ones are many.
        tuning : Tuning
            How it is learnt.
        class_weight : "balanced", dict or None
            How much samples of each class count; None where y holds quantities.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X is not as in training, or y cannot be learned.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.
        """
        check_is_fitted(self)
        demand("task", "fine_tune", task, OneOf("auto", "classification", "regression"))
        own: dict[str, Any] = self.get_params(deep=False) | {"tuning": tuning}
        regression = task == "regression" or (task == "auto" and holds_quantities(y))
        if regression and class_weight is not None:
            raise ParameterError(
                "Parameter 'class_weight' of fine_tune must be None where y holds quantities; "
                f"got {shorten(class_weight)}."
            )
        if task == "auto" and not regression:
            warn_of_many(y)
        made = Regressor(**own) if regression else Classifier(**own, class_weight=class_weight)
        return made.start_from(self).go_on(X, y, unlabelled, callbacks, checkpoint)

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with a map of the features, coloured by `y`, and the loss curves."""
        check_is_fitted(self)
        return self._page(X, y, {"Pretraining": self.history_})

    @property
    def _n_features_out(self) -> int:
        return self.encoder_.width

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

"""Classification from few labels."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions import Corruption
from diabolo.data.package import package
from diabolo.errors import FileError
from diabolo.estimators.pretraining.calibration import temperature
from diabolo.estimators.pretraining.classes import Classes
from diabolo.estimators.pretraining.features import Layer
from diabolo.estimators.pretraining.fine import Learnt
from diabolo.estimators.pretraining.suiting import views
from diabolo.estimators.pretraining.supervised import Supervised
from diabolo.estimators.pretraining.targets import Target
from diabolo.estimators.pretraining.tuning import TUNING, Tuning
from diabolo.flow import Shape
from diabolo.model import Recipe
from diabolo.training import Training


class Classifier(ClassifierMixin, Supervised):
    """A classifier that is pretrained on all samples, and learns from those that have a label.

    y holds classes: numbers, text or booleans. None, NaN and, among at least two other integers, -1 are samples without
    a label, as for scikit-learn's semi-supervised estimators.

    Parameters
    ----------
    n_components, recipe, training, random_state, device, layer, pooling
        Of the pretraining and the features: see `Pretrainer`.
    tuning : Tuning
        How labels are learnt.
    class_weight : "balanced", dict or None
        How much samples of each class count, as in scikit-learn.

    Attributes
    ----------
    classes_ : ndarray (K,)
        The classes, sorted.
    temperature_ : float
        What outputs are divided by, so that probabilities held on labels held out; 1 where there were none.
    head_ : Head
        From features to outputs, an ``nn.Module``.
    tuning_history_ : History
        How fine-tuning went, and in ``stages`` the head before it.
    encoder_, schema_, model_, recipe_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As for `Pretrainer`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from diabolo import Training
    >>> from diabolo.estimators import Classifier
    >>> X, y = load_iris(return_X_y=True)
    >>> few = np.where(np.arange(150) % 10, -1, y)  # every tenth has a label
    >>> classifier = Classifier(training=Training(steps=100), tuning=Tuning(steps=200), random_state=0).fit(X, few)
    >>> bool(classifier.score(X, y) > 0.85), classifier.classes_.tolist()
    (True, [0, 1, 2])
    """

    verbs: ClassVar[tuple[str, ...]] = ("predict", "predict_proba", "predictions")
    row_verb: ClassVar[str | None] = "predictions"
    scalars: ClassVar[tuple[str, ...]] = ("temperature_",)

    temperature_: float
    classes_: NDArray[Any]
    _weights: tuple[float, ...]

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
        tuning: Tuning = TUNING,
        class_weight: Any = None,
    ) -> None:
        super().__init__(
            n_components,
            recipe=recipe,
            training=training,
            random_state=random_state,
            device=device,
            layer=layer,
            pooling=pooling,
            tuning=tuning,
        )
        self.class_weight = class_weight

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each sample, (N,)."""
        check_is_fitted(self)
        return self.classes_[self._told(X).argmax(1)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, (N, K), in the order of `classes_`."""
        check_is_fitted(self)
        return softmax(self._told(X).astype(np.float64) / self.temperature_, axis=1)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithm of the probability of each class, (N, K)."""
        check_is_fitted(self)
        scores = torch.from_numpy(self._told(X).astype(np.float64))
        return (scores / self.temperature_).log_softmax(1).numpy()

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of samples with a label whose most probable class it is; others do not count.

        Raises
        ------
        DataError
            If X is not as in training, there are no labels, or none is of a class there was at fit.
        """
        check_is_fitted(self)
        return Classes(self.classes_).score(self._told(X).argmax(1), y, sample_weight)

    def predictions(self, X: Any) -> Any:
        """Return a pandas data frame, a row for each sample: the class, and the probability of each class.

        Raises
        ------
        CapabilityError
            If pandas is not installed.
        """
        told = self.predict_proba(X)
        columns = {f"p({label})": told[:, i] for i, label in enumerate(self.classes_.tolist())}
        return package("pandas").DataFrame({"prediction": self.classes_[told.argmax(1)]} | columns)

    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing of the fitted estimator, as plain JSON."""
        return super().facts() | {"classes": self.classes_.tolist()}

    def _target(self, y: Any, count: int) -> Classes:
        return Classes.of(y, count, self.class_weight)

    def _views(self, shape: Shape) -> tuple[Corruption | None, Corruption]:
        return views(shape, self.schema_)

    def _settle(self, target: Target, learnt: Learnt) -> None:
        self.classes_ = cast(Classes, target).labels
        self.temperature_ = temperature(learnt.outputs, learnt.held) if len(learnt.held) else 1.0

    @property
    def _outputs(self) -> int:
        return len(self.classes_)

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        plain, arrays = super()._more()
        return plain | {"classes": Classes(self.classes_).to_json()}, arrays

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        self.classes_ = Classes.from_json(plain["classes"]).labels
        if self.temperature_ not in Number(0, open_low=True):
            raise FileError("its temperature is no number > 0")
        super()._restore(plain, arrays)

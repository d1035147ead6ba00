"""Regression from few labels."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo import files
from diabolo.corruptions import Corruption
from diabolo.data.package import package
from diabolo.estimators.pretraining.features import Layer
from diabolo.estimators.pretraining.fine import Learnt
from diabolo.estimators.pretraining.quantities import Quantities
from diabolo.estimators.pretraining.suiting import GENTLE
from diabolo.estimators.pretraining.supervised import Supervised
from diabolo.estimators.pretraining.targets import Target
from diabolo.estimators.pretraining.tuning import TUNING, Tuning
from diabolo.flow import Shape
from diabolo.model import Recipe
from diabolo.training import Training


class Regressor(RegressorMixin, Supervised):
    """A regressor that is pretrained on all samples, and learns from those of which y is known.

    y holds one number for each sample, (N,), or several, (N, K); NaN where it is not known.

    Parameters
    ----------
    n_components, recipe, training, random_state, device, layer, pooling
        Of the pretraining and the features: see `Pretrainer`.
    tuning : Tuning
        How y is learnt.

    Attributes
    ----------
    head_, tuning_history_
        As for `Classifier`.
    encoder_, schema_, model_, recipe_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As for `Pretrainer`.

    Examples
    --------
    >>> from diabolo import Training
    >>> from diabolo.estimators import Regressor
    >>> X = np.random.default_rng(0).normal(size=(300, 3))
    >>> y = X[:, 0] - 2 * X[:, 1]
    >>> few = np.where(np.arange(300) % 3, np.nan, y)  # of two thirds y is not known
    >>> regressor = Regressor(training=Training(steps=50), tuning=Tuning(steps=300), random_state=0).fit(X, few)
    >>> bool(regressor.score(X, y) > 0.9)
    True
    """

    verbs: ClassVar[tuple[str, ...]] = ("predict", "predictions")
    row_verb: ClassVar[str | None] = "predictions"

    quantities_: Quantities

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

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return what is expected of y for each sample, (N,) or (N, K)."""
        check_is_fitted(self)
        return self.quantities_.decode(self._told(X).astype(np.float64))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², the share of the variance of y that is told, of samples of which y is known; mean over columns.

        Raises
        ------
        DataError
            If X is not as in training, or y is not known of any sample or is no (N,) or (N, K) as at fit.
        """
        return self.quantities_.score(self.predict(X), y, sample_weight)

    def predictions(self, X: Any) -> Any:
        """Return what is expected of y as a pandas data frame, a row for each sample.

        Raises
        ------
        CapabilityError
            If pandas is not installed.
        """
        told = self.predict(X)
        several = {} if told.ndim == 1 else {f"prediction {i}": told[:, i] for i in range(told.shape[1])}
        return package("pandas").DataFrame(several or {"prediction": told})

    def _target(self, y: Any, count: int) -> Quantities:
        return Quantities.of(y, count)

    def _views(self, shape: Shape) -> tuple[Corruption | None, Corruption]:
        return None, GENTLE

    def _settle(self, target: Target, learnt: Learnt) -> None:
        self.quantities_ = cast(Quantities, target)

    @property
    def _outputs(self) -> int:
        return self.quantities_.width

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        plain, arrays = super()._more()
        own = {f"quantities.{name}": value for name, value in self.quantities_.arrays().items()}
        return plain | {"single": self.quantities_.single}, arrays | own

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        self.quantities_ = Quantities.from_arrays(files.under("quantities.", arrays), plain["single"])
        super()._restore(plain, arrays)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

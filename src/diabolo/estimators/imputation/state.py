"""What an imputer has learned: as its attributes, and as it is saved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diabolo.estimators.base import Estimator
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.imputation.factors import Factors
from diabolo.estimators.imputation.filler import Filler
from diabolo.estimators.imputation.gapped import Gapped
from diabolo.estimators.imputation.grids import Grids
from diabolo.estimators.imputation.spreads import Spread
from diabolo.estimators.imputation.tables import Tables
from diabolo.flow import Shape


class ImputerState(Estimator):
    """The learned side of an imputer: besides the model all of it is one filler, from which the attributes read."""

    errors_: dict[str, float]
    filler_: Filler

    @property
    def coverage_(self) -> NDArray[np.float64]:
        """What intervals go by."""
        return self.filler_.coverage

    @property
    def trust_(self) -> NDArray[np.float64]:
        """How far means of numbers of a table are taken to those of the bins."""
        return self._tables.trust

    @property
    def gapped_(self) -> Gapped:
        """The columns of a table."""
        return self._tables.gapped

    @property
    def factors_(self) -> Factors:
        """What is linear in a table."""
        return self._tables.factors

    @property
    def spreads_(self) -> tuple[Spread | None, ...]:
        """How the numbers of each column of a table lie."""
        return self._tables.spreads

    @property
    def _tables(self) -> Tables:
        if not isinstance(self.filler_, Tables):
            raise AttributeError("An Imputer fitted on series or images has no columns of a table to tell of.")
        return self.filler_

    @property
    def _given(self) -> Shape:
        return self.filler_.sample_shape(self.model_)

    def _asked(self, X: Any) -> tuple[FittedModel, Any]:
        """Return what answers besides the filler, and samples as the filler reads them."""
        return self._fitted, self.filler_.read(self, X)

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return self.filler_.state()

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        kind = Grids if len(self.model_.shape) > 1 else Tables
        self.filler_ = kind.restore(plain, arrays, self.model_, self.n_features_in_)

"""What an imputer learned besides its model, as it is saved and taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diabolo.errors import FileError
from diabolo.estimators.imputation.factors import Factors
from diabolo.estimators.imputation.filling import LEVELS
from diabolo.estimators.imputation.gapped import Gapped
from diabolo.estimators.imputation.imputing import sizes
from diabolo.estimators.imputation.spreads import Spread

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer


def remembered(imputer: Imputer) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what to save: plain JSON, and arrays."""
    gapped, factors = imputer.gapped_, imputer.factors_
    spreads = [None if spread is None else spread.to_json() for spread in imputer.spreads_]
    arrays = {"shift": torch.from_numpy(gapped.shift), "scale": torch.from_numpy(gapped.scale)}
    arrays |= {"mean": factors.mean, "loadings": factors.loadings, "noise": factors.noise}
    return {"columns": gapped.to_json(), "spreads": spreads}, arrays | {
        "coverage": torch.from_numpy(imputer.coverage_),
        "trust": torch.from_numpy(imputer.trust_),
    }


def recall(imputer: Imputer, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
    """Take up what `remembered` gave.

    Raises
    ------
    FileError
        If it is foreign or was edited.
    """
    imputer.gapped_ = Gapped.from_json(plain["columns"], arrays["shift"].numpy(), arrays["scale"].numpy())
    imputer.spreads_ = tuple(None if each is None else Spread.from_json(each) for each in plain["spreads"])
    imputer.factors_ = Factors(arrays["mean"], arrays["loadings"], arrays["noise"])
    imputer.coverage_, imputer.trust_ = arrays["coverage"].numpy(), arrays["trust"].numpy()
    columns, wide = imputer.gapped_.columns, len(imputer.gapped_.shift)
    modelled = [column.field is None and not column.empty for column in columns]
    fits = [spread is not None for spread in imputer.spreads_] == modelled
    fits = fits and imputer.model_.shape == (wide + len(columns),) and imputer.n_features_in_ == len(columns)
    fits = fits and imputer.model_.target == (sum(sizes(imputer)) + len(columns),)
    fits = fits and imputer.trust_.shape == (len(columns),)
    fits = fits and imputer.coverage_.shape == (len(columns), len(LEVELS))
    factors = imputer.factors_
    fits = fits and factors.mean.shape == factors.noise.shape == (wide,) and factors.loadings.shape[:1] == (wide,)
    finite = all(bool(each.isfinite().all()) for each in arrays.values()) and bool((factors.noise > 0).all())
    if not fits or not finite or factors.loadings.ndim != 2:
        raise FileError("what it remembers of a table does not fit its model")

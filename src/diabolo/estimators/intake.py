"""What a detector reads: samples as numbers, those of a table by way of its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from diabolo.data import Form, Schema, Stored, read
from diabolo.data.form import NumpyForm, TorchForm
from diabolo.errors import DataError
from diabolo.estimators.tabular import holds_text, seen

if TYPE_CHECKING:
    from diabolo.estimators.detector import Detector

Array = NDArray[Any]

_LEARNT = 2**25
"""Numbers of a file on disk that are learnt from, at most."""


def samples(detector: Detector, X: Any, reset: bool = False) -> tuple[Array, NDArray[np.bool_] | None]:
    """Return samples (N, *shape), those of a table encoded in float64, and which numbers count (N, P), if not all.

    With `reset`, the columns are learned, as `detector.schema_`; otherwise they must be those that were.

    Raises
    ------
    DataError
        If X is not what was learned, or holds what cannot be.
    """
    X = _checked(detector, _in_memory(read(X)), reset)
    if np.ndim(X) != 2:
        if reset:
            detector.schema_ = None
        return X, None
    if reset:
        detector.schema_ = Schema.of(X)
    if detector.schema_ is None:
        raise DataError(f"X must hold samples of shape {detector.shape_}, as in training; got a table.")
    values, observed = detector.schema_.encode(X, np.float64)
    return values, None if observed.all() else seen(detector.schema_, observed)


def _in_memory(X: Any) -> Any:
    """Return rows on disk as an array: of many, some at equal distances."""
    if not isinstance(X, Stored):
        return X
    count = min(len(X), max(1000, _LEARNT * len(X) // max(X.size, 1)))
    return X.take(np.linspace(0, len(X) - 1, count, dtype=np.int64))


def _checked(detector: Detector, X: Any, reset: bool) -> Any:
    """Return X, an array of numbers checked as every estimator does, of mixed columns or a frame by its columns."""
    if isinstance(Form.of(X), NumpyForm | TorchForm) and not holds_text(X):
        return detector._take(X, reset)
    if reset and len(X) < 2:
        raise DataError(f"X must hold at least 2 samples to learn from; got {len(X)} sample(s).")
    try:
        validate_data(detector, X, reset=reset, skip_check_array=True)
    except ValueError as error:
        raise DataError(str(error)) from error
    return X

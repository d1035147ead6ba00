"""What a detector reads: samples as numbers, those of a table by way of its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data
from torch import Tensor

from diabolo.data import Form, Schema, Stored, read
from diabolo.data.form import NumpyForm, TorchForm
from diabolo.errors import DataError
from diabolo.estimators.tabular import holds_text, rows, seen
from diabolo.training import split

if TYPE_CHECKING:
    from diabolo.estimators.detector import Detector

Array = NDArray[Any]

_LEARNT = 2**25
"""Numbers of a file on disk that are learnt from, at most."""


def learn(
    detector: Detector, X: Any, share: float, seed: int
) -> tuple[Array, NDArray[np.bool_] | None, Tensor, Tensor]:
    """Return training samples as `samples` does, and the numbers of those to learn from and of a `share` held out.

    The columns are learned, as `detector.schema_`, from the former alone: those held out are to be as new as any.

    Raises
    ------
    DataError
        If X cannot be learned from, or has too few samples to hold some out.
    """
    X = _checked(detector, _some(read(X)), reset=True)
    learnt, held = split(len(X), share, seed)
    if share and not len(held):
        raise DataError(
            "X must hold at least 10 samples with a false_alarm_rate, since some are held out to calibrate; got "
            f"{len(X)}. Give more samples, or no false_alarm_rate."
        )
    detector.schema_ = None
    if np.ndim(X) == 2:
        detector.schema_ = Schema.of(rows(X, learnt.numpy()) if len(held) else X)
    return *_numbers(detector.schema_, X), learnt, held


def samples(detector: Detector, X: Any) -> tuple[Array, NDArray[np.bool_] | None]:
    """Return samples (N, *shape), those of a table encoded in float64, and which numbers count (N, P), if not all.

    Raises
    ------
    DataError
        If X is not what was learned, or holds what cannot be.
    """
    X = _checked(detector, X, reset=False)
    if np.ndim(X) == 2 and detector.schema_ is None:
        raise DataError(f"X must hold samples of shape {detector.shape_}, as in training; got a table.")
    return _numbers(detector.schema_, X)


def _numbers(schema: Schema | None, X: Any) -> tuple[Array, NDArray[np.bool_] | None]:
    if schema is None:
        return X, None
    values, observed = schema.encode(X, np.float64)
    return values, None if observed.all() else seen(schema, observed)


def _some(X: Any) -> Any:
    """Return rows on disk in memory: of many, some at equal distances."""
    if not isinstance(X, Stored):
        return X
    count = min(len(X), max(1000, _LEARNT * len(X) // max(X.size, 1)))
    return X.back(X.take(np.linspace(0, len(X) - 1, count, dtype=np.int64)))


def _checked(detector: Detector, X: Any, reset: bool) -> Any:
    """Return X, an array of numbers checked as every estimator does, of mixed columns or a frame by its columns."""
    if isinstance(Form.of(X), NumpyForm | TorchForm) and not holds_text(X):
        return detector._take(X, reset)
    if len(X) < (least := 2 if reset else 1):
        raise DataError(f"X must hold at least {least} sample{'s to learn from' if reset else ''}; got {len(X)}.")
    try:
        validate_data(detector, X, reset=reset, skip_check_array=True)
    except ValueError as error:
        raise DataError(str(error)) from error
    return X

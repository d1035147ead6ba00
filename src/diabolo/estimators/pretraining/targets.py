"""What is to be told of samples, as a net learns it: see `Classes` and `Quantities`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diabolo.check import shorten
from diabolo.data.form import as_given
from diabolo.errors import DataError

Array = NDArray[Any]


class Target(ABC):
    """What is told of samples by `width` numbers each, the outputs of a net."""

    @property
    @abstractmethod
    def width(self) -> int:
        """How many outputs there are."""

    @abstractmethod
    def encode(self, y: Any, count: int) -> Tensor:
        """Return y of `count` samples as a tensor (N, ...): see `known`.

        Raises
        ------
        DataError
            If it has another length, or holds what was not there at fit.
        """

    @abstractmethod
    def known(self, encoded: Tensor) -> Tensor:
        """Tell which samples (N,) have a label."""

    @abstractmethod
    def order(self, encoded: Tensor) -> Tensor:
        """Return what samples are sorted by so that any stretch of them is like the whole, (N,)."""

    @abstractmethod
    def cost(self, outputs: Tensor, encoded: Tensor) -> Tensor:
        """Return how far outputs (B, K) lie from what is true, (B,)."""

    @abstractmethod
    def weight(self, encoded: Tensor) -> Tensor | None:
        """Return how much samples count (B,), if not all the same."""

    @abstractmethod
    def spread(self, outputs: Tensor) -> Tensor:
        """Return outputs (B, K) as numbers that compare: probabilities, or standardised quantities."""


class as_data_error:  # noqa: N801  (a context, used as one)
    """Raise what scikit-learn says of y as an error of the house."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ValueError | TypeError) and not isinstance(error, DataError):
            raise DataError(" ".join(str(error).split())) from error


def as_array(y: Any) -> Any:
    """Return y, a tensor, a column of a frame or what NumPy takes, as an array.

    Examples
    --------
    >>> as_array([1, 2])
    array([1, 2])
    """
    return y.numpy(force=True) if isinstance(y, Tensor) else y.to_numpy() if hasattr(y, "to_numpy") else as_given(y)


def demanded(y: Any, count: int) -> Any:
    """Return y as an array with one value, or row, for each of `count` samples.

    Raises
    ------
    DataError
        If it has none.

    Examples
    --------
    >>> demanded([1, 2], 2)
    array([1, 2])
    """
    if y is None:
        raise DataError("This estimator requires y to be passed, but the target y is None.")
    y = as_array(y)
    if y.ndim == 0 or len(y) != count:
        raise DataError(f"y must hold one value for each of {count} samples; got shape {y.shape}.")
    return cast(Any, y)


def as_numbers(name: str, values: Array) -> NDArray[np.float64]:
    """Return an array as 64-bit numbers.

    Raises
    ------
    DataError
        If it holds something else.

    Examples
    --------
    >>> as_numbers("y", np.array([1, 2]))
    array([1., 2.])
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(f"{name} must hold numbers; got {shorten(values.tolist())}.") from error


def weighed(sample_weight: Any, known: Array) -> NDArray[np.float64]:
    """Return how much each sample counts in a score, (N,), of which some are `known`: 1 if nothing else is said.

    Raises
    ------
    DataError
        If none is known, or the weights of those that are known are no numbers >= 0 or all 0.

    Examples
    --------
    >>> weighed(None, np.array([True, False]))
    array([1., 1.])
    """
    if not known.any():
        raise DataError(f"y must hold a label to judge by; got none in {len(known)} samples.")
    if sample_weight is None:
        return np.ones(len(known))
    weights = as_numbers("sample_weight", as_array(sample_weight))
    if weights.shape != known.shape:
        raise DataError(f"sample_weight must be ({len(known)},), as y; got shape {weights.shape}.")
    counted = weights[known]
    if not (np.isfinite(counted).all() and (counted >= 0).all() and counted.sum() > 0):
        raise DataError(f"sample_weight must hold numbers >= 0, not all 0; got {shorten(weights.tolist())}.")
    return weights

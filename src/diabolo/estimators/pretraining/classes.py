"""One of a few classes, as what is to be told of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import listed, shorten
from diabolo.data.cells import is_missing
from diabolo.errors import DataError, FileError, ParameterError
from diabolo.estimators.pretraining.targets import Array, Target, as_data_error, demanded, weighed

MISSING, STRANGE = -1, -2
"""Places of no class: there is no label, or it is of none that was there at fit."""


@dataclass(frozen=True, eq=False)
class Classes(Target):
    """One of a few classes.

    Parameters
    ----------
    labels : ndarray (K,)
        The classes, sorted, as the user has them.
    weights : tuple of float
        How much a sample of each counts; () if all count the same.

    Examples
    --------
    >>> classes = Classes.of(np.array(["cat", None, "dog"], dtype=object), 3)
    >>> classes.encode(["dog", None], 2)
    tensor([ 1, -1])
    """

    labels: Array
    weights: tuple[float, ...] = ()

    @classmethod
    def of(cls, y: Any, count: int, class_weight: Any = None) -> Self:
        """Return the classes in y, some of which may be missing; -1 is, among at least two other integers.

        Raises
        ------
        DataError
            If there are fewer than two classes, or y is no column of classes for `count` samples.
        ParameterError
            If `class_weight` is neither None, "balanced" nor a dict of classes.
        """
        y = _column(y, count)
        here = _typed(y[~_missing(y)])
        with as_data_error():
            check_classification_targets(here)
        labels, counts = np.unique(here, return_counts=True)
        if labels.dtype.kind in "if" and len(labels) > 2 and labels[0] == -1:
            labels, counts = labels[1:], counts[1:]
        if len(labels) < 2:
            raise DataError(
                f"y must hold at least 2 classes to tell apart; got {len(labels)} class{'es' * (len(labels) != 1)}."
            )
        return cls(labels, _weights(class_weight, labels, counts))

    @property
    def width(self) -> int:
        return len(self.labels)

    def encode(self, y: Any, count: int) -> Tensor:
        y = _column(y, count)
        found = self._places(y)
        strange = found == STRANGE
        if strange.any():
            raise self._strange(y[strange])
        return torch.from_numpy(found)

    def score(self, probable: Array, y: Any, sample_weight: Any = None) -> float:
        """Return the share, from 0 to 1, of samples with a label that it is the `probable` place (N,) of.

        Classes that were not there at fit count as missed.

        Raises
        ------
        DataError
            If there are no labels, or none is of a class there was at fit; if weights are no numbers >= 0.

        Examples
        --------
        >>> Classes(np.array(["cat", "dog"])).score(np.array([0, 0, 1]), ["cat", None, "cow"])
        0.5
        """
        y = _column(y, len(probable))
        found = self._places(y)
        known = found != MISSING
        if known.any() and (found[known] == STRANGE).all():
            raise self._strange(y[known])
        weights = weighed(sample_weight, known)
        return float(np.average(probable[known] == found[known], weights=weights[known]))

    def _places(self, y: Array) -> NDArray[np.int64]:
        """Return where the class of each sample stands, (N,), `MISSING` where there is none, or `STRANGE`."""
        here = ~_missing(y)
        if self.labels.dtype.kind in "if" and -1 not in self.labels:
            here &= np.not_equal(y, -1).astype(bool)
        places = {label: i for i, label in enumerate(self.labels.tolist())}
        found = np.full(len(y), MISSING)
        found[here] = [places.get(value, STRANGE) for value in y[here].tolist()]
        return found

    def _strange(self, y: Array) -> DataError:
        return DataError(f"y must hold the classes {listed(self.labels.tolist())}; got {shorten(y[:1].tolist()[0])}.")

    def known(self, encoded: Tensor) -> Tensor:
        return encoded >= 0

    def order(self, encoded: Tensor) -> Tensor:
        return encoded.double()

    def cost(self, outputs: Tensor, encoded: Tensor) -> Tensor:
        return F.cross_entropy(outputs, encoded, reduction="none")

    def weight(self, encoded: Tensor) -> Tensor | None:
        return torch.tensor(self.weights, device=encoded.device)[encoded] if self.weights else None

    def spread(self, outputs: Tensor) -> Tensor:
        return outputs.softmax(1)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"type": self.labels.dtype.str, "labels": self.labels.tolist(), "weights": list(self.weights)}

    @classmethod
    def from_json(cls, plain: Any) -> Self:
        """Return the classes that `to_json` described.

        Raises
        ------
        FileError
            If they are none.
        """
        kind, labels, weights = plain["type"], plain["labels"], tuple(plain["weights"])
        plainly = isinstance(labels, list) and all(isinstance(label, str | int | float | bool) for label in labels)
        numbers = all(isinstance(weight, float | int) and weight >= 0 for weight in weights)
        if not isinstance(kind, str) or not plainly or not numbers or len(weights) not in (0, len(labels)):
            raise FileError("its classes are not sound")
        dtype = np.dtype(str if kind[1:2] == "U" else kind)  # text is as long as it is, whatever the file says
        if dtype.kind not in "biufUO" or dtype.itemsize > 8:
            raise FileError(f"its classes are of the impossible type {shorten(kind)}")
        found = np.array(labels, dtype=dtype)
        if found.tolist() != labels or len(labels) < 2 or len(np.unique(found)) < len(labels):
            raise FileError("its classes are not those of labels")
        return cls(found, weights)


def _column(y: Any, count: int) -> Array:
    """Return y (N,) as an array; text and what is mixed as objects."""
    y = demanded(y, count)
    if y.ndim == 2 and y.shape[1] > 1:
        raise DataError(
            f"y must hold one class for each sample, (N,); got shape {y.shape}: choose a column, or learn numbers by a "
            "Regressor (fine_tune: task='regression')."
        )
    with as_data_error():
        y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":
        if np.isinf(y).any():
            raise DataError("Input y contains infinity or a value too large; give every sample a class.")
        return y
    return y if y.dtype.kind in "biu" else y.astype(object)


def _missing(y: Array) -> Array:
    return np.array([is_missing(value) for value in y]) if y.dtype.kind in "fO" else np.zeros(len(y), bool)


def _typed(y: Array) -> Array:
    """Return objects (N,) in the type that they all have."""
    if y.dtype.kind != "O" or not len(y):
        return y
    for kind, dtype in ((bool | np.bool_, bool), (Integral, np.int64), (Real, np.float64), (str, str)):
        if all(isinstance(value, kind) for value in y):
            return y.astype(dtype)
    kinds = sorted({type(value).__name__ for value in y})
    raise DataError(
        f"y must hold classes of one kind, text, numbers or booleans; got {listed(kinds)}: write each class as text."
    )


def _weights(class_weight: Any, labels: Array, counts: Array) -> tuple[float, ...]:
    """Return the weight of each class, as scikit-learn has it, such that the mean over samples is 1."""
    if class_weight is None:
        return ()
    if not isinstance(class_weight, Mapping) and class_weight != "balanced":
        raise ParameterError(
            f"Parameter 'class_weight' must be None, 'balanced' or a dict of classes; got {shorten(class_weight)}."
        )
    try:
        chosen = dict(class_weight) if isinstance(class_weight, Mapping) else class_weight
        each = compute_class_weight(chosen, classes=labels, y=np.repeat(labels, counts))
    except (ValueError, TypeError) as error:
        raise ParameterError(f"Parameter 'class_weight': {' '.join(str(error).split())}") from error
    if not (np.isfinite(each).all() and (each >= 0).all() and (each * counts).sum() > 0):
        raise ParameterError(f"Parameter 'class_weight' must hold numbers >= 0; got {shorten(class_weight)}.")
    return tuple(float(weight) for weight in each)

"""Real numbers, as what is to be told of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import Tensor

from diabolo.data.cells import is_missing
from diabolo.errors import DataError, FileError, warn
from diabolo.estimators.pretraining.targets import Array, Target, as_array, as_numbers, demanded, weighed


@dataclass(frozen=True, eq=False)
class Quantities(Target):
    """One or several real numbers, standardised.

    Parameters
    ----------
    shift, scale : ndarray (K,)
        Mean and standard deviation of those known at fit.
    single : bool
        Whether y has one axis.

    Examples
    --------
    >>> quantities = Quantities.of([1.0, 3.0, np.nan], 3)
    >>> quantities.encode([5.0], 1), quantities.decode(np.array([[3.0]]))
    (tensor([[3.]]), array([5.]))
    """

    shift: Array
    scale: Array
    single: bool = True

    @classmethod
    def of(cls, y: Any, count: int) -> Self:
        """Return the scale of y, some of which may be NaN.

        Raises
        ------
        DataError
            If fewer than two samples have numbers, or y holds something else.
        """
        numbers, single = _numbers(y, count)
        here = numbers[~np.isnan(numbers).any(1)]
        if len(here) < 2:
            raise DataError(f"y must hold at least 2 samples with numbers to learn from; got n_samples = {len(here)}.")
        with np.errstate(over="ignore"):
            scale = here.std(0)
        if not np.isfinite(scale).all():
            raise DataError("y must hold numbers whose squares are finite; got larger ones. Divide them.")
        return cls(here.mean(0), np.where(scale > 0, scale, 1.0), single)

    @property
    def width(self) -> int:
        return len(self.shift)

    def encode(self, y: Any, count: int) -> Tensor:
        return torch.from_numpy((self._as_at_fit(y, count) - self.shift) / self.scale).float()

    def decode(self, outputs: Array) -> Array:
        """Return outputs (N, K) in the units of y: (N,) of a single one."""
        found = outputs * self.scale + self.shift
        return found[:, 0] if self.single else found

    def score(self, told: Array, y: Any, sample_weight: Any = None) -> float:
        """Return R² of what is told of y, (N,) or (N, K), over the samples of which all of y is known.

        Raises
        ------
        DataError
            If y is not known of any sample, or weights are no numbers >= 0.

        Examples
        --------
        >>> quantities = Quantities.of([1.0, 3.0], 2)
        >>> quantities.score(np.array([1.0, 3.0, 7.0]), [1.0, 3.0, np.nan])
        1.0
        """
        numbers = self._as_at_fit(y, len(told))
        known = np.asarray(~np.isnan(numbers).any(1))
        weights = weighed(sample_weight, known)[known]
        return float(r2_score(numbers[known], told.reshape(numbers.shape)[known], sample_weight=weights))

    def _as_at_fit(self, y: Any, count: int) -> Array:
        """Return y as numbers (N, K)."""
        numbers, _ = _numbers(y, count)
        if numbers.shape[1] != self.width:
            raise DataError(
                f"y must have {self.width} column{'s' * (self.width > 1)}, as at fit; got {numbers.shape[1]}."
            )
        return numbers

    def known(self, encoded: Tensor) -> Tensor:
        return ~encoded.isnan().any(1)

    def order(self, encoded: Tensor) -> Tensor:
        return encoded[:, 0].double()

    def cost(self, outputs: Tensor, encoded: Tensor) -> Tensor:
        return 0.5 * (outputs - encoded).square().mean(1)

    def weight(self, encoded: Tensor) -> Tensor | None:
        return None

    def spread(self, outputs: Tensor) -> Tensor:
        return outputs

    def arrays(self) -> dict[str, Tensor]:
        """Return the arrays to save."""
        return {"shift": torch.from_numpy(self.shift), "scale": torch.from_numpy(self.scale)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor], single: Any) -> Self:
        """Return the quantities whose `arrays` these are.

        Raises
        ------
        FileError
            If they are none.
        """
        shift, scale = (arrays[name].numpy().astype(np.float64) for name in ("shift", "scale"))
        sound = shift.ndim == 1 and shift.shape == scale.shape and len(shift) > 0 and isinstance(single, bool)
        finite = sound and bool(np.isfinite(shift).all() and np.isfinite(scale).all() and (scale > 0).all())
        if not finite or (single and len(shift) > 1):
            raise FileError("its quantities are not sound")
        return cls(shift, scale, single)


def holds_quantities(y: Any) -> bool:
    """Tell whether y holds floating point numbers that are not all whole, NaN apart.

    Examples
    --------
    >>> holds_quantities([0.5, 2.0]), holds_quantities([1.0, np.nan, 2.0]), holds_quantities(["a", "b"])
    (True, False, False)
    """
    here = _floating(y)
    return bool((here != np.round(here)).any())


def warn_of_many(y: Any) -> None:
    """Tell that whole floating point numbers are taken as classes, where most of these would have few samples.

    Warns
    -----
    DiaboloWarning
        If there are more than 20 of them, of fewer than 10 samples each.

    Examples
    --------
    >>> warn_of_many([0.0, 1.0, 1.0])
    """
    here = _floating(y)
    kinds = len(np.unique(here))
    if kinds > 20 and len(here) < 10 * kinds:
        warn(
            f"y holds {kinds} different whole numbers in {len(here)} labels, which are learnt as classes: say "
            "task='regression' if they are quantities, task='classification' if not."
        )


def _floating(y: Any) -> Array:
    """Return the numbers of y that are there, if they are of floating point, (N,); else none."""
    values = as_array(y)
    if values.dtype.kind == "O":  # such as [0.5, None]
        here = [each for each in values.ravel().tolist() if not is_missing(each)]
        real = all(isinstance(each, Real) and not isinstance(each, bool | np.bool_) for each in here)
        return np.array(here, np.float64) if real and any(isinstance(each, float) for each in here) else np.empty(0)
    return values[~np.isnan(values)] if values.dtype.kind == "f" else np.empty(0)


def _numbers(y: Any, count: int) -> tuple[Array, bool]:
    """Return y as numbers (N, K), and whether it has one axis."""
    y = demanded(y, count)
    numbers = as_numbers("y", y)
    if numbers.ndim not in (1, 2) or numbers.size == 0:
        raise DataError(f"y must be (N,) or (N, K); got shape {numbers.shape}.")
    if np.isinf(numbers).any():
        raise DataError("Input y contains infinity or a value too large; clip it, or write NaN where it is not known.")
    return numbers.reshape(len(numbers), -1), numbers.ndim == 1

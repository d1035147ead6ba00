"""Series, images and plain tables of numbers for a generator: as an array, and back in the user's own form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Form
from diabolo.data.form import PandasForm, PolarsForm, TorchForm
from diabolo.data.package import package
from diabolo.data.scaling import per_channel
from diabolo.errors import DataError, FileError
from diabolo.flow import Shape, channels
from diabolo.likelihoods import Likelihood, LogisticMixture, SharedGaussian

Array = NDArray[Any]

FRAMES = ("pandas", "polars")
"""Forms whose columns have names."""

_SIZES = (8, 16, 32, 64)
_TYPES = {f"{kind}{size}" for kind in ("int", "uint", "float") for size in _SIZES} | {"bool", "bfloat16"}


@dataclass(frozen=True)
class Arrays:
    """What is remembered of training samples (N, *shape).

    Parameters
    ----------
    shape : tuple of int
        Of a sample.
    low, high : tuple of float
        The least and the greatest value of each channel: 0 and 255 of bytes, 0 and 1 of images within them.
    form : {"array", "tensor", "pandas", "polars"}
        What the user had.
    dtype : str
        The type of its numbers.
    labels : tuple
        What a frame calls its columns.

    Examples
    --------
    >>> X = np.arange(24, dtype=np.int32).reshape(4, 3, 2)
    >>> Arrays.of(X, X).back(np.full((1, 3, 2), 50.6))[0].tolist()
    [[22, 23], [22, 23], [22, 23]]
    """

    shape: Shape
    low: tuple[float, ...]
    high: tuple[float, ...]
    form: str
    dtype: str
    labels: tuple[Any, ...] = ()

    @staticmethod
    def of(X: Any, array: Array) -> Arrays:
        """Return what is to be remembered of training samples X, as an array (N, *shape)."""
        shape, (form, labels) = array.shape[1:], described(X)
        axes = tuple(i for i in range(array.ndim) if i != (1 if len(shape) == 3 else array.ndim - 1))
        low, high = array.min(axes).astype(np.float64), array.max(axes).astype(np.float64)
        if array.dtype == np.uint8:
            low, high = np.zeros(len(low)), np.full(len(high), 255.0)
        elif len(shape) == 3 and low.min() >= 0 and high.max() <= 1 and array.dtype.kind == "f":
            low, high = np.zeros(len(low)), np.ones(len(high))
        dtype = str(X.dtype).removeprefix("torch.") if form == "tensor" else str(array.dtype)
        dtype = "bool" if _booleans(X, form) else dtype
        return Arrays(shape, tuple(low.tolist()), tuple(high.tolist()), form, dtype, labels)

    def back(self, array: Array) -> Any:
        """Return samples (N, *shape), in units of the user, within their range and in the user's form."""
        low, high = (np.array(bound).reshape(per_channel(self.shape)) for bound in (self.low, self.high))
        array = array.clip(low, high)
        if "float" not in self.dtype:
            array = array.round()
        if self.form == "tensor":
            return torch.tensor(array).to(getattr(torch, self.dtype))
        array = array.astype(self.dtype)
        if self.form == "pandas":
            return package("pandas").DataFrame(array, columns=list(self.labels))
        if self.form == "polars":
            return package("polars").from_numpy(array, schema=list(self.labels), orient="row")
        return array

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood of samples where none is named.

        Images are normal, with a learned variance that all numbers share; steps of series have noise of any shape, and
        know the step before (docs/decisions/0009).
        """
        return LogisticMixture(order=1) if len(self.shape) == 2 else SharedGaussian()

    def demand_within(self, array: Array, likelihood: Likelihood) -> None:
        """Raise unless samples (N, *shape), in units of the user, are what a likelihood is one of.

        Raises
        ------
        DataError
            If they are not.
        """
        domains = likelihood.domains(channels(self.shape))
        unit = 255.0 if self.dtype == "uint8" and array.dtype == np.uint8 and array.max(initial=0) > 1 else 1.0
        name = type(likelihood).__name__
        if "unit" in domains and (array.min(initial=0) < 0 or array.max(initial=0) > unit):
            raise DataError(
                f"X must hold numbers in [0, 1], or bytes, for {name}; got values in "
                f"[{float(array.min()):g}, {float(array.max()):g}]. Scale them, or use a likelihood of any numbers, "
                "such as Gaussian()."
            )
        if "counts" in domains and (array.min(initial=0) < 0 or (np.mod(array, 1) != 0).any()):
            raise DataError(
                f"X must hold counts 0, 1, 2, … for {name}; got values in [{float(array.min()):g}, "
                f"{float(array.max()):g}], some of them no counts. Use a likelihood of any numbers, such as Gaussian()."
            )

    def to_json(self) -> dict[str, Any]:
        """Return what is remembered as plain JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @staticmethod
    def from_json(plain: Any, shape: Shape) -> Arrays:
        """Return what `to_json` described, of samples of `shape`.

        Raises
        ------
        FileError
            If it is no such description.
        """
        lists = {key: tuple(plain[key]) for key in ("shape", "low", "high", "labels")}
        arrays = Arrays(**{**plain, **lists})
        sound = arrays.form in ("array", "tensor", *FRAMES) and arrays.dtype in _TYPES
        ends = len(arrays.low) == len(arrays.high) == channels(shape)
        labelled = len(arrays.labels) == (channels(shape) if arrays.form in FRAMES else 0)
        sound &= arrays.shape == shape and ends and labelled
        if not sound or not np.isfinite([*arrays.low, *arrays.high]).all():
            raise FileError("it does not describe samples")
        return arrays


def _booleans(X: Any, form: str) -> bool:
    """Tell whether X holds booleans and nothing else, of which its array (N, *shape) makes numbers."""
    types = X.dtypes if form in FRAMES else [getattr(X, "dtype", None)]
    return {str(dtype).removeprefix("torch.") for dtype in types} in ({"bool"}, {"Boolean"})


def described(X: Any) -> tuple[str, tuple[Any, ...]]:
    """Return what X is, "array", "tensor", "pandas" or "polars", and what a frame calls its columns.

    Examples
    --------
    >>> described(np.eye(2))
    ('array', ())
    """
    form = Form.of(X)
    word = {PandasForm: "pandas", PolarsForm: "polars", TorchForm: "tensor"}.get(type(form), "array")
    columns = X.columns if word in FRAMES else ()
    return word, tuple(label if isinstance(label, str | int) else str(label) for label in columns)

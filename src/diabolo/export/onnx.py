"""Encoders, classifiers and regressors as ONNX files, with their scaling inside."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from diabolo.data import Schema
from diabolo.data.package import package
from diabolo.errors import CapabilityError, ParameterError
from diabolo.estimators import Classifier, Estimator, Regressor
from diabolo.estimators.pretraining.features import Features
from diabolo.files import write_bytes

INPUT, OUTPUT = "x", "y"
"""What input and output are called in the file."""

_BATCH = 2  # samples of the example that is traced; 1 would be taken for a constant


def to_onnx(estimator: Estimator, path: str | PathLike[str], scaled: bool = False) -> None:
    """Write what a fitted estimator makes of samples to an ONNX file, in one step or not at all.

    The input "x" is (N, *shape), float32, in the units of the user: of bytes, their numbers. The output "y" of a
    `Classifier` is the probabilities, of a `Regressor` what it predicts, of all others the features or the code. NaN in
    a table of numbers is missing, as in Python.

    Parameters
    ----------
    estimator : Estimator
        Fitted.
    path : path
        The file; an older one is replaced.
    scaled : bool
        Whether x is scaled already, or encoded, such as ``estimator.schema_.encode(X)[0]`` of a table of mixed columns:
        text and dates cannot be read by ONNX.

    Raises
    ------
    ParameterError
        If it is no estimator with an encoder.
    CapabilityError
        If ONNX is not installed, or cannot hold what comes before the encoder, or the encoder itself.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from diabolo import Reducer
    >>> reducer = Reducer(2, recipe="linear").fit(load_iris().data)
    >>> to_onnx(reducer, "reducer.onnx")  # doctest: +SKIP
    """
    if not isinstance(estimator, Estimator):
        raise ParameterError(f"Parameter 'estimator' of to_onnx must be one with an encoder; got {estimator!r}.")
    check_is_fitted(estimator)
    package("onnx", "onnx")
    package("onnxscript", "onnx")
    module = exported(estimator, scaled)
    shape = estimator.shape_ if scaled else estimator._given
    parts = " with ".join(type(part).__name__ for part in (estimator.recipe_.net, estimator.recipe_.latent))
    write_bytes(Path(path), _traced(module, torch.zeros(_BATCH, *shape), parts))


def exported(estimator: Estimator, scaled: bool = False) -> nn.Module:
    """Return the module that is exported, a copy on the processor: from samples (N, *shape), float32, to its output.

    Raises
    ------
    CapabilityError
        If what comes before the encoder cannot be a part of it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from diabolo import Reducer
    >>> X = load_iris().data
    >>> reducer = Reducer(2, recipe="linear").fit(X)
    >>> module = exported(reducer)
    >>> bool(np.allclose(module(torch.tensor(X).float()).detach(), reducer.transform(X), atol=1e-4))
    True
    """
    if estimator.model_.conditioner.size:
        raise CapabilityError(
            f"A {type(estimator).__name__} that is told conditions cannot be exported; fit it without y."
        )
    copied = _on_cpu(estimator)
    first: nn.Module = nn.Identity() if scaled else _front(estimator)
    return nn.Sequential(first, copied, _last(estimator)).eval()


class _Scale(nn.Module):
    """x → (x − shift) / scale, in float64, as float32."""

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: np.ndarray, scale: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return ((x.double() - self.shift) / self.scale).float()


class _Encode(nn.Module):
    """Rows of numbers (N, F) → (N, P), as a schema encodes them: see `Field`."""

    order: Tensor

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        fields = schema.fields
        self.scale = _Scale(np.array([f.shift for f in fields]), np.array([f.scale for f in fields]))
        self.knee = schema.knee
        places = [i + len(fields) * k for i, f in enumerate(fields) for k in range(f.width)]
        self.register_buffer("order", torch.tensor(places))

    def forward(self, x: Tensor) -> Tensor:
        gone = torch.isnan(x)
        z = self.scale(torch.where(gone, torch.zeros_like(x), x))
        beyond = (z.abs() - self.knee).clamp_min(0)
        z = z.sign() * (z.abs().clamp_max(self.knee) + torch.log1p(beyond))
        z = torch.where(gone, torch.zeros_like(z), z)
        return torch.cat([z, gone.to(z.dtype)], 1).index_select(1, self.order)


class _Probabilities(nn.Module):
    def __init__(self, head: nn.Module, temperature: float) -> None:
        super().__init__()
        self.head, self.temperature = head, temperature

    def forward(self, features: Tensor) -> Tensor:
        return (self.head(features) / self.temperature).softmax(1)


class _Quantity(nn.Module):
    def __init__(self, head: nn.Module, shift: np.ndarray, scale: np.ndarray, single: bool) -> None:
        super().__init__()
        self.head, self.single = head, single
        self.back = _Scale(-shift / scale, 1 / scale)

    def forward(self, features: Tensor) -> Tensor:
        y = self.back(self.head(features))
        return y[:, 0] if self.single else y


def _on_cpu(estimator: Estimator) -> Features:
    model = copy.deepcopy(estimator.model_).cpu()
    return Features(model, getattr(estimator, "layer", "code"), getattr(estimator, "pooling", "mean"))


def _front(estimator: Estimator) -> nn.Module:
    schema = getattr(estimator, "schema_", None)
    if schema is None and estimator._given == estimator.shape_:
        return _Scale(estimator.scaling_.shift, estimator.scaling_.scale)
    if schema is not None and len(estimator.shape_) == 1 and all(field.kind == "number" for field in schema.fields):
        return _Encode(schema)
    raise CapabilityError(
        f"What this {type(estimator).__name__} does with samples before its encoder sees them cannot be written as "
        "ONNX; pass scaled=True, and give the model encoded samples."
    )


def _last(estimator: Estimator) -> nn.Module:
    if isinstance(estimator, Classifier):
        return _Probabilities(copy.deepcopy(estimator.head_).cpu(), estimator.temperature_)
    if isinstance(estimator, Regressor):
        known = estimator.quantities_
        return _Quantity(copy.deepcopy(estimator.head_).cpu(), known.shift, known.scale, known.single)
    return nn.Identity()


def _traced(module: nn.Module, example: Tensor, what: str) -> bytes:
    """Return the bytes of a module, for any number of samples."""
    with _quiet():
        try:
            program: Any = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("samples")},),
                verbose=False,
            )
        except Exception as error:  # what the exporter raises is of many kinds
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise CapabilityError(
                f"{what} cannot be written as ONNX ({first}); use another net, such as MLP() or Conv()."
            ) from error
        if program.model_proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value:
            raise CapabilityError(
                f"{what} can be written as ONNX only for a set number of samples; use another latent, such as Plain()."
            )
        return program.model_proto.SerializeToString()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter says of its own progress from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

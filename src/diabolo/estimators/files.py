"""Estimators as files: what goes into a model's document and arrays, and back."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from diabolo import files
from diabolo.check import unknown
from diabolo.errors import DiaboloError, FileError
from diabolo.part import Part, from_json

if TYPE_CHECKING:
    from diabolo.estimators.job import Job

ESTIMATORS: dict[str, type[Job]] = {}
"""The closed table of estimators, by the name in the file; each enters it when its class is made."""


def save(job: Job, path: Path) -> None:
    """Write a fitted estimator; see `Job.save`."""
    plain, more = job._more()
    document = {
        "estimator": type(job).__name__,
        "params": {name: _plain(value) for name, value in job.get_params(deep=False).items()},
        **job.document(),
        "fitted": {name: getattr(job, name) for name in job.scalars},
        "job": plain,
    }
    files.save(path, document, job.arrays() | {f"job.{name}": value for name, value in more.items()})


def load(path: str | PathLike[str], device: str = "auto") -> Any:
    """Read an estimator written by `save`, on `device`.

    Nothing in the file is executed, and names in it resolve only in the tables of diabolo.

    Raises
    ------
    FileError
        If the file is cut, edited, foreign or of a newer format, or names what this diabolo does not know.
    MissingFileError
        If there is nothing at `path`.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> import diabolo
    >>> X = load_iris().data
    >>> folder = tempfile.mkdtemp() + "/iris"
    >>> diabolo.Reducer(2, recipe="linear").fit(X).save(folder)
    >>> diabolo.load(folder).transform(X).shape
    (150, 2)
    """
    document, arrays = files.load(path)
    try:
        return _rebuilt(document, arrays, device)
    except FileError as error:
        raise FileError(f"{path}: {error}") from error
    except (DiaboloError, LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        raise FileError(
            f"{path} does not describe a model ({_first_line(error)}); it was edited or is foreign."
        ) from error


def _rebuilt(document: dict[str, Any], arrays: dict[str, Tensor], device: str) -> Job:
    name = document.get("estimator")
    if name not in ESTIMATORS:
        raise FileError(f"it holds an {unknown('estimator', name, ESTIMATORS)}")
    job = ESTIMATORS[name](**{key: _parameter(value) for key, value in document["params"].items()})
    job.set_params(device=device)
    job.check_parameters()
    job.rebuild(document, arrays)
    fitted = {**job.lacking, **document["fitted"]}
    for key in job.scalars:
        setattr(job, key, fitted[key])
    job._restore(document.get("job", {}), files.under("job.", arrays))
    return job


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_json()
    if isinstance(value, np.random.RandomState):
        return None  # a stream of numbers that has moved on since: nothing to keep
    return value.item() if isinstance(value, np.generic) else value


def _parameter(value: Any) -> Any:
    return from_json(value) if isinstance(value, dict) else value


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__

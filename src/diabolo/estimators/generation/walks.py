"""Walks through codes: from one to another, and along one dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import Number, OneOf, Whole, demand, shorten
from diabolo.errors import ParameterError

Array = NDArray[Any]

_LEVELS = np.linspace(-2.5, 2.5, 7)


def demand_way(steps: int, path: str) -> None:
    """Raise unless there is such a way from one code to another.

    Raises
    ------
    ParameterError
        If the steps are too few, or the path is none.
    """
    demand("steps", "interpolate", steps, Whole(2))
    demand("path", "interpolate", path, OneOf(*_PATHS))


def between(start: Array, end: Array, steps: int, path: str) -> Array:
    """Return codes (steps, n) on the way from one code (n,) to another; see `Generator.interpolate`."""
    return _PATHS[path](start, end, np.linspace(0, 1, steps)[:, None])


def levels(codes: Array, dimension: int, values: Sequence[float] | None) -> Array:
    """Return the values (V,) that a dimension takes, of codes with mean and deviation (2, n); see `Generator.traverse`.

    Raises
    ------
    ParameterError
        If there is no such dimension, or the values are no finite numbers.
    """
    demand("dimension", "traverse", dimension, Whole(0, codes.shape[1] - 1))
    mean, spread = codes[:, dimension]
    found = mean + spread * _LEVELS if values is None else np.asarray(values)
    if found.ndim != 1 or not len(found) or not all(level in Number() for level in found.tolist()):
        raise ParameterError(f"Parameter 'values' of traverse must be finite numbers; got {shorten(values)}.")
    return found


def along(code: Array, dimension: int, values: Array) -> Array:
    """Return a code (n,) once for each value (V,) of one dimension, (V, n)."""
    walk = np.repeat(code[None], len(values), 0)
    walk[:, dimension] = values
    return walk


def _linear(start: Array, end: Array, share: Array) -> Array:
    return (1 - share) * start + share * end


def _spherical(start: Array, end: Array, share: Array) -> Array:
    """Turn from one direction to the other, and change the length evenly; in a straight line where there is no turn."""
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    if not all(lengths):
        return _linear(start, end, share)
    first, last = start / lengths[0], end / lengths[1]
    angle = np.arccos(np.clip(first @ last, -1, 1))
    if np.sin(angle) < 1e-6:
        return _linear(start, end, share)
    turned = (np.sin((1 - share) * angle) * first + np.sin(share * angle) * last) / np.sin(angle)
    return turned * ((1 - share) * lengths[0] + share * lengths[1])


_PATHS: dict[str, Callable[[Array, Array, Array], Array]] = {"linear": _linear, "spherical": _spherical}

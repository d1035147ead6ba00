"""Walks through the codes of a generator: from one to another, and along one dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import Number, OneOf, Whole, demand, shorten
from diabolo.errors import ParameterError
from diabolo.estimators.generation.drawing import codes, told
from diabolo.estimators.generation.learnt import one_of

if TYPE_CHECKING:
    from diabolo.estimators.generation.generator import Generator

Array = NDArray[Any]

_LEVELS = np.linspace(-2.5, 2.5, 7)


def between(generator: Generator, a: Any, b: Any, steps: int, condition: Any, path: str) -> Array:
    """Return codes (steps, n) on the way from that of sample a to that of b; see `Generator.interpolate`."""
    demand("steps", "interpolate", steps, Whole(2))
    demand("path", "interpolate", path, OneOf(*_PATHS))
    known = told(generator, condition, 1)
    start, end = (codes(generator, one_of(generator, each), known)[0] for each in (a, b))
    return _PATHS[path](start, end, np.linspace(0, 1, steps)[:, None])


def along(generator: Generator, x: Any, dimension: int, values: Sequence[float] | None, condition: Any) -> Array:
    """Return codes (V, n) that differ in one dimension; see `Generator.traverse`."""
    demand("dimension", "traverse", dimension, Whole(0, generator.model_.n - 1))
    mean, spread = generator.codes_
    levels = mean[dimension] + spread[dimension] * _LEVELS if values is None else np.asarray(values)
    if levels.ndim != 1 or not len(levels) or not all(level in Number() for level in levels.tolist()):
        raise ParameterError(f"Parameter 'values' of traverse must be finite numbers; got {shorten(values)}.")
    code = mean if x is None else codes(generator, one_of(generator, x), told(generator, condition, 1))[0]
    walk = np.repeat(code[None], len(levels), 0)
    walk[:, dimension] = levels
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

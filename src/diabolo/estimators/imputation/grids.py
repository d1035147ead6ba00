"""Images and series with gaps: what an imputer answers, in the form of the user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import Scaling
from diabolo.errors import FileError
from diabolo.estimators.base import Estimator
from diabolo.estimators.denoising.restoring import axes, demand_samples
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.imputation.answers import Ask, demand_spread, deviation, ends, mean, median, sample
from diabolo.estimators.imputation.filler import LEVELS, Filler
from diabolo.estimators.signals import Signals, signals
from diabolo.estimators.through import through
from diabolo.estimators.tiles import POINTS
from diabolo.flow import Batch, Shape, channel_axis, channels, with_channels
from diabolo.model import Autoencoder
from diabolo.seeding import seeded

Array = NDArray[Any]

_PASSES = 8
"""Passes in which the cells of a sample are drawn; each draws twice as many as the one before, and knows those."""

_FEW = 2**16
"""Points for which many draws are kept at a time: bounds the memory."""


@dataclass(frozen=True, eq=False)
class Grids(Filler):
    """Cells that have neighbours: a convolutional net sees what is around a gap."""

    def sample_shape(self, model: Autoencoder) -> Shape:
        return model.target

    def read(self, estimator: Estimator, X: Any) -> Signals:
        return checked(estimator, X)

    def transform(self, fitted: FittedModel, samples: Signals, strategy: str, add_indicator: bool) -> Any:
        if strategy == "median":
            demand_spread(fitted.model.recipe.likelihood, "strategy='median'")
        return samples.back(_answered(fitted, samples, median if strategy == "median" else mean)[0])

    def sample(self, fitted: FittedModel, samples: Signals, n: int, seed: int | None) -> list[Any]:
        demand_spread(fitted.model.recipe.likelihood, "sample")
        rng = np.random.default_rng(seed)
        return [samples.back(_drawn(fitted, samples, rng)) for _ in range(n)]

    def uncertainty(self, fitted: FittedModel, samples: Signals) -> Any:
        demand_spread(fitted.model.recipe.likelihood, "uncertainty")
        unit = _scaling(fitted).scale
        unsure: list[Array] = [np.zeros(x.shape, np.result_type(x.dtype, np.float32)) for x in samples.arrays]
        for i, spread in _asked(fitted, samples, deviation):
            unsure[i] = np.where(np.isnan(samples.arrays[i]), spread.numpy() * unit, 0).astype(unsure[i].dtype)
        return samples.formed(unsure)

    def intervals(self, fitted: FittedModel, samples: Signals, coverage: float) -> tuple[Any, Any]:
        demand_spread(fitted.model.recipe.likelihood, "intervals")
        levels = [self.level(channel, coverage) for channel in range(len(self.coverage))]
        low, high = _answered(fitted, samples, ends(levels), 2)
        return samples.back(low), samples.back(high)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {}, {"coverage": torch.from_numpy(self.coverage)}

    @classmethod
    def restore(cls, plain: dict[str, Any], arrays: dict[str, Tensor], model: Autoencoder, columns: int) -> Grids:
        target, coverage = model.target, arrays["coverage"].numpy()
        fits = model.shape == with_channels(target, 2) and coverage.shape == (channels(target), len(LEVELS))
        if not fits or not np.isfinite(coverage).all():
            raise FileError("what it remembers of gaps does not fit its model")
        return cls(coverage)


def are_grids(X: Any) -> bool:
    """Tell whether samples have axes of their own: images and series do, rows of tables do not.

    Examples
    --------
    >>> are_grids(np.zeros((5, 3))), are_grids([["Oslo", 1.0], ["Rome", None]])
    (False, False)
    >>> are_grids(np.zeros((5, 30, 3))), are_grids([np.zeros((30, 3)), np.zeros((20, 3))])
    (True, True)
    """
    return axes(X) > 2


def checked(estimator: Estimator, X: Any, reset: bool = False) -> Signals:
    """Return images or series, known to be such as an imputer takes; `reset` says that they are learned from.

    Raises
    ------
    DataError, DataTypeError
        If they are none.
    """
    demand_samples(X)
    return signals(estimator, X, reset)


def shown(scaling: Scaling, crops: Tensor) -> Batch:
    """Return the batch of crops (B, C, h, w) or (B, t, C), in the type they are kept in: what is there, and where.

    Examples
    --------
    >>> batch = shown(Scaling(np.zeros(1), np.ones(1)), torch.tensor([[[2.0], [torch.nan]]]))
    >>> batch.x.tolist(), batch.target.tolist()
    ([[[2.0, 1.0], [0.0, 0.0]]], [[[2.0], [0.0]]])
    """
    x = scaling.batch(crops)
    there = x.isfinite()
    values = torch.where(there, x, 0)
    return Batch(torch.cat([values, there.to(x.dtype)], channel_axis(x.shape[1:])), values)


def beside_indicators(scaling: Scaling) -> Scaling:
    """Return the scaling of values and of the indicators of what is there, which stay as they are."""
    return Scaling(
        np.concatenate([scaling.shift, np.zeros_like(scaling.shift)]),
        np.concatenate([scaling.scale, np.ones_like(scaling.scale)]),
    )


def _scaling(fitted: FittedModel) -> Scaling:
    """Return the scaling of values, without that of the indicators."""
    count = channels(fitted.model.target)
    return Scaling(fitted.scaling.shift[:count], fitted.scaling.scale[:count])


def _answered(fitted: FittedModel, samples: Signals, ask: Ask, count: int = 1) -> list[list[Array]]:
    """Return the samples so many times, their missing cells as answered."""
    sides = [list(samples.arrays) for _ in range(count)]
    for i, answer in _asked(fitted, samples, ask):
        axis = channel_axis(tuple(answer.shape)) - 1 if answer.ndim == 3 else -1
        for side, values in zip(sides, answer.chunk(count, axis), strict=True):
            side[i] = _completed(fitted, samples, samples.arrays[i], values)
    return sides


def _drawn(fitted: FittedModel, samples: Signals, rng: np.random.Generator) -> list[Array]:
    """Return the samples with what is missing drawn: in passes, so that the cells of a gap fit each other."""
    arrays = list(samples.arrays)
    turns = [_turns(np.isnan(x), rng) for x in arrays]
    for turn in range(_PASSES):
        whole = Signals(arrays if samples.form is None else np.stack(arrays), samples.form)
        for i, values in _asked(fitted, whole, sample, int(rng.integers(2**31))):
            drawn = _completed(fitted, samples, arrays[i], values)
            arrays[i] = np.where(turns[i] <= turn, drawn, arrays[i])
    return arrays


def _turns(gone: Array, rng: np.random.Generator) -> Array:
    """Return in which pass each missing cell is drawn, in random order; -1 for the others."""
    turns = np.full(gone.shape, -1)
    place = (rng.permutation(int(gone.sum())) + 0.5) / max(1, int(gone.sum()))
    turns[gone] = np.log2(1 + place * (2**_PASSES - 1)).astype(int)
    return turns


def _completed(fitted: FittedModel, samples: Signals, x: Array, values: Tensor) -> Array:
    """Return a sample x with what is missing taken from scaled values; images stay within their range."""
    if samples.kind == "images":
        values = values.clamp(0, 1)
    return np.where(np.isnan(x), _scaling(fitted).undo(values[None], x.dtype)[0].astype(x.dtype), x)


@torch.inference_mode()
def _asked(fitted: FittedModel, samples: Signals, ask: Ask, seed: int = 0) -> Iterator[tuple[int, Tensor]]:
    """Yield the numbers of samples with gaps, and what is answered for each, scaled."""
    gappy = [i for i, x in enumerate(samples.arrays) if np.isnan(x).any()]
    if not gappy:
        return
    model, scaling = fitted.model, _scaling(fitted)
    device, likelihood = next(model.parameters()).device, model.recipe.likelihood

    def compute(x: Tensor) -> Tensor:
        return ask(likelihood, model.params(shown(scaling, x.to(device)).x))

    arrays = samples.arrays[gappy] if isinstance(samples.arrays, np.ndarray) else [samples.arrays[i] for i in gappy]
    with seeded(seed, device):
        points = POINTS if ask in (mean, sample) else _FEW
        each = through(compute, arrays, scaling, model.recipe.net.local, points)
        yield from zip(gappy, each, strict=True)

"""Images and series with gaps: what an imputer answers, in the form of the user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import Scaling
from diabolo.errors import FileError, ParameterError
from diabolo.estimators.denoising.restoring import axes, built, demand_samples, planned, shape_of, sources
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.imputation.filler import Filler
from diabolo.estimators.imputation.filling import LEVELS
from diabolo.estimators.imputation.hiding import beside_indicators, demand_values, judged, shown, suited
from diabolo.estimators.imputation.inpainted import report
from diabolo.estimators.imputation.telling import Ask, demand_spread, deviation, ends, mean, median, sample
from diabolo.estimators.signals import Signals, scaling_of, signals
from diabolo.estimators.through import through
from diabolo.estimators.tiles import POINTS
from diabolo.flow import Shape, channel_axis, channels, with_channels
from diabolo.model import Recipe
from diabolo.report import Page
from diabolo.seeding import seeded
from diabolo.training import Callback, resolve, train_in_stages

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer

Array = NDArray[Any]

_PASSES = 8
"""Passes in which the cells of a sample are drawn; each draws twice as many as the one before, and knows those."""

_FEW = 2**16
"""Points for which many draws are kept at a time: bounds the memory."""


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


class Grids(Filler):
    """Cells that have neighbours: a convolutional net sees what is around a gap."""

    def learn(
        self,
        imputer: Imputer,
        X: Any,
        recipe: Recipe,
        seed: int,
        callbacks: Sequence[Callback],
        checkpoint: str | PathLike[str] | None,
    ) -> None:
        if imputer.add_indicator:
            raise ParameterError("Parameter 'add_indicator' of Imputer must be False for series and images; got True.")
        device, recipe = resolve(imputer.device), suited(recipe)
        found = _found(imputer, X, reset=True)
        demand_values(found)
        scaling, shape, local = scaling_of(found), shape_of(found, recipe.net), recipe.net.local is not None
        training = planned(imputer.training, found, shape, local, device)
        train, held_out = sources(found, None, scaling, shown, shape, training.validation, seed, device, local)
        model = built(recipe, with_channels(shape, 2), imputer.n_components, seed, device, shape)
        history = train_in_stages(
            model, train, held_out, training, seed=seed, callbacks=callbacks, checkpoint=checkpoint
        )
        imputer._keep(FittedModel(model, beside_indicators(scaling), history))
        imputer.coverage_, imputer.errors_ = judged(imputer, held_out or train, seed)

    def sample_shape(self, imputer: Imputer) -> Shape:
        return imputer.model_.target

    def filled(self, imputer: Imputer, X: Any) -> Any:
        found = _found(imputer, X)
        if imputer.strategy == "median":
            demand_spread(imputer.recipe_.likelihood, "strategy='median'")
        return found.back(_answered(imputer, found, median if imputer.strategy == "median" else mean)[0])

    def draw(self, imputer: Imputer, X: Any, n: int, seed: int | None) -> list[Any]:
        demand_spread(imputer.recipe_.likelihood, "sample")
        found, rng = _found(imputer, X), np.random.default_rng(seed)
        return [found.back(_drawn(imputer, found, rng)) for _ in range(n)]

    def unsure(self, imputer: Imputer, X: Any) -> Any:
        demand_spread(imputer.recipe_.likelihood, "uncertainty")
        found = _found(imputer, X)
        unit = _scaling(imputer).scale
        spread: list[Array] = [np.zeros(x.shape, np.result_type(x.dtype, np.float32)) for x in found.arrays]
        for i, told in _told(imputer, found, deviation):
            spread[i] = np.where(np.isnan(found.arrays[i]), told.numpy() * unit, 0).astype(spread[i].dtype)
        return spread if found.form is None else found.form.back(np.stack(spread))

    def between(self, imputer: Imputer, X: Any, coverage: float) -> tuple[Any, Any]:
        demand_spread(imputer.recipe_.likelihood, "intervals")
        found = _found(imputer, X)
        levels = [float(np.interp(coverage, held, LEVELS)) for held in imputer.coverage_]
        low, high = _answered(imputer, found, ends(levels), 2)
        return found.back(low), found.back(high)

    def report(self, imputer: Imputer, X: Any) -> Page:
        return report(imputer, _found(imputer, X))

    def remembered(self, imputer: Imputer) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {}, {"coverage": torch.from_numpy(imputer.coverage_)}

    def recall(self, imputer: Imputer, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        target, coverage = imputer.model_.target, arrays["coverage"].numpy()
        fits = imputer.model_.shape == with_channels(target, 2) and coverage.shape == (channels(target), len(LEVELS))
        if not fits or not np.isfinite(coverage).all():
            raise FileError("what it remembers of gaps does not fit its model")
        imputer.coverage_ = coverage


def _found(imputer: Imputer, X: Any, reset: bool = False) -> Signals:
    """Return samples, checked."""
    demand_samples(X)
    return signals(imputer, X, reset)


def _answered(imputer: Imputer, found: Signals, ask: Ask, count: int = 1) -> list[list[Array]]:
    """Return the samples so many times, their missing cells as answered."""
    sides = [list(found.arrays) for _ in range(count)]
    for i, told in _told(imputer, found, ask):
        axis = channel_axis(tuple(told.shape)) - 1 if told.ndim == 3 else -1
        for side, values in zip(sides, told.chunk(count, axis), strict=True):
            side[i] = _completed(imputer, found, found.arrays[i], values)
    return sides


def _drawn(imputer: Imputer, found: Signals, rng: np.random.Generator) -> list[Array]:
    """Return the samples with what is missing drawn: in passes, so that the cells of a gap fit each other."""
    arrays = list(found.arrays)
    turns = [_turns(np.isnan(x), rng) for x in arrays]
    for turn in range(_PASSES):
        whole = Signals(arrays if found.form is None else np.stack(arrays), found.form)
        for i, values in _told(imputer, whole, sample, int(rng.integers(2**31))):
            drawn = _completed(imputer, found, arrays[i], values)
            arrays[i] = np.where(turns[i] <= turn, drawn, arrays[i])
    return arrays


def _turns(gone: Array, rng: np.random.Generator) -> Array:
    """Return in which pass each missing cell is drawn, in random order; -1 for the others."""
    found = np.full(gone.shape, -1)
    place = (rng.permutation(int(gone.sum())) + 0.5) / max(1, int(gone.sum()))
    found[gone] = np.log2(1 + place * (2**_PASSES - 1)).astype(int)
    return found


def _completed(imputer: Imputer, found: Signals, x: Array, values: Tensor) -> Array:
    """Return a sample x with what is missing taken from scaled values; images stay within their range."""
    if found.kind == "images":
        values = values.clamp(0, 1)
    return np.where(np.isnan(x), _scaling(imputer).undo(values[None])[0].astype(x.dtype), x)


@torch.inference_mode()
def _told(imputer: Imputer, found: Signals, ask: Ask, seed: int = 0) -> Iterator[tuple[int, Tensor]]:
    """Yield the numbers of samples with gaps, and what is answered for each, scaled."""
    gappy = [i for i, x in enumerate(found.arrays) if np.isnan(x).any()]
    if not gappy:
        return
    model, scaling = imputer.model_, _scaling(imputer)
    device, likelihood = next(model.parameters()).device, model.recipe.likelihood

    def compute(x: Tensor) -> Tensor:
        return ask(likelihood, model.params(shown(scaling, x.to(device)).x))

    arrays = found.arrays[gappy] if isinstance(found.arrays, np.ndarray) else [found.arrays[i] for i in gappy]
    with seeded(seed, device):
        points = POINTS if ask in (mean, sample) else _FEW
        each = through(compute, arrays, scaling, model.recipe.net.local, points)
        yield from zip(gappy, each, strict=True)


def _scaling(imputer: Imputer) -> Scaling:
    """Return the scaling of values, without that of the indicators."""
    count = channels(imputer.model_.target)
    return Scaling(imputer.scaling_.shift[:count], imputer.scaling_.scale[:count])

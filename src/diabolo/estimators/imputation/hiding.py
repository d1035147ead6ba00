"""What an imputer learns from images and series: further gaps are hidden from a net that sees what is around them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.corruptions import Corruption, Gaps
from diabolo.data import Scaling
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.imputation.filling import LEVELS
from diabolo.estimators.imputation.telling import draws, quantiles
from diabolo.estimators.signals import Signals
from diabolo.flow import Batch, channel_axis, channels
from diabolo.likelihoods import Auto as AutoLikelihood
from diabolo.likelihoods import LogisticMixture
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import Auto, ResUNet
from diabolo.seeding import places, seeded
from diabolo.training import Source

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer

Array = NDArray[Any]

_NET = ResUNet((32, 64, 96, 128), blocks=1, activation="silu", bias=True)
"""It sees 122 points to each side; biases and smooth activations took a tenth off the error of heartbeats."""

_LIKELIHOOD = LogisticMixture(floor=0.02)
"""Finer scales spend the net on what is flat: see docs/decisions/0011."""

_JUDGED = 2**14
"""Hidden cells that intervals are measured on, at least, if there are as many."""


def suited(recipe: Recipe) -> Recipe:
    """Return the recipe with what it leaves open chosen: the net, the likelihood, and what is hidden.

    Raises
    ------
    ParameterError
        If its corruption does not know of gaps.
    """
    gaps: Corruption = recipe.corruption or Gaps()
    if not isinstance(gaps, Gaps):
        raise ParameterError(
            f"Parameter 'corruption' of the recipe must be left open for series and images, or be Gaps(); got {gaps!r}."
        )
    open_net, open_likelihood = isinstance(recipe.net, Auto), isinstance(recipe.likelihood, AutoLikelihood)
    return replace(
        recipe,
        net=_NET if open_net else recipe.net,
        likelihood=_LIKELIHOOD if open_likelihood else recipe.likelihood,
        corruption=gaps,
    )


def demand_values(found: Signals) -> None:
    """Raise unless something is there to learn from.

    Raises
    ------
    DataError
        If all cells are missing.
    """
    if not any(np.isfinite(x).any() for x in found.arrays):
        raise DataError("X must hold values to learn from; all cells are missing.")


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


@torch.inference_mode()
def judged(imputer: Imputer, source: Source, seed: int) -> tuple[Array, dict[str, float]]:
    """Return what intervals hold of hidden cells, (C, L) at `LEVELS` for each channel, and the errors of best guesses.

    Errors are root mean squares in standard deviations of the hidden cells of each channel: of the model, and of the
    mean of what is seen of the sample.
    """
    model = imputer.model_
    found: list[tuple[Tensor, ...]] = []
    with seeded(seed, *places(model)):
        for batch in source.epoch(16, None):
            found.append(_compared(model, batch.x))
            if sum(len(true) for true, *_ in found) >= _JUDGED:
                break
    true, channel, mean, plain, inside = (torch.cat(each) for each in zip(*found, strict=True))
    of = [channel == c for c in range(channels(model.target))]
    shares = torch.stack([(inside[own] if own.any() else inside).double().mean(0) for own in of]).numpy()
    shares = np.maximum.accumulate(np.where(np.isfinite(shares), shares, LEVELS) + 1e-9 * np.arange(len(LEVELS)), 1)
    unit = torch.stack([true[own].double().std() for own in of]).nan_to_num(0).clamp_min(1e-12)[channel]
    errors = {
        name: float(((guess - true) / unit).square().mean().sqrt())
        for name, guess in (("model", mean), ("mean", plain))
    }
    return shares, errors if len(true) else {}


def _compared(model: Autoencoder, x: Tensor) -> tuple[Tensor, ...]:
    """Return of hidden cells (M,) their values, channels, expected values, means of what is seen, and `_inside`."""
    axis = channel_axis(model.target) % x.ndim
    target = x.chunk(2, axis)[0]
    seen, hidden = model.corrupt(x)
    if hidden is None:
        hidden = torch.zeros_like(target, dtype=torch.bool)
    params = model.params(seen)
    points = tuple(i for i in range(1, x.ndim) if i != axis)
    sums, counts = (part.sum(points, keepdim=True) for part in seen.chunk(2, axis))
    which = torch.arange(target.shape[axis], device=x.device).view([-1 if i == axis else 1 for i in range(x.ndim)])
    each = target, which, model.expected(params), sums / counts.clamp_min(1)
    drawn = draws(model.recipe.likelihood, params, hidden)
    found = *(part.expand_as(target)[hidden] for part in each), _inside(drawn, target[hidden])
    return tuple(part.cpu() for part in found)


def _inside(drawn: Tensor, true: Tensor) -> Tensor:
    """Return in which intervals of `LEVELS`, as draws (S, M) tell them, true values (M,) lie, (M, L)."""
    ordered, levels = drawn.sort(0).values, torch.tensor(LEVELS[1:-1])
    low, high = quantiles(ordered, 0.5 - levels / 2), quantiles(ordered, 0.5 + levels / 2)  # (L - 2, M)
    inside = ((low <= true) & (true <= high)).T
    return torch.cat([torch.zeros_like(inside[:, :1]), inside, torch.ones_like(inside[:, :1])], 1)

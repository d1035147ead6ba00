"""What a denoiser learns from, and the composition that suits it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.check import shorten
from diabolo.corruptions import BlindNoise, BlindSpot, Corruption, GaussianNoise, MaskPatches, SwapNoise
from diabolo.data import Scaling, kind, read
from diabolo.data.form import Kind
from diabolo.errors import DataError, warn
from diabolo.estimators.denoising.lesson import Lesson
from diabolo.estimators.denoising.noise import Noise, level
from diabolo.estimators.signals import Signals, scaled
from diabolo.estimators.sources import gathered
from diabolo.estimators.tabular import in_order
from diabolo.flow import Batch, Shape
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import Auto, Net, ResUNet
from diabolo.seeding import places, seeded
from diabolo.training import Rows, Source, Training, split
from diabolo.training.crops import Crops, batch_size
from diabolo.training.device import brief

_SIDES: dict[Kind, int] = {"images": 64, "series": 512}
"""Points along each axis of a crop that is learned from."""

_LEAST_HELD = 32
"""Points of an end that can judge, at least."""

STEPS = Training(steps=3000, decay=0.8)
"""How it is learned, if nothing is said."""

_CODE = 64
"""Numbers of the code of nets that have a code of any size."""

_LEAST, _AGAIN = 16, 16
"""Crops of a batch, at least, and how often it has each point of the samples, at most."""

_LOOKED_AT = 256
"""Crops whose noise is measured."""

_APART = 30.0
"""How many times larger or smaller than clean ones noisy samples may be before their units are in doubt."""

_NETS: dict[Kind, Net] = {
    "images": ResUNet((32, 64, 96), blocks=1),
    "series": ResUNet((32, 64, 96), blocks=1, fold=1),
    "table": Auto(),
}

_NOISE: dict[Kind, Corruption] = {"images": BlindNoise(), "series": BlindNoise(0.0, 1.0), "table": SwapNoise()}
"""What is added to clean samples: of unknown level, for images up to a fifth of their range."""

_SPOTS: dict[Kind, Corruption] = {"images": BlindSpot(), "series": BlindSpot(), "table": MaskPatches(0.2, size=1)}
"""What is hidden of noisy ones, for the model to guess."""


def demand_samples(X: Any) -> None:
    """Raise unless X has an axis of samples besides those of each.

    Raises
    ------
    DataError
        If it is one line of numbers, which may be one series as well as one column.

    Examples
    --------
    >>> demand_samples(np.zeros((1, 500, 1)))
    """
    if axes(X) == 1:
        kind(())  # which says what to do


def axes(X: Any) -> int:
    """Return how many axes an array, a frame or nested lists have; text and single numbers have none.

    Examples
    --------
    >>> axes(np.zeros((5, 3))), axes([["Oslo", 1.0]]), axes([np.zeros((30, 3)), np.zeros((20, 3))])
    (2, 2, 3)
    """
    if isinstance(X, list | tuple):
        return 1 + (axes(X[0]) if X else 0)
    return len(getattr(X, "shape", ()))


def composed(recipe: Recipe, found: Signals, scaling: Scaling, examples: str, paired: bool) -> tuple[Recipe, Lesson]:
    """Return the recipe with the net and the damage that suit the samples, where it leaves them open; and the lesson.

    Noisy samples are a lesson by themselves where their noise is independent; else they are hidden in part.
    """
    if isinstance(recipe.net, Auto):
        recipe = replace(recipe, net=_NETS[found.kind])
    if paired:
        return recipe, Lesson("pairs")
    if examples == "clean":
        return replace(recipe, corruption=recipe.corruption or _NOISE[found.kind]), Lesson("clean")
    if isinstance(recipe.corruption, GaussianNoise) and found.kind != "table":
        return replace(recipe, corruption=None), Lesson("recorrupted", recipe.corruption.sigma)
    if recipe.corruption is not None or found.kind == "table" or recipe.net.local is None:
        return replace(recipe, corruption=recipe.corruption or _SPOTS[found.kind]), Lesson("blind")
    step = -(-len(found.arrays) // _LOOKED_AT)
    noise = Noise.of([scaled(scaling, x).numpy() for x in found.arrays[::step]])
    if not noise.independent:
        return replace(recipe, corruption=_SPOTS[found.kind]), Lesson("blind")
    return recipe, Lesson("recorrupted", noise.level) if noise.even else Lesson("neighbours")


def constant_of(samples: Signals) -> list[int]:
    """Return which columns of a table never vary: what is restored of them is known. Images and series have none.

    Examples
    --------
    >>> constant_of(Signals.of([[1.0, 3.0], [1.0, 4.0]]))
    [0]
    """
    rows = np.asarray(samples.arrays) if samples.kind == "table" else np.empty((1, 0))
    return np.flatnonzero(rows.min(0) == rows.max(0)).tolist()


def planned(training: Training | None, found: Signals, shape: Shape, local: bool, device: torch.device) -> Training:
    """Return how crops of `shape` are learned from, where that is left open.

    Of few samples a batch is smaller: it has each point 16 times on average, at most, but 16 crops at least.
    """
    chosen = training or STEPS(precision=brief(device) if local else "auto")
    if chosen.batch_size is None and local:
        points = math.prod(_points(shape))
        there = sum(math.prod(_points(x.shape)) for x in found.arrays)
        most = _AGAIN * there // points
        chosen = chosen(batch_size=max(_LEAST, min(most, batch_size(points, _LEAST, 256))))
    return chosen


def shape_of(found: Signals, net: Net) -> Shape:
    """Return the shape of a crop; for nets of one size, that of the samples.

    Raises
    ------
    DataError
        If the samples have several sizes, and the net takes one.
    """
    shapes = {tuple(array.shape) for array in found.arrays} if found.form is None else {found.arrays[0].shape}
    if net.local is None and len(shapes) > 1:
        raise DataError(
            f"X must hold samples of one size for the net {shorten(net)}; got {shorten(sorted(shapes))}. Leave the net "
            "out, or choose one for any size, such as ResUNet()."
        )
    first = next(iter(shapes))
    if net.local is None or found.kind == "table":
        return first
    side = _SIDES[found.kind]
    least = tuple(min(side, *lengths) for lengths in zip(*map(_points, shapes), strict=True))
    return (first[0], *least) if found.kind == "images" else (*least, first[1])


def sources(
    found: Signals,
    clean: Signals | None,
    scaling: Scaling,
    lesson: Callable[[Scaling, Tensor], Batch],
    shape: Shape,
    share: float,
    seed: int,
    device: torch.device,
    local: bool,
) -> tuple[Source, Source | None]:
    """Return what is trained on, and what judges: a share of the samples.

    Where there are fewer than ten, it is the end of each, for nets that are `local`: they take samples of any size.
    """
    kept, held = split(len(found.arrays), share, seed)
    if found.kind == "table":
        rows, wanted = (None if s is None else scaling.tensor(np.asarray(s.arrays)) for s in (found, clean))
        made = [Rows(rows, scaling.batch, index, device, target=wanted) for index in (kept, held) if rows is not None]
        return made[0], made[1] if len(held) else None
    large = found.kind == "images" and any(x.shape[1:] != shape[1:] for x in found.arrays)
    side = max(_points(shape))
    parts = [[_joined(found, clean, scaling, i) for i in index.tolist()] for index in (kept, held)]
    if local and not parts[1]:
        parts = ends_apart(parts[0], share)
    made = []
    for part in parts:
        if part:
            count = max(64, -(-sum(math.prod(_points(x.shape)) for x in part) // math.prod(_points(shape))))
            made.append(Crops.of(part, side, partial(lesson, scaling), count, 8 if large else 1, device))
    return made[0], made[1] if len(made) > 1 else None


def ends_apart(samples: Sequence[Tensor], share: float) -> list[list[Tensor]]:
    """Return images (C, H, W) or series (T, C) without their ends, and the ends: such a share of the first axis.

    An end of fewer than 32 points stays where it is.

    Examples
    --------
    >>> [[len(x) for x in part] for part in ends_apart([torch.zeros(500, 1), torch.zeros(90, 1)], 0.1)]
    [[450, 90], [50]]
    """
    axes = [0 if x.ndim == 2 else 1 for x in samples]
    held = [round(share * x.shape[axis]) for x, axis in zip(samples, axes, strict=True)]
    held = [count if count >= _LEAST_HELD else 0 for count in held]
    cut = [x.split([x.shape[axis] - n, n], axis) for x, axis, n in zip(samples, axes, held, strict=True)]
    return [[begin for begin, _ in cut], [end for _, end in cut if end.numel()]]


def _points(shape: Shape) -> Shape:
    """Return the lengths of a sample along the axes of its grid."""
    return tuple(shape[1:] if len(shape) == 3 else shape[:1])


def _joined(found: Signals, clean: Signals | None, scaling: Scaling, number: int) -> Tensor:
    """Return a sample as it is stored for training, with its clean one on further channels."""
    both = [s.arrays[number] for s in (found, clean) if s is not None]
    same = all(x.dtype == np.uint8 for x in both)
    tensors = [scaling.tensor(np.ascontiguousarray(x)[None])[0] if same else _floating(scaling, x) for x in both]
    return torch.cat(tensors, 0 if found.kind == "images" else 1) if len(tensors) > 1 else tensors[0]


def _floating(scaling: Scaling, x: NDArray[Any]) -> Tensor:
    return scaling.batch(scaling.tensor(np.ascontiguousarray(x)[None]))[0]


def clean_of(found: Signals, y: Any, names: Any) -> Signals | None:
    """Return the clean samples y of those found, whose columns had `names`; None if y holds labels (N,), or nothing.

    Raises
    ------
    DataError
        If they have other shapes.
    """
    y = in_order(gathered(read(y)), names)
    if axes(y) < 2:
        return None
    clean = Signals.of(y)
    shapes = [[tuple(x.shape) for x in s.arrays] for s in (found, clean)]
    if shapes[0] != shapes[1]:
        other = next(
            (i for i, pair in enumerate(zip(*shapes, strict=False)) if pair[0] != pair[1]), min(map(len, shapes))
        )
        raise DataError(
            f"y must hold the clean sample of each of X, {len(shapes[0])} of the same shapes in the same order; got "
            f"{len(shapes[1])}, and sample {other} differs. Leave y out to learn from X alone."
        )
    if not all(np.isfinite(x).all() for x in clean.arrays):
        raise DataError("y must hold finite numbers; it contains NaN or infinity. Drop those samples of X and y first.")
    _warn_of_units(found, clean)
    return clean


def _warn_of_units(noisy: Signals, clean: Signals) -> None:
    """Warn where noise cannot be what makes the two so different."""
    of_noisy, of_clean = _spread(noisy), _spread(clean)
    if of_clean > 0 and not of_clean / _APART < of_noisy < of_clean * _APART:
        warn(
            f"The numbers of X have a standard deviation of {of_noisy:.3g}, those of y of {of_clean:.3g}. If they are "
            "not in the same units, convert one of them: differences in scale would count as noise."
        )


def _spread(samples: Signals) -> float:
    """Return the standard deviation of the numbers of a table, or the mean of those of some other samples."""
    step = -(-len(samples.arrays) // _LOOKED_AT)
    parts = [samples.arrays] if samples.kind == "table" else samples.arrays[::step]
    return float(np.mean([np.std(part, dtype=np.float64) for part in parts]))


def built(
    recipe: Recipe, shape: Shape, n: int | None, seed: int, device: torch.device, target: Shape | None = None
) -> Autoencoder:
    """Return the model, its weights drawn by the seed; what it rebuilds may have another shape than what it sees."""
    widths = getattr(recipe.net, "channels", None) if recipe.net.local is not None else None
    with seeded(seed, device):
        settled = recipe.settle(shape)
        return settled.build(shape, n or (widths[-1] if widths else _CODE), target=target).to(device)


@torch.no_grad()
def noise_of(model: Autoencoder, source: Source, seed: int) -> list[float]:
    """Return the lowest and the highest level of noise in what the model saw in training; nothing for rows."""
    if len(model.shape) == 1:
        return []
    levels, count = [], 0
    with seeded(seed, *places(model)):
        for batch in source.epoch(64, 0):
            seen = batch.x if isinstance(model.recipe.corruption, BlindSpot) else model.corrupt(batch.x)[0]
            levels.append(level(seen.cpu().numpy()))
            if (count := count + len(seen)) >= _LOOKED_AT:
                break
    return np.quantile(np.concatenate(levels), (0.05, 0.95)).tolist()

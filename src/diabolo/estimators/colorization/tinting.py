"""What a colorizer learns from: crops of images, their split, and the composition that suits them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.colour import CHROMA, unit
from diabolo.data import Scaling
from diabolo.data.scaling import per_channel
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.colorization.colouring import FOLD, Lesson
from diabolo.estimators.signals import Signals
from diabolo.flow import Shape
from diabolo.likelihoods import Chromatic
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import Auto, Net
from diabolo.nets.fold import padded
from diabolo.seeding import seeded
from diabolo.training import Source, Training, split
from diabolo.training.crops import Crops, batch_size
from diabolo.training.device import brief

STEPS = Training(steps=1100, weight_decay=0.05, decay=0.4)
"""How long is learned, if nothing is said."""

LIGHT = FOLD**2
"""Channels of lightness that the net sees; a, b and a mask come beside them where there are hints."""

_SIDE = 128
"""Pixels along each axis of a crop of large images; of small ones seven eighths, so that no two crops are alike."""

_LIGHT = 0.2
"""How far contrast and brightness change from crop to crop."""

_COUNTED = 2048
"""Crops whose colours are counted, at most."""

_JUDGED = 200
"""Images that the quality is measured on, at most."""


@dataclass(frozen=True)
class Lessons:
    """The samples of a fit, and what is known of them.

    Parameters
    ----------
    recipe : Recipe
        With the frequencies of colours, if its likelihood asks for them.
    shape : tuple of int
        Of what the net sees.
    train : Source
        Crops to learn from.
    held_out : Source or None
        Crops to judge by.
    judged : Signals
        Images held out, or some of all where none are.
    mean_colour : list of float
        Mean a and b.
    side : int
        The shorter side of the images, the median.
    """

    recipe: Recipe
    shape: Shape
    train: Source
    held_out: Source | None
    judged: Signals
    mean_colour: list[float]
    side: int


def composed(recipe: Recipe, net: Net) -> Recipe:
    """Return the recipe with a net for images, where it leaves that open.

    Raises
    ------
    ParameterError
        If its likelihood is none of any numbers.
    """
    if set(recipe.likelihood.domains(2)) != {"real"}:
        raise ParameterError(
            f"Parameter 'recipe' of Colorizer must have a likelihood of any numbers, such as Chromatic() or "
            f"SquaredError(); got {recipe.likelihood}."
        )
    return replace(recipe, net=net) if isinstance(recipe.net, Auto) else recipe


def lessons(found: Signals, recipe: Recipe, share: float, hints: float, seed: int, device: torch.device) -> Lessons:
    """Return crops to learn from and, of a `share` of the images, to judge by.

    Raises
    ------
    DataError
        If the images have several sizes, and the net takes one.
    """
    kept, held = (index.tolist() for index in split(len(found.arrays), share, seed))
    images = [_stored(image) for image in found.arrays]
    side = _side(images, recipe.net)
    train = _crops([images[i] for i in kept], side, Lesson(hints, _LIGHT), device)
    held_out = _crops([images[i] for i in held], side, Lesson(hints), device)
    if train is None:
        raise DataError("X must hold at least one image in colour; got none.")
    size = tuple(n // FOLD for n in train.side)
    counts, mean = _counted(train, recipe, seed)
    if isinstance(recipe.likelihood, Chromatic) and not recipe.likelihood.frequencies:
        recipe = replace(recipe, likelihood=recipe.likelihood.seen(counts))
    some = (held or kept)[:_JUDGED]
    judged = Signals([found.arrays[i] for i in some], None)
    usual = int(np.median([min(image.shape[1:]) for image in found.arrays]))
    return Lessons(recipe, (LIGHT + 3 * bool(hints), *size), train, held_out, judged, mean, usual)


def planned(training: Training | None, shape: Shape, device: torch.device) -> Training:
    """Return how crops that the net sees as `shape` are learned from, where that is left open."""
    chosen = training or STEPS(precision=brief(device))
    if chosen.batch_size is None:
        chosen = chosen(batch_size=batch_size(FOLD**2 * math.prod(shape[1:]), 8, 64))
    return chosen


def built(found: Lessons, n: int, seed: int, device: torch.device) -> Autoencoder:
    """Return a new model, its weights drawn by the seed."""
    with seeded(seed, device):
        return found.recipe.build(found.shape, n, target=(2, *found.shape[1:])).to(device)


def unscaled(shape: Shape) -> Scaling:
    """Return the scaling of what is scaled already."""
    return Scaling(np.zeros(per_channel(shape)), np.ones(per_channel(shape)))


def _stored(image: NDArray[Any]) -> Tensor:
    """Return an image as it is kept, of even size: bytes, or numbers in [0, 1]."""
    whole = torch.from_numpy(image.astype(np.float32)) if image.dtype == np.uint8 else unit(image).float()
    even = padded(whole[None], FOLD)[0]  # repeats the last row and column, which it cannot of bytes
    return even.byte() if image.dtype == np.uint8 else even


def _side(images: Sequence[Tensor], net: Net) -> int:
    """Return how many pixels a crop has along each axis, at most."""
    shapes = {tuple(image.shape[1:]) for image in images}
    if net.local is not None:
        return min(_SIDE, max(2, min(map(min, shapes)) * 7 // 16 * 2))
    if len(shapes) > 1:
        raise DataError(
            f"X must hold images of one size for the net {net}; got {sorted(shapes)[:3]}. Leave the net out, or choose "
            "one for any size, such as ResUNet()."
        )
    return max(next(iter(shapes)))


def _crops(images: Sequence[Tensor], side: int, lesson: Lesson, device: torch.device) -> Crops | None:
    """Return crops, in an epoch as many as have the pixels of all images."""
    if not images:
        return None
    least = [min(side, *(image.shape[axis] for image in images)) for axis in (1, 2)]
    count = max(len(images), -(-sum(image[0].numel() for image in images) // math.prod(least)))
    return Crops.of(images, side, lesson, count, 2, device)


def _counted(train: Crops, recipe: Recipe, seed: int) -> tuple[Tensor, list[float]]:
    """Return how many pixels lie in each bin, if there are any, and the mean a and b."""
    likelihood = recipe.likelihood
    counts, sums, total = torch.zeros(1), torch.zeros(2, dtype=torch.float64), 0
    with seeded(seed, train.device):
        for batch in train.epoch(64, seed):
            ab = batch.x[:0] if batch.target is None else batch.target
            sums, total = sums + ab.double().sum((0, 2, 3)).cpu(), total + ab[:, 0].numel()
            if isinstance(likelihood, Chromatic):
                counts = counts + likelihood.counts(ab)
            if total > _COUNTED * ab[0, 0].numel():
                break
    return counts, (CHROMA * sums / total).tolist()

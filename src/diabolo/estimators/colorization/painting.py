"""Images through a model that has learned colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.errors import DataError
from diabolo.estimators.colorization.colouring import FOLD, both_ways, coloured
from diabolo.estimators.colorization.sight import Sight
from diabolo.estimators.tiles import Watch
from diabolo.likelihoods import Chromatic
from diabolo.model import Autoencoder

Images = Sequence[NDArray[Any]]


@torch.inference_mode()
def painted(
    model: Autoencoder,
    images: Images,
    *,
    learned: int,
    chosen: Mapping[str, Any],
    hints: Sequence[Tensor] | None = None,
    watch: Watch | None = None,
) -> list[NDArray[Any]]:
    """Return images (C, H, W) in colour (3, H, W), in units of theirs.

    Parameters
    ----------
    model : Autoencoder
        As `tinting.built` made it.
    images : sequence of arrays
        Of any sizes, if the net takes such.
    learned : int
        The shorter side of the images learned from, for looks in several sizes; 0 for one, as they are.
    chosen : mapping
        Of how probabilities become colours: knobs of `Chromatic`.
    hints : sequence of Tensor (3, h, w), optional
        What is known of each.
    watch : callable, optional
        Told how many tiles are done, and of how many.

    Raises
    ------
    DataError
        If an image has another size than the net takes.
    """
    likelihood, local = model.recipe.likelihood, model.recipe.net.local
    if isinstance(likelihood, Chromatic):
        likelihood = likelihood(**chosen)
    if local is None:
        _demand_size(images, model)
    device = next(model.parameters()).device
    sight = Sight(model.shape[0], learned, local, device)

    def told(x: Tensor) -> Tensor:
        return likelihood.mean(model.params(x))

    def tints(light: Tensor, known: Sequence[Tensor] | None) -> Tensor:
        return sight.tinted(partial(both_ways, told), light, known, watch)

    return coloured(tints, images, hints)


def _demand_size(images: Images, model: Autoencoder) -> None:
    """Raise unless all images have the size that the net was built for."""
    size = tuple(FOLD * n for n in model.shape[1:])
    other = [image.shape[1:] for image in images if tuple(n + n % FOLD for n in image.shape[1:]) != size]
    if other:
        raise DataError(
            f"X must hold images of {size[0]} x {size[1]} pixels for the net {model.recipe.net}, as in training; got "
            f"{other[0][0]} x {other[0][1]}. Resize them, or fit with a net for any size, such as ResUNet()."
        )

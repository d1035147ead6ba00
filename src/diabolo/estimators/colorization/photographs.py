"""Images to colour or to learn colours from: of any sizes, grey or in colour, and back in the form the user has."""

from __future__ import annotations

from typing import Any

import numpy as np

from diabolo.check import shorten
from diabolo.colour import unit
from diabolo.data import read
from diabolo.errors import DataError
from diabolo.estimators.signals import Signals
from diabolo.estimators.sources import gathered


def photographs(X: Any, coloured: bool) -> Signals:
    """Return images, checked: bytes, 16 bits or numbers in [0, 1], of three channels, or one unless `coloured`.

    Raises
    ------
    DataError
        If X holds none, or others.
    DataTypeError
        If it holds no numbers.

    Examples
    --------
    >>> photographs([np.zeros((1, 4, 6)), np.zeros((3, 5, 5))], coloured=False).form is None
    True
    """
    found = Signals.of(gathered(read(X)))
    whole = [np.asarray(found.arrays)] if found.form is not None else list(found.arrays)
    for array in whole:
        if array.ndim != (3 if found.form is None else 4) or len(array) == 0:
            raise DataError(
                f"X must hold images (N, C, H, W), or be a list of (C, H, W) or a folder of images; got shape "
                f"{array.shape}. Give a single image as x[None]."
            )
        _demand(array, coloured)
    return found


def _demand(array: np.ndarray, coloured: bool) -> None:
    """Raise unless an array (..., C, H, W) holds images."""
    channels, *size = array.shape[-3:]
    if channels not in ((3,) if coloured else (1, 3)) or min(size) < 2:
        wanted = "colours: 3 channels" if coloured else "1 channel, or 3 of which the lightness is taken"
        raise DataError(
            f"X must hold images of {wanted}, of 2 x 2 pixels or more; got (C, H, W) = {shorten(array.shape[-3:])}. "
            "Convert them, or move the axis of the channels to the front."
        )
    unit(array)

"""Which gain of a transform gives an image the quality, or the bytes, that are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast

from numpy.typing import NDArray

from diabolo.codec.fidelity import PSNR, Fidelity, Rate
from diabolo.coders import Coding
from diabolo.coders.transform.coding import GAINS, TransformCoding
from diabolo.errors import DataError
from diabolo.metrics import psnr

Image = NDArray[Any]

_CHUNK = 13  # bytes that a chunk of a file has besides
_BITS, _DECIBELS = 0.07, 0.4  # by which a gain raises the logarithm of bits, and decibels, about


@dataclass(frozen=True, eq=False)
class Found:
    """An image at a gain.

    Parameters
    ----------
    code : bytes
        What the transform made of it.
    image : ndarray (C, H, W)
        What comes back.
    """

    code: bytes
    image: Image


def found(coding: Coding, image: Image, fidelity: Fidelity) -> Found | None:
    """Return an image at the gain that a fidelity asks for, as its decoder has it; None where no gain is enough.

    Raises
    ------
    DataError
        If no gain takes so few bits.
    """
    transform = cast(TransformCoding, coding)
    encoded = cache(partial(transform.encode, image))

    def back(gain: int) -> Image:
        return transform.decode(encoded(gain), image.shape)

    if isinstance(fidelity, Rate):
        gain = _last(lambda gain: math.log(bits(encoded(gain), image) / fidelity.bits) / _BITS)
        if gain is None:
            raise DataError(
                f"Parameter 'bits' of Rate is {fidelity.bits:g}, but an image of {image.shape[2]}x{image.shape[1]} "
                f"pixels takes {bits(encoded(0), image):.3g} bits a pixel at least; ask for more."
            )
        return Found(encoded(gain), back(gain))
    wanted = cast(PSNR, fidelity).decibels
    gain = _last(lambda gain: (float(psnr(image[None], back(gain)[None], 255.0)[0]) - wanted) / _DECIBELS)
    gain = 0 if gain is None else gain + 1
    return Found(encoded(gain), back(gain)) if gain <= GAINS else None


def bits(code: bytes, image: Image) -> float:
    """Return how many bits a pixel of an image (C, H, W) takes, as a chunk of a file."""
    return 8 * (len(code) + _CHUNK) / (image.shape[1] * image.shape[2])


def _last(excess: Callable[[int], float]) -> int | None:
    """Return the largest gain whose excess, in gains and about, is not above 0; None if that of none is.

    Examples
    --------
    >>> _last(lambda gain: gain - 20.5), _last(lambda gain: gain + 1.0), _last(lambda gain: gain - 99.0)
    (20, None, 32)
    """
    low, high, guess, steep = -1, GAINS + 1, GAINS // 2, 1.0
    before: tuple[int, float] | None = None
    while high - low > 1:
        guess = min(max(guess, low + 1), high - 1)
        beyond = min(max(excess(guess), -4.0 * GAINS), 4.0 * GAINS)
        low, high = (guess, high) if beyond <= 0 else (low, guess)
        if before is not None:  # how fast it grows here, rather than in general
            steep = min(max((beyond - before[1]) / (guess - before[0]), 0.25), 4.0)
        before, guess = (guess, beyond), math.floor(guess - beyond / steep)
    return None if low < 0 else low

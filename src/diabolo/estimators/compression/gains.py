"""Which gain of a transform gives an image the quality, or the bytes, that are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.fidelity import PSNR, Fidelity, Rate
from diabolo.coders import Coding
from diabolo.coders.transform.coding import GAINS, TransformCoding
from diabolo.coders.transform.draft import OVERHEAD, Draft
from diabolo.errors import DataError
from diabolo.metrics import psnr

Image = NDArray[Any]

_CHUNK = 13  # bytes that a chunk of a file has besides
_BITS, _DECIBELS = 0.1, 0.4  # by which a gain raises the logarithm of bits, and decibels, about
_CLEAR = 0.35  # gains that guesses of neighbours are off by at most, more than all
_APART = 4  # gains between those that guesses are made for
_SEAMS = 0.9  # gains that a part costs more, because its pieces do not go on
_EDGES = 64  # bytes that pixels on the edge between two levels take, at most, more than all expected
_PIECES, _SIDE = 8, 64  # of an image, that guesses are made with, and pixels along each

Drafts = Callable[[int], Draft]


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


def search(coding: Coding, image: Image, fidelity: Fidelity) -> Found | None:
    """Return an image at the gain that a fidelity asks for, as its decoder has it; None where no gain is enough.

    What a gain comes to is first seen on a part of the image; of the whole image, what is written, and mostly no more
    than that, is made.

    Raises
    ------
    DataError
        If no gain takes so few bits.
    """
    transform, some = cast(TransformCoding, coding), part(image)
    drafts = lru_cache(2)(partial(transform.draft, image))  # those on both sides of the answer, which may be large
    parts = drafts if some is image else cache(partial(transform.draft, some))
    if isinstance(fidelity, Rate):
        chosen = _of_rate(fidelity.bits, image, drafts, parts)
    else:
        chosen = _of_quality(cast(PSNR, fidelity).decibels, drafts, parts)
    return None if chosen is None else Found(chosen.data, transform.decode(chosen.data, image.shape, chosen))


def bits(size: float, image: Image) -> float:
    """Return how many bits a pixel of an image (C, H, W) takes, of which a chunk of a file has so many bytes."""
    return 8 * (size + _CHUNK) / (image.shape[1] * image.shape[2])


def part(image: Image) -> Image:
    """Return an image (C, h, w) of square pieces from all over an image (C, H, W), or this itself if it is small.

    Examples
    --------
    >>> part(np.zeros((3, 512, 768), np.uint8)).shape, part(np.zeros((1, 100, 2000), np.uint8)).shape
    ((3, 128, 256), (1, 64, 512))
    >>> part(np.zeros((1, 40, 1000), np.uint8)).shape
    (1, 40, 1000)
    """
    height, width = image.shape[1:]
    if height * width <= 2 * _PIECES * _SIDE**2:
        return image
    rows = min(max(1, round(math.sqrt(_PIECES * height / width))), height // _SIDE or 1)
    across = min(_PIECES // rows, width // _SIDE)
    down, right = (_spaced(size, count) for size, count in ((height, rows), (width, across)))
    pieces = [[image[:, y : y + _SIDE, x : x + _SIDE] for x in right] for y in down]
    return np.concatenate([np.concatenate(row, 2) for row in pieces], 1)


def _spaced(size: int, count: int) -> list[int]:
    """Return where so many pieces begin, on whole blocks of JPEG, which many images once were."""
    free = max(0, size - _SIDE * count)
    return [int(_SIDE * i + free * (i + 0.5) / count) // 8 * 8 for i in range(count)]


def _of_rate(rate: float, image: Image, drafts: Drafts, parts: Drafts) -> Draft:
    """Return the draft of the largest gain that takes no more bits a pixel than a rate."""
    room = rate * image[0].size / 8 - _CHUNK  # bytes
    net = max(rate - bits(OVERHEAD, image), rate / 100)  # what is left for the code
    seams = 0.0 if parts is drafts else _SEAMS

    def excess(gain: int) -> float:
        draft = drafts(gain)
        sure = abs(draft.least - room) > _EDGES + draft.edges
        return math.log(bits(draft.least if sure else len(draft.data), image) / rate) / _BITS

    @cache
    def guess(gain: int) -> float:
        some = parts(gain)
        return math.log(8 * max(some.expected, 1.0) / some.samples[0].size / net) / _BITS - seams

    gain = largest(excess, partial(between, guess))
    while gain is not None and bits(len(drafts(gain).data), image) > rate:  # more edges than expected
        gain = gain - 1 if gain else None
    if gain is None:
        raise DataError(
            f"Parameter 'bits' of Rate is {rate:g}, but an image of {image.shape[2]}x{image.shape[1]} pixels takes "
            f"{bits(len(drafts(0).data), image):.3g} bits a pixel at least; ask for more."
        )
    return drafts(gain)


def _of_quality(decibels: float, drafts: Drafts, parts: Drafts) -> Draft | None:
    """Return the draft of the smallest gain that comes as near as is asked."""

    def below(draft: Draft) -> float:
        reached = float(psnr(draft.samples[None], draft.image[None], 255.0)[0])
        return (decibels - reached) / _DECIBELS

    guess = cache(lambda spare: below(parts(GAINS - spare)))
    spare = largest(lambda spare: below(drafts(GAINS - spare)), partial(between, guess))
    return None if spare is None else drafts(GAINS - spare)


def between(values: Callable[[int], float], gain: int) -> float:
    """Return the value at a gain, on the line between those at the multiples of 4 around it.

    Examples
    --------
    >>> between(lambda gain: gain**2 / 16, 18), between(lambda gain: gain**2 / 16, 32)
    (20.5, 64.0)
    """
    low, rest = gain // _APART * _APART, gain % _APART / _APART
    return (1 - rest) * _cut(values(low)) + (rest * _cut(values(low + _APART)) if rest else 0.0)


def largest(excess: Callable[[int], float], guessed: Callable[[int], float]) -> int | None:
    """Return the largest gain whose excess is not above 0, by looking at few; None if that of none is.

    Both functions grow by about 1 with each gain. What is guessed may be off by the same for all gains: once a gain
    was looked at, the next one is held to be above 0 where the guess is clearly so.

    Examples
    --------
    >>> seen = []
    >>> largest(lambda gain: seen.append(gain) or gain - 20.5, lambda gain: gain - 22.2), seen
    (20, [22, 20])
    >>> largest(lambda gain: gain + 1.0, lambda gain: gain - 3.0), largest(lambda gain: gain - 99.0, lambda gain: gain)
    (None, 32)
    """
    low, high, off, apart = -1, GAINS + 1, 0.0, -math.inf
    while high - low > 1:
        gain = min(_last(guessed, off), high - 1)
        if gain <= low and apart + _cut(guessed(low + 1)) > _CLEAR:
            break
        gain = max(gain, low + 1)
        beyond = _cut(excess(gain))
        off = beyond - _cut(guessed(gain))
        low, high, apart = (gain, high, off) if beyond <= 0 else (low, gain, apart)
    return None if low < 0 else low


def _cut(excess: float) -> float:
    return min(max(excess, -4.0 * GAINS), 4.0 * GAINS)


def _last(excess: Callable[[int], float], off: float) -> int:
    """Return the largest gain whose excess, with so much added, is not above 0; -1 if that of none is.

    Examples
    --------
    >>> _last(lambda gain: gain - 20.5, 0.0), _last(float, 1.0), _last(float, -99.0)
    (20, -1, 32)
    """
    low, high, guess, steep = -1, GAINS + 1, GAINS // 2, 1.0
    before: tuple[int, float] | None = None
    while high - low > 1:
        guess = min(max(guess, low + 1), high - 1)
        beyond = _cut(excess(guess)) + off
        low, high = (guess, high) if beyond <= 0 else (low, guess)
        if before is not None:  # how fast it grows here, rather than in general
            steep = min(max((beyond - before[1]) / (guess - before[0]), 0.25), 4.0)
        before, guess = (guess, beyond), math.floor(guess - beyond / steep)
    return low

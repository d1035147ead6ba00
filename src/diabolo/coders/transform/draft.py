"""An image at a gain, before it is bytes."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.entropy import Writer
from diabolo.coders.transform.edges import EDGE, NEAR, put_edges, rounded

Image = NDArray[np.uint8]
Integers = NDArray[np.int64]
Values = NDArray[np.float64]

OVERHEAD = 1 + 2 * EDGE
"""Bytes that stand beside those of a code, where no pixel lies on the edge between two levels."""


class Draws(Protocol):
    """What makes a code of an image, an image of a code, and bytes of both."""

    def analysed(self, samples: Image, gain: int) -> Integers:
        """Return the code (n, h, w) of an image (C, H, W)."""
        ...

    def synthesised(self, code: Integers, gain: int, shape: tuple[int, ...]) -> Values:
        """Return the pixels (C · H · W,) of a code, not yet rounded to levels."""
        ...

    def written(self, code: Integers, gain: int) -> Writer:
        """Return a code, as it is written."""
        ...

    def bits(self, code: Integers, gain: int) -> float:
        """Return about how many bits it takes to write a code."""
        ...


class Draft:
    """An image (C, H, W) at a gain: each of its attributes is computed when it is first asked for, once.

    What is cheap tells much of what is dear: `code` needs the analysis alone, `expected` the context besides, `image`
    the synthesis but no context, and `data` all of them.

    Parameters
    ----------
    by : Draws
        The transform.
    samples : ndarray of uint8 (C, H, W)
        The image.
    gain : int
        How near it comes back.
    """

    def __init__(self, by: Draws, samples: Image, gain: int) -> None:
        self.by, self.samples, self.gain = by, samples, gain

    @cached_property
    def code(self) -> Integers:
        """The code (n, h, w)."""
        return self.by.analysed(self.samples, self.gain)

    @cached_property
    def values(self) -> Values:
        """The pixels (C · H · W,) that come back, not yet rounded."""
        return self.by.synthesised(self.code, self.gain, self.samples.shape)

    @property
    def image(self) -> Image:
        """The image (C, H, W) that comes back."""
        return rounded(self.values).reshape(self.samples.shape)

    @cached_property
    def expected(self) -> float:
        """About how many bytes the code takes: what the guesses say that it costs."""
        return self.by.bits(self.code, self.gain) / 8

    @cached_property
    def written(self) -> Writer:
        """The code, written."""
        return self.by.written(self.code, self.gain)

    @cached_property
    def least(self) -> int:
        """How many bytes it takes if no pixel lies on the edge between two levels."""
        return OVERHEAD + len(self.written.bytes())

    @property
    def edges(self) -> float:
        """How many bytes those pixels take that do, about, if they lie anywhere."""
        return 2 * NEAR * EDGE * self.samples.size

    @cached_property
    def data(self) -> bytes:
        """The image as bytes, as `TransformCoding.decode` takes them."""
        writer = self.written.copy()
        put_edges(writer, self.values)
        return bytes([self.gain]) + writer.bytes()

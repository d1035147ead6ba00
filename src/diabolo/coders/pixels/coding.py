"""Images through trained nets in whole numbers, many pixels at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.entropy import Reader, Writer
from diabolo.coders.coder import Arrays, Coding
from diabolo.coders.pixels.context import Bytes, Context
from diabolo.coders.pixels.counts import Guess, PixelCounts
from diabolo.coders.pixels.shades import Integers
from diabolo.errors import DataError, FileError
from diabolo.training import History

LANES = 2**11
"""Pixels that are told together: fixed, as the bytes depend on it."""

MOST = 2**28
"""Bytes of images that can be written together."""

Exchange = Callable[[Integers, Guess, Integers], NDArray[Any]]
"""One end of a coded stream: values (S,) at places (S,) go in or come out, by what is expected of each (S,)."""


class PixelCoding(Coding):
    """What one `PixelNet` for each channel describes, with weights that are whole numbers of its steps.

    Pixels are told along a slanted front: with a reach of r, those of row y and column x at step x + (r + 1)·y, when
    all that is around them is known. The front has as many pixels as images have rows, in all images at once.

    Parameters
    ----------
    context : Context
        What is known of a pixel.
    counts : sequence of PixelCounts
        One for each channel.
    depth : int
        Bytes of a value, 1 or 2: images of two have a channel for the high bytes, and one for the low bytes, of each.
    history : History
        How the nets were trained.
    """

    def __init__(self, context: Context, counts: Sequence[PixelCounts], depth: int, history: History) -> None:
        self.context, self.counts, self.depth, self._history = context, tuple(counts), depth, history

    @property
    def history(self) -> History:
        """How the nets were trained: the last, and those before as its stages."""
        return self._history

    def encode(self, samples: NDArray[Any]) -> bytes:
        """Return images (N, C, H, W) as bytes.

        Raises
        ------
        DataError
            If they have other channels, or more or fewer bytes a value, than those that were learned from, or are more
            than `MOST` bytes.
        """
        images = bytes_of(samples)
        if samples.dtype.itemsize != self.depth or images.shape[1] != self.context.channels:
            channels = self.context.channels // self.depth
            raise DataError(
                f"Images must have {channels} channels of {8 * self.depth} bits, as those that were learned from; got "
                f"{samples.shape[1]} of {8 * samples.dtype.itemsize}: learn from such images."
            )
        if images.size > MOST:
            raise DataError(f"Images of {MOST} bytes at most can be written together; got {images.size}: cut them.")
        canvas, writer = self.context.laid(images), Writer()
        self._walk(canvas, lambda at, guess, which: _told(writer, canvas.reshape(-1)[at], guess, which))
        return writer.bytes()

    def decode(self, data: bytes, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return the images (N, C, H, W)."""
        if len(shape) != 4 or min(shape) < 0 or shape[1] * self.depth != self.context.channels:
            raise FileError(f"The file holds no images of shape {shape}; it was edited or is foreign.")
        if math.prod(shape) * self.depth > MOST:
            raise FileError(f"A part of the file says that it holds images of shape {shape}, but {MOST} bytes fit.")
        canvas, reader = self.context.canvas(shape), Reader(data)
        self._walk(canvas, lambda at, guess, which: _asked(reader, guess, which))
        return _values(self.context.inside(canvas), self.depth)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return reach, depth, cells and weights."""
        plain = {"reach": self.context.reach, "depth": self.depth, "channels": self.context.channels}
        return plain, {f"{i}.{name}": a for i, each in enumerate(self.counts) for name, a in each.state().items()}

    def _walk(self, canvas: Bytes, exchange: Exchange) -> None:
        """Go through all pixels, and write on the canvas what is exchanged."""
        flat, channels = canvas.reshape(-1), self.context.channels
        offsets = [self.context.offsets(k, canvas.shape[2]) for k in range(channels)]
        for start, row, step in _front(canvas.shape, self.context):
            for k, counts in enumerate(self.counts):
                around = flat[start[:, None] + offsets[k]]
                first, which = _distinct(around, row)
                rows = row[first]
                guess = counts.guess(around[first], rows, step - (self.context.reach + 1) * rows)
                flat[start + k] = exchange(start + k, guess, which)


def _front(shape: tuple[int, ...], context: Context) -> Iterator[tuple[Integers, Integers, int]]:
    """Yield places on a flat canvas (S,), rows (S,), and the step, of pixels that can be told together."""
    count, tall, wide, channels = shape
    reach, slant = context.reach, context.reach + 1
    height, width = tall - reach, wide - 2 * reach
    images = np.arange(count) * (tall * wide)
    for step in range(width + slant * (height - 1) if height and width and count else 0):
        rows = np.arange(max(0, -((width - 1 - step) // slant)), min(height - 1, step // slant) + 1)
        places = images[:, None] + (rows + reach) * wide + (step - slant * rows) + reach
        every = np.broadcast_to(rows, places.shape).reshape(-1)
        for at in range(0, places.size, LANES):
            part = slice(at, at + LANES)
            yield places.reshape(-1)[part] * channels, every[part], step


def _distinct(around: NDArray[np.uint8], rows: Integers) -> tuple[Integers, Integers]:
    """Return the pixels to guess, and for each pixel (S,) which of them is like it: blank ones of a row are alike."""
    every, known = np.arange(len(rows)), around.any(1)
    if known.all():
        return every, every
    key = np.where(known, rows.max() + 1 + every, rows)
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return first, which


def _told(writer: Writer, values: Bytes, guess: Guess, which: Integers) -> Bytes:
    shades = guess.shades
    cells = shades.owner[values]
    writer.put(cells, guess.cells()[which])
    wide = shades.sizes[cells] > 1
    writer.put(shades.place[values[wide]], guess.places(which[wide], cells[wide]))
    return values


def _asked(reader: Reader, guess: Guess, which: Integers) -> Integers:
    shades = guess.shades
    cells = reader.take(guess.cells()[which]).astype(np.int64)
    wide = shades.sizes[cells] > 1
    values = shades.first[cells]
    place = reader.take(guess.places(which[wide], cells[wide]))
    values[wide] += np.minimum(place, shades.sizes[cells[wide]] - 1)  # beyond is nothing that was ever told
    return values


def bytes_of(samples: NDArray[Any]) -> Bytes:
    """Return images (N, C, H, W) of one or two bytes a value, as those of one: high bytes first, then low ones.

    Raises
    ------
    DataError
        If they are no such images.

    Examples
    --------
    >>> bytes_of(np.full((1, 1, 1, 1), 258, np.uint16)).ravel().tolist()
    [1, 2]
    """
    if samples.ndim != 4 or samples.dtype not in (np.uint8, np.uint16):
        raise DataError(
            f"Images to write without loss must be arrays (N, C, H, W) of uint8 or uint16; got "
            f"{samples.dtype} {samples.shape}: convert them."
        )
    if samples.dtype == np.uint8:
        return samples
    return np.concatenate([(samples >> 8).astype(np.uint8), samples.astype(np.uint8)], 1)


def _values(images: Bytes, depth: int) -> NDArray[Any]:
    if depth == 1:
        return np.ascontiguousarray(images)
    high, low = np.split(images.astype(np.uint16), 2, 1)
    return high << 8 | low

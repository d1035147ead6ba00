"""Images as bytes, by a transform that was learned: the same image from the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diabolo.check import Whole, demand
from diabolo.codec.entropy import Reader, Writer
from diabolo.coders.coder import Arrays, Coding
from diabolo.coders.transform import scales
from diabolo.coders.transform.context import Context, Exchange, Integers
from diabolo.coders.transform.draft import Draft
from diabolo.coders.transform.edges import take_levels
from diabolo.coders.transform.net import MIDDLE
from diabolo.coders.transform.striped import one_thread, striped
from diabolo.errors import DataError, FileError
from diabolo.nets.fold import places
from diabolo.nets.net import Local
from diabolo.training import History

Image = NDArray[np.uint8]

GAINS = 32
"""The largest gain: a step of 16 levels, where gain 0 has one of 256, and each gain between one 2^(1/8) smaller."""

UNIT = 2.0**-16
"""The weights of nets are whole multiples of it."""

_BAND = 2**13  # places of the code, about, that are computed at a time


class TransformCoding(Coding):
    """A transform with its context, in whole numbers.

    The decoder computes in float64, where machines differ by far less than would change a level of a pixel, but for
    the few at the very edge between two: these are told.

    Parameters
    ----------
    modules : nn.ModuleDict
        Built "encoder" and "decoder", whose weights are set anew for each gain.
    local : Local
        How they see.
    colours : int
        Channels of the images.
    weights, slopes : dict of ndarray
        The weights of both by name at the middle step, and what some change by for each octave, in multiples of `UNIT`.
    context : Context
        What guesses the code.
    history : History
        How training went.
    """

    def __init__(
        self,
        modules: nn.ModuleDict,
        local: Local,
        colours: int,
        weights: dict[str, Integers],
        slopes: dict[str, Integers],
        context: Context,
        history: History,
    ) -> None:
        self.local, self.colours, self.context = local, colours, context
        self.weights, self.slopes = weights, slopes
        self._history, self._alone, self._at = history, Lock(), -1
        self._encoder, self._decoder = modules["encoder"].eval(), modules["decoder"].double().eval()
        self._parameters = dict(modules.named_parameters())
        striped(self._decoder)  # the same parameters, under other names

    @property
    def history(self) -> History:
        return self._history

    def draft(self, samples: Image, gain: int) -> Draft:
        """Return an image (C, H, W) at a gain from 0 to 32, of which nothing is computed yet.

        Raises
        ------
        DataError
            If it is no image like those that were learned from.
        FileError
            Later, if the weights, of an edited file, lead nowhere.
        ParameterError
            If there is no such gain.
        """
        demand("gain", "TransformCoding.draft", gain, Whole(0, GAINS))
        if samples.ndim != 3 or samples.dtype != np.uint8 or not samples.size or len(samples) != self.colours:
            raise DataError(
                f"An image to compress must be an array ({self.colours}, H, W) of uint8; got {samples.dtype} of shape "
                f"{samples.shape}. Convert it, or learn from images like it."
            )
        return Draft(self, samples, gain)

    def encode(self, samples: Image, gain: int = GAINS // 2) -> bytes:
        """Return an image (C, H, W) as bytes: the more, and the nearer to it, the larger the gain, from 0 to 32.

        Raises
        ------
        DataError, FileError, ParameterError
            As for `draft`, and what it computes.
        """
        return self.draft(samples, gain).data

    def decode(self, data: bytes, shape: tuple[int, ...], draft: Draft | None = None) -> Image:
        """Return the image (C, H, W), bit for bit what the encoder's machine would make of the bytes.

        Where the bytes hold the very code of a `draft`, its pixels are taken, which would be computed to the same.

        Raises
        ------
        FileError
            If they are no such bytes.
        """
        if not data or data[0] > GAINS:
            raise FileError("A coded image begins with its gain, from 0 to 32; copy it again.")
        gain, reader = data[0], Reader(data[1:])
        code = self.context.walk(places(shape[1:], self.local.unit), _eighths(gain), _asking(reader))
        known = draft is not None and draft.gain == gain and np.array_equal(draft.code, code)
        values = draft.values if draft is not None and known else self.synthesised(code, gain, shape)
        return take_levels(reader, values).reshape(shape)

    @torch.no_grad()
    def analysed(self, samples: Image, gain: int) -> Integers:
        """Return the code (n, h, w) of an image (C, H, W)."""
        with self._alone, one_thread():
            self._set(gain)
            return self._analysed(torch.from_numpy(samples.astype(np.float32) - 128) / _step(gain))

    @torch.no_grad()
    def synthesised(self, code: Integers, gain: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the pixels (C · H · W,) of an image of this shape, not yet rounded to levels."""
        with self._alone, one_thread():
            self._set(gain)
            return self._synthesised(code, gain, shape)

    def written(self, code: Integers, gain: int) -> Writer:
        """Return a code (n, h, w), written."""
        writer = Writer()
        self.context.walk(code.shape[1:], _eighths(gain), _telling(writer, code))
        return writer

    def bits(self, code: Integers, gain: int) -> float:
        """Return how many bits a code (n, h, w) takes, about, without writing it."""
        costs: list[float] = []
        self.context.walk(code.shape[1:], _eighths(gain), _costing(costs, code))
        return sum(costs)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return the weights, and the context's: whole numbers."""
        parts = {"net": self.weights, "slope": self.slopes, "context": self.context.arrays()}
        plain = {"colours": self.colours, "channels": sum(self.context.sizes)}
        return plain, {f"{part}.{name}": array for part, own in parts.items() for name, array in own.items()}

    def _set(self, gain: int) -> None:
        """Set the modules to the weights at a gain, if they are at another."""
        if self._at == gain:
            return
        octaves = _eighths(gain) / 8
        for name, parameter in self._parameters.items():
            whole = self.weights[name] + octaves * self.slopes.get(name, 0)
            parameter.copy_(torch.from_numpy(np.asarray(whole * UNIT)))
        self._at = gain

    def _analysed(self, x: Tensor) -> Integers:
        """Return the code (n, h, w) of an image in steps (C, H, W), a band of rows after the other."""
        height, unit = places(x.shape[1:2], self.local.unit)[0], self.local.unit

        def band(first: int, last: int) -> Tensor:
            part = x[None, :, first * unit : last * unit]
            size = places(part.shape[2:], unit)
            return self._encoder(part)[0].unflatten(1, (-1, *size))[0]

        code = _finite(_banded(band, height, self._rows(x.shape[2]), 1)).round()
        return code.clamp(-scales.FARTHEST, scales.FARTHEST).long().numpy()

    def _synthesised(self, code: Integers, gain: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the levels (C · H · W,) of an image of this shape, not yet rounded, a band of rows after the other."""
        z, unit = torch.from_numpy(code.astype(np.float64)), self.local.unit

        def band(first: int, last: int) -> Tensor:
            rows = min(last * unit, shape[1]) - first * unit
            like = torch.zeros((), dtype=z.dtype).expand(1, shape[0], rows, shape[2])
            return self._decoder(z[None, :, first:last].flatten(1), (like,))[0]

        levels = _finite(_banded(band, code.shape[1], self._rows(shape[2]), unit))
        return (levels * _step(gain) + 128).reshape(-1).numpy()

    def _rows(self, width: int) -> tuple[int, int]:
        """Return how many rows of the code of an image so wide are computed at a time, and how many more they need."""
        margin = self.local.reach // self.local.unit + 1
        return max(2 * margin, _BAND * self.local.unit // width), margin


def _banded(band: Callable[[int, int], Tensor], height: int, rows: tuple[int, int], unit: int) -> Tensor:
    """Return what `band` makes of rows from one up to another, for all rows: so many at a time, with a margin."""
    found, (step, margin) = [], rows
    for first in range(0, height, step):
        low, high = max(first - margin, 0), min(first + step + margin, height)
        found.append(band(low, high)[:, (first - low) * unit : (first - low + step) * unit])
    return torch.cat(found, 1)


def _finite(numbers: Tensor) -> Tensor:
    if not bool(numbers.isfinite().all()):
        raise FileError("The transform computes numbers that are not finite; the file with its weights was edited.")
    return numbers


def _step(gain: int) -> float:
    return MIDDLE * 2 ** (_eighths(gain) / 8)


def _eighths(gain: int) -> int:
    """Return how many eighths of an octave the step of a gain is above the middle one."""
    return GAINS // 2 - gain


def _telling(writer: Writer, code: Integers) -> Exchange:
    def exchange(index: Any, middle: Integers, scale: Integers) -> Integers:
        numbers = code[index].ravel()
        scales.put(writer, numbers, middle, scale)
        return numbers

    return exchange


def _costing(costs: list[float], code: Integers) -> Exchange:
    def exchange(index: Any, middle: Integers, scale: Integers) -> Integers:
        numbers = code[index].ravel()
        costs.append(scales.bits(numbers, middle, scale))
        return numbers

    return exchange


def _asking(reader: Reader) -> Exchange:
    def exchange(index: Any, middle: Integers, scale: Integers) -> Integers:
        return scales.take(reader, middle, scale)

    return exchange


def rounded(weights: Tensor) -> Integers:
    """Return weights as whole multiples of `UNIT`.

    Examples
    --------
    >>> rounded(torch.tensor([0.5])).tolist()
    [32768]
    """
    return np.rint(weights.detach().cpu().double().numpy() / UNIT).astype(np.int64)

"""Images as chunks of bytes, and back: exactly, within an error, or as near as a rate or a ratio asks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.codec.fidelity import PSNR, Absolute, Exact, Fidelity, Rate, Relative
from diabolo.codec.planes import planes, together
from diabolo.codec.squeezed import expanded, squeezed
from diabolo.coders import Auto, Coder, Coding, Setting
from diabolo.data.channels import channels_to_the_front, warn_of_channels_last
from diabolo.data.package import package
from diabolo.errors import DataError, DataTypeError, FileError, ParameterError
from diabolo.estimators.compression import gains
from diabolo.estimators.compression.packing import Packing, State, Tally
from diabolo.estimators.compression.pieces import Pieces
from diabolo.part import from_json
from diabolo.training import History

Image = NDArray[Any]

_VALUES = 2**22
"""Values of small images that are written together."""

_MOST = 2**28  # values of an image that is read

_STORED, _CODED = 0, 1


@dataclass(frozen=True, eq=False)
class Images(Packing):
    """What was learned of images with so many channels.

    Parameters
    ----------
    coding : Coding
        Writes images exactly, or their rounded codes.
    used : Coder
        What learned that.
    channels : int
        Of each image.
    dtype : str
        "|u1" for bytes, "<u2" for 16 bits.
    fidelity : Fidelity
        What is promised of those that are compressed now.
    """

    kind = "images"

    coding: Coding
    used: Coder
    channels: int
    dtype: str
    fidelity: Fidelity

    @staticmethod
    def suits(X: Any) -> bool:
        """Tell whether it is images (N, C, H, W), or a list of images (C, H, W), of bytes or 16 bits."""
        if isinstance(X, list | tuple):
            return bool(X) and all(np.ndim(x) == 3 and _type(x) is not None for x in X)
        return getattr(X, "ndim", 0) == 4 and _type(X) is not None

    @classmethod
    def learn(cls, X: Any, fidelity: Fidelity, coder: Coder, setting: Setting) -> Images:
        """Learn from images."""
        images = _each(X)
        kinds = {(image.shape[0], image.dtype.str) for image in images}
        if len(kinds) != 1 or not all(image.size for image in images):
            raise DataError(
                "X must hold images (C, H, W) with pixels, all of the same number of channels and the same type; got "
                f"{shorten(sorted(kinds))}. Convert them.{channels_to_the_front([image.shape for image in images])}"
            )
        warn_of_channels_last(images[0].shape)
        coder = coder.settled(cls.kind, exact=not _approximate(fidelity)) if isinstance(coder, Auto) else coder
        channels, dtype = kinds.pop()
        packing = cls(cast(Coding, None), coder, channels, dtype, fidelity)
        packing._demand(fidelity)
        samples = _stacked([packing._levels(image) for image in images]) if coder.exact else images
        return replace(packing, coding=coder.learn(samples, setting))

    def at(self, fidelity: Fidelity) -> Images:
        """Return what writes images as near as another fidelity asks: what was learned serves all."""
        self._demand(fidelity)
        return replace(self, fidelity=fidelity)

    def chunks(self, X: Any, tally: Tally) -> tuple[dict[str, Any], Iterator[bytes]]:
        """Return what is to be known of images, and their chunks: each large one by itself, small ones together."""
        images = _each(X)
        if any(image.shape[0] != self.channels or image.dtype.str != self.dtype for image in images):
            raise DataError(
                f"X must hold images of {self.channels} channels and type {self.dtype}, as in training; got "
                f"{shorten([(image.shape, image.dtype.str) for image in images])}. Convert them, or fit anew."
            )
        none = tuple(X.shape[1:]) if hasattr(X, "shape") else (self.channels, 0, 0)
        sizes = {image.shape for image in images} or {none}
        stack, first = len(sizes) == 1, next(iter(sizes))
        per = max(1, _VALUES // max(1, math.prod(first))) if self.used.exact and stack else 1
        head = {
            "shape": [len(images), *(first if stack else ())],
            "shapes": [list(first)] if stack else [list(image.shape) for image in images],
            "count": len(images),
            "per_chunk": per,
            "step": self._step,
            "form": "list" if isinstance(X, list | tuple) else "tensor" if hasattr(X, "numpy") else "array",
        }
        blocks = (images[at : at + per] for at in range(0, len(images), per))
        return head, (self._exact(block, tally) if self.used.exact else self._near(block[0], tally) for block in blocks)

    def worth(self, tally: Tally) -> Images:
        """Return itself: no image is read without its net."""
        return self

    def parts(self, head: dict[str, Any]) -> int:
        """Return how many chunks there are."""
        shapes, per, _ = self._told(head)
        return -(-len(shapes) // per)

    def part(self, head: dict[str, Any], number: int, chunk: bytes) -> list[Image]:
        """Return the images of a chunk."""
        shapes, per, step = self._told(head)
        mine = shapes[number * per : (number + 1) * per]
        if not mine or not chunk or chunk[0] not in (_STORED, _CODED):
            raise FileError("A chunk of the file holds no images that this diabolo knows; copy it again, or upgrade.")
        if chunk[0] == _STORED:
            return self._stored(chunk[1:], mine)
        if not self.used.exact:
            return [self.coding.decode(chunk[1:], mine[0])]
        levels = self.coding.decode(chunk[1:], (len(mine), *mine[0]))
        return list(_values(levels, step))

    def whole(self, head: dict[str, Any], chunks: Sequence[bytes]) -> Any:
        """Return the images that became these chunks, in the form that they had."""
        if self.parts(head) != len(chunks):
            raise FileError("The file says that it has another number of images than its chunks hold; copy it again.")
        images = [image for number, chunk in enumerate(chunks) for image in self.part(head, number, chunk)]
        if head["form"] == "list":
            return images
        stack = np.stack(images) if images else np.zeros((0, *head["shapes"][0]), self.dtype)
        return package("torch").from_numpy(stack) if head["form"] == "tensor" else stack

    @property
    def promise(self) -> str:
        """What comes back."""
        return self.fidelity.equation()

    @property
    def coder(self) -> Coder:
        """What learned."""
        return self.used

    @property
    def history(self) -> History:
        """How the nets were trained."""
        return self.coding.history

    def state(self) -> State:
        """Return what was learned, to save; it serves every fidelity."""
        told, arrays = self.coding.state()
        plain = {"coder": self.used.to_json(), "channels": self.channels, "dtype": self.dtype, "coding": told}
        return plain, arrays

    @classmethod
    def restore(cls, plain: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Images:
        """Return what `state` described."""
        coder, channels, dtype = from_json(plain.get("coder")), plain.get("channels"), plain.get("dtype")
        told = plain.get("coding")
        if not isinstance(coder, Coder) or type(channels) is not int or dtype not in ("|u1", "<u2") or told is None:
            raise FileError("The file describes no images; it was edited or is foreign.")
        return cls(coder.restore(told, arrays), coder, channels, dtype, Exact() if coder.exact else PSNR())

    @property
    def _step(self) -> int:
        """How many levels of a pixel become one."""
        fidelity, error = self.fidelity, 0.0
        if isinstance(fidelity, Absolute | Relative):
            error = min(fidelity.error * (self._top if isinstance(fidelity, Relative) else 1), self._top)
        return 2 * math.floor(error) + 1

    @property
    def _top(self) -> int:
        return int(np.iinfo(np.dtype(self.dtype)).max)

    def _demand(self, fidelity: Fidelity) -> None:
        if self.used.exact == _approximate(fidelity):
            name = type(self.used).__name__
            wanted = "Exact, Absolute or Relative" if self.used.exact else "PSNR or Rate"
            raise ParameterError(
                f"Parameter 'fidelity' must be {wanted} for images written by {name}; got {fidelity!r}. Choose "
                "another, or coder='auto' and fit anew."
            )

    def _levels(self, image: Image) -> Image:
        half = self._step // 2
        return ((image.astype(np.uint32) + half) // self._step).astype(self.dtype)

    def _exact(self, block: Sequence[Image], tally: Tally) -> bytes:
        """Return images of one size as a chunk, made sure of by its own decoder."""
        stack = np.stack(block)
        levels = np.stack([self._levels(image) for image in block])
        code = self.coding.encode(levels)
        back = _values(self.coding.decode(code, levels.shape), self._step)
        error = int(np.abs(back.astype(np.int64) - stack.astype(np.int64)).max(initial=0))
        return self._kept(stack, code if error <= self._step // 2 else None, error, tally)

    def _near(self, image: Image, tally: Tally) -> bytes:
        """Return an image as a chunk, as near as is asked; exactly, where nothing less is near enough."""
        found = gains.search(self.coding, image, self.fidelity)
        error = 0 if found is None else int(np.abs(found.image.astype(np.int64) - image.astype(np.int64)).max())
        return self._kept(image[None], None if found is None else found.code, error, tally)

    def _kept(self, stack: Image, code: bytes | None, error: int, tally: Tally) -> bytes:
        stored = bytes([_STORED]) + squeezed(planes(stack.ravel()), 9)
        coded = None if code is None else bytes([_CODED]) + code
        tally.raw += stack.nbytes
        if coded is None or len(stored) <= len(coded):
            return stored
        tally.worst = max(tally.worst, float(error))
        return coded

    def _stored(self, data: bytes, shapes: Sequence[tuple[int, ...]]) -> list[Image]:
        sizes = [math.prod(shape) for shape in shapes]
        flat = together(expanded(data, sum(sizes) * np.dtype(self.dtype).itemsize), sum(sizes), self.dtype)
        return [part.reshape(shape) for part, shape in zip(np.split(flat, np.cumsum(sizes)[:-1]), shapes, strict=True)]

    def _told(self, head: dict[str, Any]) -> tuple[list[tuple[int, ...]], int, int]:
        """Return the shape of each image of a file, how many a chunk has, and how many levels are one."""
        shapes, count, per, step = (head[name] for name in ("shapes", "count", "per_chunk", "step"))
        numbers = [count, per, step, *(size for shape in shapes for size in shape)]
        sound = all(type(number) is int and 0 <= number <= _MOST for number in numbers) and per > 0 and step % 2
        sound = sound and all(
            len(shape) == 3 and shape[0] == self.channels and math.prod(shape) <= _MOST for shape in shapes
        )
        if not sound or len(shapes) not in (1, count) or head["form"] not in ("list", "tensor", "array"):
            raise FileError("The file describes images that cannot be; it was edited or is foreign.")
        each = [tuple(shape) for shape in shapes]
        return each * count if len(each) == 1 else each, per, step


def _type(x: Any) -> str | None:
    """Return the type of pixels, or None where these are neither bytes nor of 16 bits."""
    name = str(getattr(x, "dtype", "")).removeprefix("torch.")
    return {"uint8": "|u1", "uint16": "<u2"}.get(name)


def _each(X: Any) -> list[Image]:
    """Return images (C, H, W), one by one."""
    if isinstance(X, Pieces):
        raise DataTypeError("X must be images (N, C, H, W) or a list of images; got an iterator. Make a list of it.")
    return [np.asarray(x.numpy() if hasattr(x, "numpy") else x).astype(_type(x), copy=False) for x in X]


def _stacked(images: Sequence[Image]) -> list[Image]:
    """Return images as arrays (N, C, H, W), one for each size."""
    by_size: dict[tuple[int, ...], list[Image]] = {}
    for image in images:
        by_size.setdefault(image.shape, []).append(image)
    return [np.stack(each) for each in by_size.values()]


def _values(levels: Image, step: int) -> Image:
    """Return the pixels in the middle of levels."""
    top = np.iinfo(levels.dtype).max
    return np.minimum(levels.astype(np.uint32) * step, top).astype(levels.dtype)


def _approximate(fidelity: Fidelity) -> bool:
    return isinstance(fidelity, PSNR | Rate)

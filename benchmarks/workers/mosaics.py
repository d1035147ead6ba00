"""Many small images as one piece: one picture of all, or a file of each one after the other."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
LENGTH = struct.Struct("<I")
"""The bytes of a file, which stand before it."""


def mosaic(images: Pictures) -> Pictures:
    """Return one picture of images (N, H, W), about as many beside as below each other, zeros where they end."""
    N, H, W = images.shape
    side = int(np.ceil(N**0.5))
    full = np.concatenate([images, np.zeros((side * side - N, H, W), np.uint8)])
    return full.reshape(side, side, H, W).transpose(0, 2, 1, 3).reshape(side * H, side * W)


def tiles(picture: Pictures, shape: Sequence[int]) -> Pictures:
    """Return the images (N, H, W) of a mosaic."""
    N, H, W = shape
    side = picture.shape[0] // H
    return picture.reshape(side, H, side, W).transpose(0, 2, 1, 3).reshape(-1, H, W)[:N]


def each(encode: Callable[[Pictures], bytes], images: Pictures) -> bytes:
    """Return a file per image, each after its length."""
    return b"".join(LENGTH.pack(len(file)) + file for file in map(encode, images))


def every(decode: Callable[[bytes], Any], data: bytes, shape: Sequence[int]) -> Pictures:
    """Return the images (N, H, W) of `each`."""
    images, at = np.empty(tuple(shape), np.uint8), 0
    for i in range(shape[0]):
        start, (size,) = at + LENGTH.size, LENGTH.unpack_from(data, at)
        at = start + size
        images[i] = decode(data[start:at])
    return images

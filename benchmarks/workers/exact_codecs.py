"""Compressors that give back exactly what they got and learn nothing: of records, and of many small images."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pandas as pd
import zstandard

from benchmarks.workers.coding import same, told, trial
from benchmarks.workers.intrusions import alike, frame, text
from benchmarks.workers.mosaics import LENGTH, Pictures, each, every, mosaic, tiles
from benchmarks.workers.protocol import Settings, Task, serve

PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip -9": (lambda data: gzip.compress(data, 9, mtime=0), gzip.decompress),
    "bzip2 -9": (lambda data: bz2.compress(data, 9), bz2.decompress),
    "xz -9e": (lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME), lzma.decompress),
    "zstd -19": (lambda data: zstandard.compress(data, 19), zstandard.decompress),
}


def to_parquet(rows: pd.DataFrame) -> bytes:
    """Return a Parquet file, packed by zstd."""
    file = BytesIO()
    rows.to_parquet(file, engine="pyarrow", compression="zstd", compression_level=19, index=False)
    return file.getvalue()


def records(settings: Settings) -> Task:
    """Compress NSL-KDD: its text by a packer, which gives the text back, or its data frame as a Parquet file."""
    rows, written = frame(), text()

    def block(asked: Settings) -> Settings:
        if asked["way"] == "Parquet, zstd -19":
            read = lambda data: pd.read_parquet(BytesIO(data), engine="pyarrow")  # noqa: E731
            return trial(lambda: to_parquet(rows), read, lambda back: alike(rows, back))
        pack, unpack = PACKERS[asked["way"]]
        as_bytes = np.frombuffer(written, np.uint8)
        return trial(lambda: pack(written), unpack, lambda back: same(as_bytes, np.frombuffer(back, np.uint8)))

    return Task(told(block))


def webp(image: Pictures) -> bytes:
    """Return a lossless WebP file of a grey image (H, W), with the most effort."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(image).convert("RGB").save(file, "WEBP", lossless=True, quality=100, method=6)
    return file.getvalue()


def from_webp(data: bytes) -> Pictures:
    """Return the grey image of a file of `webp`."""
    from PIL import Image

    return np.asarray(Image.open(BytesIO(data)))[..., 0]


def png(image: Pictures) -> bytes:
    """Return an optimised PNG file of a grey image (H, W)."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return file.getvalue()


def from_png(data: bytes) -> Pictures:
    """Return the image of a PNG file."""
    from PIL import Image

    return np.asarray(Image.open(BytesIO(data)))


def jxl(image: Pictures) -> bytes:
    """Return a lossless JPEG XL file of a grey image (H, W)."""
    return bytes(imagecodecs.jpegxl_encode(np.ascontiguousarray(image), lossless=True, effort=9))


FORMATS: dict[str, tuple[Callable[[Pictures], bytes], Callable[[bytes], Any]]] = {
    "PNG": (png, from_png),
    "WebP lossless": (webp, from_webp),
    "JPEG XL lossless": (jxl, imagecodecs.jpegxl_decode),
}
MOSAIC = ", one mosaic"
"""After a format: all images are one picture, which spares headers and lets the format learn."""


def digits(settings: Settings) -> Task:
    """Compress grey images (N, H, W) of a file by a packer of their bytes, a format of images, or one mosaic."""

    def block(asked: Settings) -> Settings:
        X, way = np.load(asked["path"]), asked["way"]
        if way in PACKERS:
            pack, unpack = PACKERS[way]
            restore = lambda data: np.frombuffer(unpack(data), np.uint8).reshape(X.shape)  # noqa: E731
            return trial(lambda: pack(X.tobytes()), restore, lambda back: same(X, back))
        encode, decode = FORMATS[way.removesuffix(MOSAIC)]
        if way.endswith(MOSAIC):
            restore = lambda data: tiles(np.asarray(decode(data)), X.shape)  # noqa: E731
            return trial(lambda: encode(mosaic(X)), restore, lambda back: same(X, back))
        found = trial(lambda: each(encode, X), lambda data: every(decode, data, X.shape), lambda back: same(X, back))
        return found | {"bytes": found["bytes"] - LENGTH.size * len(X)}  # lengths are those of a folder of files

    return Task(told(block))


if __name__ == "__main__":
    serve({"records": records, "digits": digits})

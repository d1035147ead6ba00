"""The formats of photographs: JPEG, WebP, AVIF and JPEG XL, at every quality of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.workers.coding import timed, told
from benchmarks.workers.curves import nearest, psnr
from benchmarks.workers.protocol import Settings, Task, serve

Photo = NDArray[np.uint8]


def pillow(photo: Photo, quality: float, *, name: str, **options: Any) -> bytes:
    """Return the file of a photograph (H, W, 3) that Pillow writes."""
    file = BytesIO()
    Image.fromarray(photo).save(file, name, quality=int(quality), **options)
    return file.getvalue()


def opened(data: bytes) -> Photo:
    """Return the photograph (H, W, 3) of a file that Pillow reads."""
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def jxl(photo: Photo, distance: float) -> bytes:
    """Return the JPEG XL file of a photograph (H, W, 3)."""
    return bytes(imagecodecs.jpegxl_encode(np.ascontiguousarray(photo), distance=distance, effort=7))


QUALITIES = (2, 4, 6, 8, 10, 13, 16, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 93, 96)
FORMATS: dict[str, tuple[Callable[[Photo, float], bytes], Callable[[bytes], Any], Sequence[float]]] = {
    "JPEG": (
        partial(pillow, name="JPEG", optimize=True, progressive=True, subsampling="4:2:0"),
        opened,
        QUALITIES,
    ),
    "WebP": (partial(pillow, name="WEBP", method=6), opened, (0, 1, *QUALITIES)),
    "AVIF": (partial(pillow, name="AVIF", speed=6, subsampling="4:2:0", max_threads=1), opened, QUALITIES),
    "JPEG XL": (
        jxl,
        imagecodecs.jpegxl_decode,
        (0.3, 0.5, 0.7, 1, 1.4, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25),
    ),
}
"""To bytes, back, and what is swept: the quality, or the distance of JPEG XL."""


def pictures(settings: Settings) -> Task:
    """Compress photographs (H, W, 3) of a file by one format at every quality: bits per pixel and PSNR of each.

    Seconds are those an image at the quality that comes nearest to what `asked` says, in bits per pixel.
    """

    def block(asked: Settings) -> Settings:
        encode, decode, sweep = FORMATS[asked["way"]]
        photos, curves, spent = np.load(asked["path"]), {}, []
        for name in photos.files:
            photo = photos[name]
            files = [encode(photo, quality) for quality in sweep]
            rates = [8 * len(file) / (photo.shape[0] * photo.shape[1]) for file in files]
            curves[name] = [[rate, psnr(photo, decode(file))] for rate, file in zip(rates, files, strict=True)]
            chosen = sweep[nearest(rates, asked["at"])]
            file, there = timed(partial(encode, photo, chosen))
            spent.append((there, timed(partial(decode, file))[1]))
        there, back = np.mean(spent, 0)
        return {"curves": curves, "encode": there, "decode": back}

    return Task(told(block))


if __name__ == "__main__":
    serve({"pictures": pictures})

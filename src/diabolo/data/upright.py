"""Orientation: a picture as the camera noted that it is to be turned, and the note taken back."""

from __future__ import annotations

import re
from struct import unpack_from

import numpy as np

ORIENTATION = 274
"""The tag of EXIF and TIFF."""

_TURNED = {
    2: lambda x: x[..., ::-1],
    3: lambda x: x[..., ::-1, ::-1],
    4: lambda x: x[..., ::-1, :],
    5: lambda x: x.swapaxes(-1, -2),
    6: lambda x: x.swapaxes(-1, -2)[..., ::-1],
    7: lambda x: x.swapaxes(-1, -2)[..., ::-1, ::-1],
    8: lambda x: x.swapaxes(-1, -2)[..., ::-1, :],
}


def upright(planes: np.ndarray, orientation: object) -> np.ndarray:
    """Return planes (C, H, W) turned as an orientation of EXIF, 1 to 8, says; unchanged for anything else.

    Examples
    --------
    >>> upright(np.array([[[1, 2, 3]]]), 6).tolist()  # to be turned by 90 degrees, clockwise
    [[[1], [2], [3]]]
    """
    turn = _TURNED.get(orientation) if isinstance(orientation, int) else None
    return planes if turn is None else np.ascontiguousarray(turn(planes))


def reset_exif(exif: bytes) -> bytes:
    """Return EXIF data whose orientation, if they note one, is 1; every other byte is as it was.

    Examples
    --------
    >>> from PIL import Image
    >>> exif = Image.Exif()
    >>> exif[ORIENTATION] = 6
    >>> exif.load(reset_exif(exif.tobytes()))
    >>> exif[ORIENTATION]
    1
    """
    start = 6 if exif.startswith(b"Exif\0\0") else 0
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    if order is None or len(exif) < start + 10:
        return exif
    directory = start + unpack_from(f"{order}I", exif, start + 4)[0]
    if len(exif) < directory + 2:
        return exif
    for i in range(unpack_from(f"{order}H", exif, directory)[0]):
        entry = directory + 2 + 12 * i
        if len(exif) < entry + 12:
            break
        if unpack_from(f"{order}H", exif, entry)[0] == ORIENTATION:
            one = b"\1\0\0\0" if order == "<" else b"\0\1\0\0"
            return exif[: entry + 8] + one + exif[entry + 12 :]
    return exif


def reset_xmp(xmp: bytes) -> bytes:
    """Return XMP data whose orientation, if they note one, is 1.

    Examples
    --------
    >>> reset_xmp(b'<rdf:Description tiff:Orientation="6"/>')
    b'<rdf:Description tiff:Orientation="1"/>'
    """
    return re.sub(rb"(tiff:Orientation(?:\s*=\s*[\"']|>)\s*)[2-8]", rb"\g<1>1", xmp)

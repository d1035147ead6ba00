"""Bytes as zstandard has them."""

from __future__ import annotations

from diabolo.data.package import package
from diabolo.errors import FileError


def squeezed(data: bytes, level: int = 19) -> bytes:
    """Return bytes as zstandard has them, by default with much effort."""
    return package("zstandard", "codec").ZstdCompressor(level=level).compress(data)


def expanded(data: bytes, most: int) -> bytes:
    """Return what was `squeezed`, of at most so many bytes.

    Raises
    ------
    FileError
        If it is not that, or more.
    """
    zstandard = package("zstandard", "codec")
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if not 0 <= size <= most:
            raise FileError(f"A part of the file says that it holds {size} bytes, but {most} fit; copy it again.")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=most)
    except zstandard.ZstdError as error:
        raise FileError(f"A part of the file is no zstandard data ({error}); copy it again.") from error

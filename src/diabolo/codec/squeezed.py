"""Bytes as zstandard has them."""

from __future__ import annotations

from diabolo.data.package import package
from diabolo.errors import FileError

_WIDEST = 27  # the logarithm of how many bytes lie between repetitions that are found


def squeezed(data: bytes, level: int = 19) -> bytes:
    """Return bytes as zstandard has them, by default with much effort."""
    return package("zstandard", "codec").ZstdCompressor(level=level).compress(data)


def about(data: bytes) -> int:
    """Return how many bytes `squeezed` makes of these, or a little more, up to twice that: with the least effort.

    Repetitions that lie far apart are looked for all the same.

    Examples
    --------
    >>> data = bytes(range(256)) * 400
    >>> len(squeezed(data, 9)) <= about(data) < 600
    True
    """
    zstandard = package("zstandard", "codec")
    wide = min(max(len(data).bit_length(), zstandard.WINDOWLOG_MIN), _WIDEST)
    how = zstandard.ZstdCompressionParameters.from_level(1, source_size=len(data), window_log=wide, enable_ldm=True)
    return len(zstandard.ZstdCompressor(compression_params=how).compress(data))


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

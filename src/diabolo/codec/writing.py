"""A .dbl file, written: into bytes, or piece by piece onto the disk, read back before it takes its place."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.codec.container import Container
from diabolo.codec.layout import CRC, DEPTH, FORMAT, LAYOUTS, MAGIC, MOST, SIZE, START, deflated
from diabolo.errors import DataError, DataTypeError, FileError
from diabolo.files.disk import FilePath, explained, real, replacing

_LARGEST = 2**32 - 1  # bytes of a chunk: its size is a number of 32 bits


def pack(head: Mapping[str, Any], chunks: Iterable[bytes]) -> bytes:
    """Return a .dbl file as bytes.

    Parameters
    ----------
    head : dict
        What the chunks are: JSON values with finite numbers and strings as keys, at most 4 MiB and 64 levels. Tuples
        come back as lists. Equal heads and chunks give equal bytes.
    chunks : iterable of bytes
        Each is read back by its number, alone. Any may be empty, and there may be none.

    Raises
    ------
    FileError
        If the head is no such thing.
    DataError
        If a chunk is no bytes, or has more than 4 GiB.

    Examples
    --------
    >>> data = pack({"columns": ["age", "income"]}, [b"first", b"second"])
    >>> with Container.open(data) as file:
    ...     file.head, file.chunk(1)
    ({'columns': ['age', 'income']}, b'second')
    """
    return b"".join(_pieces(head, chunks))


def write(path: FilePath, head: Mapping[str, Any], chunks: Iterable[bytes]) -> None:
    r"""Write a .dbl file whole or not at all: one chunk in memory at a time, and read back before it takes its place.

    Parameters
    ----------
    path : path
        Missing parents are made; a file that is there is replaced.
    head : dict
        As of `pack`.
    chunks : iterable of bytes
        As of `pack`. It may itself read from the file that is replaced.

    Raises
    ------
    FileError
        If the path cannot be written, the head cannot be kept, or what was read back is not what was written.
    DataError
        If a chunk is no bytes, or has more than 4 GiB. What `chunks` itself raises passes through. Whatever is raised,
        what was there stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/rows.dbl", {"rows": 3}, (bytes([i]) * 4 for i in range(3)))
    ...     with Container.open(f"{folder}/rows.dbl") as file:
    ...         file.head, len(file), file.chunk(2)
    ({'rows': 3}, 3, b'\x02\x02\x02\x02')
    """
    target = real(path)
    with replacing(target) as temporary:
        _fill(target, temporary, _pieces(head, chunks))
        try:
            with Container.open(temporary) as written:
                written.verify()
        except FileError as error:
            raise FileError(f"{target} cannot be written: read back, it differs ({error}); check the disk.") from error


def _fill(target: Path, temporary: Path, pieces: Iterable[bytes]) -> None:
    with explained(target, "written"):
        handle = temporary.open("xb")
    try:
        for piece in pieces:  # what the caller's chunks raise is not about the path
            with explained(target, "written"):
                handle.write(piece)
    finally:
        with explained(target, "written"):
            handle.close()


def _pieces(head: Mapping[str, Any], chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield all bytes of a file, in order."""
    digest, piece = hashlib.sha256(), b""
    for piece in _before_the_seal(head, chunks):
        digest.update(piece)
        yield piece
    sha = digest.digest()
    yield sha + CRC.pack(zlib.crc32(piece + sha))  # the last piece is the index and the number of chunks


def _before_the_seal(head: Mapping[str, Any], chunks: Iterable[bytes]) -> Iterator[bytes]:
    header = _header(head)
    seal = zlib.crc32(header)
    yield header + CRC.pack(seal)
    sizes: list[int] = []
    for i, chunk in enumerate(chunks):
        _demand_bytes(i, chunk)
        yield LAYOUTS[FORMAT].frame(seal, i, chunk)
        yield chunk
        sizes.append(len(chunk))
    yield np.array(sizes, SIZE).tobytes() + CRC.pack(len(sizes))


def _header(head: Mapping[str, Any]) -> bytes:
    try:
        packed = deflated(head)
    except (TypeError, ValueError, RecursionError) as error:
        raise FileError(
            f"The header is no JSON object of finite numbers with at most {MOST} bytes and {DEPTH} levels ({error}); "
            "keep what is larger, or no JSON, in chunks."
        ) from error
    return START.pack(MAGIC, FORMAT, len(packed)) + packed


def _demand_bytes(i: int, chunk: object) -> None:
    if not isinstance(chunk, bytes):
        raise DataTypeError(f"Chunk {i} must be bytes; got {type(chunk).__name__}. Encode it first.")
    if len(chunk) > _LARGEST:
        raise DataError(f"Chunk {i} must have at most {_LARGEST} bytes; got {len(chunk)}. Make several of it.")

"""A .dbl file, read: its header at once, each chunk when it is asked for, and only what its checksums vouch for."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from diabolo.check import Whole, demand
from diabolo.codec.layout import CRC, END, FIXED, FORMAT, LAYOUTS, MAGIC, SEALED, SIZE, START, inflated
from diabolo.errors import FileError, MissingFileError
from diabolo.files.disk import FilePath, explained, real

_BLOCK = 2**20  # bytes that are read at a time where all are read


class Container:
    """A file of chunks with a header. Threads may share it.

    A header, index or chunk is given only after its CRC32 was found right; `verify` looks at every byte. That guards
    against accidents, not against a forger, who can compute checksums as well; against a forger stands that nothing in
    the file is executed, and that no memory is taken because a number in the file says so.

    Attributes
    ----------
    head : dict
        What the chunks are: plain JSON values.
    identity : str
        SHA-256, in hexadecimal digits, of all bytes but the last 36: equal for equal content.
    size : int
        Bytes of the whole file.
    source : Path
        The path of the file, or ``<bytes>``, as errors name it.

    Examples
    --------
    >>> from diabolo.codec import pack
    >>> with Container.open(pack({"rows": 2}, [b"one", b""])) as file:
    ...     file.verify()
    ...     file.head, len(file), file.chunk(0), list(file), file.sizes
    ({'rows': 2}, 2, b'one', [b'one', b''], [3, 0])
    """

    @classmethod
    def open(cls, source: bytes | FilePath) -> Container:
        """Open a file, or the bytes of one, and check all of it but the chunks, which stay where they are.

        Raises
        ------
        MissingFileError
            If nothing is there.
        FileError
            If what is there is cut, damaged, foreign or of a newer format, or its header is hostile.

        Examples
        --------
        >>> Container.open("nowhere.dbl")
        Traceback (most recent call last):
        ...
        diabolo.errors.MissingFileError: There is no file at ...nowhere.dbl; check the path.
        """
        if isinstance(source, bytes | bytearray | memoryview):
            return cls(io.BytesIO(source), Path("<bytes>"))
        path = real(source)
        with explained(path, "read"):
            if not path.exists():
                raise MissingFileError(f"There is no file at {path}; check the path.")
            if not path.is_file():  # a pipe or a device would be waited for without end
                raise FileError(f"{path} is no plain file; give a .dbl file that diabolo wrote.")
            file = path.open("rb")
        try:
            return cls(file, path)
        except BaseException:
            file.close()
            raise

    def __init__(self, file: BinaryIO, source: Path) -> None:
        self.source = source
        self._file, self._lock = file, Lock()
        with explained(source, "read"):
            self.size = file.seek(0, os.SEEK_END)
        number, length = self._begin()
        self._layout = LAYOUTS[number]
        self.head, self._seal = self._header(length)
        self._starts, self.identity = self._end(START.size + length + CRC.size)

    def __enter__(self) -> Container:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[bytes]:
        return map(self.chunk, range(len(self)))

    @property
    def sizes(self) -> list[int]:
        """Bytes of the payload of each chunk."""
        return (np.diff(self._starts) - self._layout.framing).tolist()

    def close(self) -> None:
        """Close the file; `head` and the other attributes stay."""
        self._file.close()

    def chunk(self, i: int) -> bytes:
        """Return the payload of chunk `i`, counted from 0; nothing else is read.

        Raises
        ------
        ParameterError
            If there is no such chunk.
        FileError
            If it is damaged, or the file is closed or cannot be read.
        """
        demand("i", "Container.chunk", i, Whole(0, len(self) - 1))
        start, end = self._starts[i : i + 2].tolist()
        framing = self._layout.framing
        frame, payload = self._read(start, framing), self._read(start + framing, end - start - framing)
        if frame != self._layout.frame(self._seal, i, payload):
            raise FileError(f"Chunk {i} of {self.source} is damaged: its CRC32 is not the noted one; copy it again.")
        return payload

    def verify(self) -> None:
        """Read every byte, in little memory but for one chunk, and raise unless the checksums of all are right.

        Raises
        ------
        FileError
            If a chunk, or anything, is damaged.
        """
        for _ in self:  # first, since it tells which
            pass
        digest = hashlib.sha256()
        for start in range(0, self.size - SEALED, _BLOCK):
            digest.update(self._read(start, min(_BLOCK, self.size - SEALED - start)))
        if digest.hexdigest() != self.identity:
            raise FileError(f"{self.source} is damaged: its SHA-256 is not the noted one; copy it again.")

    def _begin(self) -> tuple[int, int]:
        """Check magic and format number; return this, and the size of the deflated header."""
        begin = self._read(0, min(START.size, self.size))
        if begin[: len(MAGIC)] != MAGIC:
            changed = b"DBL" in begin
            why = "was changed, perhaps by a transfer as text" if changed else "does not begin like one"
            raise FileError(f"{self.source} is no .dbl file: it {why}; give a file that diabolo wrote.")
        if self.size < FIXED:
            raise FileError(f"{self.source} is cut: {self.size} bytes are no whole .dbl file; copy it again.")
        _, number, length = START.unpack(begin)
        if number > FORMAT:
            raise FileError(f"{self.source} has format {number}, this diabolo reads up to {FORMAT}; upgrade diabolo.")
        if number < 1 or length > self.size - FIXED:
            raise FileError(f"{self.source} is cut, or its first bytes are damaged; copy it again.")
        return number, length

    def _header(self, length: int) -> tuple[dict[str, Any], int]:
        """Return the header, and the CRC32 of all bytes up to its end."""
        data = self._read(0, START.size + length)
        seal = zlib.crc32(data)
        if self._read(START.size + length, CRC.size) != CRC.pack(seal):
            raise FileError(f"The header of {self.source} is damaged: its CRC32 is not the noted one; copy it again.")
        try:
            return inflated(data[START.size :], self._layout), seal
        except (ValueError, RecursionError, zlib.error) as error:
            raise FileError(
                f"The header of {self.source} is not what diabolo writes ({error}); give a file that diabolo wrote."
            ) from error

    def _end(self, before: int) -> tuple[NDArray[np.int64], str]:
        """Return where each chunk begins, and where the last ends, and the SHA-256.

        The chunks fill the bytes from `before` to the index, so none can overlap another or be passed over.
        """
        end = self._read(self.size - END.size, END.size)
        count, sha, crc = END.unpack(end)
        room = self.size - END.size - before
        wide, framing = np.dtype(SIZE).itemsize * count, self._layout.framing
        if wide + framing * count <= room:
            index = self._read(self.size - END.size - wide, wide)
            sizes = np.frombuffer(index, SIZE)
            whole = int(sizes.sum(dtype=np.uint64)) + wide + framing * count
            if zlib.crc32(index + end[: -CRC.size]) == crc and whole == room:
                return np.cumsum(np.append(np.int64(before), sizes.astype(np.int64) + framing)), sha.hex()
        raise FileError(f"{self.source} is cut, longer than it was, or damaged at its end; copy it again.")

    def _read(self, start: int, size: int) -> bytes:
        with explained(self.source, "read"), self._lock:
            self._file.seek(start)
            data = self._file.read(size)
        if len(data) != size:
            raise FileError(f"{self.source} became shorter while it was read; copy it again.")
        return data

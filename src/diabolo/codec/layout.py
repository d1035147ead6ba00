"""The bytes of a .dbl file: what lies where, and the header as bytes; docs/guide/file-format.md says the same in words.

    start     magic, format number, size of the header
    header    one JSON object, deflated after a dictionary; then the CRC32 of all bytes so far
    chunks    each: CRC32, payload
    index     size of each chunk
    end       number of chunks, SHA-256 of all bytes before it, CRC32 of index and end

Format 1 has no dictionary, and the size of each payload before its CRC32 too.
All numbers are little-endian and unsigned. Whatever a file says, no more is read or made of it than its own length, and
`MOST` bytes of header, allow.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Any

from diabolo.codec import words

MAGIC = b"\x89DBL\r\n\x1a\n"
"""What a file begins with: as in PNG, a transfer that drops bit 7, or changes ends of lines, shows at once."""

FORMAT = 2
"""The format number this version writes; it reads every number up to it."""

START = Struct("<8sHI")
"""Magic, format number, bytes of the deflated header."""

CRC = Struct("<I")
"""One CRC32, as of zlib."""

PLACE = Struct("<II")
"""What the CRC32 of a payload begins with: the CRC32 of the header, and the number of the chunk."""

END = Struct("<I32sI")
"""Number of chunks, SHA-256, CRC32."""

SEALED = 36
"""Bytes of SHA-256 and CRC32 that end a file: those that the SHA-256 is not about."""

SIZE = "<u4"
"""One size in the index, as numpy names it."""

FIXED = START.size + CRC.size + END.size
"""Bytes of a file without chunks, but for its header."""

MOST = 2**22
"""The largest header, in bytes of JSON."""

DEPTH = 64
"""How deep the values of the header may nest."""


@dataclass(frozen=True)
class Layout:
    """What a format has of its own.

    Parameters
    ----------
    words : bytes
        What the header is deflated after.
    sized : bool
        Whether the size of a payload stands before its CRC32; the index has it too.
    """

    words: bytes
    sized: bool

    @property
    def framing(self) -> int:
        """Bytes before a payload."""
        return CRC.size * (1 + self.sized)

    def frame(self, seal: int, i: int, payload: bytes) -> bytes:
        """Return what stands before a payload."""
        return CRC.pack(len(payload)) * self.sized + CRC.pack(checksum(seal, i, payload))


LAYOUTS = {1: Layout(b"", True), 2: Layout(words.WORDS, False)}
"""All formats, by their number."""


def deflated(head: Mapping[str, Any]) -> bytes:
    """Return a header as bytes, as the present format has it.

    Raises
    ------
    TypeError, ValueError, RecursionError
        If it is no JSON object of finite numbers with strings as keys, or too large or too deep.

    Examples
    --------
    >>> inflated(deflated({"shape": [2, 3]}))
    {'shape': [2, 3]}
    """
    return words.deflated(_text(dict(head)))


def inflated(data: bytes, layout: Layout = LAYOUTS[FORMAT]) -> dict[str, Any]:
    """Return the header in some bytes.

    Raises
    ------
    ValueError, RecursionError, zlib.error
        If they are no header that `deflated` could have been asked for.
    """
    text, beyond = words.inflated(data, MOST, layout.words)
    if beyond:
        raise ValueError("bytes too many")
    head = json.loads(text.decode(), object_pairs_hook=_distinct)
    if not isinstance(head, dict):
        raise ValueError("no object")
    _text(head)  # what could not have been written is not believed: infinite numbers, half characters, great depth
    return head


def checksum(seal: int, i: int, payload: bytes) -> int:
    """Return the CRC32 of a payload, begun with that of the header and with its number among the chunks.

    So a right chunk in a wrong place, or in another file, is as wrong as a damaged one.
    """
    return zlib.crc32(payload, zlib.crc32(PLACE.pack(seal, i)))


def _text(head: dict[str, Any]) -> bytes:
    text = json.dumps(head, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if len(text) > MOST:
        raise ValueError(f"more than {MOST} bytes")
    level: list[Any] = [head]
    for _ in range(DEPTH):
        level = [child for item in level for child in _children(item)]
    if level:
        raise ValueError(f"more than {DEPTH} levels")
    return text


def _children(item: object) -> list[Any]:
    if isinstance(item, dict):
        if not all(isinstance(key, str) for key in item):  # json would make strings of them, and not tell
            raise TypeError("a key is no string")
        return list(item.values())
    return list(item) if isinstance(item, list | tuple) else []


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(keys := dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return keys

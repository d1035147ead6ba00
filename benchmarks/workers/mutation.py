"""Files that were damaged, and files that were forged: what a reader has to stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Draw = np.random.Generator


def mutated(data: bytes, draw: Draw) -> bytes:
    """Return a damaged copy that is not the same; `data` has at least a few bytes."""
    while True:
        made = data
        for _ in range(int(draw.choice((1, 1, 1, 2, 5)))):
            made = DAMAGES[int(draw.integers(len(DAMAGES)))](made, draw) or b"\0"
        if made != data:
            return made


def _span(data: bytes, draw: Draw) -> tuple[int, int]:
    """Return where a random span begins and ends, short ones as likely as long ones."""
    size = min(len(data), int(2 ** draw.uniform(0, np.log2(len(data) + 1))))
    start = int(draw.integers(len(data) - size + 1))
    return start, start + size


def _flip(data: bytes, draw: Draw) -> bytes:
    made = bytearray(data)
    made[draw.integers(len(made))] ^= 1 << int(draw.integers(8))
    return bytes(made)


def _byte(data: bytes, draw: Draw) -> bytes:
    made = bytearray(data)
    made[draw.integers(len(made))] = int(draw.integers(256))
    return bytes(made)


def _end(data: bytes, draw: Draw) -> bytes:
    return data[: int(draw.integers(len(data)))]


def _missing(data: bytes, draw: Draw) -> bytes:
    start, end = _span(data, draw)
    return data[:start] + data[end:]


def _more(data: bytes, draw: Draw) -> bytes:
    start, _ = _span(data, draw)
    return data[:start] + draw.bytes(int(draw.integers(1, 40))) + data[start:]


def _twice(data: bytes, draw: Draw) -> bytes:
    start, end = _span(data, draw)
    return data[:end] + data[start:]


def _zeros(data: bytes, draw: Draw) -> bytes:
    start, end = _span(data, draw)
    return data[:start] + bytes(end - start) + data[end:]


def _huge(data: bytes, draw: Draw) -> bytes:
    start = int(draw.integers(max(1, len(data) - 7)))
    number = (b"\xff" * 8, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80")[int(draw.integers(4))]
    return data[:start] + number + data[start + len(number) :]


def _swapped(data: bytes, draw: Draw) -> bytes:
    a, b, c = sorted(int(at) for at in draw.integers(0, len(data) + 1, 3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


DAMAGES: tuple[Callable[[bytes, Draw], bytes], ...] = (
    _flip,
    _byte,
    _end,
    _missing,
    _more,
    _twice,
    _zeros,
    _huge,
    _swapped,
)
ODD: tuple[Any, ...] = (0, 1, -1, 2**31, 2**53, 2**80, 0.5, -1e300, 1e-300, "", "x", "../x", None, True, [], {}, [[]])
"""What a forger may write in place of a value."""


def forged(head: dict[str, Any], chunks: list[bytes], draw: Draw) -> tuple[dict[str, Any], list[bytes]]:
    """Return header and chunks of which something is another: a value, a payload, or how many chunks there are."""
    kind = int(draw.integers(4)) if chunks else 0
    if kind <= 1:
        return _with_odd(head, draw), chunks
    chunks = list(chunks)
    at = int(draw.integers(len(chunks)))
    if kind == 2 and chunks[at]:
        chunks[at] = mutated(chunks[at], draw)
    elif draw.integers(2):
        chunks.insert(int(draw.integers(len(chunks) + 1)), chunks[at])
    else:
        del chunks[at]
    return head, chunks


def _with_odd(value: Any, draw: Draw) -> Any:
    """Return a JSON value with one value in it replaced, or left out of its object or list."""
    if isinstance(value, dict) and value:
        key = list(value)[int(draw.integers(len(value)))]
        if draw.integers(10) == 0:
            return {name: each for name, each in value.items() if name != key}
        return value | {key: _with_odd(value[key], draw)}
    if isinstance(value, list) and value and draw.integers(4):
        at = int(draw.integers(len(value)))
        return [*value[:at], _with_odd(value[at], draw), *value[at + 1 :]]
    return {} if isinstance(value, dict) else ODD[int(draw.integers(len(ODD)))]

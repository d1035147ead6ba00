"""`Compressor` as a reader: under other circumstances than those of the writer, and of damaged or forged files."""

from __future__ import annotations

import faulthandler
import hashlib
import json
import resource
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from benchmarks.workers.mutation import forged, mutated
from benchmarks.workers.protocol import Settings, Task, serve
from diabolo import decompress, load
from diabolo.codec import Container, pack
from diabolo.errors import DiaboloError
from diabolo.estimators.compression.opening import opened

ROOM = 2**33
"""Bytes of addresses that a reader may take: more fails at once, and does not burden the machine."""
LAID_OUT = ("conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d")


def digest(X: Any) -> str:
    """Return the SHA-256 of types, shapes and values: of an array, a data frame, or a list of them."""
    sha = hashlib.sha256()
    for piece in _pieces(X):
        sha.update(piece)
    return sha.hexdigest()


def _pieces(X: Any) -> Iterable[bytes]:
    if isinstance(X, pd.DataFrame):
        for name, column in X.items():
            yield repr((name, str(column.dtype))).encode()
            yield from _pieces(column.to_numpy())
    elif isinstance(X, list | tuple):
        yield repr(len(X)).encode()
        for each in X:
            yield from _pieces(each)
    else:
        X = np.asarray(X)
        yield repr((X.dtype.str, X.shape)).encode()
        yield repr(X.tolist()).encode() if X.dtype == object else X.tobytes()


def channels_last() -> None:
    """Make every convolution of images get its input and its weights with channels last in memory."""

    def laid_out(convolve: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def call(x: torch.Tensor, weight: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
            return convolve(_last(x), _last(weight), *rest, **named)

        return call

    for name in LAID_OUT:
        setattr(functional, name, laid_out(getattr(functional, name)))


def _last(x: torch.Tensor) -> torch.Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def reader(model: str) -> Callable[[bytes], Any]:
    """Return what decodes files: the compressor that was saved, or nothing but what the file says."""
    return load(Path(model)).decompress if model else decompress


def any_order(data: bytes, model: str) -> bool:
    """Return whether the chunks of a file decode to the same from the last to the first as from the first to the last.

    Raises
    ------
    ValueError
        If there is one only, so that nothing is tested.
    """
    with opened(data, load(Path(model)).packing_ if model else None) as file:
        if len(file) < 2:
            raise ValueError(f"a file must have several chunks to test their order; got {len(file)}.")
        backwards = [digest(file.part(i)) for i in reversed(range(len(file)))]
        return backwards[::-1] == [digest(file.part(i)) for i in range(len(file))]


def decode(settings: Settings) -> Task:
    """Decode files, in the order given, one after the other or two at once: the SHA-256 of each.

    With "chunks", the chunks of each are decoded alone before, last one first, and have to be what they are in order.
    """
    torch.backends.mkldnn.enabled = settings.get("onednn", True)
    if settings.get("channels_last"):
        channels_last()
    if settings.get("deterministic"):
        torch.use_deterministic_algorithms(True)

    def block(asked: Settings) -> Settings:
        known, data = reader(asked["model"]), [Path(path).read_bytes() for path in asked["files"]]
        if settings.get("chunks") and not all(any_order(file, asked["model"]) for file in data):
            return {"sha": ["the chunks depend on their order"] * len(data)}
        if settings.get("at_once"):
            with ThreadPoolExecutor(2) as pool:
                return {"sha": list(pool.map(lambda file: digest(known(file)), data))}
        return {"sha": [digest(known(file)) for file in data]}

    return Task(block)


def mutants(settings: Settings) -> Task:
    """Decode damaged or forged copies of files, counting what comes of it; the process ends if one takes too long.

    Which copy is at work and what came of those before stands in the file ``asked["log"]``, for who finds the process
    ended.
    """
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))

    def block(asked: Settings) -> Settings:
        known, data = reader(asked["model"]), [Path(path).read_bytes() for path in asked["files"]]
        right = [digest(known(file)) for file in data]
        counts: Counter[str] = Counter()
        seen: dict[str, str] = {}
        for i in range(asked["first"], asked["count"]):
            Path(asked["log"]).write_text(json.dumps({"at": i, "counts": counts, "seen": seen}), "utf-8")
            faulthandler.dump_traceback_later(asked["limit"], exit=True)
            which, draw = i % len(data), np.random.default_rng([asked["seed"], i])
            file = _copy(data[which], draw, asked["forged"])
            outcome, told = outcome_of(known, file, right[which])
            faulthandler.cancel_dump_traceback_later()
            counts[outcome] += 1
            if told:
                seen.setdefault(told, f"copy {i}")
        return {"counts": counts, "seen": seen}

    return Task(block)


def outcome_of(decompress: Callable[[bytes], Any], file: bytes, right: str) -> tuple[str, str]:
    """Return what comes of a file: "error", "same", "other" or "crash", and of a crash what it was."""
    try:
        return ("same" if digest(decompress(file)) == right else "other"), ""
    except DiaboloError:
        return "error", ""
    except Exception as error:  # whatever it is, the user was not told what is wrong with the file
        return "crash", f"{type(error).__name__}: {error}"[:200]


def _copy(data: bytes, draw: np.random.Generator, forge: bool) -> bytes:
    if not forge:
        return mutated(data, draw)
    with Container.open(data) as file:
        return pack(*forged(file.head, list(file), draw))


if __name__ == "__main__":
    serve({"decode": decode, "mutants": mutants})

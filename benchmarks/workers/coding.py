"""What every worker that compresses does: encode and decode, time both, and look at what comes back."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any, TypeVar

import numpy as np

from benchmarks.workers.protocol import Settings

T = TypeVar("T")

LEAST = 0.2
"""Seconds that a timed call is repeated for, at least."""


def timed(work: Callable[[], T], least: float = LEAST) -> tuple[T, float]:
    """Return what a call gives, and its seconds of the processor, those of all its threads."""
    times, started = 0, process_time()
    while True:
        made, times, seconds = work(), times + 1, process_time() - started
        if seconds >= least:
            return made, seconds / times


def trial(
    encode: Callable[[], bytes], decode: Callable[[bytes], Any], check: Callable[[Any], Settings], least: float = LEAST
) -> Settings:
    """Return bytes, seconds each way, and what `check` says of what comes back."""
    data, there = timed(encode, least)
    back, again = timed(lambda: decode(data), least)
    return {"bytes": len(data), "encode": there, "decode": again} | check(back)


def worst(X: np.ndarray, back: Any) -> Settings:
    """Return the largest absolute error of a cell, taken in float64.

    Raises
    ------
    ValueError
        If something else than an array of this shape and type came back.
    """
    return {"worst": float(np.abs(X.astype(np.float64) - _of_its_kind(X, back).astype(np.float64)).max())}


def same(X: np.ndarray, back: Any) -> Settings:
    """Return nothing if an array came back as it was.

    Raises
    ------
    ValueError
        If it did not.
    """
    wrong = int((_of_its_kind(X, back) != X).sum())
    if wrong:
        raise ValueError(f"{wrong} of {X.size} numbers come back as others.")
    return {}


def _of_its_kind(X: np.ndarray, back: Any) -> np.ndarray:
    back = np.asarray(back)
    if back.shape != X.shape or back.dtype != X.dtype:
        raise ValueError(f"{X.dtype} {X.shape} comes back as {back.dtype} {back.shape}.")
    return back


def told(block: Callable[[Settings], Settings]) -> Callable[[Settings], Settings]:
    """Return a block that says how it failed instead of ending the worker."""

    def careful(asked: Settings) -> Settings:
        try:
            return block(asked)
        except Exception as error:
            return {"failed": f"{type(error).__name__}: {error}"}

    return careful

"""Categories: the texts of a column that are told apart, and whether it looks like something else than categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import isfinite

import numpy as np

from diabolo.check import listed
from diabolo.errors import DataError, warn

MOST = 64
"""Categories that are kept."""

_FEW = 0.1
"""Share of distinct texts below which those that are no numbers are likely to stand for missing ones."""


def frequent(name: str, texts: np.ndarray) -> tuple[str, ...]:
    """Return the most frequent of the texts (N,) of a column, the most frequent first, then by name.

    Raises
    ------
    DataError
        If there are as many as of an identifier.

    Warns
    -----
    DiaboloWarning
        If they are numbers but for a few, or most of the rows have a rare one.

    Examples
    --------
    >>> frequent("city", np.array(["Rome", "Bern", "Rome", "Oslo"], dtype=object))
    ('Rome', 'Bern', 'Oslo')
    """
    counts = Counter(map(str, texts))
    others = _others(counts)
    if len(counts) > MOST and 2 * len(counts) > len(texts):
        raise _refused(name, counts, others, len(texts))
    ranked = _ranked(counts)[:MOST]
    covered = sum(counts[text] for text in ranked) / max(1, len(texts))  # share of the rows
    if others:
        warn(_numeric(name, counts, others))
    elif len(counts) > MOST and covered < 0.5:
        warn(_rare(name, counts, covered))
    return tuple(ranked)


def _refused(name: str, counts: Mapping[str, int], others: list[str], rows: int) -> DataError:
    found = f"Column {name!r} must hold categories; got {len(counts)} distinct texts in {rows} rows,"
    if others:
        return DataError(f"{found} all of them numbers but {listed(others)}: {_remedy(name)}.")
    return DataError(
        f"{found} like an identifier: drop it, pass codes of what it means, or convert it if it is numbers or dates as "
        "text."
    )


def _numeric(name: str, counts: Mapping[str, int], others: list[str]) -> str:
    return (
        f"Column {name!r} is taken for text: its {len(counts)} distinct values are all numbers but {listed(others)}. "
        f"If it is to hold numbers, {_remedy(name)}."
    )


def _remedy(name: str) -> str:
    return f"replace what is none by NaN, as pandas.to_numeric(X[{name!r}], errors='coerce') does"


def _rare(name: str, counts: Mapping[str, int], covered: float) -> str:
    return (
        f"Column {name!r} holds {len(counts)} distinct texts, of which the {MOST} most frequent, which are told apart, "
        f"are in {100 * covered:.0f} % of the rows: it looks like an identifier or free text. Leave it out, or pass "
        "codes of what it means."
    )


def _others(counts: Mapping[str, int]) -> list[str]:
    """Return the texts that are no numbers, the most frequent first, where more than nine in ten are."""
    others = {text: count for text, count in counts.items() if not _is_number(text)}
    return _ranked(others) if len(others) < _FEW * len(counts) else []


def _ranked(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda text: (-counts[text], text))


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False

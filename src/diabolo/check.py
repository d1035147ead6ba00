"""What a parameter may be, as data: tested, printed in errors, read by the command line and the docs.

An *allowed* answers ``value in allowed`` and prints as the noun phrase of an error sentence.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol

from diabolo.errors import ParameterError


class Allowed(Protocol):
    """What a parameter may be."""

    def __contains__(self, value: object) -> bool: ...


@dataclass(frozen=True)
class Number:
    """A finite real number between `low` and `high`, ends included unless `open_low`, `open_high`.

    Examples
    --------
    >>> 0.5 in Number(0, 1), 2 in Number(0, 1), True in Number(0, 1)
    (True, False, False)
    >>> print(Number(0, open_low=True))
    a number > 0
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool) or not _finite(value):
            return False
        number = float(value)
        above = self.low < number if self.open_low else self.low <= number
        below = number < self.high if self.open_high else number <= self.high
        return above and below

    def __str__(self) -> str:
        return f"a number{_bounds(self.low, self.high, self.open_low, self.open_high)}"


@dataclass(frozen=True)
class Whole:
    """An integer between `low` and `high`, both included.

    Examples
    --------
    >>> 3 in Whole(1, 9), 3.0 in Whole(1, 9)
    (True, False)
    >>> print(Whole(1, 9))
    an integer in [1, 9]
    """

    low: int
    high: int = 2**31

    def __contains__(self, value: object) -> bool:
        return isinstance(value, Integral) and not isinstance(value, bool) and self.low <= int(value) <= self.high

    def __str__(self) -> str:
        return f"an integer{_bounds(self.low, math.inf if self.high == 2**31 else self.high, False, False)}"


@dataclass(frozen=True)
class OneOf:
    """One of a few strings.

    Examples
    --------
    >>> print(OneOf("relu", "silu"))
    'relu' or 'silu'
    """

    values: tuple[str, ...]

    def __init__(self, *values: str) -> None:
        object.__setattr__(self, "values", values)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and value in self.values

    def __str__(self) -> str:
        return " or ".join(repr(value) for value in self.values)


@dataclass(frozen=True)
class Flag:
    """True or False."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "True or False"


@dataclass(frozen=True)
class Maybe:
    """None, with its `meaning`, or what `allowed` allows.

    Examples
    --------
    >>> print(Maybe(Whole(1), "chosen from the data"))
    an integer >= 1 or None (chosen from the data)
    """

    allowed: Allowed
    meaning: str

    def __contains__(self, value: object) -> bool:
        return value is None or value in self.allowed

    def __str__(self) -> str:
        return f"{self.allowed} or None ({self.meaning})"


@dataclass(frozen=True)
class Many:
    """A tuple of at most `most` values, each as `allowed` allows.

    Examples
    --------
    >>> (64, 32) in Many(Whole(1), 8), [64, 32] in Many(Whole(1), 8)
    (True, False)
    """

    allowed: Allowed
    most: int = 64

    def __contains__(self, value: object) -> bool:
        return isinstance(value, tuple) and len(value) <= self.most and all(v in self.allowed for v in value)

    def __str__(self) -> str:
        return f"a tuple of at most {self.most}, each {self.allowed}"


def demand(name: str, owner: str, value: object, allowed: Allowed) -> None:
    """Raise unless `value` is allowed.

    Raises
    ------
    ParameterError
        With one sentence: parameter, owner, what is allowed, what was given.

    Examples
    --------
    >>> demand("beta", "Gaussian", -1, Number(0))
    Traceback (most recent call last):
    ...
    diabolo.errors.ParameterError: Parameter 'beta' of Gaussian must be a number >= 0; got -1.
    """
    if value not in allowed:
        raise ParameterError(f"Parameter {name!r} of {owner} must be {allowed}; got {shorten(value)}.")


def shorten(value: Any, most: int = 80) -> str:
    """Print `value` in at most `most` characters, for use inside an error sentence."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def listed(names: Sequence[object]) -> str:
    """Print the first three of some names, for use inside an error sentence.

    Examples
    --------
    >>> print(listed(["a", "b"]), listed(list("abcde")), listed([]), sep="; ")
    'a', 'b'; 'a', 'b', 'c' and 2 more; none
    """
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (", ".join(map(repr, names[:3])) + more) or "none"


def several(facts: Sequence[str]) -> str:
    """Print the first three of some facts, for use inside a sentence.

    Examples
    --------
    >>> print(several(["a is 1", "b is 2"]), several(list("abcde")), sep=" / ")
    a is 1; b is 2 / a; b; c (and 2 more)
    """
    more = f" (and {len(facts) - 3} more)" if len(facts) > 3 else ""
    return "; ".join(facts[:3]) + more


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Say that a name is unknown, which are known, and which one was probably meant.

    Examples
    --------
    >>> print(unknown("part", "Gausian", ["Gaussian", "TopK"]))
    unknown part 'Gausian'; known: Gaussian, TopK. Did you mean 'Gaussian'?
    """
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"unknown {kind} {shorten(name)}; known: {', '.join(names) or 'none'}.{hint}"


def _finite(value: Real) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:  # an integer of hundreds of digits
        return False


def _bounds(low: float, high: float, open_low: bool, open_high: bool) -> str:
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high):
        return f" {'>' if open_low else '>='} {low}"
    if math.isinf(low):
        return f" {'<' if open_high else '<='} {high}"
    return f" in {'(' if open_low else '['}{low}, {high}{')' if open_high else ']'}"

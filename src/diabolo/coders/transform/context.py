"""What guesses each number of an image's code from those told before it, in whole numbers: the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from diabolo.codec.exact import Whole, demand_exact, shifted
from diabolo.coders.transform.context_net import ContextNet, Guess
from diabolo.coders.transform.interlaced import LATE, NEAREST, REACHES, groups, levels
from diabolo.coders.transform.scales import FARTHEST, LOWEST, PARTS, SCALES
from diabolo.coders.transform.seen import FURTHEST, SEEN, Seen, product
from diabolo.coders.transform.striped import one_thread
from diabolo.errors import FileError

Integers = NDArray[np.int64]
Exchange = Callable[[Any, Integers, Integers], Integers]
"""One end of a coded stream: numbers (S,) of the code at an index, with middles and scales (S,), go in or come out."""

_FINE = 12  # bits after the point of weights
_TOP = 2.0**24  # hidden units are cut there
_FAR = 2.0**40  # and what is said, so that it fits whole numbers
_AT_ONCE = 2**13  # places

ARRAYS = ("around", "before", "bias", "slope", "middle", "middle_bias", "last", "last_bias")
"""The arrays of a guess."""


@dataclass(frozen=True, eq=False)
class Context:
    """A `ContextNet` in whole numbers: its guesses one after the other, each for many numbers at once.

    Parameters
    ----------
    sizes : tuple of int
        Channels in each group.
    start : ndarray of int64 (2, sizes[0])
        Middle and scale of each of the first channels at the coarsest places.
    guesses : tuple of dict
        The `ARRAYS` of each guess: weights (outputs, inputs) in units of 2⁻¹², inputs of three by three places the
        place first; biases in units of 2⁻²⁰, and how they change with each octave.
    """

    sizes: tuple[int, ...]
    start: Integers
    guesses: tuple[dict[str, Integers], ...]

    @staticmethod
    def of(net: ContextNet, slopes: dict[str, Tensor]) -> Context:
        """Return a trained net in whole numbers; `slopes` are what its biases change by for each octave."""
        start = net.start.detach().double().numpy()
        at = np.stack([np.rint(start[0] * PARTS), np.rint((start[1] - LOWEST) * 8)]).astype(np.int64)
        guesses = [_rounded(guess, slopes.get(f"guesses.{i}.bias")) for i, guess in enumerate(net.guesses)]  # pyright: ignore[reportArgumentType]
        return Context(net.sizes, at, tuple(guesses))

    @staticmethod
    def from_arrays(channels: int, hidden: int, arrays: dict[str, Integers]) -> Context:
        """Return the context that `arrays` described, of a code with so many channels.

        Raises
        ------
        FileError
            If it is none.
        """
        sizes = groups(channels)
        shapes = _shapes(sizes, hidden)
        found = {name: array.shape for name, array in arrays.items()}
        whole = all(np.issubdtype(array.dtype, np.integer) for array in arrays.values())
        if found != shapes or not whole or any(np.abs(a).max(initial=0) >= 2**31 for a in arrays.values()):
            raise FileError("The file describes no context of a code; it was edited or is foreign.")
        count = len(REACHES) + len(sizes) - 1
        guesses = [
            {n: arrays[f"{i}.{n}"].astype(np.int64) for n in ARRAYS if f"{i}.{n}" in found} for i in range(count)
        ]
        for guess in guesses:
            _demand_exact(guess)
        return Context(sizes, arrays["start"].astype(np.int64), tuple(guesses))

    def arrays(self) -> dict[str, Integers]:
        """Return it as arrays of whole numbers."""
        found = {f"{i}.{name}": array for i, guess in enumerate(self.guesses) for name, array in guess.items()}
        return {"start": self.start, **found}

    def walk(self, size: tuple[int, ...], octaves: int, exchange: Exchange) -> Integers:
        """Return the code (n, h, w) that went through an exchange, or came out of one, step by step.

        `octaves` is how many eighths of an octave the step is above the middle one.
        """
        q = np.zeros((sum(self.sizes), *size), np.int64)
        seen, earlier = Seen(q.shape), None
        for step in self._steps(levels(size).ravel()):
            with one_thread():
                if step.guess is not None and not step.near:  # for both halves of the places
                    earlier = seen.weighed(step.guess["before"], step.first)
                middle, scale = self._said(step, seen, earlier, octaves)
            index = (slice(step.first, step.last), *np.unravel_index(step.places, size))
            q[index] = exchange(index, middle.ravel(), scale.ravel()).reshape(middle.shape)
            seen.add(step.first, step.places, q[index])
        return q

    def _steps(self, level: Integers) -> Iterator[_Step]:
        """Yield the steps in their order, for places of these levels (P,)."""
        at = [np.flatnonzero(level == i) for i in range(LATE + 1)]
        yield _Step(None, 0, self.sizes[0], (), 0, at[0])
        for guess, near, reach, places in zip(self.guesses, NEAREST, REACHES, at[1:], strict=False):
            yield _Step(guess, 0, self.sizes[0], near, reach, places)
        early = np.flatnonzero(level < LATE)
        for guess, (first, last) in zip(self.guesses[len(REACHES) :], pairwise(accumulate(self.sizes)), strict=True):
            yield _Step(guess, first, last, (), 0, early)
            yield _Step(guess, first, last, NEAREST[-1], 1, at[LATE])

    def _said(self, step: _Step, seen: Seen, earlier: Whole | None, octaves: int) -> tuple[Integers, Integers]:
        """Return middles and scales (own, P) of a step; `earlier` (hidden, h · w) is of channels before."""
        if step.guess is None:
            said = np.repeat(self.start[:, :, None], len(step.places), 2)
        else:
            parts = np.array_split(step.places, len(step.places) // _AT_ONCE + 1)
            said = np.concatenate([_guessed(step.guess, step, seen, earlier, part, octaves) for part in parts], 2)
        return said[0].clip(-PARTS * FARTHEST, PARTS * FARTHEST), said[1].clip(0, SCALES - 1)


class _Step(NamedTuple):
    """Many numbers that are told at once: those of channels from `first` to before `last`, at some places."""

    guess: dict[str, Integers] | None
    first: int
    last: int
    near: tuple[int, ...]  # which places around have told theirs of these channels
    reach: int
    places: Integers


def _guessed(
    guess: dict[str, Integers], step: _Step, seen: Seen, earlier: Whole | None, places: Integers, octaves: int
) -> Integers:
    """Return middles and scales (2, own, P) at places (P,)."""
    h = (8.0 * guess["bias"] + octaves * guess["slope"])[:, None].repeat(len(places), 1)
    if earlier is not None:
        h += 8.0 * earlier.take(places, 1)
    if step.near:
        h += 8.0 * seen.around(guess["around"], step.first, step.last, step.near, step.reach, places)
    h = _active(h, _FINE + 3)
    h = _active(product(_real(guess["middle"]), h) + guess["middle_bias"][:, None], _FINE)
    out = product(_real(guess["last"]), h) + guess["last_bias"][:, None]
    middle, log_scale = out.reshape(2, step.last - step.first, -1)
    unit = _FINE + SEEN
    middle = shifted(middle + 2.0 ** (unit - 5), unit - 4)  # nearest part of 1/16
    scale = shifted(log_scale + (2.0 ** (unit - 4) - LOWEST * 2.0**unit), unit - 3)  # nearest eighth
    return np.stack([middle, scale]).clip(-_FAR, _FAR).astype(np.int64)


def _active(sums: NDArray[Any], bits: int) -> Whole:
    """Return hidden units of sums with so many bits more: none below 0, nor above what stays exact."""
    return np.minimum(shifted(np.maximum(sums, 0), bits), _TOP)


def _real(weights: Integers) -> Whole:
    return weights.astype(np.float64)


def _rounded(guess: Guess, slope: Tensor | None) -> dict[str, Integers]:
    def whole(values: Tensor, bits: int) -> Integers:
        return np.rint(values.detach().cpu().double().numpy() * 2.0**bits).astype(np.int64)

    def by_place(conv: nn.Module) -> Integers:
        return whole(conv.get_parameter("weight").permute(0, 2, 3, 1).flatten(1), _FINE)

    found = {"around": by_place(guess.around), "bias": whole(guess.bias, _FINE + SEEN)}
    if guess.before is not None:
        found["before"] = by_place(guess.before)
    found["slope"] = whole(slope, _FINE + SEEN) if slope is not None else np.zeros_like(found["bias"])
    for name, conv in (("middle", guess.middle), ("last", guess.last)):
        found[name] = whole(conv.get_parameter("weight").flatten(1), _FINE)
        found[f"{name}_bias"] = whole(conv.get_parameter("bias"), _FINE + SEEN)
    return found


def _shapes(sizes: tuple[int, ...], hidden: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array."""
    shapes: dict[str, tuple[int, ...]] = {"start": (2, sizes[0])}
    each = [(0, sizes[0])] * len(REACHES) + list(zip(accumulate(sizes), sizes[1:], strict=False))
    for i, (before, own) in enumerate(each):
        wide = {"around": (hidden, 18 * own), "middle": (hidden, hidden), "last": (2 * own, hidden)}
        long = {"bias": (hidden,), "slope": (hidden,), "middle_bias": (hidden,), "last_bias": (2 * own,)}
        extra = {"before": (hidden, 18 * before)} if before else {}
        shapes |= {f"{i}.{name}": shape for name, shape in (wide | long | extra).items()}
    return shapes


def _demand_exact(guess: dict[str, Integers]) -> None:
    """Raise unless all sums of a guess stay exact."""
    seen = 2 ** (SEEN - 2) * FURTHEST  # the largest number times 64
    sums = [guess["around"], *([guess["before"]] if "before" in guess else [])]
    demand_exact(8 * np.concatenate(sums, 1).T, seen, 2.0**40)
    demand_exact(guess["middle"].T, int(_TOP), 2.0**32)
    demand_exact(guess["last"].T, int(_TOP), 2.0**32)

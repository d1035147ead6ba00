"""Markov chains of first order over steps of categories (T, V): what a model of music has to beat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np

WEIGHTS = (0.1, 1.0, 10.0, 100.0)
"""Of the smoothing, that are tried: how many times a category was seen before anything was."""

_UNSEEN = 0.03
"""Share of whole steps that are left to those never seen."""


class Chain(Protocol):
    """A chain that was fitted."""

    def nats(self, windows: np.ndarray) -> np.ndarray:
        """Return -log p of windows (N, T, V), (N,)."""
        ...

    def sample(self, count: int, length: int, draw: np.random.Generator) -> np.ndarray:
        """Return new windows (count, length, V)."""
        ...


def chosen(fit: Callable[[float], Chain], windows: np.ndarray) -> Chain:
    """Return the chain of the weight under which windows are most probable."""
    return min(map(fit, WEIGHTS), key=lambda chain: chain.nats(windows).mean())


class Voices:
    """Each voice a chain of its own, smoothed by the shares of its categories.

    Examples
    --------
    >>> chain = Voices([np.array([[0], [1], [0], [1]])], 2, 1.0)
    >>> chain.nats(np.array([[[0], [1]]])).round(3)  # a half, then (2 + 1/2) / (2 + 1)
    array([0.875])
    """

    def __init__(self, pieces: Sequence[np.ndarray], classes: int, weight: float) -> None:
        voices, each = pieces[0].shape[1], np.arange(pieces[0].shape[1])
        counts, first = np.zeros((voices, classes, classes)), np.full((voices, classes), 1e-3)
        for piece in pieces:
            np.add.at(counts, (each, piece[:-1], piece[1:]), 1)
            np.add.at(first, (each, piece), 1)
        self.first = first / first.sum(1, keepdims=True)  # (V, K)
        counts += weight * self.first[:, None]
        self.after = counts / counts.sum(2, keepdims=True)  # (V, K, K)

    def nats(self, windows: np.ndarray) -> np.ndarray:
        """Return -log p of windows (N, T, V), (N,)."""
        return -(self.of_first(windows[:, 0]) + self.of_next(windows[:, :-1], windows[:, 1:]).sum(1))

    def of_first(self, step: np.ndarray) -> np.ndarray:
        """Return log p of a step (..., V) alone, (...)."""
        return np.log(self.first[np.arange(step.shape[-1]), step]).sum(-1)

    def of_next(self, before: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return log p of a step (..., V) after another, (...)."""
        return np.log(self.after[np.arange(step.shape[-1]), before, step]).sum(-1)

    def sample(self, count: int, length: int, draw: np.random.Generator) -> np.ndarray:
        """Return new windows (count, length, V)."""
        each, found = np.arange(len(self.first)), []
        for t in range(length):
            chances = self.after[each, found[-1]] if t else np.broadcast_to(self.first, (count, *self.first.shape))
            found.append((chances.cumsum(2) < draw.random((count, len(each), 1))).sum(2).clip(max=chances.shape[2] - 1))
        return np.stack(found, 1)


class Steps:
    """A chain of whole steps: it falls back to the shares of steps, and for those never seen to `Voices`.

    Examples
    --------
    >>> chain = Steps([np.array([[0, 0], [1, 1]] * 50)], 2, 1.0)
    >>> float(chain.nats(np.array([[[0, 0], [1, 1], [0, 0]]]))[0]) < 0.8  # both voices at once: log 2, and little more
    True
    """

    def __init__(self, pieces: Sequence[np.ndarray], classes: int, weight: float) -> None:
        self.voices, self.weight = Voices(pieces, classes, 1.0), weight
        self.after: dict[bytes, Counter[bytes]] = defaultdict(Counter)
        self.every: Counter[bytes] = Counter()
        for piece in pieces:
            keys = [_key(step) for step in piece]
            self.every.update(keys)
            for before, key in pairwise(keys):
                self.after[before][key] += 1
        self.total = self.every.total()

    def nats(self, windows: np.ndarray) -> np.ndarray:
        """Return -log p of windows (N, T, V), (N,)."""
        return np.array([self._nats(window) for window in windows])

    def sample(self, count: int, length: int, draw: np.random.Generator) -> np.ndarray:
        """Return new windows (count, length, V), of steps that were seen."""
        known, shares = list(self.every), np.array(list(self.every.values())) / self.total
        return np.stack([self._drawn(length, known, shares, draw) for _ in range(count)])

    def _nats(self, window: np.ndarray) -> float:
        keys = [_key(step) for step in window]
        found = -np.log(self._alone(keys[0], float(self.voices.of_first(window[0]))))
        by_voices = self.voices.of_next(window[:-1], window[1:])
        for before, key, nats in zip(keys[:-1], keys[1:], by_voices.tolist(), strict=True):
            counts = self.after.get(before, Counter())
            share = (counts[key] + self.weight * self._alone(key, nats)) / (counts.total() + self.weight)
            found -= np.log(share)
        return float(found)

    def _alone(self, key: bytes, nats: float) -> float:
        """Return how probable a step is where nothing is known but what `Voices` says of it."""
        return (1 - _UNSEEN) * self.every[key] / self.total + _UNSEEN * float(np.exp(nats))

    def _drawn(self, length: int, known: list[bytes], shares: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        keys = [known[draw.choice(len(known), p=shares)]]
        for _ in range(length - 1):
            counts = self.after.get(keys[-1], Counter())
            fresh = draw.random() * (counts.total() + self.weight) >= counts.total()
            own = np.array(list(counts.values()), dtype=float)
            keys.append(
                known[draw.choice(len(known), p=shares)]
                if fresh
                else list(counts)[draw.choice(len(own), p=own / own.sum())]
            )
        return np.stack([np.frombuffer(key, np.int64) for key in keys])


def _key(step: np.ndarray) -> bytes:
    return np.ascontiguousarray(step, np.int64).tobytes()

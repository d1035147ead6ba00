"""Rows of levels, each level at the cost that those before it leave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.check import Maybe, Whole
from diabolo.codec.alphabet import Levels
from diabolo.codec.alphabets import Alphabets
from diabolo.codec.exchange import Integers
from diabolo.coders.coder import Arrays, Coder, Coding, Setting
from diabolo.coders.rows.coding import RowCoding
from diabolo.coders.rows.lanes import lane
from diabolo.coders.rows.net import STEPS, RowNet
from diabolo.errors import FileError
from diabolo.files import under
from diabolo.part import knob
from diabolo.seeding import seeded
from diabolo.training import History, Training, split, train
from diabolo.training import Rows as Source

NDArray16 = NDArray[np.int16]

_HIDDEN = 32
TRAINING = Training(steps=3000, batch_size=256, learning_rate=2e-3, weight_decay=0.0)
"""How a net of rows is trained if nothing is said."""


@dataclass(frozen=True)
class Rows(Coder):
    """Write each level of a row at the cost of −log₂ p(level | levels before it), by a net that has learned p.

    An autoencoder whose code at each column knows the columns before it only, and, where rows are in an order that
    tells something, the rows before. It learns a distribution for each column, of numbers and categories alike.

    References
    ----------
    Larochelle, Murray, "The neural autoregressive distribution estimator", AISTATS 2011.

    Examples
    --------
    >>> Rows(before=1)
    Rows(before=1)
    """

    before: int | None = knob(
        None, Maybe(Whole(0, 8), "none, or 2 if they tell something"), "rows before that it knows"
    )

    def learn(self, samples: Levels, setting: Setting) -> Coding:
        """Train on levels (N, D)."""
        alphabets = Alphabets.of(samples)
        told = _told(alphabets, samples)
        before = self.before if self.before is not None else 2 * _in_order(told[:, 0])
        seen = np.stack([told, *(_after(told, lag) for lag in range(1, before + 1))], 1)  # (N, 1 + before, 3, D)
        training = setting.training or TRAINING
        with seeded(setting.seed, setting.device):
            net = RowNet(alphabets, setting.n or _HIDDEN, before, len(samples)).to(setting.device)
        learnt, held = split(len(samples), training.validation, setting.seed)
        sources = [Source(torch.tensor(seen), torch.Tensor.float, index, setting.device) for index in (learnt, held)]
        history = train(
            net,
            sources[0],
            sources[1],
            training,
            seed=setting.seed,
            callbacks=setting.callbacks,
            checkpoint=None if setting.checkpoint is None else Path(setting.checkpoint),
        )
        return RowCoding(alphabets, net.integers(), history)

    def restore(self, plain: dict[str, Any], arrays: Arrays) -> Coding:
        """Return the net with its weights."""
        weights = under("net.", arrays)
        if weights.keys() != STEPS.keys():
            raise FileError("The file describes no net of rows; it was edited or is foreign.")
        return RowCoding(Alphabets.from_arrays(arrays), weights, History())

    def equation(self) -> str:
        """Return the chain rule."""
        return "−Σ_j log₂ p(x_j | x_1 … x_{j−1}, rows before)"


def _told(alphabets: Alphabets, levels: Levels) -> NDArray16:
    """Return groups, cells within groups, and levels as measured (N, 3, D)."""
    parts = []
    for alphabet, column in zip(alphabets.each, levels.T, strict=True):
        group, place, _ = alphabet.grouped(column)
        parts.append(np.stack([group, place, alphabet.measured(column)], 1))
    return np.stack(parts, 2).astype(np.int16)


def _after(told: NDArray16, lag: int) -> NDArray16:
    """Return what was told `lag` rows before in the same lane; groups −1 where there was no row."""
    before = np.roll(told, lag, 0)
    first = np.arange(len(told)) % lane(len(told)) < lag
    before[first] = 0
    before[first, 0] = -1
    return before


def _in_order(groups: NDArray16) -> bool:
    """Tell whether the groups (N, D) of a row say something of those of the next one: more than of those of any row."""
    if len(groups) < 100:
        return False
    shuffled = groups[np.random.default_rng(0).permutation(len(groups))]
    said, by_chance = (sum(map(_shared, part[:-1].T, part[1:].T)) for part in (groups, shuffled))
    alone = sum(map(_shared, groups.T, groups.T))
    return bool(said - by_chance > 0.02 * alone)


def _shared(one: Integers, two: Integers) -> float:
    """Return the mutual information of two columns of groups (N,), in nats."""
    joint = np.zeros((int(one.max()) + 1, int(two.max()) + 1))
    np.add.at(joint, (one, two), 1 / len(one))
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / apart[there])).sum())

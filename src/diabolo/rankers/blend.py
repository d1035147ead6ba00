"""Several rankers at once: what one misses another may know."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor

from diabolo import files
from diabolo.check import Many, Maybe, Number
from diabolo.errors import FileError, ParameterError
from diabolo.part import Some, knob
from diabolo.rankers.ease import EASE
from diabolo.rankers.judging import Held, popular
from diabolo.rankers.low_rank import LowRank
from diabolo.rankers.ranker import Floats, Matrix, Ranker, Scorer, Setting
from diabolo.training import History

_ROUNDS = 20
"""Votes given to the members, one by one."""

_LEAST = 1e-12

_ITEMS = 20_000
"""Items at most that weights are chosen on, the most popular: each member learns once more for that."""

_CELLS = 2**25
"""Scores of held-out users that are kept of each member to choose the weights by."""


@dataclass(frozen=True)
class Blend(Ranker):
    """The weighted mean of the scores of several rankers, each standardised over the items of a user.

    Weights that are not given are votes: one after the other goes to the member with which the blend is best for users
    held out.

    References
    ----------
    Caruana et al., "Ensemble selection from libraries of models", ICML 2004.

    Examples
    --------
    >>> Blend((EASE(), LowRank()), weights=(0.6, 0.4)).settled
    False
    >>> Blend((EASE(200.0), LowRank(400.0)), weights=(0.6, 0.4)).settled
    True
    """

    members: tuple[Ranker, ...] = knob(
        (EASE(dropout=0.5, balance=0.5), LowRank()), Many(Some("rankers"), 16), "the rankers, at least one"
    )
    weights: tuple[float, ...] | None = knob(
        None, Maybe(Many(Number(0), 16), "chosen by held-out users, or equal where there are none"), "of each member"
    )

    @property
    def settled(self) -> bool:
        """Whether the weights are given, and nothing is open in the members."""
        return self.weights is not None and all(member.settled for member in self.members)

    def choose(self, items: int) -> Ranker:
        """Return it with members that suit the catalogue."""
        return self(members=tuple(member.choose(items) for member in self.members))

    def settle(self, histories: Matrix, held: Held, setting: Setting) -> Ranker:
        """Settle the members, then choose their weights; those with none are left out, and one alone is no blend."""
        self.check_weights()
        members = [member.settle(histories, held, setting) for member in self.members]
        histories, held = popular(histories, held, _ITEMS)
        few = held.few(_CELLS)
        weights = self.weights or _voted(
            [_standard(m.learn(histories, setting).scores(few.histories)) for m in members], few
        )
        kept = [(member, weight) for member, weight in zip(members, weights, strict=True) if weight > 0]
        return kept[0][0] if len(kept) == 1 else Blend(tuple(m for m, _ in kept), tuple(w for _, w in kept))

    def learn(self, histories: Matrix, setting: Setting) -> Scorer:
        """Learn each."""
        self.check_weights()
        members = enumerate(self.members)
        return Blended([member.learn(histories, _own(setting, i)) for i, member in members], self._shares)

    def relearn(self, scorer: Scorer, before: Matrix, after: Matrix, setting: Setting) -> Scorer:
        """Learn each anew from what it knows."""
        known = cast(Blended, scorer).scorers
        pairs = zip(self.members, known, strict=True)
        return Blended([member.relearn(one, before, after, setting) for member, one in pairs], self._shares)

    def restore(self, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> Scorer:
        """Return the scorers of the members."""
        self.check_weights()
        states = plain.get("members")
        if not isinstance(states, list) or len(states) != len(self.members):
            raise FileError(f"it does not describe {len(self.members)} rankers")
        scorers = [
            member.restore(state, files.under(f"{i}.", arrays), items)
            for i, (member, state) in enumerate(zip(self.members, states, strict=True))
        ]
        return Blended(scorers, self._shares)

    def equation(self) -> str:
        """Return the formula, and those of the members."""
        terms = " + ".join(
            f"{'w' if self.weights is None else format(w, '.2g')}·z(s{i + 1})" for i, w in enumerate(self._shares)
        )
        return "\n".join([f"s = {terms}", *(f"s{i + 1}: {m.equation()}" for i, m in enumerate(self.members))])

    def check_weights(self) -> None:
        """Raise unless there are members, and a weight for each.

        Raises
        ------
        ParameterError
            If not, or all weights are 0.
        """
        count = len(self.members)
        if not count:
            raise ParameterError("Parameter 'members' of Blend must hold at least one ranker; got none.")
        if self.weights is not None and (len(self.weights) != count or not sum(self.weights)):
            raise ParameterError(
                f"Parameter 'weights' of Blend must be a number for each of {count} members, not all 0; "
                f"got {self.weights!r}."
            )

    @property
    def _shares(self) -> tuple[float, ...]:
        weights = self.weights or (1.0,) * len(self.members)
        return tuple(weight / sum(weights) for weight in weights)


class Blended(Scorer):
    """The weighted mean of standardised scores.

    Parameters
    ----------
    scorers : sequence of Scorer
        Of the members.
    shares : sequence of float
        Of each, 1 in sum.
    """

    def __init__(self, scorers: Sequence[Scorer], shares: Sequence[float]) -> None:
        self.scorers, self.shares = scorers, shares

    @property
    def items(self) -> int:
        """How many items there are."""
        return self.scorers[0].items

    @property
    def history(self) -> History:
        """How the first member that was trained was."""
        return next((s.history for s in self.scorers if len(s.history)), self.scorers[0].history)

    def scores(self, histories: Matrix) -> Floats:
        """Return Σ w·z(s) (B, I)."""
        total = np.zeros((histories.shape[0], self.items), np.float32)
        for scorer, share in zip(self.scorers, self.shares, strict=True):
            total += np.float32(share) * _standard(scorer.scores(histories))
        return total

    def embeddings(self, n: int | None = None) -> Floats:
        """Return the vectors of the first member."""
        return self.scorers[0].embeddings(n)

    def codes(self, histories: Matrix, n: int | None = None) -> Floats:
        """Return the vectors of histories by the first member."""
        return self.scorers[0].codes(histories, n)

    def similar(self, item: int) -> Floats:
        """Return the weighted mean of the standardised similarities by the members."""
        return self._mean([_standard(scorer.similar(item)[None])[0] for scorer in self.scorers])

    def reasons(self, history: Matrix, item: int) -> Floats:
        """Return the weighted mean of the reasons of the members, each in units of the deviation of its scores."""
        spreads = [max(float(scorer.scores(history).std()), _LEAST) for scorer in self.scorers]
        return self._mean([s.reasons(history, item) / spread for s, spread in zip(self.scorers, spreads, strict=True)])

    def to(self, device: torch.device) -> Self:
        """Move the members."""
        self.scorers = [scorer.to(device) for scorer in self.scorers]
        return self

    def _mean(self, parts: Sequence[Floats]) -> Floats:
        """Return the weighted mean of what the members say."""
        return np.average(parts, axis=0, weights=self.shares).astype(np.float32)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the states of the members."""
        states = [scorer.state() for scorer in self.scorers]
        arrays = {f"{i}.{name}": value for i, (_, each) in enumerate(states) for name, value in each.items()}
        return {"members": [plain for plain, _ in states]}, arrays


def _standard(scores: Floats) -> Floats:
    """Return scores (B, I) less their mean over the items, in units of their deviation."""
    spread = scores.std(1, keepdims=True).clip(_LEAST)
    return (scores - scores.mean(1, keepdims=True)) / spread


def _voted(scores: Sequence[Floats], held: Held) -> tuple[float, ...]:
    """Return how many votes each member gets whose standardised scores (B, I) of held-out users are given."""
    votes, total = np.zeros(len(scores)), np.zeros_like(scores[0])
    best, kept = -np.inf, votes
    for _ in range(_ROUNDS):
        found = [held.judged(total + each) for each in scores]
        chosen = int(np.argmax(found))
        votes[chosen] += 1
        total += scores[chosen]
        if found[chosen] > best:
            best, kept = found[chosen], votes.copy()
    return tuple(map(float, kept))


def _own(setting: Setting, member: int) -> Setting:
    """Return the setting with a checkpoint that no other member writes."""
    kept = setting.checkpoint
    return setting if kept is None else replace(setting, checkpoint=f"{os.fspath(kept)}.{member}")

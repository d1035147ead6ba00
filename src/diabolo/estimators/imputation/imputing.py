"""What an imputer learns, and what its model says of the missing cells of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from diabolo.errors import DataError
from diabolo.estimators.columns import Column
from diabolo.estimators.imputation.factors import Factors
from diabolo.estimators.imputation.gapped import Gapped, width
from diabolo.estimators.imputation.masked import Copies, Hidden, shown
from diabolo.estimators.imputation.spreads import Spread
from diabolo.likelihoods import Binned
from diabolo.model import Autoencoder, Recipe
from diabolo.seeding import seeded
from diabolo.training import resolve, split

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer

Array = NDArray[Any]

_FACTORS = 24
"""Factors of what is linear, at most."""

_ROWS = 2**14
"""Rows that these are learnt from, at most."""

_COPIES, _OF_EACH = 2**16, 24
"""Copies of rows that are learnt from, about, and of each row, at most."""

_JUDGED = 3000
"""Copies of rows held out, about: fewer cells are hidden, as many as tables lack."""

_LINEAR = 0.6
"""Share of the variance of a column, beyond what is expected linearly, below which it is modelled as what is off."""

_BLOCK = 2**21
"""Probabilities computed at a time: bounds the memory."""


@dataclass(frozen=True, eq=False)
class View:
    """What is known of the missing cells of one column.

    Parameters
    ----------
    place : int
        Which column.
    column : Column
        That column.
    spread : Spread or None
        How its numbers lie; None for categories.
    p : ndarray (G, K)
        Probabilities of its bins, or categories.
    base, unit : ndarray (G,)
        What is added to the numbers of the spread times the unit, to have those of the user.
    linear : ndarray (G,)
        What is expected linearly, in units of the user.
    """

    place: int
    column: Column
    spread: Spread | None
    p: Array
    base: Array
    unit: Array
    linear: Array

    def every(self, step: int) -> View:
        """Return what is known of some of the cells, at equal distances."""
        few = (each[::step] for each in (self.p, self.base, self.unit, self.linear))
        return View(self.place, self.column, self.spread, *few)


@dataclass(frozen=True, eq=False)
class Learnt:
    """What training starts from, and copies of rows held out to judge by."""

    model: Autoencoder
    train: Hidden
    held_out: Hidden
    judged: Copies
    cells: list[Array]


def learn(imputer: Imputer, X: Any, recipe: Recipe, seed: int) -> Learnt:
    """Return what training starts from, once the imputer remembers what its columns are.

    Raises
    ------
    DataError
        If no cell is there, or a column cannot be learned.
    """
    imputer.gapped_, cells = Gapped.of(X)
    z, observed = imputer.gapped_.encode(cells)
    if not observed.any():
        raise DataError("X must hold values to learn from; all cells are missing.")
    learnt, held = (index.numpy() for index in split(len(z), imputer.schedule.validation, seed))
    imputer.factors_ = _factors(imputer.gapped_, z, observed, learnt, held, seed)
    train = _copies(imputer, z, observed, learnt, min(_COPIES, _OF_EACH * len(learnt)), 0.95, seed)
    judged = _copies(imputer, z, observed, held, _JUDGED, 0.45, seed + 1)
    imputer.spreads_ = _spreads(imputer.gapped_, cells, z, train)
    model = _model(imputer, recipe, len(z[0]) + len(cells), seed)
    where = [_where(imputer, cells, copies) for copies in (train, judged)]
    counts = np.bincount(where[0].ravel(), minlength=model.target[0] + 1)
    _begin(model, counts[: sum(sizes(imputer))])
    device, wide = next(model.parameters()).device, model.target[0]
    sources = [
        Hidden(each.seen, torch.from_numpy(at), wide, device) for each, at in zip((train, judged), where, strict=True)
    ]
    return Learnt(model, sources[0], sources[1], judged, cells)


def sizes(imputer: Imputer) -> tuple[int, ...]:
    """Return how many bins, or categories, each column has; one, never seen, if nothing is known of it."""
    each = zip(imputer.gapped_.columns, imputer.spreads_, strict=True)
    return tuple(1 if c.empty else width(c) if spread is None else spread.width for c, spread in each)


@torch.inference_mode()
def views(imputer: Imputer, cells: list[Array], gaps: Array | None = None) -> Iterator[tuple[Array, View]]:
    """Yield, for columns with missing cells, rows (G,) and what is known of them; `gaps` (N, F) may say of fewer.

    Blocks of rows come one after the other, and in each the columns in order.
    """
    z, observed = imputer.gapped_.encode(cells)
    gaps = ~observed if gaps is None else gaps & ~observed
    rows = np.flatnonzero(gaps.any(1))
    model, device, precise = imputer._at(True)
    size = max(1, _BLOCK // sum(sizes(imputer)))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        fill, spread = expected(imputer, z[part], observed[part])
        seen = shown(fill, observed[part], torch.float64 if precise else torch.float32)
        p = model.reconstruct(seen.to(device)).double().cpu().numpy()
        for i, place in enumerate(imputer.gapped_.slices):
            here = np.flatnonzero(gaps[part, i])
            if len(here) and not imputer.gapped_.columns[i].empty:
                yield part[here], _view(imputer, i, p[here], fill[here, place.start], spread[here, place.start])


def expected(imputer: Imputer, z: Array, observed: Array) -> tuple[Array, Array]:
    """Return encoded rows (N, P) filled linearly, and the standard deviation of what was filled in."""
    here = torch.from_numpy(imputer.gapped_.spread(observed)).double()
    fill, spread = imputer.factors_.expect(torch.from_numpy(z), here)
    return fill.numpy(), spread.numpy()


def answers(imputer: Imputer, cells: list[Array], ask: Callable[[View], Array]) -> tuple[list[Array], list[Array]]:
    """Return rows of the missing cells of each column that anything is known of, and what is answered for them."""
    rows: list[list[Array]] = [[] for _ in cells]
    values: list[list[Array]] = [[] for _ in cells]
    for at, view in views(imputer, cells):
        rows[view.place].append(at)
        values[view.place].append(ask(view))
    empty = np.empty(0, np.int64)
    return [np.concatenate([empty, *each]).astype(np.int64) for each in rows], [
        np.concatenate(each) if each else empty for each in values
    ]


def judged_views(imputer: Imputer, learnt: Learnt) -> Iterator[tuple[Array, View]]:
    """Yield, for each column of numbers, those of hidden cells (G,) of rows held out, and what is known of them."""
    copies = learnt.judged
    model = imputer.model_
    size = max(1, _BLOCK // sum(sizes(imputer)))
    for start in range(0, len(copies.rows), size):
        part = slice(start, start + size)
        with torch.inference_mode():
            seen = shown(copies.fill[part], copies.visible[part]).to(next(model.parameters()).device)
            p = model.reconstruct(seen).double().cpu().numpy()
        for i, _, at in imputer.gapped_.numbers():
            here = np.flatnonzero(copies.hidden[part, i])
            fill, spread = copies.fill[part][here, at], copies.spread[part][here, at]
            yield learnt.cells[i][copies.rows[part][here]], _view(imputer, i, p[here], fill, spread)


def _view(imputer: Imputer, i: int, p: Array, fill: Array, spread: Array) -> View:
    ends = list(accumulate(sizes(imputer), initial=0))
    column, own = imputer.gapped_.columns[i], imputer.spreads_[i]
    linear, unit = _line(imputer.gapped_, i, fill.astype(np.float64), spread.astype(np.float64))
    apart = own is not None and own.apart
    base, unit = (linear, unit) if apart else (np.zeros(len(p)), np.ones(len(p)))
    return View(i, column, own, p[:, ends[i] : ends[i + 1]], base, unit, linear)


def _line(gapped: Gapped, i: int, fill: Array, spread: Array) -> tuple[Array, Array]:
    """Return what is expected linearly of the numbers of a column, in units of the user, and the deviation of it."""
    at = gapped.slices[i].start
    return fill * gapped.scale[at] + gapped.shift[at], spread * gapped.scale[at]


def _factors(gapped: Gapped, z: Array, observed: Array, learnt: Array, held: Array, seed: int) -> Factors:
    """Return many factors, or a third of them if these fill hidden cells of rows held out better."""
    rows = learnt[:: -(-len(learnt) // _ROWS)]
    here = torch.from_numpy(gapped.spread(observed[rows])).double()
    most = max(1, min(z.shape[1] - 1, _FACTORS))
    counts = (most, -(-most // 3)) if len(held) else (most,)
    each = np.array([width(column) for column in gapped.columns])
    found = []
    for count in dict.fromkeys(counts):
        factors = Factors.of(torch.from_numpy(z[rows]), here, count)
        judged = Copies.of(z[held], observed[held], each, factors, min(_JUDGED, 10 * len(held)), 0.45, seed)
        off = (judged.fill - z[held][judged.rows]) * gapped.spread(judged.hidden)
        found.append((float(np.square(off).sum()), factors))
    return min(found, key=lambda pair: pair[0])[1]


def _copies(imputer: Imputer, z: Array, observed: Array, index: Array, count: int, most: float, seed: int) -> Copies:
    each = np.array([width(column) for column in imputer.gapped_.columns])
    found = Copies.of(z[index], observed[index], each, imputer.factors_, count, most, seed)
    return Copies(index[found.rows], found.visible, found.hidden, found.fill, found.spread)


def _spreads(gapped: Gapped, cells: list[Array], z: Array, copies: Copies) -> tuple[Spread | None, ...]:
    """Return how the numbers of each column lie: off what is expected linearly where that tells most of them."""
    found: list[Spread | None] = [None] * len(cells)
    for i, column, at in gapped.numbers():
        hidden = np.flatnonzero(copies.hidden[:, i])
        true, fill = z[copies.rows[hidden], at], copies.fill[hidden, at]
        off = (true - fill) / np.maximum(copies.spread[hidden, at], 1e-12)
        apart = len(hidden) > 0 and np.square(true - fill).mean() < _LINEAR * np.square(true).mean()
        own = cells[i][np.isfinite(cells[i])]
        found[i] = Spread.of(off, None, True) if apart else Spread.of(own, column.parts, False)
    return tuple(found)


def _where(imputer: Imputer, cells: list[Array], copies: Copies) -> Array:
    """Return which indicator is 1 for each hidden cell of copies, (M, F); for all others the first beyond the end."""
    ends = list(accumulate(sizes(imputer), initial=0))
    beyond = ends[-1] + len(cells)
    found = np.full(copies.hidden.shape, beyond, np.int32)
    for i, (column, spread) in enumerate(zip(imputer.gapped_.columns, imputer.spreads_, strict=True)):
        hidden = np.flatnonzero(copies.hidden[:, i])
        own = cells[i][copies.rows[hidden]]
        if column.field is not None:
            known = {text: k for k, text in enumerate(column.field.categories)}
            which = np.array([known.get(text, -1) for text in own], dtype=np.int64)
            found[hidden, i] = np.where(which < 0, beyond, ends[i] + which)
        elif spread is not None:
            at = imputer.gapped_.slices[i].start
            if spread.apart:
                base, unit = _line(imputer.gapped_, i, copies.fill[hidden, at], copies.spread[hidden, at])
                own = (own - base) / np.maximum(unit, 1e-300)
            found[hidden, i] = ends[i] + spread.which(own)
    return found


def _model(imputer: Imputer, recipe: Recipe, wide: int, seed: int) -> Autoencoder:
    widths = sizes(imputer)
    recipe = recipe.revise(likelihood=Binned(widths)).settle((wide,))
    n = imputer.n_components or min(64, max(8, wide))
    with seeded(seed):
        model = recipe.build((wide,), int(n), target=(sum(widths) + len(widths),))
    return model.to(resolve(imputer.device))


@torch.no_grad()
def _begin(model: Autoencoder, counts: Array) -> None:
    """Start from how frequent bins are, where the decoder ends in a matrix: then nothing else is left to learn."""
    last = [layer for layer in model.decoder.modules() if isinstance(layer, nn.Linear)]
    if last and last[-1].out_features == len(counts):
        last[-1].weight.mul_(0.1)
        last[-1].bias.copy_(torch.from_numpy(np.log(counts + 0.5)))

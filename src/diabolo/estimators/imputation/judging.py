"""How well an imputer fills cells hidden in samples held out, and how many of them its intervals hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.estimators.imputation.answers import draws, quantiles
from diabolo.estimators.imputation.copies import Copies, shown
from diabolo.estimators.imputation.filler import LEVELS
from diabolo.estimators.imputation.gapped import Gapped
from diabolo.estimators.imputation.tables import Tables
from diabolo.estimators.imputation.views import View
from diabolo.flow import channel_axis, channels
from diabolo.model import Autoencoder
from diabolo.seeding import places, seeded
from diabolo.training import Source

Array = NDArray[Any]

_ENOUGH, _MOST = 200, 500
"""Rows held out that tell of each column alone, at least, and hidden cells that are looked at in a block, at most."""

_JUDGED = 2**14
"""Hidden cells of images and series that intervals are measured on, at least, if there are as many."""


def judged_tables(
    tables: Tables, model: Autoencoder, copies: Copies, cells: list[Array]
) -> tuple[Tables, dict[str, float]]:
    """Return what is known of tables once judged by copies of rows held out, and the errors of best guesses.

    Errors are root mean squares in standard deviations of the columns: of the model, of what is expected linearly
    alone, and of the mean; nothing where no rows were held out.
    """
    trust = _trust(len(cells), _hidden(tables, model, copies, cells))
    coverage = _coverage(len(cells), len(np.unique(copies.rows)), _hidden(tables, model, copies, cells))
    tables = replace(tables, trust=trust, coverage=coverage)
    return tables, _errors(tables.gapped, _hidden(tables, model, copies, cells))


def _hidden(tables: Tables, model: Autoencoder, copies: Copies, cells: list[Array]) -> Iterator[tuple[Array, View]]:
    """Yield, for each column of numbers, those of hidden cells (G,) of copies, and what is known of them."""
    for start in range(0, len(copies.rows), tables.at_once):
        part = slice(start, start + tables.at_once)
        with torch.inference_mode():
            seen = shown(copies.fill[part], copies.visible[part]).to(next(model.parameters()).device)
            p = model.reconstruct(seen).double().cpu().numpy()
        for i, _, at in tables.gapped.numbers():
            here = np.flatnonzero(copies.hidden[part, i])
            fill, spread = copies.fill[part][here, at], copies.spread[part][here, at]
            yield cells[i][copies.rows[part][here]], tables.view(i, p[here], fill, spread)


def _trust(count: int, hidden: Iterable[tuple[Array, View]]) -> Array:
    """Return how far to go from what is expected linearly to the mean of the bins, (F,), from 0 to 1.

    It is what has the least squared error on hidden cells: bins are coarse where a line is exact, and a line is
    straight. The views are of tables that trust bins alone.
    """
    both, squares = np.zeros(count), np.zeros(count)
    for true, view in hidden:
        step = view.mean - view.linear
        both[view.place] += step @ (true - view.linear)
        squares[view.place] += step @ step
    return np.where(squares > 0, both / np.maximum(squares, 1e-300), 1.0).clip(0, 1)


def _coverage(count: int, rows: int, hidden: Iterable[tuple[Array, View]]) -> Array:
    """Return which share of hidden cells lies in intervals of `LEVELS`, (F, L), for each column.

    Where few are known of a column, it is that of all.
    """
    inside, seen = np.zeros((count, len(LEVELS))), np.zeros((count, 1))
    for true, view in hidden:
        step = max(1, -(-len(true) // _MOST))
        few = view.every(step)
        seen[view.place] += len(few.p)
        for k, level in enumerate(LEVELS[1:-1], 1):
            low, high = few.interval(level)
            slack = 1e-9 * np.maximum(np.abs(low), np.abs(high))
            inside[view.place, k] += ((low - slack <= true[::step]) & (true[::step] <= high + slack)).sum()
    every = inside.sum(0) / seen.sum() if seen.any() else np.array(LEVELS)
    shares = np.where((seen >= _ENOUGH) & (rows >= _ENOUGH), inside / np.maximum(seen, 1), every)
    shares[:, 0], shares[:, -1] = 0, 1
    return _rising(shares)


def _errors(gapped: Gapped, hidden: Iterable[tuple[Array, View]]) -> dict[str, float]:
    sums: dict[str, float] = {"model": 0.0, "linear": 0.0, "mean": 0.0}
    count = 0
    for true, view in hidden:
        at = gapped.slices[view.place].start
        guesses = {"model": view.mean, "linear": view.linear, "mean": gapped.shift[at]}
        for name, guess in guesses.items():
            sums[name] += float(np.square((guess - true) / gapped.scale[at]).sum())
        count += len(true)
    return {name: float(np.sqrt(total / count)) for name, total in sums.items()} if count else {}


@torch.inference_mode()
def judged_grids(model: Autoencoder, source: Source, seed: int) -> tuple[Array, dict[str, float]]:
    """Return what intervals hold of hidden cells, (C, L) at `LEVELS` for each channel, and the errors of best guesses.

    Errors are root mean squares in standard deviations of the hidden cells of each channel: of the model, and of the
    mean of what is seen of the sample.
    """
    parts: list[tuple[Tensor, ...]] = []
    with seeded(seed, *places(model)):
        for batch in source.epoch(16, None):
            parts.append(_compared(model, batch.x))
            if sum(len(true) for true, *_ in parts) >= _JUDGED:
                break
    true, channel, mean, plain, inside = (torch.cat(each) for each in zip(*parts, strict=True))
    of = [channel == c for c in range(channels(model.target))]
    shares = torch.stack([(inside[own] if own.any() else inside).double().mean(0) for own in of]).numpy()
    shares = _rising(np.where(np.isfinite(shares), shares, LEVELS))
    unit = torch.stack([true[own].double().std() for own in of]).nan_to_num(0).clamp_min(1e-12)[channel]
    errors = {
        name: float(((guess - true) / unit).square().mean().sqrt())
        for name, guess in (("model", mean), ("mean", plain))
    }
    return shares, errors if len(true) else {}


def _rising(shares: Array) -> Array:
    """Return shares (F, L) that rise with the level, so that a level can be read off for each share."""
    return np.maximum.accumulate(shares + 1e-9 * np.arange(len(LEVELS)), 1)


def _compared(model: Autoencoder, x: Tensor) -> tuple[Tensor, ...]:
    """Return of hidden cells (M,) their values, channels, expected values, means of what is seen, and `_inside`."""
    axis = channel_axis(model.target) % x.ndim
    target = x.chunk(2, axis)[0]
    seen, hidden = model.corrupt(x)
    if hidden is None:
        hidden = torch.zeros_like(target, dtype=torch.bool)
    params = model.params(seen)
    points = tuple(i for i in range(1, x.ndim) if i != axis)
    sums, counts = (part.sum(points, keepdim=True) for part in seen.chunk(2, axis))
    which = torch.arange(target.shape[axis], device=x.device).view([-1 if i == axis else 1 for i in range(x.ndim)])
    each = target, which, model.expected(params), sums / counts.clamp_min(1)
    drawn = draws(model.recipe.likelihood, params, hidden)
    found = *(part.expand_as(target)[hidden] for part in each), _inside(drawn, target[hidden])
    return tuple(part.cpu() for part in found)


def _inside(drawn: Tensor, true: Tensor) -> Tensor:
    """Return in which intervals of `LEVELS`, as draws (S, M) tell them, true values (M,) lie, (M, L)."""
    ordered, levels = drawn.sort(0).values, torch.tensor(LEVELS[1:-1])
    low, high = quantiles(ordered, 0.5 - levels / 2), quantiles(ordered, 0.5 + levels / 2)  # (L - 2, M)
    inside = ((low <= true) & (true <= high)).T
    return torch.cat([torch.zeros_like(inside[:, :1]), inside, torch.ones_like(inside[:, :1])], 1)

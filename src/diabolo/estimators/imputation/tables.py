"""Tables with gaps: what an imputer knows of their columns, and its answers, in the form of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import Form
from diabolo.errors import DataError, FileError
from diabolo.estimators.base import Estimator
from diabolo.estimators.denoising.restoring import demand_samples
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.imputation.copies import shown
from diabolo.estimators.imputation.factors import Factors
from diabolo.estimators.imputation.filler import LEVELS, Filler
from diabolo.estimators.imputation.gapped import Gapped, width
from diabolo.estimators.imputation.spreads import Spread
from diabolo.estimators.imputation.usertable import UserTable
from diabolo.estimators.imputation.views import View
from diabolo.estimators.tabular import ordered, taken
from diabolo.flow import Shape
from diabolo.model import Autoencoder

Array = NDArray[Any]

_BLOCK = 2**21
"""Probabilities computed at a time: bounds the memory."""

_PASSES = 8
"""Passes in which the cells of a row are drawn, at most: each knows what was drawn in those before."""


@dataclass(frozen=True, eq=False)
class Tables(Filler):
    """Mixed columns, each a distribution over bins or categories.

    Parameters
    ----------
    coverage
        As of every `Filler`.
    gapped : Gapped
        The columns.
    factors : Factors
        What is linear.
    spreads : tuple of Spread or None
        How the numbers of each column lie.
    trust : ndarray (F,)
        How far to go from what is expected linearly, 0, to the mean of the bins, 1.
    """

    gapped: Gapped
    factors: Factors
    spreads: tuple[Spread | None, ...]
    trust: Array

    @staticmethod
    def unjudged(gapped: Gapped, factors: Factors, spreads: tuple[Spread | None, ...]) -> Tables:
        """Return what is known while nothing was held out to judge by: bins are trusted, and intervals hold."""
        count = len(gapped.columns)
        return Tables(np.tile(LEVELS, (count, 1)), gapped, factors, spreads, np.ones(count))

    @property
    def indicated(self) -> list[int]:
        return [i for i, column in enumerate(self.gapped.columns) if column.missing]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many bins, or categories, each column has; one, never seen, if nothing is known of it."""
        each = zip(self.gapped.columns, self.spreads, strict=True)
        return tuple(1 if c.empty else width(c) if spread is None else spread.width for c, spread in each)

    @cached_property
    def places(self) -> tuple[slice, ...]:
        """Where the probabilities of each column lie in what the model says."""
        ends = list(accumulate(self.sizes, initial=0))
        return tuple(slice(*ends[i : i + 2]) for i in range(len(self.sizes)))

    @property
    def at_once(self) -> int:
        """How many rows are computed at a time."""
        return max(1, _BLOCK // sum(self.sizes))

    def view(self, i: int, p: Array, fill: Array, spread: Array) -> View:
        """Return what is known of cells of a column, from probabilities (G, O) and what is expected linearly (G,)."""
        own = self.spreads[i]
        linear, unit = self.gapped.line(i, fill.astype(np.float64), spread.astype(np.float64))
        base, unit = (linear, unit) if own is not None and own.apart else (np.zeros(len(p)), np.ones(len(p)))
        return View(i, self.gapped.columns[i], own, float(self.trust[i]), p[:, self.places[i]], base, unit, linear)

    @torch.inference_mode()
    def views(self, model: Autoencoder, cells: list[Array], gaps: Array | None = None) -> Iterator[tuple[Array, View]]:
        """Yield, for columns with missing cells, rows (G,) and what is known of them; `gaps` (N, F) may say of fewer.

        Blocks of rows come one after the other, and in each the columns in order.
        """
        z, observed = self.gapped.encode(cells)
        gaps = ~observed if gaps is None else gaps & ~observed
        rows, weight = np.flatnonzero(gaps.any(1)), next(model.parameters())
        for start in range(0, len(rows), self.at_once):
            part = rows[start : start + self.at_once]
            fill, spread = self._expected(z[part], observed[part])
            seen = shown(fill, observed[part], weight.dtype)
            p = model.reconstruct(seen.to(weight.device)).double().cpu().numpy()
            for i, place in enumerate(self.gapped.slices):
                here = np.flatnonzero(gaps[part, i])
                if len(here) and not self.gapped.columns[i].empty:
                    yield part[here], self.view(i, p[here], fill[here, place.start], spread[here, place.start])

    def sample_shape(self, model: Autoencoder) -> Shape:
        return (len(self.gapped.columns),)

    def read(self, estimator: Estimator, X: Any) -> UserTable:
        table, known = checked(estimator, X), [column.name for column in self.gapped.columns]
        if not hasattr(X, "columns"):
            return UserTable(X, self.gapped.cells(table))
        if set(map(str, X.columns)) == set(known):  # else those of an array, by position
            table = ordered(table, known)
        return UserTable(table, self.gapped.cells(table))

    def transform(self, fitted: FittedModel, samples: UserTable, strategy: str, add_indicator: bool) -> Any:
        filled = self._completed(fitted, samples, lambda view: view.guess(strategy))
        return samples.flagged(filled, self.indicated) if add_indicator and self.indicated else filled

    def sample(self, fitted: FittedModel, samples: UserTable, n: int, seed: int | None) -> list[Any]:
        rng, model = np.random.default_rng(seed), fitted.precise()
        return [samples.completed(*self._drawn(model, samples.cells, rng)) for _ in range(n)]

    def uncertainty(self, fitted: FittedModel, samples: UserTable) -> Any:
        unsure = np.zeros((len(samples.cells[0]), len(samples.cells)))
        answers = self._answers(fitted, samples.cells, View.uncertainty)
        for i, (rows, values) in enumerate(zip(*answers, strict=True)):
            unsure[rows, i] = values
        unsure[:, [column.empty for column in self.gapped.columns]] = np.nan
        return Form.of(samples.table).back(unsure)

    def intervals(self, fitted: FittedModel, samples: UserTable, coverage: float) -> tuple[Any, Any]:
        def ends(view: View) -> Array:
            return np.stack(view.ends(self.level(view.place, coverage)))

        rows, both = self._answers(fitted, samples.cells, ends)  # of each column (2, G)
        low, high = ([own[i] if len(own) else own for own in both] for i in (0, 1))
        return samples.completed(rows, low), samples.completed(rows, high)

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        gapped, factors = self.gapped, self.factors
        spreads = [None if spread is None else spread.to_json() for spread in self.spreads]
        arrays = {"shift": torch.from_numpy(gapped.shift), "scale": torch.from_numpy(gapped.scale)}
        arrays |= {"mean": factors.mean, "loadings": factors.loadings, "noise": factors.noise}
        arrays |= {"coverage": torch.from_numpy(self.coverage), "trust": torch.from_numpy(self.trust)}
        return {"columns": gapped.to_json(), "spreads": spreads}, arrays

    @classmethod
    def restore(cls, plain: dict[str, Any], arrays: dict[str, Tensor], model: Autoencoder, columns: int) -> Tables:
        found = cls(
            coverage=arrays["coverage"].numpy(),
            gapped=Gapped.from_json(plain["columns"], arrays["shift"].numpy(), arrays["scale"].numpy()),
            factors=Factors(arrays["mean"], arrays["loadings"], arrays["noise"]),
            spreads=tuple(None if each is None else Spread.from_json(each) for each in plain["spreads"]),
            trust=arrays["trust"].numpy(),
        )
        finite = all(bool(each.isfinite().all()) for each in arrays.values())
        if not finite or columns != len(found.gapped.columns) or not found._fits(model):
            raise FileError("what it remembers of a table does not fit its model")
        return found

    def _fits(self, model: Autoencoder) -> bool:
        """Tell whether the parts fit each other, and the model."""
        columns, wide, factors = self.gapped.columns, len(self.gapped.shift), self.factors
        numbers = [column.field is None and not column.empty for column in columns]
        fits = [spread is not None for spread in self.spreads] == numbers
        fits = fits and model.shape == (wide + len(columns),) and model.target == (sum(self.sizes) + len(columns),)
        fits = fits and self.trust.shape == (len(columns),) and self.coverage.shape == (len(columns), len(LEVELS))
        fits = fits and factors.mean.shape == factors.noise.shape == (wide,) and factors.loadings.ndim == 2
        return fits and len(factors.loadings) == wide and bool((factors.noise > 0).all())

    def _expected(self, z: Array, observed: Array) -> tuple[Array, Array]:
        """Return encoded rows (N, P) filled linearly, and the standard deviation of what was filled in."""
        here = torch.from_numpy(self.gapped.spread(observed)).double()
        fill, spread = self.factors.expect(torch.from_numpy(z), here)
        return fill.numpy(), spread.numpy()

    def _completed(self, fitted: FittedModel, table: UserTable, ask: Callable[[View], Array]) -> Any:
        return table.completed(*self._answers(fitted, table.cells, ask))

    def _answers(
        self, fitted: FittedModel, cells: list[Array], ask: Callable[[View], Array]
    ) -> tuple[list[Array], list[Array]]:
        """Return rows (G,) of the missing cells of each column that anything is known of, and the answers (..., G)."""
        rows: list[list[Array]] = [[] for _ in cells]
        values: list[list[Array]] = [[] for _ in cells]
        for at, view in self.views(fitted.precise(), cells):
            rows[view.place].append(at)
            values[view.place].append(ask(view))
        empty = np.empty(0, np.int64)
        return [np.concatenate([empty, *each]).astype(np.int64) for each in rows], [
            np.concatenate(each, -1) if each else empty for each in values
        ]

    def _drawn(
        self, model: Autoencoder, cells: list[Array], rng: np.random.Generator
    ) -> tuple[list[Array], list[Array]]:
        """Return rows and values of the missing cells of each column, drawn: those of a row fit each other."""
        _, observed = self.gapped.encode(cells)
        gone = ~observed
        order = np.where(gone, rng.random(gone.shape), np.inf).argsort(1).argsort(1)  # of the missing cells of a row
        count = gone.sum(1, keepdims=True)
        passes = int(min(_PASSES, count.max(initial=0)))
        turn = order * np.minimum(passes, count) // np.maximum(count, 1)
        cells, drawn = [own.copy() for own in cells], [{} for _ in cells]
        for now in range(passes):
            news = [(at, view.place, *view.draw(rng)) for at, view in self.views(model, cells, gone & (turn == now))]
            for at, i, values, encoded in news:
                drawn[i].update(zip(at.tolist(), values, strict=True))
                cells[i][at] = encoded
        rows = [np.array(sorted(each), dtype=np.int64) for each in drawn]
        return rows, [_joined([each[row] for row in at.tolist()]) for each, at in zip(drawn, rows, strict=True)]


def checked(estimator: Estimator, X: Any, reset: bool = False) -> Any:
    """Return X, known to be a table that an imputer takes; `reset` says that it is learned from.

    Raises
    ------
    DataError, DataTypeError
        If it is none.
    """
    demand_samples(X)
    X = taken(estimator, X, reset)
    axes = len(X.shape) if hasattr(X, "shape") else np.ndim(X)
    if axes != 2:
        raise DataError(
            f"X must be a table (N, D), as in training; got {axes} axes. Reshape it, with X.reshape(len(X), -1), or "
            "fit another Imputer on such."
        )
    return X


def _joined(values: list[Any]) -> Array:
    """Return dates or numbers as such, all else as objects."""
    if values and isinstance(values[0], np.datetime64 | float | np.floating):
        return np.array(values)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found

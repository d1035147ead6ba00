"""What an imputer learns from a table, or from images and series: further cells are hidden, and the model is to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from diabolo.check import shorten
from diabolo.corruptions import Corruption, Gaps
from diabolo.data import Scaling
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.denoising.restoring import built, planned, shape_of, sources
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.imputation.copies import Copies, Hidden
from diabolo.estimators.imputation.factors import Factors
from diabolo.estimators.imputation.filler import Filler
from diabolo.estimators.imputation.gapped import Gapped, width
from diabolo.estimators.imputation.grids import Grids, beside_indicators, shown
from diabolo.estimators.imputation.judging import judged_grids, judged_tables
from diabolo.estimators.imputation.spreads import Spread
from diabolo.estimators.imputation.tables import Tables
from diabolo.estimators.signals import Signals, scaling_of
from diabolo.flow import with_channels
from diabolo.likelihoods import Auto as AutoLikelihood
from diabolo.likelihoods import Binned, LogisticMixture
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import MLP, Auto, ResUNet
from diabolo.seeding import seeded
from diabolo.training import Setting, Source, Training, split, train_in_stages

Array = NDArray[Any]

Learned = tuple[Filler, FittedModel, dict[str, float]]
"""What is known besides the model, the model, and the errors of best guesses of samples held out."""

STEPS = Training(steps=1500)
"""How it is trained on tables, if not said otherwise."""

_ROWS = 256
"""Rows of a batch."""

_NET = MLP(hidden=(128,))
_CONVOLUTIONAL = ResUNet((32, 64, 96, 128), blocks=1, activation="silu", bias=True)
"""It sees 122 points to each side; biases and smooth activations took a tenth off the error of heartbeats."""

_LIKELIHOOD = LogisticMixture(floor=0.02)
"""Finer scales spend the net on what is flat: see docs/decisions/0011."""

_FACTORS = 24
"""Factors of what is linear, at most."""

_FACTORED = 2**14
"""Rows that these are learnt from, at most."""

_COPIES, _OF_EACH = 2**16, 24
"""Copies of rows that are learnt from, about, and of each row, at most."""

_JUDGED = 3000
"""Copies of rows held out, about: fewer cells are hidden, as many as tables lack."""

_LINEAR = 0.6
"""Share of the variance of a column, beyond what is expected linearly, below which it is modelled as what is off."""


def learned_from_table(recipe: Recipe, X: Any, setting: Setting) -> Learned:
    """Return what is learned from a table, checked.

    Raises
    ------
    DataError, DataTypeError
        If no cell is there, or a column cannot be learned.
    ParameterError
        If the recipe does not leave open what tables decide.
    TrainingError
        If the loss is no longer finite.
    """
    recipe, seed, training = _of_columns(recipe), setting.seed, setting.training or STEPS
    if training.batch_size is None:
        training = training(batch_size=_ROWS)
    gapped, cells = Gapped.of(X)
    z, observed = gapped.encode(cells)
    if not observed.any():
        raise DataError("X must hold values to learn from; all cells are missing.")
    kept, held = (index.numpy() for index in split(len(z), training.validation, seed))
    factors = _factors(gapped, z, observed, kept, held, seed)
    train = _copies(gapped, factors, z, observed, kept, min(_COPIES, _OF_EACH * len(kept)), 0.95, seed)
    judged = _copies(gapped, factors, z, observed, held, _JUDGED, 0.45, seed + 1)
    tables = Tables.unjudged(gapped, factors, _spreads(gapped, cells, z, train))
    model = _model(tables, recipe, setting)
    source, held_out = (_source(tables, cells, copies, setting.device) for copies in (train, judged))
    _begin(model, np.bincount(source.where.numpy().ravel(), minlength=source.width + 1)[: sum(tables.sizes)])
    unscaled = Scaling(np.zeros(model.shape), np.ones(model.shape))
    fitted = _trained(model, unscaled, source, held_out, training, setting)
    tables, errors = judged_tables(tables, fitted.model, judged, cells)
    return tables, fitted, errors


def learned_from_grids(recipe: Recipe, samples: Signals, setting: Setting) -> Learned:
    """Return what is learned from images or series, checked; the recipe is one that suits them.

    Raises
    ------
    DataError
        If all cells are missing.
    TrainingError
        If the loss is no longer finite.
    """
    if not any(np.isfinite(x).any() for x in samples.arrays):
        raise DataError("X must hold values to learn from; all cells are missing.")
    seed, device, local = setting.seed, setting.device, recipe.net.local is not None
    scaling, shape = scaling_of(samples), shape_of(samples, recipe.net)
    training = planned(setting.training, samples, shape, local, device)
    train, held_out = sources(samples, None, scaling, shown, shape, training.validation, seed, device, local)
    model = built(recipe, with_channels(shape, 2), setting.n, seed, device, shape)
    fitted = _trained(model, beside_indicators(scaling), train, held_out, training, setting)
    coverage, errors = judged_grids(fitted.model, held_out or train, seed)
    return Grids(coverage), fitted, errors


def suited_to_grids(recipe: Recipe, add_indicator: bool) -> Recipe:
    """Return the recipe with what it leaves open chosen: the net, the likelihood, and what is hidden.

    Raises
    ------
    ParameterError
        If its corruption does not know of gaps, or indicators are wanted, which only tables have.
    """
    if add_indicator:
        raise ParameterError("Parameter 'add_indicator' of Imputer must be False for series and images; got True.")
    gaps: Corruption = recipe.corruption or Gaps()
    if not isinstance(gaps, Gaps):
        raise ParameterError(
            f"Parameter 'corruption' of the recipe must be left open for series and images, or be Gaps(); got {gaps!r}."
        )
    open_net, open_likelihood = isinstance(recipe.net, Auto), isinstance(recipe.likelihood, AutoLikelihood)
    return replace(
        recipe,
        net=_CONVOLUTIONAL if open_net else recipe.net,
        likelihood=_LIKELIHOOD if open_likelihood else recipe.likelihood,
        corruption=gaps,
    )


def _of_columns(recipe: Recipe) -> Recipe:
    """Return the recipe with the net of tables, if it leaves that open."""
    if not isinstance(recipe.likelihood, AutoLikelihood) or recipe.corruption is not None:
        raise ParameterError(
            "Parameter 'recipe' of Imputer must leave likelihood and corruption open for tables: columns are "
            f"modelled by bins, and cells are hidden; got {shorten(recipe.likelihood)} and "
            f"{shorten(recipe.corruption)}."
        )
    return replace(recipe, net=_NET) if isinstance(recipe.net, Auto) else recipe


def _trained(
    model: Autoencoder, scaling: Scaling, train: Source, held_out: Source | None, training: Training, setting: Setting
) -> FittedModel:
    history = train_in_stages(
        model,
        train,
        held_out,
        training,
        seed=setting.seed,
        callbacks=setting.callbacks,
        checkpoint=setting.checkpoint,
    )
    return FittedModel(model.eval(), scaling, history)


def _factors(gapped: Gapped, z: Array, observed: Array, kept: Array, held: Array, seed: int) -> Factors:
    """Return many factors, or a third of them if these fill hidden cells of rows held out better."""
    rows = kept[:: -(-len(kept) // _FACTORED)]
    here = torch.from_numpy(gapped.spread(observed[rows])).double()
    most = max(1, min(z.shape[1] - 1, _FACTORS))
    pairs = []
    for count in dict.fromkeys((most, -(-most // 3)) if len(held) else (most,)):
        factors = Factors.of(torch.from_numpy(z[rows]), here, count)
        judged = _copies(gapped, factors, z, observed, held, min(_JUDGED, 10 * len(held)), 0.45, seed)
        off = (judged.fill - z[judged.rows]) * gapped.spread(judged.hidden)
        pairs.append((float(np.square(off).sum()), factors))
    return min(pairs, key=lambda pair: pair[0])[1]


def _copies(
    gapped: Gapped, factors: Factors, z: Array, observed: Array, index: Array, count: int, most: float, seed: int
) -> Copies:
    """Return about so many copies of some rows, of whose cells a share is hidden, at most `most`."""
    each = np.array([width(column) for column in gapped.columns])
    copies = Copies.of(z[index], observed[index], each, factors, count, most, seed)
    return replace(copies, rows=index[copies.rows])


def _spreads(gapped: Gapped, cells: list[Array], z: Array, copies: Copies) -> tuple[Spread | None, ...]:
    """Return how the numbers of each column lie: off what is expected linearly where that tells most of them."""
    spreads: list[Spread | None] = [None] * len(cells)
    for i, column, at in gapped.numbers():
        hidden = np.flatnonzero(copies.hidden[:, i])
        true, fill = z[copies.rows[hidden], at], copies.fill[hidden, at]
        off = (true - fill) / np.maximum(copies.spread[hidden, at], 1e-12)
        apart = len(hidden) > 0 and np.square(true - fill).mean() < _LINEAR * np.square(true).mean()
        own = cells[i][np.isfinite(cells[i])]
        spreads[i] = Spread.of(off, None, True) if apart else Spread.of(own, column.parts, False)
    return tuple(spreads)


def _model(tables: Tables, recipe: Recipe, setting: Setting) -> Autoencoder:
    sizes, columns = tables.sizes, tables.gapped.columns
    wide = len(tables.gapped.shift) + len(columns)
    recipe = recipe.revise(likelihood=Binned(sizes)).settle((wide,))
    n = setting.n or min(64, max(8, wide))
    with seeded(setting.seed):
        model = recipe.build((wide,), int(n), target=(sum(sizes) + len(columns),))
    return model.to(setting.device)


@torch.no_grad()
def _begin(model: Autoencoder, counts: Array) -> None:
    """Start from how frequent bins are, where the decoder ends in a matrix: then nothing else is left to learn."""
    last = [layer for layer in model.decoder.modules() if isinstance(layer, nn.Linear)]
    if last and last[-1].out_features == len(counts):
        last[-1].weight.mul_(0.1)
        last[-1].bias.copy_(torch.from_numpy(np.log(counts + 0.5)))


def _source(tables: Tables, cells: list[Array], copies: Copies, device: torch.device) -> Hidden:
    """Return copies as they are trained on."""
    where = torch.from_numpy(_where(tables, cells, copies))
    return Hidden(copies.seen, where, sum(tables.sizes) + len(cells), device)


def _where(tables: Tables, cells: list[Array], copies: Copies) -> Array:
    """Return which indicator is 1 for each hidden cell of copies, (M, F); for all others the first beyond the end."""
    gapped, beyond = tables.gapped, sum(tables.sizes) + len(cells)
    where = np.full(copies.hidden.shape, beyond, np.int32)
    for i, (column, spread, place) in enumerate(zip(gapped.columns, tables.spreads, tables.places, strict=True)):
        hidden = np.flatnonzero(copies.hidden[:, i])
        own = cells[i][copies.rows[hidden]]
        if column.field is not None:
            known = {text: k for k, text in enumerate(column.field.categories)}
            which = np.array([known.get(text, -1) for text in own], dtype=np.int64)
            where[hidden, i] = np.where(which < 0, beyond, place.start + which)
        elif spread is not None:
            if spread.apart:
                at = gapped.slices[i].start
                base, unit = gapped.line(i, copies.fill[hidden, at], copies.spread[hidden, at])
                own = (own - base) / np.maximum(unit, 1e-300)
            where[hidden, i] = place.start + spread.which(own)
    return where

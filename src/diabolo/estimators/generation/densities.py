"""What is learned of the codes of training samples once a model is trained: what they cost, and their density."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import warn
from diabolo.estimators.generation.arrays import Arrays
from diabolo.estimators.generation.chained import chained
from diabolo.estimators.generation.conditions import Conditions
from diabolo.estimators.generation.known import IDLE, Density, Known
from diabolo.estimators.generation.rows import Rows
from diabolo.estimators.start import Start
from diabolo.expost import fit, fit_indices
from diabolo.latents import Gaussian, LatentModule
from diabolo.model import Autoencoder
from diabolo.priors import MADE, Autoregressive, Mixture, Normal, Prior, TokenPrior
from diabolo.seeding import places, seeded
from diabolo.training import Source

_CODES = 100_000
"""Codes that a density is fitted to, at most."""

_SOLVED = 20_000
"""Codes that a mixture is fitted to, at most."""

_DRAWS = 5
"""Codes that a density is fitted to for each of their dimensions, at least: of few samples several are drawn."""

_COMPONENTS, _OF_ROWS, _OF_IMAGES = 10, 50, 100
"""Normal distributions that codes are drawn from, where there are enough samples for them."""

_TOKENS, _PLACES = 32, 4096
"""Tokens, and tokens times kinds, up to which each has weights of its own."""


@torch.no_grad()
def settle(
    start: Start, form: Rows | Arrays, conditions: Conditions | None, density: Prior | None, left_open: bool
) -> Known:
    """Return what dimensions of the code cost, a density of codes where one is wanted, and how columns go together.

    Parameters
    ----------
    start : Start
        Whose model has been trained and is in evaluation mode; its seed decides all draws.
    form : Rows or Arrays
        The form of samples.
    conditions : Conditions or None
        What they are conditioned on.
    density : Prior or None
        What the density is to be one of, if that was said.
    left_open : bool
        Whether the user's recipe leaves the likelihood open.

    Warns
    -----
    DiaboloWarning
        If most dimensions tell nothing about the sample.
    """
    model, seed = start.model, start.seed
    seen = _seen(model, start.sources.train, seed)
    codes = torch.stack([seen.means.mean(0), seen.means.std(0, correction=0)]).cpu().numpy()
    kl = np.full(model.n, np.nan) if seen.costs is None else seen.costs.mean(0).cpu().numpy()
    idle = np.square(codes[1]) < IDLE if seen.costs is None else kl < IDLE
    collapsed = np.flatnonzero(idle).tolist() if model.has_prior else []
    if density is None and _by_density(model, left_open):
        density = _suited(model, len(seen.means), isinstance(form, Rows) or conditions is not None)
    fitted = None if density is None else _density_of(density, seen, model.latent, seed)
    columns = chained(model, form.sizes, start.sources, seed) if isinstance(form, Rows) else None
    known = Known(form, conditions, codes, kl, collapsed, density, fitted, columns)
    if 2 * len(collapsed) > model.n:
        warn(known.collapse)
    return known


class _Seen(NamedTuple):
    """What there is to know of the codes of training samples."""

    means: Tensor
    """As they are on average, (N, n)."""
    drawn: Tensor
    """As the decoder sees them, of few samples several times over, (R * N, n)."""
    costs: Tensor | None
    """Their KL (N, n), where it is known for each dimension."""
    indices: Tensor | None
    """Their tokens (N, T), where they are made of some."""
    told: Tensor | None
    """What is known about the samples, (N, C)."""


def _density_of(prior: Prior, seen: _Seen, latent: LatentModule, seed: int) -> Density:
    """Return the density of codes or of their tokens, given what is known about samples where it can take that up."""
    if isinstance(prior, TokenPrior):
        indices = cast(Tensor, seen.indices)
        return fit_indices(prior, indices, latent.kinds, seen.told, ordered=latent.ordered, seed=seed)
    if not isinstance(prior, Mixture):
        return fit(prior, seen.drawn, seed=seed)
    told = None if seen.told is None else seen.told.repeat(len(seen.drawn) // len(seen.told), 1)
    some = slice(None, None, -(-len(seen.drawn) // _SOLVED))
    return fit(prior, seen.drawn[some], None if told is None else told[some], seed=seed)


def _seen(model: Autoencoder, source: Source, seed: int) -> _Seen:
    found, count = [], 0
    times = max(1, -(-_DRAWS * model.n // len(source)))  # fewer codes than dimensions would have no spread in some
    with seeded(seed, *places(model)):
        for batch in source.epoch(4096, None):
            h, _ = model.hidden(batch.x, batch.condition)
            code = model.latent(h, False)
            drawn = [model.latent(h, True).z[: len(h)] for _ in range(times)] if model.has_prior else [code.z]
            cost = code.info.get("kl")
            cost = cost.double() if cost is not None and cost.shape == code.mean.shape else None
            found.append((code.mean.double(), torch.stack(drawn), cost, code.info.get("indices"), batch.condition))
            if (count := count + len(h)) >= _CODES:
                break
    means, drawn, *rest = zip(*found, strict=True)
    every = torch.cat(drawn, 1).flatten(0, 1)
    return _Seen(torch.cat(means), every, *(None if part[0] is None else torch.cat(part) for part in rest))


def _by_density(model: Autoencoder, left_open: bool) -> bool:
    """Tell whether codes are drawn from a density of their own, where none was said.

    They are where the latent has no prior, and where the recipe leaves the choice: samples are told from real ones less
    easily, show more what they were asked for, and columns go together more as they do (docs/decisions/0008, 0009).
    """
    latent = model.recipe.latent
    return not model.has_prior or (left_open and isinstance(latent, Gaussian) and isinstance(latent.prior, Normal))


def _suited(model: Autoencoder, count: int, mixed: bool) -> Prior:
    """Return what suits the codes of `count` samples: a density of tokens, or else a mixture.

    Of rows of tables and of samples with conditions, which are `mixed`, it has more components.
    """
    if tokens := model.recipe.latent.tokens(model.n):
        few = tokens <= _TOKENS and tokens * model.latent.kinds <= _PLACES
        return MADE() if few else Autoregressive()
    if len(model.shape) == 3:
        return Mixture(max(1, min(_OF_IMAGES, count // (20 * model.n))), "full")
    return Mixture(max(1, min(_OF_ROWS if mixed else _COMPONENTS, count // 20)))

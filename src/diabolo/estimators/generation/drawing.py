"""What a generator's model makes of samples and codes, in blocks of bounded size, told their conditions."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import Scaling
from diabolo.errors import CapabilityError, DataError
from diabolo.estimators.base import BLOCK
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.generation import tokens
from diabolo.estimators.generation.chain_rule import ChainRule
from diabolo.estimators.generation.conditions import Conditions
from diabolo.estimators.generation.known import Known
from diabolo.estimators.generation.rows import Rows
from diabolo.estimators.sources import filled
from diabolo.generation import evidence
from diabolo.latents.gaussian import GaussianModule
from diabolo.model import Autoencoder
from diabolo.priors import Joint, TokenModule, Whitened
from diabolo.seeding import seeded

Array = NDArray[Any]
Blocks = Iterable[tuple[Tensor, Autoencoder]]
"""Scaled samples in blocks, and the model to apply to each."""

_CONDITIONS = 64
"""Conditions that stand for all where that of a sample is not known, at most."""


def told(conditions: Conditions | None, condition: Any, count: int) -> Tensor | None:
    """Return the condition of `count` samples, (count, K), as the model is told it.

    Where it is not known, the mean of those in training stands for it.

    Raises
    ------
    DataError
        If the condition is not as in training, or there was none.
    """
    if conditions is None and condition is not None:
        raise DataError(
            "This Generator was fitted without y and takes no condition; got one. Fit it with y, "
            "Generator.fit(X, y), or leave it out."
        )
    if conditions is None:
        return None
    rows = np.repeat(conditions.mean, count, 0) if condition is None else conditions.encode(condition, count)
    return torch.from_numpy(rows)


@torch.inference_mode()
def codes(blocks: Blocks, condition: Tensor | None, count: int) -> Array:
    """Return the deterministic codes (N, n) of so many samples, scaled and in blocks."""
    told_blocks = _told_blocks(blocks, condition)
    return filled((model.encode(x, known).mean.cpu().numpy() for x, known, model in told_blocks), count)


@torch.inference_mode()
def rebuilt(blocks: Blocks, condition: Tensor | None, count: int, scaling: Scaling) -> Array:
    """Return what so many samples, scaled and in blocks, are rebuilt to, as numbers in units of the user."""
    told_blocks = _told_blocks(blocks, condition)
    return filled((scaling.undo(model.reconstruct(x, known).cpu()) for x, known, model in told_blocks), count)


@torch.inference_mode()
def decoded(fitted: FittedModel, z: Array, condition: Tensor | None) -> Array:
    """Return what codes (N, n) decode to on average, as numbers in units of the user."""
    return _decoded(fitted, torch.tensor(z), condition, None, draw=False)


def drawn(fitted: FittedModel, known: Known, count: int, condition: Any, seed: int, draw: bool | None) -> Array:
    """Return new samples, expected or drawn, as numbers in units of the user; where it is not known, of any condition.

    The seed decides all; the global random state is left as it was.
    """
    if known.conditions is None or condition is not None:
        rows = told(known.conditions, condition, count)
    else:
        rows = torch.from_numpy(known.conditions.drawn(count, np.random.default_rng(seed)))
    model = fitted.model
    with seeded(seed, next(model.parameters()).device), torch.inference_mode():
        z = _new_codes(model, known, count, rows)
        return _decoded(fitted, z, rows, known.columns, _drawn_by_default(model) if draw is None else draw)


def _new_codes(model: Autoencoder, known: Known, count: int, condition: Tensor | None) -> Tensor:
    """Return codes (count, n) drawn from what they are drawn from, given their condition (count, K) if it counts."""
    density, latent = known.density, model.latent
    if isinstance(density, TokenModule):
        return latent.of_indices(density.sample(count, condition))
    found = []
    for start in range(0, count, 2**16):
        size = min(2**16, count - start)
        told = None if condition is None else condition[start : start + size]
        found.append((latent if density is None else density.given(told)).sample(size))
    return torch.cat(found)


def _drawn_by_default(model: Autoencoder) -> bool:
    series = len(model.shape) == 2 and model.recipe.likelihood.tells_noise
    return len(model.shape) == 1 or series


def likelihoods(fitted: FittedModel, known: Known, numbers: Array, condition: Any, samples: int, seed: int) -> Array:
    """Return bound, distortion and rate (3, N) of samples as numbers, of density in units of the user.

    Where their condition is not known, it is one of those in training; distortion and rate are means over these.
    """
    conditions, model = known.conditions, _with_density(fitted.model, known)

    def under(rows: Tensor | None) -> Array:
        return _evidence(model, fitted.scaling, known, numbers, rows, samples, seed)

    if conditions is None or condition is not None:
        found = under(told(conditions, condition, len(numbers)))
    else:
        rows, shares = conditions.few(_CONDITIONS)
        each = [under(torch.from_numpy(row).expand(len(numbers), -1)) for row in rows]
        bounds = np.stack([terms[0] for terms in each]) + np.log(shares)[:, None]
        means = np.einsum("r,rtn->tn", shares, np.stack([terms[1:] for terms in each]))
        found = np.concatenate([np.logaddexp.reduce(bounds)[None], means])
    slope = _slope(fitted, known, numbers)
    return found + np.stack([slope, -slope, np.zeros_like(slope)])


def _decoded(fitted: FittedModel, z: Tensor, condition: Tensor | None, rule: ChainRule | None, draw: bool) -> Array:
    """Return what codes decode to on average or, beside the rule of columns if there is one, drawn."""
    model = fitted.precise() if z.dtype == torch.float64 else fitted.model
    weight, likelihood = next(model.parameters()), model.recipe.likelihood
    drawn_from = likelihood.sample if rule is None else rule.sample
    size = max(1, BLOCK // int(np.prod(model.shape)))
    found = []
    for start in range(0, len(z), size):
        block = z[start : start + size].to(weight)
        params = model.decode(block, None if condition is None else condition[start : start + size].to(block))
        y = (drawn_from(params) if draw else likelihood.mean(params)).cpu()
        found.append(fitted.scaling.undo(y, np.float32 if len(model.shape) == 3 else np.float64))
    return np.concatenate(found)


def _evidence(
    model: Autoencoder,
    scaling: Scaling,
    known: Known,
    numbers: Array,
    condition: Tensor | None,
    samples: int,
    seed: int,
) -> Array:
    device = next(model.parameters()).device
    size = max(1, 2**24 // int(np.prod(model.shape)))
    found = []
    for start in range(0, len(numbers), size):
        x = scaling.batch(scaling.tensor(numbers[start : start + size]).to(device))
        rows = None if condition is None else condition[start : start + size].to(x)
        if isinstance(known.density, TokenModule):
            terms = tokens.evidence(model, known.density, x, samples, rows, known.columns)
        else:
            terms = evidence(model, x, samples, seed + start, rows, known.columns)
        found.append(torch.stack([terms.bound, terms.distortion, terms.rate]).numpy())
    return np.concatenate(found, 1)


def _slope(fitted: FittedModel, known: Known, numbers: Array) -> Array:
    """Return by how many nats the density of samples differs from that of their scaled numbers: (N,)."""
    if isinstance(known.form, Rows):
        return known.form.slope(numbers)
    model, scale = fitted.model, fitted.scaling.scale.ravel()
    real = [domain == "real" for domain in model.recipe.likelihood.domains(len(scale))]
    return np.full(len(numbers), -(np.log(scale) * real).sum() * (np.prod(model.shape) / len(scale)))


def _with_density(model: Autoencoder, known: Known) -> Autoencoder:
    """Return the model with the density that codes are drawn from as its prior.

    Raises
    ------
    CapabilityError
        If its latent has a prior that this density cannot stand in for.
    """
    if not isinstance(known.density, Whitened | Joint) or not model.has_prior:
        return model
    if not isinstance(model.latent, GaussianModule):
        raise CapabilityError(
            f"There are no likelihoods by a density fitted to codes of {type(model.recipe.latent).__name__}, as they "
            "go by its own prior. Fit without density, or with latent=Gaussian()."
        )
    model = copy.deepcopy(model)
    latent = model.latent
    latent.prior = known.density
    return model


def _told_blocks(blocks: Blocks, condition: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None, Autoencoder]]:
    """Yield scaled samples in blocks, their condition, and the model to apply."""
    start = 0
    for x, model in blocks:
        yield x, None if condition is None else condition[start : start + len(x)].to(x), model
        start += len(x)

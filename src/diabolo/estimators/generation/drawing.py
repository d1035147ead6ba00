"""What a generator's model makes of samples and codes, in blocks of bounded size, told their conditions."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.errors import DataError
from diabolo.estimators.base import BLOCK
from diabolo.estimators.generation import tokens
from diabolo.estimators.generation.rows import Rows
from diabolo.estimators.sources import filled
from diabolo.generation import evidence
from diabolo.latents.gaussian import GaussianModule
from diabolo.model import Autoencoder
from diabolo.priors import Joint, TokenModule, Whitened
from diabolo.seeding import seeded

if TYPE_CHECKING:
    from diabolo.estimators.generation.generator import Generator

Array = NDArray[Any]

_CONDITIONS = 64
"""Conditions that stand for all where that of a sample is not known, at most."""


def told(generator: Generator, condition: Any, count: int) -> Tensor | None:
    """Return the condition of `count` samples, (count, K), as the model is told it.

    Where it is not known, the mean of those in training stands for it.

    Raises
    ------
    DataError
        If the condition is not as in training, or there was none.
    """
    known = generator.conditions_
    if known is None and condition is not None:
        raise DataError(
            f"This Generator was fitted without y and takes no condition; got one. Fit it with y, "
            f"{type(generator).__name__}.fit(X, y), or leave it out."
        )
    if known is None:
        return None
    rows = np.repeat(known.mean, count, 0) if condition is None else known.encode(condition, count)
    return torch.from_numpy(rows)


@torch.inference_mode()
def codes(generator: Generator, numbers: Array, condition: Tensor | None) -> Array:
    """Return the deterministic codes (N, n) of samples as numbers."""
    blocks = _told_blocks(generator, numbers, condition)
    return filled((model.encode(x, known).mean.cpu().numpy() for x, known, model in blocks), len(numbers))


@torch.inference_mode()
def rebuilt(generator: Generator, numbers: Array, condition: Tensor | None) -> Array:
    """Return what samples are rebuilt to, as numbers in units of the user."""
    blocks, undo = _told_blocks(generator, numbers, condition), generator.scaling_.undo
    return filled((undo(model.reconstruct(x, known).cpu()) for x, known, model in blocks), len(numbers))


@torch.inference_mode()
def decoded(generator: Generator, z: Array, condition: Tensor | None) -> Array:
    """Return what codes (N, n) decode to on average, as numbers in units of the user."""
    return _decoded(generator, torch.tensor(z), condition, draw=False)


def drawn(generator: Generator, count: int, condition: Any, seed: int, draw: bool | None) -> Array:
    """Return new samples, expected or drawn, as numbers in units of the user; where it is not known, of any condition.

    The seed decides all; the global random state is left as it was.
    """
    known = generator.conditions_
    if known is None or condition is not None:
        rows = told(generator, condition, count)
    else:
        rows = torch.from_numpy(known.drawn(count, np.random.default_rng(seed)))
    device = next(generator.model_.parameters()).device
    with seeded(seed, device), torch.inference_mode():
        z = _new_codes(generator, count, rows)
        return _decoded(generator, z, rows, _drawn_by_default(generator) if draw is None else draw)


def _new_codes(generator: Generator, count: int, condition: Tensor | None) -> Tensor:
    """Return codes (count, n) drawn from what they are drawn from, given their condition (count, K) if it counts."""
    density, latent = generator.density_, generator.model_.latent
    if isinstance(density, TokenModule):
        return latent.of_indices(density.sample(count, None if condition is None else condition.to(density.place)))
    found = []
    for start in range(0, count, 2**16):
        size = min(2**16, count - start)
        told = None if condition is None else condition[start : start + size]
        found.append((latent if density is None else density.given(told)).sample(size))
    return torch.cat(found)


def _drawn_by_default(generator: Generator) -> bool:
    series = len(generator.shape_) == 2 and generator.recipe_.likelihood.tells_noise
    return len(generator.shape_) == 1 or series


def likelihoods(generator: Generator, numbers: Array, condition: Any, samples: int, seed: int) -> Array:
    """Return bound, distortion and rate (3, N) of samples as numbers, of density in units of the user.

    Where their condition is not known, it is one of those in training; distortion and rate are means over these.
    """
    known, model = generator.conditions_, _with_density(generator)

    def under(rows: Tensor | None) -> Array:
        return _evidence(model, generator, numbers, rows, samples, seed)

    if known is None or condition is not None:
        found = under(told(generator, condition, len(numbers)))
    else:
        rows, shares = known.few(_CONDITIONS)
        each = [under(torch.from_numpy(row).expand(len(numbers), -1)) for row in rows]
        bounds = np.stack([terms[0] for terms in each]) + np.log(shares)[:, None]
        means = np.einsum("r,rtn->tn", shares, np.stack([terms[1:] for terms in each]))
        found = np.concatenate([np.logaddexp.reduce(bounds)[None], means])
    slope = _slope(generator, numbers)
    return found + np.stack([slope, -slope, np.zeros_like(slope)])


def _decoded(generator: Generator, z: Tensor, condition: Tensor | None, draw: bool) -> Array:
    model, device, precise = generator._at(z.dtype == torch.float64)
    likelihood, rule = model.recipe.likelihood, generator.columns_
    drawn_from = likelihood.sample if rule is None else rule.sample
    size = max(1, BLOCK // int(np.prod(generator.shape_)))
    found = []
    for start in range(0, len(z), size):
        block = z[start : start + size].to(device, torch.float64 if precise else torch.float32)
        params = model.decode(block, None if condition is None else condition[start : start + size].to(block))
        found.append(generator.scaling_.undo((drawn_from(params) if draw else likelihood.mean(params)).cpu()))
    return np.concatenate(found)


def _evidence(
    model: Autoencoder, generator: Generator, numbers: Array, condition: Tensor | None, samples: int, seed: int
) -> Array:
    scaling = generator.scaling_
    device = next(model.parameters()).device
    size = max(1, 2**24 // int(np.prod(generator.shape_)))
    found = []
    for start in range(0, len(numbers), size):
        x = scaling.batch(scaling.tensor(numbers[start : start + size]).to(device))
        known = None if condition is None else condition[start : start + size].to(x)
        if isinstance(generator.density_, TokenModule):
            terms = tokens.evidence(model, generator.density_, x, samples, known, generator.columns_)
        else:
            terms = evidence(model, x, samples, seed + start, known, generator.columns_)
        found.append(torch.stack([terms.bound, terms.distortion, terms.rate]).numpy())
    return np.concatenate(found, 1)


def _slope(generator: Generator, numbers: Array) -> Array:
    """Return by how many nats the density of samples differs from that of their scaled numbers: (N,)."""
    form = generator.form_
    if isinstance(form, Rows):
        return form.slope(numbers)
    shape, scale = generator.shape_, generator.scaling_.scale.ravel()
    real = [domain == "real" for domain in generator.recipe_.likelihood.domains(len(scale))]
    return np.full(len(numbers), -(np.log(scale) * real).sum() * (np.prod(shape) / len(scale)))


def _with_density(generator: Generator) -> Autoencoder:
    """Return the model with the density that codes are drawn from as its prior."""
    if not isinstance(generator.density_, Whitened | Joint) or not isinstance(generator.model_.latent, GaussianModule):
        return generator.model_
    model = copy.deepcopy(generator.model_)
    latent = model.latent
    latent.prior = generator.density_
    return model


def _told_blocks(
    generator: Generator, numbers: Array, condition: Tensor | None
) -> Iterator[tuple[Tensor, Tensor | None, Autoencoder]]:
    """Yield scaled samples in blocks, their condition, and the model to apply."""
    start = 0
    for x, model in generator._blocks(numbers):
        yield x, None if condition is None else condition[start : start + len(x)].to(x), model
        start += len(x)

"""What training starts from: data scaled and split, and a model begun at PCA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import Moments, Scaling, Stored
from diabolo.data.sentinels import warn_of_sentinels
from diabolo.data.strays import warn_of_strays
from diabolo.errors import ParameterError
from diabolo.estimators.sources import Sources, blocks_of
from diabolo.flow import Shape, channels
from diabolo.likelihoods import Bounds
from diabolo.model import Autoencoder, Recipe
from diabolo.seeding import seeded
from diabolo.shallow import PCA, begin, begun, solvable
from diabolo.training import Source, paired

_NUMBERS = 2**19
"""Numbers that PCA is told of at a time: it needs several copies of them in float64."""


@dataclass(frozen=True)
class Start:
    """The settled recipe and its model, the data as they are trained on, and the baseline."""

    recipe: Recipe
    bounds: Bounds | None
    scaling: Scaling
    sources: Sources
    seed: int
    model: Autoencoder
    pca: PCA

    @classmethod
    def of(
        cls,
        array: NDArray[Any] | Stored,
        recipe: Recipe,
        n: int,
        share: float,
        seed: int,
        device: torch.device,
        scaling: Scaling | None = None,
        condition: Tensor | None = None,
        names: Sequence[str] | NDArray[Any] | None = None,
    ) -> Start:
        """Scale the data unless a `scaling` is given, hold out a `share`, build the model; the seed decides both.

        The model is told the `condition` (N, K) of each sample, if there is one; warnings call columns by `names`.
        """
        shape, bounds = array.shape[1:], None
        if scaling is None:
            domains = recipe.likelihood.domains(channels(shape))
            moments = Moments.of(blocks_of(array), domains)
            scaling = Scaling.of(moments, domains)
            if isinstance(array, np.ndarray) and array.ndim == 2:
                named = [str(name) for name in (range(shape[0]) if names is None else names)]
                warn_of_sentinels(named, array, moments.low, moments.high)
                warn_of_strays(named, array, moments.std)
            if any(penalty.pairing() is not None for penalty in recipe.penalties):
                scaling = scaling.comparable(moments, domains)
            bounds = _bounds(moments, scaling)
        recipe = recipe.settle(shape, bounds)
        sources = Sources.of(array, scaling, share, seed, device, condition)
        model = _built(recipe, shape, n, seed, device, 0 if condition is None else condition.shape[1])
        pca = _baseline(sources, recipe, model)
        _begin(model, pca, sources)
        return cls(recipe, bounds, scaling, sources, seed, model, pca)

    @property
    def solved(self) -> bool:
        """Whether there is nothing left to train: the recipe has a closed form, or asks for no more than the start."""
        known = solvable(self.recipe, self.pca.mean.numel()) or begun(self.recipe)
        return known and not self.model.conditioner.size

    def batches(self) -> tuple[Source, Source]:
        """Return the sources to train on and to judge by, as the penalties of the recipe want samples to come."""
        train, held_out = paired((self.sources.train, self.sources.held_out), self.sources.few, self.recipe.penalties)
        return train, held_out

    def joined(self, recipe: Recipe, n: int, seed: int) -> Start:
        """Return what another model starts from on the same data, its code no longer.

        Raises
        ------
        ParameterError
            If the recipe needs the data scaled otherwise.
        """
        shape, count = self.model.shape, channels(self.model.shape)
        if recipe.likelihood.domains(count) != self.recipe.likelihood.domains(count):
            raise ParameterError(
                f"Estimators that are fitted together must scale the data alike; {recipe.likelihood!r} and "
                f"{self.recipe.likelihood!r} do not. Fit them apart."
            )
        recipe = recipe.settle(shape, self.bounds)
        model = _built(recipe, shape, n, seed, next(self.model.parameters()).device)
        pca = replace(self.pca, components=self.pca.components[:n])
        _begin(model, pca, self.sources)
        return replace(self, recipe=recipe, seed=seed, model=model, pca=pca)


def _built(recipe: Recipe, shape: Shape, n: int, seed: int, device: torch.device, condition: int = 0) -> Autoencoder:
    with seeded(seed, device):
        return recipe.build(shape, n, condition).to(device)


def _baseline(sources: Sources, recipe: Recipe, model: Autoencoder) -> PCA:
    """Return PCA of the same size on the samples trained on; on few of them where it is only a baseline."""
    width = int(np.prod(model.shape))
    source = sources.train if solvable(recipe, width) else sources.few
    blocks = source.epoch(max(256, _NUMBERS // width), None)
    return PCA.fit((batch.x.cpu() for batch in blocks), width, model.n)


def _begin(model: Autoencoder, pca: PCA, sources: Sources) -> None:
    """Start a model at PCA, and what its net and its latent keep of samples at some of them."""
    begin(pca, model)
    few = sources.few
    rebuilt = (batch.x if batch.target is None else batch.target for batch in few.epoch(4096, None))
    model.recipe.net.begin_at(model.encoder, model.decoder, rebuilt)
    model.latent.begin(batch.x for batch in few.epoch(4096, None))


def _bounds(moments: Moments, scaling: Scaling) -> Bounds | None:
    """Return what no value can lie beyond, scaled: the ends of bytes, and 0 and 1 of images within them."""
    images = len(moments.shape) == 3 and moments.low.min() >= 0 and moments.high.max() <= 1
    if moments.dtype != np.uint8 and not images:
        return None
    ends = (0.0, 1.0 if images else 255.0)
    low, high = (tuple(((end - scaling.shift) / scaling.scale).ravel().tolist()) for end in ends)
    return low, high

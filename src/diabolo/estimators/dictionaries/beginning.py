"""What the training of a dictionary starts from: vectors in one scale, and a decoder whose first guesses fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import Scaling, Stored
from diabolo.estimators.sources import Sources
from diabolo.flow import Batch
from diabolo.model import Autoencoder, Recipe
from diabolo.nets.atoms import AtomsEncoder
from diabolo.seeding import seeded

Array = NDArray[Any]

_LOOKED_AT = 4096
"""Samples that centre and scale are taken from."""

_GUESSED = 2048
"""Samples that the first guesses are fitted to."""


@dataclass(frozen=True)
class Beginning:
    """Vectors as dictionaries are trained on them, and what scaled them and their target, if that is another."""

    sources: Sources
    scaling: Scaling
    target_scaling: Scaling | None
    device: torch.device

    @classmethod
    def of(
        cls, data: Array | Stored, target: Array | None, layers: int, share: float, seed: int, device: torch.device
    ) -> Beginning:
        """Scale vectors (N, D) of several `layers`, and a `target` (N, D') by itself; hold out a `share` of them."""
        some = data.take(data.some(_LOOKED_AT * data.shape[1])) if isinstance(data, Stored) else data
        scaling = centred(some, layers)
        towards = None if target is None else centred(target, 1)
        wanted = None if towards is None or target is None else towards.tensor(target)
        return cls(Sources.of(data, scaling, share, seed, device, target=wanted), scaling, towards, device)

    def model(self, recipe: Recipe, n: int, seed: int) -> Autoencoder:
        """Return a model of `n` latents, begun at some of the vectors."""
        first = next(iter(self.sources.train.epoch(_GUESSED, seed)))
        with seeded(seed, self.device):
            wanted = None if first.target is None else tuple(first.target.shape[1:])
            model = recipe.build(tuple(first.x.shape[1:]), n, target=wanted).to(self.device)
            model.recipe.net.begin_at(model.encoder, model.decoder, [first.x if first.target is None else first.target])
            guess(model, first)
        return model


def centred(array: Array, layers: int) -> Scaling:
    """Return the scaling of vectors (N, layers·D): about their geometric median, to a mean square of 1 in each layer.

    Examples
    --------
    >>> scaling = centred(np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]]), 1)
    >>> scaling.shift.round(3).tolist(), len(set(scaling.scale))
    ([2.0, 5.0], 1)
    """
    some = array[:: max(1, len(array) // _LOOKED_AT)].astype(np.float64)
    shift = geometric_median(some)
    squares = np.square(some - shift).reshape(len(some), layers, -1).mean((0, 2))  # (layers,)
    scale = np.sqrt(np.where(squares > 0, squares, 1.0))
    return Scaling(shift, np.repeat(scale, array.shape[1] // layers))


def geometric_median(rows: Array, steps: int = 100) -> Array:
    """Return the point (D,) whose distances to the rows (N, D) have the least sum.

    References
    ----------
    Weiszfeld, "Sur le point pour lequel la somme des distances de n points donnés est minimum", 1937.

    Examples
    --------
    >>> geometric_median(np.array([[0.0], [1.0], [50.0]])).round(2).tolist()
    [1.0]
    """
    point = rows.mean(0)
    for _ in range(steps):
        distance = np.linalg.norm(rows - point, axis=1)
        near = 1 / np.maximum(distance, max(1e-9 * distance.max(), 1e-300))
        moved = near @ rows / near.sum()
        if np.linalg.norm(moved - point) <= 1e-6 * distance.mean():
            return moved
        point = moved
    return point


@torch.no_grad()
def guess(model: Autoencoder, batch: Batch) -> None:
    """Let the encoder look along the atoms, and start it where no latent idles and the reconstructions fit.

    Biases begin such that each latent is among the active ones about as often as any other: some would fall silent
    at once without (docs/decisions/0015). The scale is ⟨x, x̂⟩ / ⟨x̂, x̂⟩, of least squares.
    """
    encoder, latent = model.encoder, model.recipe.latent
    if not isinstance(encoder, AtomsEncoder) or encoder.weight is None:
        return
    atoms = model.recipe.net.atoms(model.decoder)
    if atoms is not None and atoms.shape == encoder.weight.shape:
        encoder.weight.copy_(torch.nn.functional.normalize(atoms, dim=1))
    if latent.selects:
        active = getattr(latent, "k", None) or max(1, model.n // 32)
        least = _least(batch.x, encoder, active / model.n)
        encoder.bias.copy_(least.mean() - least)
    code, _ = model.eval().coded(batch.x, noise=True)  # as in training, but no latent learns from it
    rebuilt, target = model.expected(model.decode(code.z)), batch.x if batch.target is None else batch.target
    square = float(rebuilt.square().sum())
    if square > 0:
        scale = max(float((target * rebuilt).sum()) / square, 0.05)
        encoder.weight.mul_(scale)
        encoder.bias.mul_(scale)


def _least(x: Tensor, encoder: AtomsEncoder, share: float) -> Tensor:
    """Return for each latent what its h is at least for this share of the samples x (B, D), (n,)."""
    count = max(1, round(share * len(x)))
    blocks = encoder.map().blocks(x.flatten(1))
    return torch.cat([h.topk(count, 0, sorted=False).values.amin(0) for _, h in blocks])

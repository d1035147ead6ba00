"""What flows through the house: a batch in, a code in the middle, an output at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add

from torch import Tensor

Shape = tuple[int, ...]
"""The shape of one sample: ``(D,)`` a table row, ``(T, C)`` a series, ``(C, H, W)`` an image."""


def channel_axis(shape: Shape) -> int:
    """Return the axis of a batch on which the channels of a sample lie: 1 for images, the last one otherwise.

    Examples
    --------
    >>> channel_axis((30,)), channel_axis((50, 3)), channel_axis((3, 32, 32))
    (-1, -1, 1)
    """
    return 1 if len(shape) == 3 else -1


def channels(shape: Shape) -> int:
    """Return how many channels (columns of a table) a sample has.

    Examples
    --------
    >>> channels((30,)), channels((50, 3)), channels((1, 32, 32))
    (30, 3, 1)
    """
    return shape[0] if len(shape) == 3 else shape[-1]


def with_channels(shape: Shape, factor: int) -> Shape:
    """Return `shape` with `factor` times as many channels.

    Examples
    --------
    >>> with_channels((30,), 2), with_channels((50, 3), 2), with_channels((3, 32, 32), 2)
    ((60,), (50, 6), (6, 32, 32))
    """
    if len(shape) == 3:
        return (shape[0] * factor, *shape[1:])
    return (*shape[:-1], shape[-1] * factor)


@dataclass
class Batch:
    """What a reader yields: B samples, scaled, as floating point numbers.

    Parameters
    ----------
    x : Tensor (B, *shape)
        What the encoder sees, before corruption; of interactions (B, I) a coalesced sparse COO tensor.
    target : Tensor (B, *shape), optional
        What the decoder should rebuild; `x` itself by default.
    weight : Tensor (B,), optional
        How much each sample counts in the loss.
    condition : Tensor (B, K), optional
        What is known about each sample.
    paired : bool
        Whether samples b and B / 2 + b are neighbours, for each b in the first half.
    """

    x: Tensor
    target: Tensor | None = None
    weight: Tensor | None = None
    condition: Tensor | None = None
    paired: bool = False


@dataclass
class Code:
    """What the latent makes of the encoder's output.

    Parameters
    ----------
    z : Tensor (K * B, n)
        What the decoder sees: a sparse COO tensor where few entries differ from 0 and the net can do with it, and
        random during training where the latent is, K draws for each sample (K is 1 but for
        importance-weighted latents; draw k of sample b is row ``k * B + b``).
    mean : Tensor (B, n)
        The deterministic code: what ``transform`` returns.
    rate : Tensor (B,)
        What the code costs, in nats where the latent is a distribution.
    info : dict of Tensor
        What else a latent has to tell, such as "kl" (B, n) or "indices" (B, tokens).
    """

    z: Tensor
    mean: Tensor
    rate: Tensor
    info: dict[str, Tensor] = field(default_factory=dict)

    def dense(self) -> Code:
        """Return the code written out, where it is sparse."""
        return replace(self, z=self.z.to_dense(), mean=self.mean.to_dense()) if self.z.is_sparse else self


@dataclass
class Output:
    """What the model returns for a batch.

    Parameters
    ----------
    target : Tensor (B, *shape)
        What was to be rebuilt.
    code : Code
        The code.
    params : Tensor (K * B, *likelihood.shape(shape))
        The decoder's output: the parameters of the likelihood.
    distortion : Tensor (B,)
        -log p(target | params) up to the likelihood's stated constant, summed over the sample.
    rate : Tensor (B,)
        What the code costs.
    penalties : dict of Tensor (B,) or ()
        One entry per penalty, by its name.
    weight : Tensor (B,), optional
        How much each sample counts.
    """

    target: Tensor
    code: Code
    params: Tensor
    distortion: Tensor
    rate: Tensor
    penalties: dict[str, Tensor] = field(default_factory=dict)
    weight: Tensor | None = None

    @property
    def loss(self) -> Tensor:
        """The mean over the batch of distortion + rate + penalties, a scalar."""
        return total(self.terms())

    def terms(self) -> dict[str, Tensor]:
        """Return each term of the loss, averaged over the batch; they sum to the loss."""
        parts = {"distortion": self.distortion, "rate": self.rate} | self.penalties
        return {name: weighted_mean(value, self.weight) for name, value in parts.items()}


def counted(hidden: Tensor) -> Tensor:
    """Return how much each number counts where some were `hidden`: only those, and as much as the whole would.

    Examples
    --------
    >>> import torch
    >>> counted(torch.tensor([True, False]))
    tensor([2., 0.])
    """
    return hidden / hidden.float().mean().clamp_min(1e-6)


def weighted_mean(value: Tensor, weight: Tensor | None) -> Tensor:
    """Return the mean of a value per sample (B,), weighted if there are weights; one for the whole batch () is it.

    Examples
    --------
    >>> import torch
    >>> weighted_mean(torch.tensor([1.0, 3.0]), torch.tensor([3.0, 1.0]))
    tensor(1.5000)
    """
    if weight is None or value.ndim == 0:
        return value.mean()
    return (value * weight).sum() / weight.sum()


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the terms of a loss.

    Examples
    --------
    >>> import torch
    >>> total({"distortion": torch.tensor(2.0), "rate": torch.tensor(0.5)})
    tensor(2.5000)
    """
    return reduce(add, terms.values())

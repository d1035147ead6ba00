"""What a dictionary may do to each sample before it encodes it, and undo after it has rebuilt it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

_SMALL = 1e-5  # what SAELens and openai's sparse_autoencoder add to the standard deviation


@dataclass(frozen=True)
class Norm:
    """One way.

    Parameters
    ----------
    into : function
        Of samples (B, d): what is encoded, (B, d).
    back : function
        Of what was rebuilt (B, d) and the samples (B, d): the reconstructions (B, d).
    """

    into: Callable[[Tensor], Tensor]
    back: Callable[[Tensor, Tensor], Tensor]


def same(x: Tensor) -> Tensor:
    """Return the samples."""
    return x


def kept(rebuilt: Tensor, _: Tensor) -> Tensor:
    """Return what was rebuilt."""
    return rebuilt


def lengthened(x: Tensor) -> Tensor:
    """Return each sample with the length √d."""
    return x * _stretch(x)


def shortened(rebuilt: Tensor, x: Tensor) -> Tensor:
    """Undo `lengthened`."""
    return rebuilt / _stretch(x)


def standardised(x: Tensor) -> Tensor:
    """Return each sample with mean 0 and standard deviation 1 over its entries."""
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.std(-1, keepdim=True) + _SMALL)


def restored(rebuilt: Tensor, x: Tensor) -> Tensor:
    """Undo `standardised`."""
    mean = x.mean(-1, keepdim=True)
    return rebuilt * (x - mean).std(-1, keepdim=True) + mean


def _stretch(x: Tensor) -> Tensor:
    return x.shape[-1] ** 0.5 / x.norm(dim=-1, keepdim=True)


NORMS = {"none": Norm(same, kept), "length": Norm(lengthened, shortened), "layer": Norm(standardised, restored)}
"""Name → what it does."""

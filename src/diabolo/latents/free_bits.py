"""Free bits: KL that a dimension may have at no cost, and what they cannot be had together with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from diabolo.errors import ParameterError
from diabolo.priors import Normal, Prior


class Clash(NamedTuple):
    """Two knobs of a part that cannot both be turned."""

    name: str
    """That which must be 0, if it is not."""
    other: str
    """That by which it must."""
    why: str
    """Said of the other one."""


class _Freed(Protocol):
    @property
    def free_bits(self) -> float: ...
    @property
    def samples(self) -> int: ...
    @property
    def prior(self) -> Prior: ...


def clashes(part: _Freed) -> Iterator[Clash]:
    """Yield what keeps the `free_bits` of a latent from being more than 0."""
    if part.samples > 1:
        yield Clash("free_bits", "samples", "samples > 1, as the bound of several draws has no KL per dimension")
    if not isinstance(part.prior, Normal):
        yield Clash("free_bits", "prior", "the prior is learned, as its KL has no dimensions")


def demand_none(part: object, *found: Clash) -> None:
    """Raise ParameterError for the first clash of knobs that are both turned.

    Examples
    --------
    >>> from diabolo.latents import Gaussian
    >>> demand_none(Gaussian(), Clash("free_bits", "samples", "samples > 1"))
    """
    owner = type(part).__name__
    for name, other, why in found:
        if getattr(part, name) > 0:
            raise ParameterError(
                f"Parameter {name!r} of {owner} must be 0 where {why}; got {getattr(part, name)} with "
                f"{other}={getattr(part, other)!r}. Set one of the two back."
            )


def floored(kl: Tensor, least: float | Tensor) -> Tensor:
    """Return the KL of each dimension (B, n), `least` where it is less on average: Kingma's equation 15, averaged.

    Examples
    --------
    >>> floored(torch.tensor([[0.1, 3.0], [0.3, 1.0]]), 0.5)
    tensor([[0.5000, 3.0000],
            [0.5000, 1.0000]])
    """
    if not isinstance(least, Tensor) and least == 0:  # a tensor where members differ in it
        return kl
    floor = torch.as_tensor(least, dtype=kl.dtype, device=kl.device)
    return torch.where(kl.mean(0) < floor, floor, kl)

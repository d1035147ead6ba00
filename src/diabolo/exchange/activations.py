"""How the libraries of sparse dictionaries make codes of pre-activations, by the name that diabolo gives each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Chosen(Protocol):
    """What an activation reads of a dictionary: `diabolo.exchange.Weights` has it."""

    @property
    def k(self) -> float | None: ...
    @property
    def threshold(self) -> Tensor | None: ...
    @property
    def gate_bias(self) -> Tensor | None: ...
    @property
    def magnitude_bias(self) -> Tensor | None: ...
    @property
    def log_scale(self) -> Tensor | None: ...


@dataclass(frozen=True)
class Activation:
    """One kind of dictionary.

    Parameters
    ----------
    codes : function
        Of a dictionary and its pre-activations (B, n): the codes (B, n).
    needs, may : tuple of str
        What of `Chosen` it must have, and what it may have.
    """

    codes: Callable[[Chosen, Tensor], Tensor]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


def relu(_: Chosen, before: Tensor) -> Tensor:
    """Return max(a, 0)."""
    return before.relu()


def topk(weights: Chosen, before: Tensor) -> Tensor:
    """Return the k largest of each sample, where positive (Gao et al. 2024)."""
    values, places = before.topk(int(weights.k or 0), sorted=False)
    return torch.zeros_like(before).scatter_(-1, places, values.relu())


def batch_topk(weights: Chosen, before: Tensor) -> Tensor:
    """Return what exceeds the threshold; without one, the k·B largest of the batch (Bussmann et al. 2024)."""
    positive = before.relu()
    if weights.threshold is not None:
        return positive * (positive > weights.threshold)
    flat = positive.flatten()
    values, places = flat.topk(int((weights.k or 0) * len(before)), sorted=False)
    return torch.zeros_like(flat).scatter_(-1, places, values).reshape(before.shape)


def jumprelu(weights: Chosen, before: Tensor) -> Tensor:
    """Return what exceeds a threshold per latent, where positive (Rajamanoharan et al. 2024)."""
    return before.relu() * (before > _given(weights.threshold))


def gated(weights: Chosen, before: Tensor) -> Tensor:
    """Return max(eʳ·a + b_mag, 0) where a + b_gate > 0 (Rajamanoharan et al. 2024)."""
    open_ = before + _given(weights.gate_bias) > 0
    return open_ * (_given(weights.log_scale).exp() * before + _given(weights.magnitude_bias)).relu()


def abs_topk(weights: Chosen, before: Tensor) -> Tensor:
    """Return the k of each sample that are largest in magnitude, with their signs."""
    places = before.abs().topk(int(weights.k or 0), sorted=False).indices
    return torch.zeros_like(before).scatter_(-1, places, before.gather(-1, places))


def group_max(weights: Chosen, before: Tensor) -> Tensor:
    """Return the largest of each of k groups of neighbouring latents, where positive."""
    groups = before.relu().unflatten(-1, (int(weights.k or 0), -1))
    values, places = groups.max(-1, keepdim=True)
    return torch.zeros_like(groups).scatter_(-1, places, values).flatten(-2)


def _given(tensor: Tensor | None) -> Tensor:
    if tensor is None:  # Weights has checked it
        raise TypeError("a dictionary has the tensors that its kind needs")
    return tensor


ACTIVATIONS = {
    "relu": Activation(relu),
    "topk": Activation(topk, ("k",)),
    "batch-topk": Activation(batch_topk, ("k",), ("threshold",)),
    "jumprelu": Activation(jumprelu, ("threshold",)),
    "gated": Activation(gated, ("gate_bias", "magnitude_bias", "log_scale")),
    "abs-topk": Activation(abs_topk, ("k",)),
    "group-max": Activation(group_max, ("k",)),
}
"""Kind → what it does."""

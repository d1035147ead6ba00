"""Activations, as data, and the scale of weights that suits each."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import OneOf

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "silu": F.silu,
    "gelu": F.gelu,
    "mish": F.mish,
    "softplus": F.softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
"""Name → function, applied to every number alone."""

IN_PLACE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
}
"""Those of them whose slope is a function of the result alone, and which may write it over what they read."""

ACTIVATION = OneOf(*ACTIVATIONS)
"""What a knob called `activation` may be."""


class Activation(nn.Module):
    """The activation called `name`, as a layer; the only one to read its input if `alone`.

    It then writes over it where no gradient is wanted: memory is what the application of small nets waits for.
    """

    def __init__(self, name: str, alone: bool = False) -> None:
        super().__init__()
        self.name, self.alone = name, alone

    def forward(self, x: Tensor) -> Tensor:
        plain = ACTIVATIONS[self.name]
        return (IN_PLACE.get(self.name, plain) if self.alone and not torch.is_grad_enabled() else plain)(x)

    def extra_repr(self) -> str:
        return self.name


@cache
def gain(name: str) -> float:
    """Return g such that E f(u)² = 1 / g² for u ~ N(0, 1): weights of variance g² / fan-in keep the scale of a signal.

    References
    ----------
    He et al., "Delving deep into rectifiers", ICCV 2015, section 2.2, where f is the rectifier and g² = 2.

    Examples
    --------
    >>> round(gain("relu") ** 2, 3)
    2.0
    """
    u = torch.linspace(-8, 8, 4001, dtype=torch.float64, device="cpu")  # on the CPU even where the net is not
    density = torch.exp(-u.square() / 2)
    power = (ACTIVATIONS[name](u).square() * density).sum() / density.sum()
    return float(power) ** -0.5


@torch.no_grad()
def start(layer: nn.Module, fan_in: float, scale: float = 1.0) -> None:
    """Draw the weights of a layer from N(0, scale² / fan-in), and set its bias to zero."""
    for name, weight in layer.named_parameters():
        if name == "bias":
            weight.zero_()
        else:
            weight.normal_(0.0, scale / math.sqrt(fan_in))

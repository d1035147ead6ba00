"""A plain dense stack and its gradient written out, without autograd.

On small nets most of a training step is the bookkeeping of single operations. A stack of affine maps, layer
normalisations and activations, with a linear path around them, has a short chain rule; both directions are one function
each here, and equal autograd to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.nets.activation import ACTIVATIONS

_aten = torch.ops.aten
_EPSILON = 1e-5  # of nn.LayerNorm

SLOPES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "relu": lambda g, u, y: _aten.threshold_backward.default(g, y, 0),
    "silu": lambda g, u, y: _aten.silu_backward.default(g, u),
    "gelu": lambda g, u, y: _aten.gelu_backward.default(g, u),
    "tanh": lambda g, u, y: _aten.tanh_backward.default(g, y),
    "sigmoid": lambda g, u, y: _aten.sigmoid_backward.default(g, y),
}
"""Activation → gradient by u, given the one by y = a(u)."""


@dataclass(frozen=True)
class Hidden:
    """One hidden layer: y = a(norm(W x + b)), the norm's gain and shift following W and b if there is one."""

    weights: tuple[Tensor, ...]
    activation: str


@dataclass(frozen=True)
class Dense:
    """A stack of hidden layers, the last affine map, and the linear path around them if there is one.

    Examples
    --------
    >>> from torch import nn
    >>> inner, last = nn.Linear(3, 4), nn.Linear(4, 2)
    >>> stack = Dense((Hidden((inner.weight, inner.bias), "relu"),), (last.weight, last.bias), ())
    >>> x = torch.ones(1, 3)
    >>> out, kept = stack.forward(x)
    >>> bool(torch.allclose(out, last(inner(x).relu())))
    True
    >>> gradient, _ = stack.backward(x, kept, torch.ones(1, 2))
    >>> [g.shape == w.shape for g, w in zip(gradient, stack.weights)]
    [True, True, True, True]
    """

    hidden: tuple[Hidden, ...]
    last: tuple[Tensor, ...]
    path: tuple[Tensor, ...]

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """All weights, in the order of the gradient."""
        return (*(w for layer in self.hidden for w in layer.weights), *self.last, *self.path)

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
        """Return the output (B, outputs) for x (B, inputs), and what each hidden layer keeps for the way back."""
        y, kept = x, []
        for layer in self.hidden:
            W, b, *norm = layer.weights
            v = torch.addmm(b, y, W.t())
            about: tuple[Tensor, ...] = ()
            u = v
            if norm:
                u, mean, rstd = torch.native_layer_norm(v, (len(b),), norm[0], norm[1], _EPSILON)
                about = (v, mean, rstd)
            y = ACTIVATIONS[layer.activation](u)
            kept.append((u, y, *about))
        W, b = self.last
        if not self.path:
            return torch.addmm(b, y, W.t()), kept
        U, c = self.path
        return torch.addmm(b + c, y, W.t()).addmm_(x, U.t()), kept

    @torch.no_grad()
    def backward(self, x: Tensor, kept: list[tuple[Tensor, ...]], g: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the gradient by the weights, and by the first map's output, given g (B, outputs) by the output."""
        bias = g.sum(0)
        around = [g.t() @ x, bias.clone()] if self.path else []
        inputs = [x, *(y for _, y, *_ in kept)]
        gradient = [g.t() @ inputs[-1], bias, *around]
        W = self.last[0]
        for k in range(len(self.hidden) - 1, -1, -1):
            layer, (u, y, *about) = self.hidden[k], kept[k]
            g = SLOPES[layer.activation](g @ W, u, y)
            W, b, *norm = layer.weights
            of_norm: list[Tensor] = []
            if norm:
                g, *of_norm = _aten.native_layer_norm_backward.default(
                    g, about[0], [len(b)], about[1], about[2], *norm, [True, True, True]
                )
            gradient = [g.t() @ inputs[k], g.sum(0), *of_norm, *gradient]
        return gradient, g

    @torch.no_grad()
    def by_input(self, first: Tensor, g: Tensor) -> Tensor:
        """Return the gradient by x, given those by the first map's output and by the output of all."""
        W = self.hidden[0].weights[0] if self.hidden else self.last[0]
        return (first @ W).addmm_(g, self.path[0]) if self.path else first @ W

"""A plain dense stack and its gradient written out, without autograd.

On small nets most of a training step is the bookkeeping of single operations. A stack of affine maps, layer
normalisations and activations, with a linear path around them, has a short chain rule; both directions are one function
each here, and equal autograd to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor

from diabolo.nets.activation import ACTIVATIONS, IN_PLACE

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


Kept = list[tuple[Tensor, ...]]
"""What each hidden layer keeps for the way back."""


class Stack(Protocol):
    """Layers that know their gradient; called where autograd is off."""

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """All weights, in the order of the gradient."""
        ...

    def holding(self, weights: Iterable[Tensor]) -> Stack:
        """Return the same stack with other weights, given in the order of `weights`."""
        ...

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        """Return the output (B, outputs) for x (B, inputs), and what is kept for the way back."""
        ...

    def backward(self, x: Tensor, kept: Any, g: Tensor) -> tuple[Sequence[Tensor], Callable[[], Tensor]]:
        """Return the gradient by the weights for g (B, outputs) by the output, and what gives the one by x if asked."""
        ...


@dataclass(frozen=True)
class Hidden:
    """One hidden layer: y = a(norm(W x + b)), the norm's gain and shift following W and b if there is one."""

    weights: tuple[Tensor, ...]
    activation: str


@dataclass(frozen=True)
class Dense:
    """A stack of hidden layers, the last affine map, and the linear path around them if there is one.

    With weights for each of M members, stacked, x is (M, B, inputs) and so on. Call it where autograd is off.

    Examples
    --------
    >>> from torch import nn
    >>> inner, last = nn.Linear(3, 4), nn.Linear(4, 2)
    >>> stack = Dense((Hidden((inner.weight, inner.bias), "relu"),), (last.weight, last.bias), ())
    >>> x = torch.ones(1, 3)
    >>> with torch.no_grad():
    ...     out, kept = stack.forward(x)
    ...     gradient, _ = stack.backward(x, kept, torch.ones(1, 2))
    >>> bool(torch.allclose(out, last(inner(x).relu())))
    True
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

    def holding(self, weights: Iterable[Tensor]) -> Dense:
        """Return the same stack with other weights, given in the order of `weights`."""
        rest = iter(weights)
        hidden = [replace(layer, weights=tuple(islice(rest, len(layer.weights)))) for layer in self.hidden]
        return Dense(tuple(hidden), tuple(islice(rest, 2)), tuple(islice(rest, len(self.path))))

    def forward(self, x: Tensor) -> tuple[Tensor, Kept]:
        """Return the output (B, outputs) for x (B, inputs), and what each hidden layer keeps for the way back."""
        y, kept = x, []
        for layer in self.hidden:
            W, b, *norm = layer.weights
            u, about = _affine(y, W, b), ()
            if norm:
                u, about = _norm(u, *norm)
            y = IN_PLACE.get(layer.activation, ACTIVATIONS[layer.activation])(u)
            kept.append((u, y, *about))
        W, b = self.last
        if not self.path:
            return _affine(y, W, b), kept
        U, c = self.path
        out = _affine(y, W, b + c)
        return (out.addmm_(x, U.t()) if U.ndim == 2 else out.baddbmm_(x, U.mT)), kept

    def backward(self, x: Tensor, kept: Kept, g: Tensor) -> tuple[list[Tensor], Callable[[], Tensor]]:
        """Return the gradient by the weights for g (B, outputs) by the output, and what gives the one by x if asked."""
        of_output, bias = g, g.sum(-2)
        around = [g.mT @ x, bias.clone()] if self.path else []
        inputs = [x, *(y for _, y, *_ in kept)]
        gradient = [g.mT @ inputs[-1], bias, *around]
        W = self.last[0]
        for k in range(len(self.hidden) - 1, -1, -1):
            layer, (u, y, *about) = self.hidden[k], kept[k]
            g = SLOPES[layer.activation](g @ W, u, y)
            W, _, *norm = layer.weights
            of_norm: Sequence[Tensor] = ()
            if norm:
                g, *of_norm = _norm_slope(g, about, *norm)
            gradient = [g.mT @ inputs[k], g.sum(-2), *of_norm, *gradient]
        return gradient, partial(self._by_input, g, of_output)

    def _by_input(self, first: Tensor, g: Tensor) -> Tensor:
        """Return the gradient by x, given those by the first map's output and by the output of all."""
        W = self.hidden[0].weights[0] if self.hidden else self.last[0]
        return first @ W + g @ self.path[0] if self.path else first @ W


@dataclass(frozen=True)
class Rounded:
    """A stack that computes in bfloat16; its weights, and what goes in and comes out, are of full precision.

    Examples
    --------
    >>> from torch import nn
    >>> layer = nn.Linear(3, 2)
    >>> stack = Dense((), (layer.weight, layer.bias), ())
    >>> x = torch.ones(1, 3)
    >>> with torch.no_grad():
    ...     (exact, _), (rounded, _) = stack.forward(x), Rounded(stack).forward(x)
    >>> rounded.dtype, bool(torch.allclose(exact, rounded, rtol=0.02, atol=0.02))
    (torch.float32, True)
    """

    of: Dense

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """All weights, in the order of the gradient."""
        return self.of.weights

    def holding(self, weights: Iterable[Tensor]) -> Rounded:
        """Return the same stack with other weights, given in the order of `weights`."""
        return Rounded(self.of.holding(weights))

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Dense, Tensor, Kept]]:
        """Return the output (B, outputs) for x (B, inputs), and the rounded stack, x and what its layers keep."""
        now, seen = self.of.holding(w.bfloat16() for w in self.of.weights), x.bfloat16()
        out, kept = now.forward(seen)
        return out.to(x.dtype), (now, seen, kept)

    def backward(
        self, x: Tensor, kept: tuple[Dense, Tensor, Kept], g: Tensor
    ) -> tuple[list[Tensor], Callable[[], Tensor]]:
        """Return the gradient by the weights for g (B, outputs) by the output, and what gives the one by x if asked."""
        now, seen, layers = kept
        gradient, by_x = now.backward(seen, layers, g.bfloat16())
        return [part.to(x.dtype) for part in gradient], lambda: by_x().to(x.dtype)


def _affine(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return torch.addmm(b, x, W.t()) if W.ndim == 2 else torch.baddbmm(b.unsqueeze(1), x, W.mT)


def _norm(v: Tensor, gain: Tensor, shift: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return layer normalisation of v and, for its slope, v, the means and 1 / the standard deviations."""
    width = v.shape[-1:]
    if gain.ndim == 1:
        u, *about = torch.native_layer_norm(v, width, gain, shift, _EPSILON)
    else:  # torch's kernel has one gain for all
        unit, *about = torch.native_layer_norm(v, width, None, None, _EPSILON)
        u = torch.addcmul(shift.unsqueeze(1), unit, gain.unsqueeze(1))
        about = [*about, unit]
    return u, (v, *about)


def _norm_slope(g: Tensor, about: Sequence[Tensor], gain: Tensor, shift: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of layer normalisation by v, gain and shift, given g by its output."""
    v, mean, rstd, *unit = about
    backward, width = _aten.native_layer_norm_backward.default, v.shape[-1:]
    if gain.ndim == 1:
        return backward(g, v, width, mean, rstd, gain, shift, [True, True, True])
    by_gain = (g * unit[0]).sum(1)
    by_v, _, _ = backward(g * gain.unsqueeze(1), v, width, mean, rstd, None, None, [True, False, False])
    return by_v, by_gain, g.sum(1)

"""The optimiser: AdamW on all weights in one fused call, the gradient clipped on the way.

It does what ``torch.optim.AdamW(fused=True)`` after ``clip_grad_norm_`` does, without their bookkeeping, which on a
small net takes longer than the arithmetic, and without the compiler stack that the first use of `torch.optim` imports.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from diabolo.members import Members

BETAS = (0.9, 0.95)
"""Decay of the running moments: the short memory of the second one suits short runs under a cosine."""

_EPSILON = 1e-8

WIDTH = 512
"""Inputs of a matrix that learns at the stated rate; see `pace`."""

_FEW = 2**15
"""Numbers up to which one norm of a copy is faster than a norm for each weight."""

_OF_VECTORS = 3.0
"""Biases and gains, being few and of unit size, bear larger steps than matrices."""


class AdamW:
    """AdamW over the trainable weights of a model, each at its own pace; matrices decay, biases and gains do not.

    The gradient of each of several members is clipped by itself.

    References
    ----------
    Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019; clipping: Pascanu, Mikolov, Bengio, "On the
    difficulty of training recurrent neural networks", ICML 2013.

    Examples
    --------
    >>> layer = nn.Linear(2, 1)
    >>> optimiser = AdamW(layer, decay=0.0)
    >>> gradient = torch.autograd.grad(layer(torch.ones(1, 2)).sum(), optimiser.weights)
    >>> before = layer.bias.item()
    >>> optimiser.step(gradient, rate=0.1, limit=None)
    >>> round(layer.bias.item() - before, 4)  # vectors learn three times as fast
    -0.3
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.members = isinstance(model, Members)
        self.weights = [p for p in model.parameters() if p.requires_grad]
        self.first = [torch.zeros_like(p) for p in self.weights]
        self.second = [torch.zeros_like(p) for p in self.weights]
        self.count = torch.zeros((), device=self.weights[0].device if self.weights else None)
        kinds: dict[tuple[float, float], list[int]] = {}
        for i, weight in enumerate(self.weights):
            shape = weight.shape[self.members :]
            kinds.setdefault((pace(shape), decay if len(shape) > 1 else 0.0), []).append(i)
        self._kinds = [(which, self._kept(which), *kind) for kind, which in kinds.items()]

    @torch.no_grad()
    def step(self, gradient: Sequence[Tensor | None], rate: float, limit: float | None) -> None:
        """Move the weights against `gradient`, first shortened to the norm `limit`, at learning rate `rate`.

        Weights whose gradient is None stay as they are.
        """
        used, scale = [g for g in gradient if g is not None], None
        if limit is not None and self.members:
            gradient = shortened(gradient, limit)
        elif limit is not None and used:
            scale = excess(used, limit)
        self.count += 1
        for which, kept, pace, decay in self._kinds:
            if len(used) < len(gradient):
                which = [i for i in which if gradient[i] is not None]
                kept = self._kept(which)
            if which:
                self._move(kept, [gradient[i] for i in which], rate * pace, decay, scale)

    def _kept(self, which: list[int]) -> tuple[list[Tensor], ...]:
        """Return weights, both moments and the count, for each of `which`."""
        weights, first, second = ([kept[i] for i in which] for kept in (self.weights, self.first, self.second))
        return weights, first, second, [self.count] * len(which)

    def _move(
        self, kept: tuple[list[Tensor], ...], gradient: list[Any], rate: float, decay: float, scale: Tensor | None
    ) -> None:
        weights, first, second, count = kept
        torch._fused_adamw_(  # pyright: ignore[reportPrivateImportUsage]
            weights,
            [_laid_out(g, weight) for g, weight in zip(gradient, weights, strict=True)],
            first,
            second,
            [],
            count,
            lr=rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=decay,
            eps=_EPSILON,
            amsgrad=False,
            maximize=False,
            grad_scale=scale,
        )

    def state(self) -> dict[str, Tensor]:
        """Return the tensors to save."""
        moments = {"first": self.first, "second": self.second}
        return {"count": self.count} | {f"{k}.{i}": v for k, kept in moments.items() for i, v in enumerate(kept)}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up the tensors that `state` gave."""
        for name, value in self.state().items():
            value.copy_(state[name])


def pace(shape: Sequence[int]) -> float:
    """Return how fast weights of `shape` learn, in terms of the learning rate: by √(512 / inputs) for a matrix.

    Adam moves every weight by about the learning rate; a sum over few inputs then changes less than one over many, so
    that narrow layers can go faster.

    References
    ----------
    Yang, Hu et al., "Tensor programs V", 2022, where the rate of a matrix goes with 1 / inputs; the square root did
    better here (docs/decisions/0005).

    Examples
    --------
    >>> pace((64, 512)), pace((64, 32)), pace((64,))
    (1.0, 4.0, 3.0)
    """
    if len(shape) <= 1:
        return _OF_VECTORS
    return min(max((WIDTH / math.prod(shape[1:])) ** 0.5, 0.25), 8.0)


def _laid_out(gradient: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient in the memory layout of its weight: the fused kernel walks both alike."""
    return gradient if gradient.stride() == weight.stride() else torch.empty_like(weight).copy_(gradient)


def excess(gradient: Sequence[Tensor], limit: float) -> Tensor | None:
    """Return by how much the norm of a gradient exceeds `limit`, what to divide it by; None where it does not.

    Where the answer would have to be waited for, on a card, it is 1 instead of None.
    """
    if sum(g.numel() for g in gradient) < _FEW:
        norm = torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradient]))
    else:
        norms = torch._foreach_norm(list(gradient))  # pyright: ignore[reportPrivateImportUsage]
        norm = torch.linalg.vector_norm(torch.stack(norms))
    if norm.device.type == "cpu" and float(norm) <= limit:
        return None
    return (norm / limit).clamp_min_(1.0).float()  # what the fused kernel reads, whatever the weights are


def shortened(gradient: Sequence[Tensor | None], limit: float) -> list[Tensor | None]:
    """Return the gradient with what each member has of it, along the first axis, cut to the norm `limit`."""
    used = [g.flatten(1) for g in gradient if g is not None]
    if not used:
        return list(gradient)
    norm = torch.linalg.vector_norm(torch.cat(used, 1), dim=1)  # (M,)
    if bool((norm <= limit).all()):  # as nearly always, and one look is cheaper than scaling every weight
        return list(gradient)
    share = (limit / norm).clamp_max_(1.0)
    return [None if g is None else g * share.view(-1, *[1] * (g.ndim - 1)) for g in gradient]

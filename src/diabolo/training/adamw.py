"""The optimiser: AdamW on all weights in one fused call, the gradient clipped on the way.

It does what ``torch.optim.AdamW(fused=True)`` after ``clip_grad_norm_`` does, without their bookkeeping, which on a
small net takes longer than the arithmetic, and without the compiler stack that the first use of `torch.optim` imports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.95)
"""Decay of the running moments: the short memory of the second one suits short runs under a cosine."""

_EPSILON = 1e-8


class AdamW:
    """AdamW over the trainable weights of a model; matrices decay, biases and gains do not.

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
    >>> round(layer.bias.item() - before, 4)
    -0.1
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.weights = [p for p in model.parameters() if p.requires_grad]
        self.first = [torch.zeros_like(p) for p in self.weights]
        self.second = [torch.zeros_like(p) for p in self.weights]
        self.count = torch.zeros((), device=self.weights[0].device if self.weights else None)
        flat = [i for i, p in enumerate(self.weights) if p.ndim <= 1]
        deep = [i for i, p in enumerate(self.weights) if p.ndim > 1]
        self._groups = [(which, rate) for which, rate in ((deep, decay), (flat, 0.0)) if which]

    @torch.no_grad()
    def step(self, gradient: Sequence[Tensor | None], rate: float, limit: float | None) -> None:
        """Move the weights against `gradient`, first shortened to the norm `limit`, at learning rate `rate`.

        Weights whose gradient is None stay as they are.
        """
        used = [g for g in gradient if g is not None]
        scale = excess(used, limit) if limit is not None and used else None
        self.count += 1
        for group, decay in self._groups:
            which = [i for i in group if gradient[i] is not None]
            if which:
                self._move(which, gradient, rate, decay, scale)

    def _move(
        self, which: list[int], gradient: Sequence[Tensor | None], rate: float, decay: float, scale: Tensor | None
    ) -> None:
        torch._fused_adamw_(  # pyright: ignore[reportPrivateImportUsage]
            [self.weights[i] for i in which],
            [gradient[i] for i in which],  # type: ignore[misc]
            [self.first[i] for i in which],
            [self.second[i] for i in which],
            [],
            [self.count] * len(which),
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


def excess(gradient: Sequence[Tensor], limit: float) -> Tensor:
    """Return by how much, at least 1, the norm of a gradient exceeds `limit`: what to divide it by."""
    norms = torch._foreach_norm(list(gradient))  # pyright: ignore[reportPrivateImportUsage]
    norm = torch.linalg.vector_norm(torch.stack(norms))
    return (norm / limit).clamp_min_(1.0)

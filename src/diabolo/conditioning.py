"""Conditions: what a model is told about its samples beside the samples themselves."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from diabolo.errors import DataError
from diabolo.flow import Code


class Conditioner(nn.Module):
    """Tells an autoencoder what is known about each sample, c (B, K): W·c is added to h, and c stands beside the code.

    W starts at 0, so that a model that starts at PCA does so for every condition. With K = 0 there are no weights, and
    nothing to tell.

    Parameters
    ----------
    size : int
        How many numbers K are known about each sample.
    width : int
        Size of the encoder's output h.

    References
    ----------
    Sohn, Lee, Yan, "Learning structured output representation using deep conditional generative models", NeurIPS 2015.

    Examples
    --------
    >>> conditioner = Conditioner(2, 6)
    >>> conditioner.beside(torch.zeros(4, 3), torch.ones(4, 2)).shape
    torch.Size([4, 5])
    """

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.size = size
        self.map = nn.Linear(size, width, bias=False) if size else None
        if self.map is not None:
            nn.init.zeros_(self.map.weight)

    def into(self, h: Tensor, condition: Tensor | None) -> Tensor:
        """Return h (B, width), and what the condition (B, K) adds to it."""
        self.demand(condition, len(h))
        return h if self.map is None or condition is None else h + self.map(condition.to(h.dtype)).to(h.dtype)

    def beside(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Return what the decoder sees, (D * B, n + K), for D draws of the code z (D * B, n) for each condition."""
        if condition is None:
            return z
        return torch.cat([z, condition.to(z.dtype).repeat(len(z) // len(condition), 1)], 1)

    def demand(self, condition: Tensor | None, count: int) -> None:
        """Raise unless the condition of `count` samples is what the model was built for.

        Raises
        ------
        DataError
            If it is missing, not wanted, or of another shape.
        """
        found = None if condition is None else tuple(condition.shape)
        if found != ((count, self.size) if self.size else None):
            wanted = f"a tensor of shape ({count}, {self.size})" if self.size else "None, as it was built without one"
            raise DataError(f"The condition for this model must be {wanted}; got {found and f'one of shape {found}'}.")


class _Conditional(Protocol):
    encoder: nn.Module
    decoder: nn.Module

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Code: ...

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor: ...

    def expected(self, params: Tensor, through: bool = False) -> Tensor: ...


class Told:
    """A model as one penalty looks at it, which knows of no condition: that of the batch is given already.

    Of the critics it sees the one that it built, if it did.
    """

    def __init__(self, model: _Conditional, condition: Tensor | None, critic: nn.Module | None = None) -> None:
        self.encoder, self.decoder, self.critic = model.encoder, model.decoder, critic
        self._model, self._condition = model, condition

    def encode(self, x: Tensor) -> Code:
        """Return the deterministic code of x (B, *shape)."""
        return self._model.encode(x, self._condition)

    def decode(self, z: Tensor) -> Tensor:
        """Return the params (B, *out) for codes z (B, n) of the first samples of the batch."""
        return self._model.decode(z, None if self._condition is None else self._condition[: len(z)])

    def expected(self, params: Tensor, through: bool = False) -> Tensor:
        """Return the expected target (B, *shape) for params (B, *out), its gradient `through` bounds if asked."""
        return self._model.expected(params, through)

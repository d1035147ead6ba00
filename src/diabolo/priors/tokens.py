"""What a distribution of tokens is: a prior of quantised codes, each token told by those before it."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from diabolo.errors import DataError, ParameterError
from diabolo.priors.prior import Prior, PriorModule

_NUMBERS = 2**24
"""Numbers that samples take while they are told, or drawn, at a time: bounds the memory."""


class TokenPrior(Prior, role=Prior.role):
    """p(t) = Πₛ p(tₛ | t₁ … tₛ₋₁) of the tokens of quantised codes.

    It lives beside a model whose code is made of tokens, and is fitted to their indices after training: by
    `diabolo.expost.fit_indices`, and so by ``Generator(recipe=Recipe(latent=VectorQuantized()))``. In training, tokens
    before the one to tell are hidden at random, the share `hiding`, so that few samples are not learned by heart.
    """

    hiding: float

    @abstractmethod
    def over(self, tokens: int, kinds: int, condition: int = 0, ordered: bool = False) -> TokenModule:
        """Return the module for codes of so many `tokens`, of so many `kinds`, told a `condition` of K numbers.

        Where kinds are `ordered`, they are levels of a number.

        Raises
        ------
        ParameterError
            If this distribution is none of so many tokens.
        """

    @abstractmethod
    def pace(self, tokens: int) -> tuple[int, float]:
        """Return how many samples a step of training should have, at most, and its learning rate."""

    def build(self, n: int) -> PriorModule:
        """Raise ParameterError: codes of any numbers are not made of tokens."""
        name = type(self).__name__
        raise ParameterError(
            f"Parameter 'prior' cannot be {name} for codes of any numbers, as it needs a quantised latent, such "
            f"as latent=VectorQuantized(), with Generator(density={name}()); choose Mixture() or Flow()."
        )

    def equation(self) -> str:
        """Return the formula."""
        return "Πₛ p(tₛ | t₁ … tₛ₋₁)"


class TokenModule(nn.Module):
    """Tokens t (B, T) of the kinds 0, 1, … → log p(t), given the condition (B, K) if there is one."""

    def __init__(self, part: TokenPrior, tokens: int, kinds: int, condition: int, width: int) -> None:
        super().__init__()
        self.part, self.tokens, self.kinds, self.size = part, tokens, kinds, condition
        self.told = nn.Linear(condition, width, bias=False) if condition else None

    def log_probability(self, indices: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return log p(indices) in nats (B,), exact.

        Raises
        ------
        DataError
            If the indices are no integers (B, T) from 0 to kinds - 1, or the condition is not as it was built for.
        """
        self._demand(indices)
        told, blocks = self._told(condition, len(indices)), indices.split(self._at_a_time)
        known = [None] * len(blocks) if told is None else told.split(self._at_a_time)
        return torch.cat([self._log_p(block, each) for block, each in zip(blocks, known, strict=True)])

    def logits(self, indices: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return what each token of (B, T) is told by from those before it, (B, T, kinds), up to normalisation."""
        return self._logits(indices, self._told(condition, len(indices)))

    @torch.no_grad()
    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """Draw the tokens (count, T) of so many codes, given their condition (count, K) if there is one."""
        told, size = self._told(condition, count), self._at_a_time
        return torch.cat(
            [
                self.drawn(min(size, count - start), None if told is None else told[start : start + size])
                for start in range(0, count, size)
            ]
        )

    def telling(self, seen: Tensor, told: Tensor | None) -> Tensor:
        """Return the logits (B, T, kinds) by tokens (B, T), where `kinds` is one that is hidden, and what is `told`.

        That is what the condition adds to all that is seen, (B, width).
        """
        raise NotImplementedError

    def drawn(self, count: int, told: Tensor | None) -> Tensor:
        """Draw tokens (count, T), by what is `told` (count, width)."""
        raise NotImplementedError

    @property
    def remembered(self) -> int:
        """Numbers that a sample takes while it is told, or drawn."""
        raise NotImplementedError

    @property
    def _at_a_time(self) -> int:
        return max(1, _NUMBERS // self.remembered)

    def _log_p(self, indices: Tensor, told: Tensor | None) -> Tensor:
        log_p = self._logits(indices, told).log_softmax(2)  # (B, T, kinds)
        return log_p.gather(2, indices[:, :, None]).sum((1, 2))

    def _logits(self, indices: Tensor, told: Tensor | None) -> Tensor:
        seen = indices
        if self.training and self.part.hiding > 0:
            seen = indices.masked_fill(torch.rand(seen.shape, device=seen.device) < self.part.hiding, self.kinds)
        return self.telling(seen, told)

    def _told(self, condition: Tensor | None, count: int) -> Tensor | None:
        found = None if condition is None else tuple(condition.shape)
        if found != ((count, self.size) if self.size else None):
            wanted = f"a tensor of shape ({count}, {self.size})" if self.size else "None, as it was built without one"
            raise DataError(
                f"The condition for these tokens must be {wanted}; got {found and f'one of shape {found}'}."
            )
        weight = next(self.parameters())
        return None if self.told is None or condition is None else self.told(condition.to(weight))

    def _demand(self, indices: Tensor) -> None:
        whole = indices.dtype == torch.long and indices.ndim == 2 and indices.shape[1] == self.tokens
        if not whole or bool(((indices < 0) | (indices >= self.kinds)).any()):
            raise DataError(
                f"Indices must be integers (B, {self.tokens}) from 0 to {self.kinds - 1}, of torch.long; got "
                f"{indices.dtype} of shape {tuple(indices.shape)}. Give those of the latent that the prior was fitted "
                "with."
            )

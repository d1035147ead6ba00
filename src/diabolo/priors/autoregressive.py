"""A distribution of tokens, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.errors import DataError, ParameterError
from diabolo.part import knob
from diabolo.priors.prior import Prior, PriorModule

_HEAD = 32
"""Numbers that one head of attention compares by, about."""

_NUMBERS = 2**24
"""Numbers of what samples in the making remember, at a time: bounds the memory."""


@dataclass(frozen=True)
class Autoregressive(Prior):
    """p(t) = Πₛ p(tₛ | t₁ … tₛ₋₁): tokens of quantised codes, each told by those before it, by a causal transformer.

    It lives beside a model whose code is made of tokens, and is fitted to their indices after training: by
    `diabolo.expost.fit_indices`, and so by ``Generator(recipe=Recipe(latent=VectorQuantized()))``. In training, tokens
    before the one to tell are hidden at random, so that few samples are not learned by heart.

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural discrete representation learning", NeurIPS 2017, section 3.3; the net:
    Vaswani et al., "Attention is all you need", NeurIPS 2017, with norms before the layers; hidden tokens: Bowman et
    al., "Generating sentences from a continuous space", CoNLL 2016, section 3.1.

    Examples
    --------
    >>> module = Autoregressive(hidden=16).over(4, kinds=8)
    >>> indices = module.sample(5)
    >>> indices.shape, module.log_probability(indices).shape
    (torch.Size([5, 4]), torch.Size([5]))
    """

    hidden: int = knob(128, Whole(1, 2**14), "width of the transformer")
    layers: int = knob(2, Whole(1, 256), "layers of attention, each with a dense net of four times the width")
    hiding: float = knob(0.2, Number(0, 1, open_high=True), "share of the tokens before that are hidden, in training")

    def build(self, n: int) -> PriorModule:
        """Raise ParameterError: codes of any numbers are not made of tokens."""
        raise ParameterError(
            "Parameter 'prior' cannot be Autoregressive for codes of any numbers, as it needs a quantised latent, such "
            "as latent=VectorQuantized(), with Generator(density=Autoregressive()); choose Mixture() or Flow()."
        )

    def over(self, tokens: int, kinds: int, condition: int = 0) -> TokenModule:
        """Return the module for codes of so many `tokens`, of so many `kinds`, told a `condition` of K numbers."""
        return TokenModule(self, tokens, kinds, condition)

    def equation(self) -> str:
        """Return the formula."""
        return "Πₛ p(tₛ | t₁ … tₛ₋₁)"


class TokenModule(nn.Module):
    """Tokens t (B, T) of the kinds 0, 1, … → log p(t), given the condition (B, K) if there is one."""

    def __init__(self, part: Autoregressive, tokens: int, kinds: int, condition: int = 0) -> None:
        super().__init__()
        self.part, self.tokens, self.kinds, self.size = part, tokens, kinds, condition
        width = part.hidden
        self.kind = nn.Embedding(kinds + 1, width)  # the last one stands for what is not seen
        self.place = nn.Parameter(0.02 * torch.randn(tokens, width))
        self.told = nn.Linear(condition, width, bias=False) if condition else None
        self.layers = nn.ModuleList(_Layer(width) for _ in range(part.layers))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, kinds))
        nn.init.normal_(self.kind.weight, std=0.02)

    def log_probability(self, indices: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return log p(indices) in nats (B,), exact.

        Raises
        ------
        DataError
            If the indices are no integers (B, T) from 0 to kinds - 1, or the condition is not as it was built for.
        """
        self._demand(indices)
        log_p = self.logits(indices, condition).log_softmax(2)  # (B, T, kinds)
        return log_p.gather(2, indices[:, :, None]).sum((1, 2))

    def logits(self, indices: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return what each token of (B, T) is told by from those before it, (B, T, kinds), up to normalisation."""
        before = F.pad(indices[:, :-1], (1, 0), value=self.kinds)
        if self.training and self.part.hiding > 0:
            before = before.masked_fill(torch.rand(before.shape, device=before.device) < self.part.hiding, self.kinds)
        seen = self._seen(before, self.place, self._telling(condition, len(indices)))
        for layer in self.layers:
            seen, _ = layer(seen)
        return self.out(seen)

    @torch.no_grad()
    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """Draw the tokens (count, T) of so many codes, given their condition (count, K) if there is one."""
        telling = self._telling(condition, count)
        size = max(1, _NUMBERS // (2 * self.tokens * self.part.hidden * self.part.layers))
        parts = [
            self._sample(min(size, count - start), None if telling is None else telling[start : start + size])
            for start in range(0, count, size)
        ]
        return torch.cat(parts)

    def _sample(self, count: int, telling: Tensor | None) -> Tensor:
        drawn = torch.full((count, self.tokens + 1), self.kinds, device=self.place.device)
        known: list[Tensor | None] = [None] * len(self.layers)
        for t in range(self.tokens):
            seen = self._seen(drawn[:, t : t + 1], self.place[t : t + 1], telling)  # (count, 1, width)
            for i, layer in enumerate(self.layers):
                seen, known[i] = layer(seen, known[i])
            drawn[:, t + 1] = torch.multinomial(self.out(seen[:, 0]).softmax(1), 1)[:, 0]
        return drawn[:, 1:]

    def _seen(self, before: Tensor, place: Tensor, telling: Tensor | None) -> Tensor:
        seen = self.kind(before) + place
        return seen if telling is None else seen + telling

    def _telling(self, condition: Tensor | None, count: int) -> Tensor | None:
        """Return what a condition adds to all that is seen, (B, 1, width)."""
        found = None if condition is None else tuple(condition.shape)
        if found != ((count, self.size) if self.size else None):
            wanted = f"a tensor of shape ({count}, {self.size})" if self.size else "None, as it was built without one"
            raise DataError(
                f"The condition for these tokens must be {wanted}; got {found and f'one of shape {found}'}."
            )
        return None if self.told is None or condition is None else self.told(condition.to(self.place))[:, None]

    def _demand(self, indices: Tensor) -> None:
        whole = not indices.is_floating_point() and indices.ndim == 2 and indices.shape[1] == self.tokens
        if not whole or bool(((indices < 0) | (indices >= self.kinds)).any()):
            raise DataError(
                f"Indices must be integers (B, {self.tokens}) from 0 to {self.kinds - 1}; got {indices.dtype} of shape "
                f"{tuple(indices.shape)}. Give those of the latent that the prior was fitted with."
            )


class _Layer(nn.Module):
    """x (B, T, width) → the same, each place knowing of those before; and keys and values, for the places to come."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = next(heads for heads in range(max(1, width // _HEAD), 0, -1) if width % heads == 0)
        self.before, self.qkv, self.mix = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the next x, and keys and values (2, B, heads, T, ·) of all places, `known` and new."""
        query, *pair = self.qkv(self.before(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        new = torch.stack(pair)  # (2, B, heads, T, ·)
        pairs = new if known is None else torch.cat([known, new], 3)
        seen = F.scaled_dot_product_attention(query, pairs[0], pairs[1], is_causal=known is None)
        x = x + self.mix(seen.transpose(1, 2).flatten(2))
        return x + self.dense(x), pairs

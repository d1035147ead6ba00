"""A distribution of tokens, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.part import knob
from diabolo.priors.tokens import TokenModule, TokenPrior

_HEAD = 32
"""Numbers that one head of attention compares by, about."""

_TOKENS = 2048
"""Tokens of one step of training, about: larger batches of many tokens take longer to get as far."""


@dataclass(frozen=True)
class Autoregressive(TokenPrior):
    """p(t) = Πₛ p(tₛ | t₁ … tₛ₋₁): tokens of quantised codes, each told by those before it, by a causal transformer.

    All places share the weights, which suits many tokens of one codebook; of few that mean different things `MADE`
    tells more, and in less time.

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

    def over(self, tokens: int, kinds: int, condition: int = 0, ordered: bool = False) -> TokenModule:
        """Return the module for codes of so many `tokens`, of so many `kinds`, told a `condition` of K numbers.

        Whether kinds are `ordered` is of no account.
        """
        return TransformerModule(self, tokens, kinds, condition)

    def pace(self, tokens: int) -> tuple[int, float]:
        """Return 2,048 tokens, but 32 samples at least, and 1e-3."""
        return max(32, _TOKENS // tokens), 1e-3


class TransformerModule(TokenModule):
    """Tokens (B, T) → logits (B, T, kinds), each by the tokens before it."""

    part: Autoregressive

    def __init__(self, part: Autoregressive, tokens: int, kinds: int, condition: int = 0) -> None:
        super().__init__(part, tokens, kinds, condition, part.hidden)
        width = part.hidden
        self.kind = nn.Embedding(kinds + 1, width)  # the last one stands for what is not seen
        self.place = nn.Parameter(0.02 * torch.randn(tokens, width))
        self.layers = nn.ModuleList(_Layer(width) for _ in range(part.layers))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, kinds))
        nn.init.normal_(self.kind.weight, std=0.02)

    def telling(self, seen: Tensor, told: Tensor | None) -> Tensor:
        x = self._placed(F.pad(seen[:, :-1], (1, 0), value=self.kinds), self.place, told)
        for layer in self.layers:
            x, _ = layer(x)
        return self.out(x)

    def drawn(self, count: int, told: Tensor | None) -> Tensor:
        tokens = torch.full((count, self.tokens + 1), self.kinds, device=self.place.device)
        known: list[Tensor | None] = [None] * len(self.layers)
        for t in range(self.tokens):
            x = self._placed(tokens[:, t : t + 1], self.place[t : t + 1], told)  # (count, 1, width)
            for i, layer in enumerate(self.layers):
                x, known[i] = layer(x, known[i])
            tokens[:, t + 1] = torch.multinomial(self.out(x[:, 0]).softmax(1), 1)[:, 0]
        return tokens[:, 1:]

    @property
    def remembered(self) -> int:
        return self.tokens * (2 * self.part.hidden * self.part.layers + 3 * self.kinds)

    def _placed(self, before: Tensor, place: Tensor, told: Tensor | None) -> Tensor:
        x = self.kind(before) + place  # (B, T, width)
        return x if told is None else x + told[:, None]


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

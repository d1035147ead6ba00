"""A distribution of few tokens: a masked autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.errors import ParameterError
from diabolo.part import knob
from diabolo.priors.tokens import TokenModule, TokenPrior


@dataclass(frozen=True)
class MADE(TokenPrior):
    """p(t) = Πₛ p(tₛ | t₁ … tₛ₋₁), by an autoencoder of tokens whose weights are masked.

    Each hidden unit sees the tokens before one of them alone, and is seen by that one and the later ones. Tokens share
    the units out, so that many have few each, and there are weights for each place and kind: that suits few tokens that
    mean different things, as those of `FSQ` do. For many, `Autoregressive` tells more.

    References
    ----------
    Germain, Gregor, Murray, Larochelle, "MADE: masked autoencoder for distribution estimation", ICML 2015, section 3;
    hidden layers beyond the first add to the one before.

    Examples
    --------
    >>> module = MADE(hidden=16).over(4, kinds=8)
    >>> indices = module.sample(5)
    >>> indices.shape, module.log_probability(indices).shape
    (torch.Size([5, 4]), torch.Size([5]))
    """

    hidden: int = knob(512, Whole(1, 2**16), "units of each hidden layer, shared out among the tokens")
    layers: int = knob(3, Whole(1, 256), "hidden layers")
    hiding: float = knob(0.1, Number(0, 1, open_high=True), "share of the tokens before that are hidden, in training")

    def over(self, tokens: int, kinds: int, condition: int = 0, ordered: bool = False) -> TokenModule:
        """Return the module for codes of so many `tokens`, of so many `kinds`, told a `condition` of K numbers.

        Kinds that are `ordered` are told by all those up to them, so that near ones are told alike.

        Raises
        ------
        ParameterError
            If there are more tokens than hidden units, as one without a unit would not see the others.
        """
        if tokens > self.hidden:
            raise ParameterError(
                f"Parameter 'hidden' of MADE must be at least the number of tokens, {tokens}; got {self.hidden}. "
                "Choose 16 units for each of them, or Autoregressive()."
            )
        return MADEModule(self, tokens, kinds, condition, ordered)

    def pace(self, tokens: int) -> tuple[int, float]:
        """Return (256, 3e-3)."""
        return 256, 3e-3


class MADEModule(TokenModule):
    """Tokens (B, T), as zeros and ones → logits (B, T, kinds), each by the tokens before it."""

    part: MADE

    def __init__(self, part: MADE, tokens: int, kinds: int, condition: int = 0, ordered: bool = False) -> None:
        super().__init__(part, tokens, kinds, condition, part.hidden)
        self.ordered = ordered
        ends = torch.arange(tokens).repeat_interleave(kinds)  # the token that an input, or an output, belongs to
        units = torch.arange(part.hidden) * tokens // part.hidden  # the token that a hidden unit tells
        self.first = Masked(ends, units, strict=True)
        self.between = nn.ModuleList(Masked(units, units) for _ in range(part.layers - 1))
        self.last = Masked(units, ends)

    def telling(self, seen: Tensor, told: Tensor | None) -> Tensor:
        h = self.first(_zeros_and_ones(seen, self.kinds, self.ordered, self.first.weight.dtype))  # (B, hidden)
        h = F.silu(h if told is None else h + told)
        for layer in self.between:
            h = h + F.silu(layer(h))
        return self.last(h).view(len(h), self.tokens, self.kinds)

    def drawn(self, count: int, told: Tensor | None) -> Tensor:
        tokens = torch.full((count, self.tokens), self.kinds, device=self.first.weight.device)
        for t in range(self.tokens):
            tokens[:, t] = torch.multinomial(self.telling(tokens, told)[:, t].softmax(1), 1)[:, 0]
        return tokens

    @property
    def remembered(self) -> int:
        return 4 * self.tokens * (self.kinds + 1) + 2 * self.part.hidden


class Masked(nn.Linear):
    """A dense layer in which what belongs to token `to` sees what belongs to it, or to those before it.

    Parameters
    ----------
    of, to : Tensor (inputs,), (outputs,)
        The token that each belongs to.
    strict : bool
        Whether only those before it are seen.
    """

    mask: Tensor

    def __init__(self, of: Tensor, to: Tensor, strict: bool = False) -> None:
        super().__init__(len(of), len(to))
        seen = of < to[:, None] if strict else of <= to[:, None]
        self.register_buffer("mask", seen, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight * self.mask, self.bias)


def _zeros_and_ones(tokens: Tensor, kinds: int, ordered: bool, dtype: torch.dtype) -> Tensor:
    """Return tokens (B, T) as (B, T * kinds): 1 for its kind or, of levels, for it and all below it; hidden, 0.

    Examples
    --------
    >>> tokens = torch.tensor([[0, 2, 3]])  # 3 is hidden
    >>> _zeros_and_ones(tokens, 3, False, torch.long).view(3, 3).tolist()
    [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    >>> _zeros_and_ones(tokens, 3, True, torch.long).view(3, 3).tolist()
    [[1, 0, 0], [1, 1, 1], [0, 0, 0]]
    """
    each, known = torch.arange(kinds, device=tokens.device), tokens[:, :, None]
    found = (known >= each) & (known < kinds) if ordered else known == each
    return found.to(dtype).flatten(1)

"""The chain rule of columns: what those before say of a column, beside what the code of the row says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from diabolo.likelihoods import Binned
from diabolo.likelihoods.choice import disturbed

Sizes = Sequence[tuple[int, int]]
"""Of each column how many bins it has, and how many of these, the first ones, lie in an order."""

WIDEST = 1024
"""Numbers that tell of the bins of a row, at most: pairs of them have weights."""

_WAVES, _USUAL = 31, 512
"""Waves over the bins of a column, at most, and numbers that columns are told by up to which there are so many."""

_LINE, _PARABOLA, _WAVE = 5.0, 2.0, 1.4
"""How large the functions of bins are: the larger, the less it takes to say much by them."""


class ChainRule(nn.Module):
    """Rows x → what is added to the logits of their bins, so that columns decide each other as in training.

    With a(z) from the decoder, p(x | z) = Π_j p(x_j | z, x_1 … x_{j−1}) is, exactly,

        log p(x_j | z, x_1 … x_{j−1}) = log softmax(a_j(z) + F_j·(b_j + Σ_i<j M_ij·(F_iᵀ·x_i − m_i)))

    F tells of bins by functions of them that are smooth over those in an order: their normal score, so that normal
    columns have any covariance and copies of a column are copies; its square; waves. So a few hundred rows suffice,
    where weights between all bins would know them by heart. Categories, and that a value is missing, are themselves.

    Parameters
    ----------
    sizes : sequence of (int, int)
        Bins of each column, and how many of these lie in an order.

    References
    ----------
    Frey, Hinton, Dayan, "Does the wake-sleep algorithm produce good density estimators?", NIPS 1995: logistic
    regressions one after the other; here beside a code.

    Examples
    --------
    >>> rule = ChainRule([(2, 0), (2, 0)])
    >>> rule.weight.data[0, 2] = 9.0  # the first bin of one column decides for the first of the other
    >>> rule(torch.tensor([[1.0, 0.0, 1.0, 0.0, 0.5, 0.5]])).detach()
    tensor([[0., 0., 9., 0.]])
    """

    share: Tensor
    damping: Tensor
    centre: Tensor
    functions: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.likelihood = Binned(tuple(width for width, _ in sizes))
        self.waves = max(0, min(_WAVES, _USUAL // len(self.sizes) - 3))
        self.bins = _spans([width for width, _ in self.sizes])
        self.codes = _spans([_told(*size, self.waves) for size in self.sizes])
        count = self.codes[-1].stop
        self.register_buffer("share", torch.zeros(self.bins[-1].stop))
        damping = [_damping(*size, self.waves) for size in self.sizes]
        self.register_buffer("damping", torch.cat(damping), persistent=False)
        self.register_buffer("centre", torch.zeros(count), persistent=False)
        self.weight = nn.Parameter(torch.zeros(count, count))
        self.bias = nn.Parameter(torch.zeros(count))
        most = max(own.stop - own.start for own in self.codes)
        self.register_buffer("functions", torch.zeros(len(self.share), most), persistent=False)
        self.begin(self.share)

    @property
    def after(self) -> Tensor:
        """Which weights there are (F, F): from columns to those after them."""
        owner = torch.tensor([i for i, span in enumerate(self.codes) for _ in range(span.start, span.stop)])
        return (owner[:, None] < owner).to(self.weight.device)

    @torch.no_grad()
    def begin(self, share: Tensor) -> None:
        """Learn how frequent bins (P,) are."""
        self.share.copy_(share)
        for size, (span, f) in zip(self.sizes, self.columns(), strict=True):
            f.copy_(_functions(size, self.share[span], self.waves))
        self.centre.copy_(self._told(self.share[None])[0])

    def features(self, x: Tensor) -> Tensor:
        """Return what the bins of rows x (B, P + C) tell to the columns after them, (B, F)."""
        return self._told(x.to(self.share)) - self.centre

    def logits(self, told: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return logits (B, P) by what is told (B, F)."""
        each = told @ weight + bias
        return torch.cat([each[:, own] @ f.T for own, (_, f) in zip(self.codes, self.columns(), strict=True)], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return what is added to the logits (B, P) of rows x (B, P + C)."""
        return self.logits(self.features(x), self.weight, self.bias).to(x)

    @torch.no_grad()
    def sample(self, params: Tensor) -> Tensor:
        """Draw rows (B, P + C), column by column, where the decoder says `params` (B, P)."""
        x = self.likelihood.sample(params)
        told = -self.centre.expand(len(x), -1).clone()
        for own, (span, f) in zip(self.codes, self.columns(), strict=True):
            more = (told @ self.weight[:, own] + self.bias[own]) @ f.T
            chosen = disturbed(params[:, span] + more.to(params)).argmax(1)
            x[:, span] = one_hot(chosen, len(f)).to(x)
            told[:, own] += x[:, span].to(f) @ f * self.damping[own]
        return x

    def columns(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield where the bins of each column are, and the functions of them (K, m)."""
        for span, own in zip(self.bins, self.codes, strict=True):
            yield span, self.functions[span, : own.stop - own.start]

    def _told(self, x: Tensor) -> Tensor:
        return torch.cat([x[:, span] @ f for span, f in self.columns()], 1) * self.damping


def fits(sizes: Sizes) -> bool:
    """Return whether there are columns that others can decide, and not too many."""
    return len(sizes) > 1 and 0 < sum(_told(*size, 0) for size in sizes) <= WIDEST


def _spans(sizes: Sequence[int]) -> list[slice]:
    ends = torch.tensor([0, *sizes]).cumsum(0).tolist()
    return [slice(*pair) for pair in pairwise(ends)]


def _told(width: int, ordered: int, waves: int) -> int:
    """Return how many functions there are of the bins of a column."""
    if ordered < 2:
        return width if width > 1 else 0
    return 2 + min(waves, ordered - 1) + max(0, width - ordered - 1)


def _damping(width: int, ordered: int, waves: int) -> Tensor:
    """Return how much of each function of the bins of a column (m,) is told: of short waves little, but all is said."""
    found = torch.ones(_told(width, ordered, waves))
    short = min(waves, ordered - 1) if ordered > 1 else 0
    found[2 : 2 + short] = torch.arange(1, short + 1).rsqrt()
    return found


def _functions(size: tuple[int, int], share: Tensor, waves: int) -> Tensor:
    """Return functions of the bins of a column (K, m), of which there are so many.

    Of bins in an order one is for numbers elsewhere, in the middle of all, and what follows it is missing.
    """
    width, ordered = size
    if ordered < 2:
        return torch.eye(width).to(share)[:, : _told(*size, waves)]
    counted = share[:ordered].double().cpu() + 1e-6
    quantile = (counted.cumsum(0) - counted / 2) / counted.sum()
    score = torch.special.ndtri(quantile)
    found = share.new_zeros(width, _told(*size, waves))
    smooth = [_LINE * score, _PARABOLA * (score.square() - 1)]
    smooth += [_WAVE * torch.cos(math.pi * k * quantile) / k**0.5 for k in range(1, min(waves, ordered - 1) + 1)]
    found[:ordered, : len(smooth)] = torch.stack(smooth, 1).to(found)
    found[ordered + 1 :, len(smooth) :] = torch.eye(width - ordered - 1).to(found)
    return found

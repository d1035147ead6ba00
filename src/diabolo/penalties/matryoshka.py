"""Dictionaries inside one another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.check import Many, Number
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty
from diabolo.sparse import assembled, dense


@dataclass(frozen=True)
class Matryoshka(Penalty):
    """Σₘ ½‖x − D(z₁…ₘ)‖²: samples rebuilt from the first m latents alone too, for each of several m.

    The first latents must do without the others and stay general; details are left to those that follow. The whole
    code is rebuilt by the distortion itself.

    References
    ----------
    Bussmann, Nabeshima, Karvonen, Nanda, "Learning multi-level features with Matryoshka sparse autoencoders", ICML
    2025, equation 6, whose sum over the sizes has the whole among them.

    Examples
    --------
    >>> from diabolo.model import Recipe
    >>> model = Recipe(penalties=(Matryoshka((0.25, 0.5)),)).build((5,), 8)
    >>> model(Batch(torch.ones(3, 5))).penalties["matryoshka"].shape
    torch.Size([3])
    """

    reads_sparse: ClassVar[bool] = True

    groups: tuple[float, ...] = knob(
        (1 / 16, 1 / 8, 1 / 4, 1 / 2),
        Many(Number(0, 1, open_low=True, open_high=True), 64),
        "shares of the latents that rebuild a sample alone",
    )
    weight: float = knob(1.0, Number(0), "cost of one unit of squared error, halved")

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term per sample (B,)."""
        target = dense(output.target)
        rebuilt = self._rebuilt(model, output.code.z, len(target))
        errors = (model.expected(params, through=True) - target for params in rebuilt)
        each = (0.5 * error.square().flatten(1).sum(1) for error in errors)
        return self.weight * sum(each, output.distortion.new_zeros(len(target)))

    def _rebuilt(self, model: Encodes, z: Tensor, count: int) -> Iterator[Tensor]:
        """Yield the params (B, *out) for each size, of the first draw of the code."""
        sizes = self.sizes(z.shape[1])
        if z.is_sparse:  # all at once: what a decoder makes of its weights, it makes once
            yield from model.decode(nested(z, sizes)).split(count) if sizes else ()
        else:
            places = torch.arange(z.shape[1], device=z.device)
            yield from (model.decode(z[:count] * (places < size)) for size in sizes)

    def sizes(self, n: int) -> list[int]:
        """Return how many latents of n there are in each group, rounded up; each number once.

        Examples
        --------
        >>> Matryoshka().sizes(64), Matryoshka().sizes(4)
        ([4, 8, 16, 32], [1, 2])
        """
        return sorted({math.ceil(share * n - 1e-9) for share in self.groups})

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·Σₘ ½‖x − D(z₁…ₘ)‖², m / n = {', '.join(f'{share:g}' for share in self.groups)}"


def nested(z: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return sparse z (B, n) once for each size, (sizes · B, n), with only the first so many columns.

    Gradients go to the values of z.

    Examples
    --------
    >>> nested(torch.tensor([[1.0, 0.0, 2.0]]).to_sparse(), (1, 3)).to_dense()
    tensor([[1., 0., 0.],
            [1., 0., 2.]])
    """
    rows, columns = z.indices()
    inside = [(columns < size).nonzero()[:, 0] for size in sizes]
    which = torch.cat(inside)
    first = torch.cat([torch.full_like(each, i * len(z)) for i, each in enumerate(inside)])
    entries = torch.stack([rows[which] + first, columns[which]])
    return assembled(entries, z.values().index_select(0, which), (len(sizes) * len(z), z.shape[1]))

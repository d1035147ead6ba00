"""Noise on the cells of an encoded table."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Many, Whole
from diabolo.corruptions.chain import Chain
from diabolo.corruptions.corruption import Corruption
from diabolo.corruptions.mask_patches import MaskPatches
from diabolo.corruptions.masking import Masking
from diabolo.corruptions.swap_noise import SwapNoise
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.part import Some, knob

_BY_CELLS = (SwapNoise, Masking, MaskPatches)
"""Corruptions that move or hide values, whatever these are."""


@dataclass(frozen=True)
class Cells(Corruption):
    """Another corruption, of the cells of a table in place of the columns that they are encoded by.

    A category is one-hot, a date several sines: noise on each of these columns alone makes cells that no table holds.
    Here they are swapped or hidden together, as if the noise had come before the encoding.

    References
    ----------
    Yoon et al., "VIME: extending the success of self- and semi-supervised learning to tabular domain", NeurIPS 2020.

    Examples
    --------
    >>> x = torch.tensor([[5.0, 1.0, 0.0], [7.0, 0.0, 1.0]])  # a number, and a category of two
    >>> Cells(SwapNoise(1.0), columns=(1, 2)).corrupt(x)[0]
    tensor([[7., 0., 1.],
            [5., 1., 0.]])
    """

    of: Corruption = knob(SwapNoise(), Some("corruptions"), "what is done to cells: SwapNoise, Masking or MaskPatches")
    columns: tuple[int, ...] = knob((), Many(Whole(1), 2**20), "number of columns of each cell; () for one each")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Corrupt the numbers of the rows that cells come from, 0 for none, and take the cells from there."""
        if not self.columns:
            return self.of.corrupt(x)
        widths = torch.tensor(self.columns, device=x.device)
        own = torch.arange(1.0, len(x) + 1, dtype=torch.float64, device=x.device)
        rows, hidden = self.of.corrupt(own[:, None].repeat(1, len(self.columns)))
        rows = rows.long().repeat_interleave(widths, 1)  # (B, D)
        seen = x.gather(0, (rows - 1).clamp_min(0)).masked_fill(rows == 0, 0)
        return seen, None if hidden is None else hidden.repeat_interleave(widths, 1)

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError unless samples are rows made of these cells, and the noise is one of cells."""
        self.of.check_shape(shape)
        parts = self.of.parts if isinstance(self.of, Chain) else (self.of,)
        if self.columns and not all(isinstance(part, _BY_CELLS) for part in parts):
            raise ParameterError(
                f"Parameter 'of' of Cells must be SwapNoise, Masking, MaskPatches or a Chain of these; got "
                f"{self.of!r}. Use it without Cells."
            )
        if self.columns and shape != (sum(self.columns),):
            raise ParameterError(
                f"Parameter 'columns' of Cells must add up to the columns of a table; got {sum(self.columns)} for "
                f"samples of shape {shape}. Count the columns after encoding."
            )

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.of.equation()}, cell by cell"

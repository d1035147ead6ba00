"""A dictionary: samples as sums of few atoms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from diabolo.check import Flag
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.activation import start
from diabolo.nets.net import Net, Skips
from diabolo.part import knob
from diabolo.selection import Affine
from diabolo.sparse import by_columns, dots, product, sums_of

_SHORTEST = 1e-12
"""Length below which an atom is not divided by it, as `torch.nn.functional.normalize` has it."""


@dataclass(frozen=True)
class Atoms(Net):
    """h = W x + b, and D(z) = Σⱼ zⱼ aⱼ + c, with atoms aⱼ of length 1.

    With a latent that keeps few entries of h, such as `TopK`, neither h nor the code is written out, and the gradient
    is computed for the entries that are kept.

    References
    ----------
    Bricken et al., "Towards monosemanticity", 2023; Gao et al., "Scaling and evaluating sparse autoencoders", 2024,
    section 2 and appendix A.

    Examples
    --------
    >>> encoder, decoder = Atoms().build((6,), 30, 30, (6,))
    >>> h, _ = encoder(torch.zeros(5, 6))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 30]), torch.Size([5, 6]))
    >>> bool(torch.allclose(decoder(torch.eye(30)).square().sum(1), torch.ones(30)))
    True
    """

    tied: bool = knob(False, Flag(), "let the encoder look along the atoms themselves: W is made of them")

    unit: bool = knob(True, Flag(), "let atoms have length 1; without, any")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two maps."""
        decoder = AtomsDecoder(n, out, self.unit)
        if self.tied and (shape != out or width != n):
            raise ParameterError(
                f"Parameter 'tied' of Atoms must be False where the target {out} or code {n} differs from the input "
                f"{shape} or the encoder's output {width}; use tied=False."
            )
        return AtomsEncoder(shape, width, decoder if self.tied else None), decoder

    def map(self, encoder: nn.Module) -> Affine | None:
        """Return W and b."""
        return encoder.map() if isinstance(encoder, AtomsEncoder) else None

    def atoms(self, decoder: nn.Module) -> Tensor | None:
        """Return the atoms (n, D)."""
        return decoder.atoms() if isinstance(decoder, AtomsDecoder) else None


class AtomsEncoder(nn.Module):
    """x (B, *shape) → h (B, width), along the atoms of `tied` if given."""

    def __init__(self, shape: Shape, width: int, tied: AtomsDecoder | None) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))
        self._tied = (tied,)  # in a tuple: the atoms belong to the decoder
        self.weight = None if tied else nn.Parameter(torch.empty(width, math.prod(shape)))
        if self.weight is not None:
            start(self, self.weight.shape[1])

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        return F.linear(x.flatten(1), *self.map()), ()

    def map(self) -> Affine:
        """Return W and b."""
        (tied,) = self._tied
        weight = self.weight if tied is None else tied.atoms()
        return Affine(torch.as_tensor(weight), self.bias)


class AtomsDecoder(nn.Module):
    """z (B, n), dense or sparse → params (B, *out)."""

    def __init__(self, n: int, out: Shape, unit: bool = True) -> None:
        super().__init__()
        self.out, self.unit = out, unit
        self.weight = nn.Parameter(torch.empty(n, math.prod(out)))
        start(self, self.weight.shape[1])
        self.bias = nn.Parameter(torch.zeros(math.prod(out)))

    def atoms(self) -> Tensor:
        """Return the atoms (n, D)."""
        return F.normalize(self.weight, dim=1) if self.unit else self.weight

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        if z.is_sparse and self.unit:
            y = _Sums.apply(z.values(), *z.indices(), len(z), self.weight)
        else:
            y = product(z, self.atoms())
        return (y + self.bias).unflatten(1, self.out)


class _Sums(torch.autograd.Function):
    """Σⱼ zⱼ aⱼ/‖aⱼ‖ for sparse z: neither a second table of atoms is made nor, on the way back, a second gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rows: Tensor, columns: Tensor, count: int, weight: Tensor) -> Tensor:
        lengths = torch.linalg.vector_norm(weight, dim=1).clamp_min_(_SHORTEST)
        ctx.save_for_backward(values, rows, columns, weight, lengths)
        return sums_of(weight, columns, values / lengths[columns], torch.bincount(rows, minlength=count))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        values, rows, columns, weight, lengths = ctx.saved_tensors
        g, each = g.contiguous(), lengths[columns]
        of_values = dots(g, weight, rows, columns) / each
        if not ctx.needs_input_grad[4]:
            return of_values, None, None, None, None
        of_weight = by_columns(g, rows, columns, values / each, len(weight))
        along = weight.new_zeros(len(weight)).index_add_(0, columns, of_values * values)  # ⟨gradient of aⱼ, aⱼ⟩
        of_weight.addcmul_(weight, (along / lengths.square()).unsqueeze(1), value=-1)
        return of_values, None, None, None, of_weight

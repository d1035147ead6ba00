"""A sparse code by a learned threshold for each latent, at a cost for each entry used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Number
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule
from diabolo.part import knob
from diabolo.selection import Affine, above, kept
from diabolo.sparse import sums


@dataclass(frozen=True)
class JumpReLU(Latent):
    """z = h·1[h > θ] with a learned threshold θⱼ > 0 for each latent, at a cost of `weight` for each entry above it.

    What is kept is kept whole, where `L1` takes something off each entry. The loss jumps where an entry crosses its
    threshold; the slope by θ is that of its mean, estimated from the entries within half a `bandwidth` of θ.

    References
    ----------
    Rajamanoharan et al., "Jumping ahead: improving reconstruction fidelity with JumpReLU sparse autoencoders", 2024,
    equations 9 to 12. The squared error there is twice that of ``SquaredError()``, and so is the `weight`; θ begins at
    0.001 and the bandwidth is 0.001, for samples of about length 1, whose h are small.

    Examples
    --------
    >>> module = JumpReLU(0.5, start=1.0).build(3)
    >>> code = module(torch.tensor([[2.0, 0.9, -4.0]]), noise=True)
    >>> code.z, code.rate
    (tensor([[2., 0., 0.]], grad_fn=<_JumpBackward>), tensor([0.5000], grad_fn=<MulBackward0>))
    """

    selects: ClassVar[bool] = True

    weight: float = knob(0.3, Number(0), "cost of one entry that differs from 0")
    bandwidth: float = knob(0.1, Number(0, open_low=True), "width of the window around θ in which its slope is seen")
    start: float = knob(0.1, Number(0, open_low=True), "threshold of each latent to begin with")

    def build(self, n: int) -> JumpReLUModule:
        """Return the module with the thresholds."""
        return JumpReLUModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·‖z‖₀"


class JumpReLUModule(LatentModule):
    """h (B, n) → code, with the logarithms of the thresholds (n,)."""

    part: JumpReLU

    def __init__(self, part: JumpReLU, n: int) -> None:
        super().__init__(part)
        self.log_threshold = nn.Parameter(torch.full((n,), math.log(part.start)))

    def forward(self, h: Tensor, noise: bool) -> Code:
        z, count = cast(tuple[Tensor, Tensor], _Jump.apply(h, self.log_threshold.exp(), self.part.bandwidth))
        return Code(z, z, self.part.weight * count)

    def select(self, x: Tensor, map: Affine, noise: bool) -> Code:
        if noise:  # entries below the threshold have a say in where it goes
            return self(F.linear(x, *map).to(x.dtype), noise)
        z = kept(x, map, above(x, map, self.log_threshold.exp()))
        return Code(z, z, self.part.weight * sums(z, torch.ones_like(z.values())))


class _Jump(torch.autograd.Function):
    """h (B, n), θ (n,), ε → h·1[h > θ] and the sum of 1[h > θ] (B,), with the slopes by θ that a kernel estimates."""

    generate_vmap_rule = True

    @staticmethod
    def forward(h: Tensor, threshold: Tensor, width: float) -> tuple[Tensor, Tensor]:
        on = h > threshold
        return h.relu() * on, on.sum(1, dtype=torch.int32).to(h.dtype)  # products are faster than torch.where

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.width = inputs[2]

    @staticmethod
    def backward(ctx: Any, of_z: Tensor, of_count: Tensor) -> tuple[Tensor, Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        h, threshold = ctx.saved_tensors
        near = (h - threshold).abs() < ctx.width / 2  # the kernel, a rectangle
        moved = (torch.addcmul(of_count[:, None], of_z, threshold) * near).sum(0)
        return of_z * (h > threshold), -moved / ctx.width, None

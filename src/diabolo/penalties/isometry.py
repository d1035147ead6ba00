"""A penalty on a decoder that stretches some directions of the code more than others."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vjp

from diabolo.check import Number
from diabolo.flow import Batch, Output
from diabolo.part import knob
from diabolo.penalties.contractive import twice_differentiable
from diabolo.penalties.penalty import Encodes, Penalty


@dataclass(frozen=True)
class Isometry(Penalty):
    """E s² / (E s)² − 1 with s = ‖J u‖², for unit directions u at the codes of the batch: 0 where JᵀJ = c·I everywhere.

    Distances of near codes then tell distances of what they are decoded to, up to one scale c, which is free. J is that
    of the decoder's params; each code is asked in one random direction. Counted per number of a sample.

    References
    ----------
    Lee, Yoon, Son, Park, "Regularized autoencoders for isometric representation learning", ICLR 2022, equation 7; with
    c = 1: Gropp, Atzmon, Lipman, "Isometric autoencoders", 2020.

    Examples
    --------
    >>> Isometry(0.1).equation()
    '0.1·D·(E s²/(E s)² − 1), s = ‖∂D(z)/∂z·u‖²'
    """

    weight: float = knob(0.1, Number(0), "cost of one unit of squared relative stretch, per number of a sample")

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the estimate for the batch (), which has a value, but no gradient, where gradients are off."""
        z = output.code.z[: len(batch.x)]
        u = torch.randn_like(z)
        u = u / torch.linalg.vector_norm(u, dim=1, keepdim=True).clamp_min(1e-12)
        with twice_differentiable(model.decoder):
            params, *pull = vjp(model.decode, z)
            _, *push = vjp(lambda w: pull[0](w)[0], torch.zeros_like(params))  # w ↦ Jᵀw is linear: its vjp is u ↦ J u
            (moved,) = push[0](u)
        stretch = moved.flatten(1).square().sum(1)  # (B,)
        spread = stretch.square().mean() / stretch.mean().square().clamp_min(1e-12) - 1
        return self.weight * batch.x[0].numel() * spread

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·D·(E s²/(E s)² − 1), s = ‖∂D(z)/∂z·u‖²"

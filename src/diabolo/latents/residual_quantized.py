"""A code of tokens, each a sum of vectors from codebooks one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import cast

import torch
from torch import Tensor, nn

from diabolo.check import Number, Whole
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule
from diabolo.latents.vector_quantized import VectorQuantized, VectorQuantizedModule, demand_tokens
from diabolo.part import knob


@dataclass(frozen=True)
class ResidualQuantized(Latent):
    """Replace each token of h by the nearest vector of a codebook, what is left by that of a second one, and so on.

    A token is the sum of `depth` vectors, z = Σᵢ eᵢ, coarse first: as many kinds of token as one codebook of codesᵈᵉᵖᵗʰ
    vectors would give. Each codebook learns what is left of the tokens before it as that of `VectorQuantized` learns
    tokens. `Code.info` holds the "indices" (B, n / dim · depth), those of a token side by side.

    References
    ----------
    Lee et al., "Autoregressive image generation using residual quantization", CVPR 2022, equations 3 to 8, with a
    codebook for each depth, as in Zeghidour et al., "SoundStream", TASLP 2021, algorithm 1.

    Examples
    --------
    >>> import torch
    >>> module = ResidualQuantized(codes=8, dim=2, depth=3).build(4)
    >>> module(torch.randn(5, 4), noise=True).info["indices"].shape
    torch.Size([5, 6])
    """

    codes: int = knob(256, Whole(2, 2**20), "number of vectors in each codebook")
    dim: int = knob(4, Whole(1, 2**16), "numbers per token; divides the size of the code")
    depth: int = knob(4, Whole(1, 256), "codebooks, and so vectors that each token is the sum of")
    commitment: float = knob(0.25, Number(0), "cost of the squared distances between h and its sums so far")

    def tokens(self, n: int) -> int:
        """Return n / dim · depth."""
        return n // self.dim * self.depth

    def build(self, n: int) -> ResidualQuantizedModule:
        """Return the module with the codebooks."""
        demand_tokens(self, self.dim, n)
        return ResidualQuantizedModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.commitment:g}·Σᵢ‖h − sg(e₁ + … + eᵢ)‖²"


class ResidualQuantizedModule(LatentModule):
    """h (B, n) → code, with one quantiser for each depth."""

    part: ResidualQuantized

    def __init__(self, part: ResidualQuantized, n: int) -> None:
        super().__init__(part)
        self.levels = nn.ModuleList(VectorQuantized(part.codes, part.dim).build(n) for _ in range(part.depth))

    @property
    def _levels(self) -> list[VectorQuantizedModule]:
        return cast(list[VectorQuantizedModule], list(self.levels))

    def forward(self, h: Tensor, noise: bool) -> Code:
        found, rate, indices = torch.zeros_like(h), h.new_zeros(len(h)), []
        for level in self._levels:
            code: Code = level(h.detach() - found, noise)
            found = found + code.z
            rate = rate + (h - found).square().sum(1)
            indices.append(code.info["indices"])
        z = found + (h - h.detach())  # exactly the sum, with the gradient of h
        return Code(z, z, self.part.commitment * rate, {"indices": torch.stack(indices, 2).flatten(1)})

    @property
    def kinds(self) -> int:
        """The number of vectors in each codebook."""
        return self.part.codes

    def of_indices(self, indices: Tensor) -> Tensor:
        each = indices.unflatten(1, (-1, self.part.depth)).unbind(2)  # (B, n / dim) for each level
        return reduce(add, [level.of_indices(own) for level, own in zip(self._levels, each, strict=True)])

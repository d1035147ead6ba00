"""A code of tokens from a learned codebook."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule
from diabolo.part import knob

_DECAY = 0.99  # of the running counts
_DEAD = 0.02  # a code used this often, or less, in units of its fair share, starts anew


@dataclass(frozen=True)
class VectorQuantized(Latent):
    """Cut h into tokens of `dim` numbers and replace each by the nearest vector of one shared codebook.

    The gradient passes straight through. The codebook follows the tokens assigned to it by exponential moving averages
    while training with noise; codes never or no longer used restart at random tokens of the batch, as all do in the
    first batch. `Code.info` holds the "indices" (B, n / dim).

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural discrete representation learning", NeurIPS 2017, equation 3 and
    appendix A.1; restarts: Dhariwal et al., "Jukebox", 2020, section 3.

    Examples
    --------
    >>> import torch
    >>> module = VectorQuantized(codes=2, dim=2).build(4)
    >>> module(torch.randn(3, 4), noise=True).info["indices"].shape
    torch.Size([3, 2])
    """

    codes: int = knob(512, Whole(2, 2**20), "number of vectors in the codebook")
    dim: int = knob(4, Whole(1, 2**16), "numbers per token; divides the size of the code")
    commitment: float = knob(0.25, Number(0), "cost of the squared distance between h and its code")

    def tokens(self, n: int) -> int:
        """Return n / dim."""
        return n // self.dim

    def build(self, n: int) -> VectorQuantizedModule:
        """Return the module with the codebook."""
        demand_tokens(self, self.dim, n)
        return VectorQuantizedModule(self)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.commitment:g}·‖h − sg(z)‖²"


def demand_tokens(part: Latent, dim: int, n: int) -> None:
    """Raise ParameterError unless a code of `n` numbers can be cut into tokens of `dim`, a knob of `part`."""
    if n % dim:
        raise ParameterError(
            f"Parameter 'dim' of {type(part).__name__} must divide the size of the code, {n}; got {dim}. "
            f"Choose another dim, or a code of size {n - n % dim or dim}."
        )


class VectorQuantizedModule(LatentModule):
    """h (B, n) → code, with the codebook (codes, dim) and how often each of its vectors is used in a batch."""

    part: VectorQuantized
    codebook: Tensor
    counts: Tensor

    def __init__(self, part: VectorQuantized) -> None:
        super().__init__(part)
        self.register_buffer("codebook", torch.randn(part.codes, part.dim))
        self.register_buffer("counts", torch.zeros(part.codes))

    def forward(self, h: Tensor, noise: bool) -> Code:
        tokens = h.detach().to(self.codebook.dtype).reshape(-1, self.part.dim)  # (B * n / dim, dim)
        learning = noise and self.training
        if learning:
            self._restart(tokens)
        distances = torch.cdist(tokens, self.codebook, compute_mode="donot_use_mm_for_euclid_dist")
        indices = distances.argmin(1)
        nearest = self.codebook[indices].view_as(h).to(h.dtype)
        if learning:
            self._follow(tokens, indices)
        z = nearest + (h - h.detach())  # exactly the codebook's vector, with the gradient of h
        rate = self.part.commitment * (h - nearest).square().sum(1)
        return Code(z, z, rate, {"indices": indices.view(len(h), -1)})

    @property
    def kinds(self) -> int:
        """The number of vectors in the codebook."""
        return len(self.codebook)

    def of_indices(self, indices: Tensor) -> Tensor:
        return self.codebook[indices].flatten(1)

    def _restart(self, tokens: Tensor) -> None:
        fair = len(tokens) / self.part.codes
        dead = self.counts <= _DEAD * self.counts.mean()  # all of them in the first batch
        seeds = tokens[torch.randint(len(tokens), (self.part.codes,), device=tokens.device)]
        self.codebook.copy_(torch.where(dead[:, None], seeds, self.codebook))
        self.counts.masked_fill_(dead, fair)

    def _follow(self, tokens: Tensor, indices: Tensor) -> None:
        used = F.one_hot(indices, self.part.codes).to(tokens.dtype)  # (B * n / dim, codes)
        count = used.sum(0)
        self.counts.lerp_(count, 1 - _DECAY)
        step = (used.T @ tokens - count[:, None] * self.codebook) / self.counts.clamp_min(1e-6)[:, None]
        self.codebook.add_(step, alpha=1 - _DECAY)

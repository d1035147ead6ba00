"""A normalising flow as prior."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diabolo.check import Whole
from diabolo.errors import ParameterError
from diabolo.part import knob
from diabolo.priors.diagonal import LOG_2_PI
from diabolo.priors.prior import Prior, PriorModule

_STEEPEST = 3.0  # |log scale| of one layer stays below it, so that no product of layers overflows


@dataclass(frozen=True)
class Flow(Prior):
    """p(z) of z = f(u) with u from N(0, I): f is a chain of affine couplings, inverted exactly.

    Each layer moves and scales one half of the entries by what a small net says of the other half, u' = (u − t)·e⁻ˢ
    with |s| < 3. Halves are split by the bits of an entry's place, the last bit first, and each split is used both
    ways. The nets start at 0, and so the density at N(0, I).

    References
    ----------
    Dinh, Sohl-Dickstein, Bengio, "Density estimation using Real NVP", ICLR 2017, equations 7 and 8.

    Examples
    --------
    >>> module = Flow(layers=2).build(3)
    >>> module.sample(5).shape, module.log_density(torch.zeros(5, 3)).shape
    (torch.Size([5, 3]), torch.Size([5]))
    """

    layers: int = knob(4, Whole(1, 256), "affine couplings, one after the other")
    hidden: int = knob(64, Whole(1, 2**16), "width of the two hidden layers of the net in each coupling")

    def build(self, n: int) -> PriorModule:
        """Return the module with the nets."""
        if n < 2:
            raise ParameterError(
                "Parameter 'prior' cannot be Flow for codes of one number, as a coupling needs two halves; "
                "choose Mixture(), or a larger code."
            )
        return _FlowModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        return f"f(N(0, I)), f of {self.layers} couplings"


class _FlowModule(PriorModule):
    def __init__(self, part: Flow, n: int) -> None:
        super().__init__()
        self.n = n
        self.couplings = nn.ModuleList(_Coupling(part.hidden, n, k) for k in range(part.layers))

    def log_density(self, z: Tensor) -> Tensor:
        u, log_scale = z, z.new_zeros(len(z))
        with torch.autocast(z.device.type, enabled=False):  # a density is exact, whatever the nets compute in
            for coupling in self.couplings:
                s, t = coupling(u)
                u, log_scale = (u - t) * (-s).exp(), log_scale + s.sum(1)
        return -0.5 * (u.square() + LOG_2_PI).sum(1) - log_scale

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        like = next(self.parameters())
        z = torch.randn(count, self.n, dtype=like.dtype, device=like.device)
        for coupling in reversed(self.couplings):
            s, t = coupling(z)  # of entries that the layer left as they were
            z = z * s.exp() + t
        return z


class _Coupling(nn.Module):
    """u (B, n) → log scale s and shift t (B, n), both 0 for the half that they are computed from."""

    kept: Tensor

    def __init__(self, hidden: int, n: int, k: int) -> None:
        super().__init__()
        split, side = k // 2 % (n - 1).bit_length(), k % 2
        kept = [float(place >> split & 1 == side) for place in range(n)]
        self.register_buffer("kept", torch.tensor(kept), persistent=False)
        last = nn.Linear(hidden, 2 * n)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(nn.Linear(n, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last)

    def forward(self, u: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self.net(u * self.kept).chunk(2, 1)
        moved = 1 - self.kept
        return moved * _STEEPEST * torch.tanh(s / _STEEPEST), moved * t

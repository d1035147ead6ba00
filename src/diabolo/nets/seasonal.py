"""Trend and seasons: a decoder that says what repeats and what grows, around another net for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diabolo.check import Many, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.grid import Size, channels_and_size, from_grid, out_channels
from diabolo.nets.mlp import MLP
from diabolo.nets.net import Net, Principal, Skips
from diabolo.part import Some, knob


@dataclass(frozen=True)
class Seasonal(Net):
    """Another net, with a trend and seasons beside its decoder: D(z) = R(z) + P(z) + S(z).

    P is a polynomial of degree `trend` over the steps, S for each of the `periods` a pattern of as many steps, of mean
    0, over and over; their coefficients are affine in z, for each channel of the params. Both begin at 0, so that
    training begins as that of the other net. The decoder's `terms` tells the three apart.

    The steps of a series (T, C) are its T rows, those of a table row its numbers, those of an image its rows.

    References
    ----------
    Desai, Freeman, Wang, Beaver, "TimeVAE: a variational auto-encoder for multivariate time series generation", 2021.

    Examples
    --------
    >>> encoder, decoder = Seasonal(trend=2, periods=(7, 12)).build((50, 3), 4, 4, (50, 3))
    >>> h, skips = encoder(torch.zeros(5, 50, 3))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 4]), torch.Size([5, 50, 3]))
    """

    net: Net = knob(MLP(), Some("nets"), "the other net, which says the rest")
    trend: int = knob(1, Whole(0, 8), "degree of the polynomial of time: 0 for a level, 1 for a line")
    periods: tuple[int, ...] = knob((), Many(Whole(2, 2**16), 16), "steps after which something repeats")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the other net's encoder, and its decoder with trend and seasons."""
        if not self.net.decodes_alone:
            raise ParameterError(
                f"Parameter 'net' of Seasonal must decode codes alone, as MLP() does; got {type(self.net).__name__}, "
                "whose decoder needs the encoder's skips."
            )
        encoder, rest = self.net.build(shape, width, n, out)
        return encoder, SeasonalDecoder(self, rest, channels_and_size(shape, "Seasonal")[1], n, out)

    def begin(self, encoder: nn.Module, decoder: nn.Module, principal: Principal) -> None:
        """Begin as the other net does."""
        if isinstance(decoder, SeasonalDecoder):
            self.net.begin(encoder, decoder.rest, principal)

    def begin_at(self, encoder: nn.Module, decoder: nn.Module, blocks: Iterable[Tensor]) -> None:
        """Let the other net begin at samples."""
        if isinstance(decoder, SeasonalDecoder):
            self.net.begin_at(encoder, decoder.rest, blocks)


class SeasonalDecoder(nn.Module):
    """z (B, n) → params (B, *out): the rest, the trend and the seasons, summed."""

    def __init__(self, part: Seasonal, rest: nn.Module, size: Size, n: int, out: Shape) -> None:
        super().__init__()
        self.rest, self.out, self.size, self.channels = rest, out, size, out_channels(out, size)
        bases = {"trend": _powers(part.trend, size[0])}
        bases |= {f"season {k + 1}": _repeats(period, size[0]) for k, period in enumerate(part.periods)}
        self.names = tuple(bases)
        self.maps = nn.ModuleList(nn.Linear(n, self.channels * len(basis)) for basis in bases.values())
        for weight in self.maps.parameters():
            nn.init.zeros_(weight)
        for k, basis in enumerate(bases.values()):
            self.register_buffer(f"basis{k}", basis, persistent=False)

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        return sum(self.terms(z).values(), torch.zeros((), dtype=z.dtype, device=z.device))

    def terms(self, z: Tensor) -> dict[str, Tensor]:
        """Return what the params (B, *out) are the sum of, by name: "rest", "trend", "season 1" and so on."""
        found = {"rest": self.rest(z)}
        for k, (name, each) in enumerate(zip(self.names, self.maps, strict=True)):
            basis = self.get_buffer(f"basis{k}").to(z.dtype)
            steps = each(z).unflatten(1, (self.channels, -1)) @ basis  # (B, channels, T)
            grid = steps.view(*steps.shape, *[1] * (len(self.size) - 1)).expand(-1, -1, *self.size)
            found[name] = from_grid(grid, self.out)
        return found


def _powers(degree: int, steps: int) -> Tensor:
    """Return the powers of time from 0 to `degree`, (degree + 1, steps), time going from −1 to 1."""
    time = torch.linspace(-1, 1, steps) if steps > 1 else torch.zeros(1)
    return torch.stack([time**k for k in range(degree + 1)])


def _repeats(period: int, steps: int) -> Tensor:
    """Return for each phase of a period where it is, less the share of each, (period, steps): patterns of mean 0."""
    at = torch.arange(steps) % period
    return torch.nn.functional.one_hot(at, period).T.float() - 1 / period

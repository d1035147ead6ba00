"""Squared error of data that cannot lie beyond known bounds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Many, Number, shorten
from diabolo.errors import ParameterError
from diabolo.flow import Shape, channel_axis, channels
from diabolo.likelihoods.likelihood import Likelihood
from diabolo.part import knob

_MOST = 2**20  # channels: a table of bytes has as many as columns


@dataclass(frozen=True)
class Clipped(Likelihood):
    """Half the squared error of D(z) cut off at the bounds of the data, such as 0 and 255 of bytes.

    Where many values lie at a bound, as black pixels do, the decoder need not hit it: anything beyond will do. The
    gradient passes the cut unchanged (straight through), so that values beyond a bound can come back. Estimators choose
    it for bytes and for images within [0, 1], with the bounds in units of the scaled data.

    References
    ----------
    Tobin, "Estimation of relationships for limited dependent variables", Econometrica 1958: what lies beyond a bound is
    seen at the bound; straight-through gradients: Bengio, Léonard, Courville 2013.

    Examples
    --------
    >>> import torch
    >>> Clipped((0.0,), (1.0,)).distortion(torch.tensor([[-3.0, 0.5]]), torch.tensor([[0.0, 1.0]]))
    tensor([[0.0000, 0.1250]])
    """

    begins_with_mean = True
    tells_noise = False

    low: tuple[float, ...] = knob((0.0,), Many(Number(), _MOST), "least value, for each channel or for all")
    high: tuple[float, ...] = knob((1.0,), Many(Number(), _MOST), "greatest value, for each channel or for all")

    def shape(self, shape: Shape) -> Shape:
        """Return `shape`.

        Raises
        ------
        ParameterError
            If there are neither one bound nor as many as channels, or the bounds are not in order.
        """
        count = channels(shape)
        for name, bounds in (("low", self.low), ("high", self.high)):
            if len(bounds) not in (1, count):
                raise ParameterError(
                    f"Parameter {name!r} of Clipped must hold 1 bound, or {count}, one per channel; got {len(bounds)}."
                )
        if len(self.low) != len(self.high):
            raise ParameterError(
                f"Parameter 'low' of Clipped must hold as many bounds as 'high', {len(self.high)}; got {len(self.low)}."
            )
        if any(a >= b for a, b in zip(self.low, self.high, strict=True)):
            raise ParameterError(
                f"Parameter 'low' of Clipped must lie below high={shorten(self.high)}; got {shorten(self.low)}."
            )
        return shape

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return ½(x − clip(D(z)))² per element, with the gradient of D(z) unclipped."""
        return 0.5 * (self.through(params) - target).square()

    def slope(self, params: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return ½(x − clip(D(z)))² and clip(D(z)) − x per element."""
        error = self.mean(params) - target
        return error.square().mul_(0.5), error

    def mean(self, params: Tensor) -> Tensor:
        """Return the params, cut off at the bounds."""
        if len(self.low) == 1:
            return params.clamp(self.low[0], self.high[0])
        return params.clamp(self._spread(self.low, params), self._spread(self.high, params))

    def through(self, params: Tensor) -> Tensor:
        """Return the params, cut off at the bounds, with the gradient of those that are not."""
        return params + (self.mean(params) - params).detach()

    def sample(self, params: Tensor) -> Tensor:
        """Draw from N(D(z), 1), cut off at the bounds."""
        return self.mean(params + torch.randn_like(params))

    def equation(self) -> str:
        """Return the formula."""
        return "½‖x − clip(D(z))‖²"

    def _spread(self, bounds: tuple[float, ...], params: Tensor) -> Tensor:
        """Return the bounds along the axis of the channels."""
        shape = [1] * params.ndim
        shape[channel_axis(params.shape[1:])] = len(bounds)
        return torch.tensor(bounds, dtype=params.dtype, device=params.device).view(shape)

"""The range of a sensor."""

from dataclasses import dataclass

from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.part import knob


@dataclass(frozen=True)
class Clip(Corruption):
    """x̃ = min(max(x, low), high): what lies beyond the range of a sensor is cut off, as bright skies are.

    After noise, ``Chain((GaussianNoise(0.5), Clip()))`` is what a camera or a file of bytes makes of it.

    References
    ----------
    Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing 2009.

    Examples
    --------
    >>> import torch
    >>> Clip().corrupt(torch.tensor([[-0.5, 0.5, 1.5]]))[0]
    tensor([[0.0000, 0.5000, 1.0000]])
    """

    low: float = knob(0.0, Number(), "least value that is seen, in units of the scaled data")
    high: float = knob(1.0, Number(), "greatest value that is seen")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Cut off."""
        return x.clamp(self.low, self.high), None

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError unless the bounds are in order."""
        if self.low >= self.high:
            raise ParameterError(
                f"Parameter 'low' of Clip must lie below high={self.high!r}; got {self.low!r}. Lower it."
            )

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = min(max(x, {self.low:g}), {self.high:g})"

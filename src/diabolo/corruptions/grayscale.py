"""Removal of colour."""

from dataclasses import dataclass

from torch import Tensor

from diabolo.corruptions.corruption import Corruption
from diabolo.errors import ParameterError
from diabolo.flow import Shape


@dataclass(frozen=True)
class Grayscale(Corruption):
    """Replace the three channels of an image by their luminance, three times: the model must find the colours.

    References
    ----------
    ITU-R BT.601, luminance: 0.299 R + 0.587 G + 0.114 B.

    Examples
    --------
    >>> import torch
    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    >>> Grayscale().corrupt(red)[0].flatten()
    tensor([0.2990, 0.2990, 0.2990])
    """

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Remove the colour of x (B, 3, H, W)."""
        red, green, blue = x.split(1, 1)
        return (0.299 * red + 0.587 * green + 0.114 * blue).expand_as(x), None

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError unless samples are images of three channels."""
        if len(shape) != 3 or shape[0] != 3:
            raise ParameterError(
                f"Parameter 'corruption' may be Grayscale only for images of shape (3, H, W); got samples of shape "
                f"{shape}. Give colour images, or choose another corruption."
            )

    def equation(self) -> str:
        """Return the formula."""
        return "x̃ = 0.299·R + 0.587·G + 0.114·B"

"""The plain bottleneck."""

from dataclasses import dataclass

from torch import Tensor

from diabolo.flow import Code
from diabolo.latents.latent import Closed, Weightless


@dataclass(frozen=True)
class Plain(Weightless):
    """The encoder's output is the code, free of charge: the bottleneck alone limits it.

    References
    ----------
    Hinton, Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 2006.

    Examples
    --------
    >>> from diabolo import Recipe
    >>> Recipe(latent=Plain()).equation().splitlines()[0]
    'loss = ½‖x − D(z)‖²'
    """

    def code(self, h: Tensor, noise: bool) -> Code:
        """Return h itself."""
        return Code(h, h, h.new_zeros(len(h)))

    def closed(self, h: Tensor) -> Closed:
        """Return h itself, whose gradient is that by z."""
        return Closed(self.code(h, True), lambda by_z, share: by_z)

    def equation(self) -> str:
        """Return "0": the code is free."""
        return "0"

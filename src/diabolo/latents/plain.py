"""The plain bottleneck."""

from dataclasses import dataclass

from torch import Tensor

from diabolo.flow import Code
from diabolo.latents.latent import Weightless


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

    def equation(self) -> str:
        """Return "0": the code is free."""
        return "0"

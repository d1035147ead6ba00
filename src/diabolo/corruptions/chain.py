"""Several corruptions, one after another."""

from dataclasses import dataclass

from torch import Tensor

from diabolo.check import Many
from diabolo.corruptions.corruption import Corruption
from diabolo.flow import Shape
from diabolo.part import Some, knob


@dataclass(frozen=True)
class Chain(Corruption):
    """x̃ = cₙ(… c₂(c₁(x))): corruptions in the order in which a signal suffers them, such as blur, noise, clipping.

    What any of them hides counts as hidden; if none hides anything, every element counts.

    Examples
    --------
    >>> import torch
    >>> from diabolo.corruptions import Clip, GaussianNoise
    >>> Chain((GaussianNoise(9.0), Clip(0.0, 1.0))).corrupt(torch.rand(5, 100))[0].max()
    tensor(1.)
    """

    parts: tuple[Corruption, ...] = knob((), Many(Some("corruptions"), 16), "the corruptions, the first one first")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Corrupt by each in turn; hidden is what any of them hid."""
        hidden = None
        for part in self.parts:
            x, also = part.corrupt(x)
            hidden = also if hidden is None else hidden if also is None else hidden | also
        return x, hidden

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError if one of them cannot corrupt samples of this shape."""
        for part in self.parts:
            part.check_shape(shape)

    def equation(self) -> str:
        """Return the formulas, in order."""
        return "; then ".join(part.equation() for part in self.parts) or "x̃ = x"

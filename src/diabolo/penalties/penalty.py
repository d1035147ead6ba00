"""What a penalty is: a further term of the loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from torch import Tensor, nn

from diabolo.flow import Batch, Code, Output, Shape
from diabolo.latents import Latent
from diabolo.neighbours import Pairing
from diabolo.part import Part


class Encodes(Protocol):
    """What a penalty may ask of a model."""

    encoder: nn.Module
    decoder: nn.Module

    def encode(self, x: Tensor) -> Code: ...

    def decode(self, z: Tensor) -> Tensor: ...

    def expected(self, params: Tensor, through: bool = False) -> Tensor: ...


class Penalty(Part, role="penalties"):
    """A term of the loss beside distortion and rate."""

    reads_sparse: ClassVar[bool] = False
    """True where the penalty takes sparse codes as they are; others get them written out."""

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError if samples of `shape` cannot be penalised; any can by default."""

    def check_latent(self, latent: Latent) -> None:
        """Raise ParameterError if codes of this latent cannot be penalised; those of any can by default."""

    def build(self, n: int) -> nn.Module | None:
        """Return what the penalty learns beside the autoencoder, for codes of size `n`: a critic; nothing, by default.

        The model keeps it among its weights, and gives it back as its `critic` when it is asked for the term.
        """
        return None

    @abstractmethod
    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return the term, per sample (B,) or for the whole batch ()."""

    def pairing(self) -> Pairing | None:
        """Return how samples come together with their neighbours in training, where the penalty asks for that."""
        return None

    @abstractmethod
    def equation(self) -> str:
        """Return the term as a formula."""


def called(penalties: Sequence[Penalty]) -> list[tuple[str, Penalty]]:
    """Return penalties with their names in a loss: that of the class, and a number where it is there before.

    Examples
    --------
    >>> from diabolo.penalties import MMD, Contractive
    >>> [name for name, _ in called((MMD(), Contractive(), MMD()))]
    ['mmd', 'contractive', 'mmd_2']
    """
    names = [type(penalty).__name__.lower() for penalty in penalties]
    return [
        (name if names.index(name) == i else f"{name}_{names[:i].count(name) + 1}", penalty)
        for i, (name, penalty) in enumerate(zip(names, penalties, strict=True))
    ]

"""What a net is: an encoder and its mirror decoder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from diabolo.errors import CapabilityError
from diabolo.flow import Shape
from diabolo.nets.closed import Dense
from diabolo.part import Part
from diabolo.selection import Affine

Skips = tuple[Tensor, ...]
"""What an encoder hands to its decoder beside the code; empty but for nets with skips."""

Pair = tuple[nn.Module, nn.Module]
"""One encoder layer and the decoder layer that undoes it."""


def repeated(skips: Skips, draws: int) -> Skips:
    """Return what an encoder hands on for B samples for so many draws of the code of each, (draws * B, ...)."""
    return skips if draws == 1 else tuple(s.repeat(draws, *[1] * (s.ndim - 1)) for s in skips)


@dataclass(frozen=True)
class Principal:
    """The leading principal components of the scaled data: the best linear net.

    Parameters
    ----------
    mean : Tensor (D,)
        Mean of the flattened samples.
    components : Tensor (n, D)
        Orthonormal rows.
    spread : float
        Root mean square of the codes: a path divided by it gives codes of about unit size.
    """

    mean: Tensor
    components: Tensor
    spread: float


class Local(NamedTuple):
    """How a net that computes grids of any size looks at them.

    Parameters
    ----------
    reach : int
        How far from a point others can change what is rebuilt there, at most.
    unit : int
        Points along each axis that go together: pieces of a grid must begin at multiples of it.
    """

    reach: int
    unit: int


class Net(Part, role="nets"):
    """An encoder x → h and its mirror decoder z → params.

    The modules that `build` returns have these signatures, with B samples::

        encoder(x: (B, *shape)) -> (h: (B, width), skips)
        decoder(z: (B, n), skips=()) -> params: (B, *out)
    """

    decodes_alone: ClassVar[bool] = True
    """False where the decoder needs the encoder's skips, so that a code alone cannot be decoded."""

    reads_sparse: ClassVar[bool] = False
    """True where the encoder takes sparse x (B, I) as they are; others get them written out."""

    @property
    def local(self) -> Local | None:
        """How far a net sees that takes samples of any size; None where it takes those that it was built for."""
        return None

    def code(self, shape: Shape, n: int) -> int:
        """Return how many numbers the code of a sample has, where `n` are asked for: more if the code is a grid."""
        return n

    @abstractmethod
    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return a new encoder and decoder.

        Parameters
        ----------
        shape : tuple of int
            One sample: ``(D,)``, ``(T, C)`` or ``(C, H, W)``.
        width : int
            Size of the encoder's output h; what the latent asks for, at least `n`.
        n : int
            Size of the code.
        out : tuple of int
            One sample's parameters of the likelihood: `shape`, or `shape` with another number of channels.

        Raises
        ------
        ParameterError
            If this net cannot be built for these shapes.
        """

    def pairs(self, encoder: nn.Module, decoder: nn.Module) -> list[Pair]:
        """Return the layers of a built net in pairs, outermost first, for greedy layerwise training.

        Raises
        ------
        CapabilityError
            If the layers of this net do not come in pairs.
        """
        raise CapabilityError(
            f"{type(self).__name__} has no pairs of layers to train one by one; use MLP(), or no layerwise pretraining."
        )

    def begin(self, encoder: nn.Module, decoder: nn.Module, principal: Principal) -> None:
        """Set a built net to the principal components, where it has a linear path; others start as they were built."""

    def begin_at(self, encoder: nn.Module, decoder: nn.Module, blocks: Iterable[Tensor]) -> None:
        """Start a built net at samples of what is rebuilt, in blocks (B, *out), where it keeps some of their kind."""

    def closed(self, encoder: nn.Module, decoder: nn.Module) -> tuple[Dense, Dense] | None:
        """Return a built net with its gradient written out, or None where it is not made of plain dense stacks."""
        return None

    def map(self, encoder: nn.Module) -> Affine | None:
        """Return a built encoder that is one affine map, and whose decoder takes sparse codes; None for any other.

        A latent that keeps few entries of h then finds them without writing out the others.
        """
        return None

    def atoms(self, decoder: nn.Module) -> Tensor | None:
        """Return what a built decoder sums, (n, D), where it is a sum of one atom for each latent; None for others."""
        return None

    def equation(self) -> str:
        """Say in one phrase what D(E(x)) is."""
        return f"E, D = {self!r}"

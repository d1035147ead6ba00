"""What a latent is: it turns the encoder's output h into a code, and says what the code costs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from diabolo.errors import CapabilityError
from diabolo.flow import Code, Shape
from diabolo.part import Part
from diabolo.selection import Affine, Entries, kept


class Latent(Part, role="latents"):
    """From the encoder's output h (B, width) to a `Code`."""

    has_prior: ClassVar[bool] = False
    """True where codes can be drawn from nothing, with `LatentModule.sample`."""

    is_normal: ClassVar[bool] = False
    """True where q(z|x) is normal with independent entries: `Code.mean`, and "log_var" (B, n) in `Code.info`."""

    selects: ClassVar[bool] = False
    """True where few entries of h are kept, found without the others: `LatentModule.select`."""

    def width(self, n: int) -> int:
        """Return how many numbers per sample the encoder must give for a code of `n`."""
        return n

    def tokens(self, n: int) -> int:
        """Return how many tokens a code of `n` is made of; 0 where it is not made of tokens."""
        return 0

    @abstractmethod
    def build(self, n: int) -> LatentModule:
        """Return the module that does the work, for codes of size `n`.

        Raises
        ------
        ParameterError
            If a code of this size cannot be made.
        """

    @abstractmethod
    def equation(self) -> str:
        """Return the rate as a formula, "0" if the code is free."""


@dataclass(frozen=True)
class Closed:
    """A code as training draws it, and its gradient written out.

    Parameters
    ----------
    code : Code
        One draw for each sample, unknown to autograd.
    back : callable
        From the gradient by z (B, n) and the share of each sample's rate in the loss, (B, 1) or a number, to the
        gradient by h (B, width); it may overwrite the former.
    """

    code: Code
    back: Callable[[Tensor, Tensor | float], Tensor]


class LatentModule(nn.Module):
    """The machine behind a latent. It reads its hyperparameters from `part`, which annealing may revise."""

    def __init__(self, part: Latent) -> None:
        super().__init__()
        self.part = part

    def forward(self, h: Tensor, noise: bool) -> Code:
        """Make the code of h (B, width); without `noise`, z is the deterministic code."""
        raise NotImplementedError

    def of(self, x: Tensor, h: Tensor, noise: bool) -> Code:
        """Make the code, as `forward` does, of samples x (B, *shape), whose h (B, width) may be of corrupted ones.

        Few latents look at the samples: those whose codes cost more or less by them.
        """
        return self(h, noise)

    def closed(self, h: Tensor) -> Closed | None:
        """Make the code of h (B, width) with noise and know its gradient, or None to leave that to autograd.

        Latents whose gradient is a line give it here: nets of dense layers then train without autograd.
        """
        return None

    def select(self, x: Tensor, map: Affine, noise: bool) -> Code:
        """Make the code, as `forward` does, of h = x·Wᵀ + b for x (B, D), sparse (B, n).

        With `noise` the deterministic code is not computed: `Code.mean` is z.

        Raises
        ------
        CapabilityError
            If the latent does not select.
        """
        raise CapabilityError(f"{type(self.part).__name__} does not keep few entries of h; use a TopK() latent.")

    def bound(self, code: Code, distortion: Tensor) -> tuple[Tensor, Tensor, Code]:
        """Join the distortions (K * B,) of K draws with the code into distortion (B,) and rate (B,).

        The code comes back as penalties are to see it, whose gradient may be another than the decoder's.
        """
        return distortion, code.rate, code

    def sample(self, count: int) -> Tensor:
        """Draw `count` codes (count, n) from the prior.

        Raises
        ------
        CapabilityError
            If the latent has no prior.
        """
        raise CapabilityError(
            f"{type(self.part).__name__} has no prior to draw codes from; use latent=Gaussian() to generate."
        )

    def draws(self, h: Tensor, count: int, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Draw `count` codes of each sample from q(z|x), given h (B, width): z (count * B, n), and log q(z|x) / p(z).

        The prior may depend on what is known of the samples, `condition` (B, C). Draw k of sample b is row
        ``k * B + b``; the log ratios (count * B,) are in nats, whatever a nat costs.

        Raises
        ------
        CapabilityError
            If the latent has no densities.
        """
        raise CapabilityError(
            f"{type(self.part).__name__} has no densities of codes; use latent=Gaussian() for likelihoods of samples."
        )

    @property
    def kinds(self) -> int:
        """How many kinds of token there are, where the code is made of tokens.

        Raises
        ------
        CapabilityError
            If it is not.
        """
        raise self._no_tokens()

    @property
    def ordered(self) -> bool:
        """Whether the kinds of token are levels of a number, near ones alike."""
        return False

    def of_indices(self, indices: Tensor) -> Tensor:
        """Return the codes z (B, n) that tokens (B, T) stand for, T being `Latent.tokens`, of the kinds 0, 1, ….

        They are the ones that `forward` tells as "indices" in `Code.info`.

        Raises
        ------
        CapabilityError
            If the code is not made of tokens.
        """
        raise self._no_tokens()

    def _no_tokens(self) -> CapabilityError:
        return CapabilityError(
            f"A code of {type(self.part).__name__} is not made of tokens; use a quantised latent, such as "
            "latent=VectorQuantized() or FSQ()."
        )

    def attach(self, shape: Shape, encoder: nn.Module) -> None:
        """Tell the latent of the encoder that it follows, for samples of `shape`; few need it."""

    def begin(self, blocks: Iterable[Tensor]) -> None:
        """Start at scaled training samples, in blocks (B, *shape), where the latent keeps some of their kind."""


def newest(seen: Tensor) -> Tensor:
    """Return the weight of the newest of `seen` batches in a running mean: late ones count more, as codes still change.

    Examples
    --------
    >>> import torch
    >>> newest(torch.tensor([1.0, 5.0, 500.0]))
    tensor([1.0000, 0.5000, 0.0200])
    """
    return (4 / (seen + 3)).clamp_min(0.02)


class Weightless(Latent, role="latents"):
    """A latent without weights or memory: one function."""

    def build(self, n: int) -> LatentModule:
        """Return the module that calls `code`."""
        self.check_size(n)
        return _Function(self)

    def check_size(self, n: int) -> None:
        """Raise ParameterError if a code of size `n` cannot be made; any size can by default."""

    @abstractmethod
    def code(self, h: Tensor, noise: bool) -> Code:
        """Make the code of h (B, width); without `noise`, z is the deterministic code."""

    def closed(self, h: Tensor) -> Closed | None:
        """Return what `LatentModule.closed` does."""
        return None

    def entries(self, x: Tensor, map: Affine, n: int) -> Entries:
        """Return the entries of h = x·Wᵀ + b (B, n) that are kept, where the latent selects."""
        raise NotImplementedError


class _Function(LatentModule):
    part: Weightless

    def forward(self, h: Tensor, noise: bool) -> Code:
        return self.part.code(h, noise)

    def closed(self, h: Tensor) -> Closed | None:
        return self.part.closed(h)

    def select(self, x: Tensor, map: Affine, noise: bool) -> Code:
        if not self.part.selects:
            return super().select(x, map, noise)
        z = kept(x, map, self.part.entries(x, map, len(map.weight)))
        return Code(z, z, x.new_zeros(len(x)))

"""A sparse code by a fixed number of entries."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.check import Flag, Maybe, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Code
from diabolo.latents.latent import Weightless
from diabolo.part import knob
from diabolo.selection import Affine, Entries, of_rows


@dataclass(frozen=True)
class TopK(Weightless):
    """Keep the k largest entries of h; the others become 0.

    References
    ----------
    Makhzani, Frey, "k-Sparse autoencoders", ICLR 2014.

    Examples
    --------
    >>> import torch
    >>> TopK(1).code(torch.tensor([[2.0, 3.0, -9.0]]), noise=False).z
    tensor([[0., 3., 0.]])
    """

    selects: ClassVar[bool] = True

    k: int | None = knob(
        None, Maybe(Whole(1), "a quarter of the code"), "number of entries of each code that may differ from 0"
    )

    positive: bool = knob(False, Flag(), "let entries below 0 become 0 too: k at most")

    def check_size(self, n: int) -> None:
        """Raise ParameterError if there are fewer than k entries."""
        if self.kept(n) > n:
            raise ParameterError(
                f"Parameter 'k' of TopK must be at most the size of the code, {n}; got {self.k}. "
                "Choose a smaller k or a larger code."
            )

    def code(self, h: Tensor, noise: bool) -> Code:
        """Return the k largest entries, each in its place."""
        largest, places = h.topk(self.kept(h.shape[1]), 1)
        z = torch.zeros_like(h).scatter(1, places, largest.relu() if self.positive else largest)
        return Code(z, z, h.new_zeros(len(h)))

    def entries(self, x: Tensor, map: Affine, n: int) -> Entries:
        """Return the k largest entries of each row."""
        found = of_rows(x, map, self.kept(n))
        return found.where(~(found.values <= 0)) if self.positive else found

    def kept(self, n: int) -> int:
        """Return how many of n entries are kept."""
        return max(1, n // 4) if self.k is None else self.k

    def equation(self) -> str:
        """Return "0": the code is free."""
        return "0"

"""The net that guesses each pixel from those before it, in floating point, as it is trained."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from diabolo.coders.pixels.shades import SHARE, VALUES, Shades
from diabolo.coders.whole import WholeNet
from diabolo.flow import Batch, Code, Output

STEPS = {
    "first": 2**-5,
    "begin": 2**-5,
    "rows": 2**-4,
    "columns": 2**-4,
    "second": 2**-5,
    "between": 2**-5,
    "readout": 2**-4,
    "offset": 2**-4,
    "linear": 2**-3,
    "lean": 2**-4,
}
"""The weights by name, and what they are whole multiples of."""

CURVES = 3
"""How many logistic distributions are mixed."""

SHARPEST, BLUNTEST = 2129, -700
"""The largest and smallest logarithm of how steep a curve is, in 1/256: the largest is about that of 2¹²."""

GENTLE = 2**-5
"""Weights of where a curve has its middle are multiplied by this: so that they learn more slowly."""

LARGEST = 2**16
"""The largest weight, in steps: far more than any that is learned."""

_FAR = 60.0  # where a curve has come to its end


def bent() -> NDArray[np.int64]:
    """Return differences of bytes from −255 to 255 (511,), small ones magnified: ±18·log₂(1 + |d| / 2), rounded.

    Examples
    --------
    >>> bent()[[0, 254, 255, 256, 510]].tolist()
    [-126, -11, 0, 11, 126]
    """
    # k is rounded where (1 + d/2)³⁶ passes 2^(2k − 1), which is told by whole numbers alone: the same everywhere
    powers = [(2 + d) ** 36 for d in range(VALUES)]
    half = np.array([(power.bit_length() - 36) // 2 for power in powers])
    return np.concatenate([-half[:0:-1], half])


class PixelNet(WholeNet):
    """A byte x and what is known around it → −log p(x), p a mixture of logistic curves and of a table.

    With v the values around, v₁ that to the left, and ψ `bent`::

        h = clamp(W₁·(ψ(v − v₁), v₁) + c, 0, 1),    g = clamp(W₂·h + b, 0, 1)
        μ = v₁ + A·(v − v₁) + m·(h, g)
        p(x) = Σ_k w_k·(σ(s_k·(x + ½ − μ_k)) − σ(s_k·(x − ½ − μ_k))) + w₀·q(cell of x)·n_x

    where w, s, and q are exponentials of what is linear in (h, g), and n_x is how often x is in its cell. The rate is
    what the weights themselves cost in a file, as a share of each of the pixels: weights that do not pay for themselves
    go to 0.

    References
    ----------
    Salimans, Karpathy, Chen, Kingma, "PixelCNN++: improving the PixelCNN with discretized logistic mixture likelihood
    and other modifications", ICLR 2017, equation 2; description length: Hinton, Zemel, "Autoencoders, minimum
    description length and Helmholtz free energy", NIPS 1993.

    Parameters
    ----------
    known : int
        How many values are known around a pixel.
    shades : Shades
        The cells of the values.
    hidden : tuple of int
        Numbers of hidden units (H, G).
    size : tuple of int
        Rows and columns that have a weight of their own: (0, 0) where the place in the image says nothing.
    count : int
        How many pixels the weights are paid by.
    """

    steps = STEPS

    begin: Tensor
    between: Tensor
    linear: Tensor
    bent: Tensor
    owner: Tensor
    within: Tensor

    def __init__(self, known: int, shades: Shades, hidden: tuple[int, int], size: tuple[int, int], count: int) -> None:
        super().__init__(count)
        self.known, self.size = known, size
        one, two = hidden
        told = 3 * CURVES + 1 + len(shades.sizes)
        shapes = {
            "first": (one, known + 1),
            "begin": (one,),
            "rows": (size[0], one),
            "columns": (size[1], one),
            "second": (two, one),
            "between": (two,),
            "readout": (told - CURVES, one + two),
            "offset": (told - CURVES,),
            "linear": (1, known),
            "lean": (CURVES, one + two + 1),
        }
        drawn = {"first": 0.8 / math.sqrt(known), "second": 1 / math.sqrt(one)}
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(drawn.get(name, 0.0) * torch.randn(shape)))
        nn.init.uniform_(self.begin, 0, 0.5)
        nn.init.uniform_(self.between, 0, 0.5)
        share = torch.from_numpy(shades.shares[shades.owner, shades.place] / SHARE)
        often = torch.from_numpy(np.exp(shades.weights / 8))
        cells = torch.zeros(len(shades.sizes), dtype=often.dtype).index_add(0, torch.from_numpy(shades.owner), often)
        start = [torch.linspace(2.0, 3.5, CURVES), torch.zeros(CURVES + 1), (cells / cells.sum()).log()]
        self.offset = nn.Parameter(torch.cat([part.float() for part in start]))
        self.register_buffer("bent", torch.from_numpy(bent()) / 128)
        self.register_buffer("owner", torch.from_numpy(shades.owner))
        self.register_buffer("within", share.log().float())

    def forward(self, batch: Batch, noise: bool = True) -> Output:
        """Cost pixels (B, F + 3): the values around each, its own, its row, its column."""
        around, value = batch.x[:, : self.known], batch.x[:, self.known]
        left = around[:, :1]
        h = self._hidden(around, left, batch.x[:, self.known + 1 :].long())
        told = F.linear(h, self.whole("readout"), self.whole("offset"))
        sharp, shares = told[:, :CURVES].clamp(BLUNTEST / 256, SHARPEST / 256), told[:, CURVES : 2 * CURVES + 1]
        lean = self.whole("lean")
        linear = (around - left) @ self.whole("linear").T * GENTLE
        middle = (left + linear) / VALUES + GENTLE * F.linear(h, lean[:, :-1], lean[:, -1])
        shares, cell = shares.log_softmax(1), self.owner[value.long()]
        table = told[:, 2 * CURVES + 1 :].log_softmax(1).gather(1, cell[:, None]) + self.within[value.long(), None]
        curves = _between(value[:, None], middle, sharp.exp())
        distortion = -torch.logsumexp(shares + torch.cat([curves, table], 1), 1)
        return Output(value, Code(h, h, distortion), told, distortion, self.cost().expand(len(distortion)))

    def integers(self) -> dict[str, NDArray[np.int64]]:
        """Return the weights as whole numbers of their steps, `LARGEST` at most."""
        whole = {name: self.rounded(name).clamp(-LARGEST, LARGEST) for name in STEPS}
        return {name: value.long().cpu().numpy() for name, value in whole.items()}

    @torch.no_grad()
    def begin_linear(self, batch: Batch) -> None:
        """Set the linear weights to those of least squares on pixels (B, F + 3)."""
        x = batch.x.double()
        seen, wanted = x[:, 1 : self.known] - x[:, :1], x[:, self.known] - x[:, 0]  # what is to the left differs by 0
        gram = seen.T @ seen + len(x) * torch.eye(self.known - 1, dtype=x.dtype, device=x.device)
        self.linear.data[0, 1:] = (torch.linalg.solve(gram, seen.T @ wanted) / GENTLE).float()

    def _hidden(self, around: Tensor, left: Tensor, place: Tensor) -> Tensor:
        seen = torch.cat([self.bent[(around - left).long() + VALUES - 1], left / VALUES], 1)
        total = F.linear(seen, self.whole("first"), self.whole("begin"))
        if self.size[0]:
            places = zip(("rows", "columns"), place.T, strict=True)
            total = total + sum(F.embedding(at, self.whole(name)) for name, at in places)
        h = total.clamp(0, 1)
        return torch.cat([h, F.linear(h, self.whole("second"), self.whole("between")).clamp(0, 1)], 1)


def _between(value: Tensor, middle: Tensor, steep: Tensor) -> Tensor:
    """Return log(σ(upper) − σ(lower)) of curves (B, M): all the rest falls to the lowest and the highest value."""
    upper = torch.where(value > VALUES - 2, _FAR, ((value + 0.5) / VALUES - middle) * steep)
    lower = torch.where(value < 1, -_FAR, ((value - 0.5) / VALUES - middle) * steep)
    apart = (upper - lower).clamp_min(1e-6)
    return upper + torch.log(-torch.expm1(-apart)) - F.softplus(upper) - F.softplus(lower)

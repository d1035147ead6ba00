"""A rounded code that costs what it takes to write it down."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Maybe, Number, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule
from diabolo.part import knob


@dataclass(frozen=True)
class Factorized(Latent):
    """Round h to multiples of a step, at the cost −log p(z) of independent numbers whose distributions are learned.

    Divided by log 2 that is the number of bits to which a range coder brings the code. In training noise as wide as a
    step stands for rounding, so that there is a gradient. Each number has its own p, a mixture of logistic
    distributions over whole steps. The code of a net that is a grid has some channels, each at many places: with
    `channels`, a channel has the same p at all of them, and samples may be of any size. `Code.info` holds the "indices"
    (B, n), the code in whole steps, where there is no noise.

    References
    ----------
    Ballé, Laparra, Simoncelli, "End-to-end optimized image compression", ICLR 2017, equations 10 to 14, whose p is
    piecewise linear.

    Examples
    --------
    >>> import torch
    >>> module = Factorized(step=0.5).build(2)
    >>> code = module(torch.tensor([[0.2, -1.4]]), noise=False)
    >>> code.z, code.rate.shape
    (tensor([[ 0.0000, -1.5000]]), torch.Size([1]))
    """

    has_prior = True

    step: float = knob(1.0, Number(0, open_low=True), "what the code is a multiple of")
    components: int = knob(3, Whole(1, 64), "logistic distributions that are mixed")
    channels: int | None = knob(
        None, Maybe(Whole(1, 2**20), "each number by itself"), "channels of a code that is a grid; they divide its size"
    )

    def build(self, n: int) -> FactorizedModule:
        """Return the module that rounds, with the distributions.

        Raises
        ------
        ParameterError
            If the channels do not divide the size of the code.
        """
        if self.channels is not None and n % self.channels:
            raise ParameterError(
                f"Parameter 'channels' of Factorized must divide the size of the code; got {self.channels} for {n} "
                "numbers. Give the number of channels that the code has at each place of its grid."
            )
        return FactorizedModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        z = "round(h)" if self.step == 1 else f"{self.step:g}·round(h/{self.step:g})"
        return f"−Σ log p(z), z = {z}"


class FactorizedModule(LatentModule):
    """h (B, n) → code, with a mixture of K logistic distributions for each of C channels."""

    part: Factorized

    def __init__(self, part: Factorized, n: int) -> None:
        super().__init__(part)
        self.n, channels = n, part.channels or n
        spread = torch.linspace(-1, 1, part.components) if part.components > 1 else torch.zeros(1)
        self.logits = nn.Parameter(torch.zeros(channels, part.components))
        self.middle = nn.Parameter(spread.repeat(channels, 1))
        self.log_scale = nn.Parameter(torch.zeros(channels, part.components))

    def forward(self, h: Tensor, noise: bool) -> Code:
        steps = h / self.part.step
        whole = steps.round()
        told = steps + torch.rand_like(steps) - 0.5 if noise else whole
        mean = whole + (steps - steps.detach())  # exactly the whole steps, with the gradient of h
        z = told if noise else mean
        return Code(z * self.part.step, mean * self.part.step, -self.log_p(told).sum(1), {"indices": whole.long()})

    def log_p(self, steps: Tensor) -> Tensor:
        """Return log p (B, n) of codes in steps (B, n): of all that would be rounded to them if they are whole."""
        own = steps.unflatten(1, (len(self.logits), -1))[..., None]  # (B, C, places, 1)
        each = log_bin(own - self.middle[:, None], self.log_scale[:, None])
        return torch.logsumexp(each + self.logits.log_softmax(1)[:, None], -1).flatten(1)

    def sample(self, count: int) -> Tensor:
        """Draw codes (count, n), rounded."""
        places = self.n // len(self.logits)
        which = torch.multinomial(self.logits.softmax(1), count * places, replacement=True)  # (C, count · places)
        drawn = torch.rand_like(which, dtype=self.middle.dtype).clamp_min(torch.finfo(self.middle.dtype).tiny)
        steps = self.middle.gather(1, which) + self.log_scale.exp().gather(1, which) * drawn.logit()
        return self.part.step * steps.round().unflatten(1, (count, places)).transpose(0, 1).flatten(1)


def log_bin(distance: Tensor, log_scale: Tensor) -> Tensor:
    """Return the logarithm of what a logistic distribution has within ½ of a point at this distance from its middle.

    No difference of nearly equal numbers is taken, so that far tails have a value and a slope.

    Examples
    --------
    >>> import torch
    >>> [round(x, 3) for x in log_bin(torch.tensor([0.0, 40.0]), torch.tensor(0.0)).tolist()]
    [-1.407, -39.959]
    """
    narrow = torch.exp(-log_scale)
    above, below = (0.5 - distance.abs()) * narrow, (0.5 + distance.abs()) * narrow
    # σ(a) − σ(−b) = σ(a)·σ(b)·(1 − exp(−a − b)), where a + b is one step over the scale
    return F.logsigmoid(above) + F.logsigmoid(below) + torch.log(-torch.expm1(-narrow))

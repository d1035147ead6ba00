"""Categories in an order, one at each step of a series, that know the step before: melodies, levels, grades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.likelihoods.categorical import Categorical
from diabolo.likelihoods.choice import disturbed
from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.part import knob


@dataclass(frozen=True)
class Stepwise(Likelihood):
    """-log Πₜ p(xₜ | xₜ₋₁), exactly, with softmax(aₜ(c) + bₜ(c − xₜ₋₁)) for category c of an ordered many.

    A sample (T, C) is a series whose channels are blocks of `classes` 0/1 indicators, as for `Categorical`; a row of a
    table is one of a single step. D(z) gives for each block and step a logit a of each category and a logit b of each
    interval from the one before, of up to `reach` either way; farther ones have b = 0, as the first step has. So what
    stays and what moves by steps, as voices do, is said by b at little cost, and z is left to say where they go.

    Examples
    --------
    >>> import torch
    >>> likelihood = Stepwise(3, reach=1)
    >>> stays = torch.tensor([[[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]])  # (1, T = 2, C = 3): category 1, twice
    >>> params = torch.tensor([0.0, 0.0, 0.0, 0.0, 9.0, 0.0]).expand(1, 2, 6)  # a, then b of −1, 0 and 1
    >>> likelihood.distortion(params, stays).sum(2)  # log 3, and hardly anything
    tensor([[1.0986e+00, 2.4673e-04]])
    """

    domain: ClassVar[Domain] = "one-hot"

    classes: int = knob(2, Whole(2, 2**16), "number of categories: the length of a block of channels")
    reach: int = knob(12, Whole(0, 2**16), "longest interval that has a logit of its own")

    def shape(self, shape: Shape) -> Shape:
        """Return `shape` with `classes` + 2·`reach` + 1 channels for each block.

        Raises
        ------
        ParameterError
            If samples are images, or their channels cannot be cut into blocks.
        """
        if len(shape) == 3:
            raise ParameterError(
                f"Parameter 'likelihood' can be Stepwise for series (T, C) or rows (D,) only; got samples of shape "
                f"{shape}. Use Categorical({self.classes})."
            )
        *steps, channels = Categorical(self.classes).shape(shape)
        return (*steps, channels // self.classes * (self.classes + 2 * self.reach + 1))

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return −x·log p per element: 0 but for the category of x."""
        here, by = self._split(params)
        blocks = target.view(*here.shape)  # (B, T, V, K)
        logits = torch.cat([here[:, :1], here[:, 1:] + self._moved(by[:, 1:], blocks[:, :-1].argmax(3))], 1)
        return -target * logits.log_softmax(3).view(target.shape)

    def mean(self, params: Tensor) -> Tensor:
        """Return the probabilities of the categories, whatever came before."""
        here, by = self._split(params)
        every = torch.arange(self.classes, device=params.device).view(-1, 1, 1)
        found = [here[:, 0].softmax(2)]  # (B, V, K) each
        for t in range(1, here.shape[1]):
            logits = here[:, t] + self._moved(by[:, t], every.expand(-1, *by.shape[::2]))  # (K, B, V, K)
            found.append(torch.einsum("bvp,pbvc->bvc", found[-1], logits.softmax(3)))
        return torch.stack(found, 1).flatten(-2).view(*params.shape[:-1], -1)

    def sample(self, params: Tensor) -> Tensor:
        """Draw a category per block, step by step, as 0/1 indicators."""
        here, by = self._split(params)
        race = disturbed(here)
        found = [race[:, 0].argmax(2)]
        for t in range(1, here.shape[1]):
            found.append((race[:, t] + self._moved(by[:, t], found[-1])).argmax(2))
        return F.one_hot(torch.stack(found, 1), self.classes).to(params.dtype).view(*params.shape[:-1], -1)

    def equation(self) -> str:
        """Return the formula."""
        return f"−Σₜ xₜ·log softmax(aₜ + bₜ(· − xₜ₋₁)) in blocks of {self.classes}, intervals up to {self.reach}"

    def _split(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of categories (B, T, V, K) and of intervals (B, T, V, 2·reach + 1)."""
        series = params if params.ndim == 3 else params.unsqueeze(1)
        blocks = series.unflatten(2, (-1, self.classes + 2 * self.reach + 1))
        here, by = blocks.split((self.classes, 2 * self.reach + 1), 3)
        return here, by

    def _moved(self, by: Tensor, before: Tensor) -> Tensor:
        """Return for each category the logit of its interval from the one before, (..., K), for `before` (...)."""
        interval = torch.arange(self.classes, device=by.device) - before.unsqueeze(-1)
        place = (interval + self.reach + 1).clamp(0, 2 * self.reach + 2)
        return F.pad(by, (1, 1)).expand(*place.shape[:-1], -1).gather(-1, place)

"""Switches over time, on or off, that know the step before: keys of a piano roll, machines, states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.errors import ParameterError
from diabolo.flow import Shape, with_channels
from diabolo.likelihoods.bernoulli import Bernoulli
from diabolo.likelihoods.likelihood import Domain, Likelihood


@dataclass(frozen=True)
class Switching(Likelihood):
    """-log Πₜ p(xₜ | xₜ₋₁), exactly, for series of 0 and 1, with D(z) as logits of going on and of staying on.

    A sample (T, C) is a series; a row of a table is one of a single step. D(z) has twice its channels: at each step the
    logit of xₜ = 1 where xₜ₋₁ = 0, which is that of the first step too, and then what is added to it where xₜ₋₁ = 1.

    Examples
    --------
    >>> import torch
    >>> held = torch.tensor([[[1.0], [1.0], [1.0]]])
    >>> params = torch.tensor([[0.0, 9.0]]).expand(1, 3, 2)
    >>> Switching().distortion(params, held)[0, :, 0]  # log 2, then hardly anything
    tensor([6.9315e-01, 1.2340e-04, 1.2340e-04])
    """

    domain: ClassVar[Domain] = "unit"

    def shape(self, shape: Shape) -> Shape:
        """Return `shape` with twice the channels.

        Raises
        ------
        ParameterError
            If samples are images.
        """
        if len(shape) == 3:
            raise ParameterError(
                f"Parameter 'likelihood' can be Switching for series (T, C) or rows (D,) only; got samples of shape "
                f"{shape}. Use Bernoulli()."
            )
        return with_channels(shape, 2)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy per element."""
        begins, stays = params.chunk(2, -1)
        if target.ndim == 3:
            begins = begins + stays * F.pad(target, (0, 0, 1, 0))[:, :-1]
        return Bernoulli().distortion(begins, target)

    def mean(self, params: Tensor) -> Tensor:
        """Return the probabilities of 1, whatever came before."""
        off, on = self._probabilities(params)
        found = [off[:, 0]]
        for t in range(1, off.shape[1]):
            found.append(off[:, t] + (on[:, t] - off[:, t]) * found[-1])
        return torch.stack(found, 1).view(params.shape[:-1] + found[0].shape[-1:])

    def sample(self, params: Tensor) -> Tensor:
        """Draw 0 or 1, step by step."""
        off, on = self._probabilities(params)
        chance = torch.rand_like(off)
        found = [chance[:, 0] < off[:, 0]]
        for t in range(1, off.shape[1]):
            found.append(chance[:, t] < torch.where(found[-1], on[:, t], off[:, t]))
        return torch.stack(found, 1).view(params.shape[:-1] + chance.shape[-1:]).to(params.dtype)

    def equation(self) -> str:
        """Return the formula."""
        return "−Σₜ log Bernoulli(xₜ; s(aₜ + bₜ·xₜ₋₁))"

    def _probabilities(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Return those of 1 after 0 and after 1, (B, T, C) each."""
        begins, stays = (params if params.ndim == 3 else params.unsqueeze(1)).chunk(2, 2)
        return begins.sigmoid(), (begins + stays).sigmoid()

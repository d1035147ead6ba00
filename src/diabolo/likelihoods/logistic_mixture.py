"""Numbers whose noise has any shape, and in series a memory: a mixture of logistic distributions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape, channel_axis, with_channels
from diabolo.likelihoods.choice import draw
from diabolo.likelihoods.likelihood import Likelihood
from diabolo.part import knob

_WIDEST = 7.0  # log scale, in units of the scaled data: all is alike within it


@dataclass(frozen=True)
class LogisticMixture(Likelihood):
    """-log p(x), exactly, of a mixture of logistic distributions for each element, all told by D(z).

    Heavy tails, values that jump between levels, a sensor that now and then reads nothing: what one normal distribution
    smears over all elements, a component of its own says. `DiscretizedLogistic` is the same for bytes.

    With an `order` p, for series (T, C), each channel remembers its last p steps: component k has the mean
    μₖ + Σₗ φₖₗ·xₜ₋ₗ and the logit aₖ + bₖ·xₜ₋₁, with 0 before the first step. So draws are as smooth as real series
    are, and a jump has an end. The φ are those of partial autocorrelations in (−1, 1), so that no component explodes by
    itself. The expected series is then that of expected steps, each after the expected ones before.

    D(z) has 3·`components` times the channels of x, first all logits, then all means and all log scales; with an order
    `components`·(4 + p) times, all b and the partial autocorrelations of each lag being the last. The scales are bent
    smoothly to stay above `floor`.

    References
    ----------
    Bishop, "Mixture density networks", 1994; logistic: Salimans et al., "PixelCNN++", ICLR 2017, equation 1; with an
    order: Wong, Li, "On a mixture autoregressive model", JRSS B 2000; partial autocorrelations: Barndorff-Nielsen,
    Schou, "On the parametrization of autoregressive models by partial autocorrelations", 1973.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> x = torch.linspace(-60, 60, 20001)[:, None]
    >>> params = torch.randn(1, 9).expand(len(x), 9)
    >>> density = (-LogisticMixture().distortion(params, x)).exp()
    >>> bool((density.sum() * 120 / 20000 - 1).abs() < 1e-3)
    True
    """

    components: int = knob(3, Whole(1, 100), "number of logistic distributions that are mixed for an element")
    order: int = knob(0, Whole(0, 16), "steps of a series that each channel remembers")
    floor: float = knob(0.005, Number(1e-6, 10), "smallest scale, in units of the scaled data")

    def shape(self, shape: Shape) -> Shape:
        """Return `shape` with `components` times 3, or 4 + `order`, the channels.

        Raises
        ------
        ParameterError
            If samples of this shape are no series, and the order is not 0.
        """
        if self.order and len(shape) != 2:
            raise ParameterError(
                f"Parameter 'order' of LogisticMixture must be 0 but for series (T, C); got {self.order} for samples "
                f"of shape {shape}. Leave it out."
            )
        return with_channels(shape, self.components * self._each)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return −log Σₖ πₖ·Logistic(x; μₖ, σₖ) per element."""
        logits, mean, log_scale, *memory = self._mixture(params)
        axis = _axis(params)
        past = [F.pad(target, (0, 0, lag, 0))[:, : target.shape[1]] for lag in range(1, self.order + 1)]
        logits, mean = _moved(logits, mean, memory, [x.unsqueeze(axis) for x in past])
        away = (target.unsqueeze(axis) - mean) * (-log_scale).exp()
        log_p = -away - 2 * F.softplus(-away) - log_scale
        return -(logits.log_softmax(axis) + log_p).logsumexp(axis)

    def mean(self, params: Tensor) -> Tensor:
        """Return Σₖ πₖ·μₖ, with an order step by step."""
        return self._through(params, _expected)

    def sample(self, params: Tensor) -> Tensor:
        """Draw a component for each element, and from it, with an order step by step."""
        return self._through(params, draw)

    def equation(self) -> str:
        """Return the formula."""
        moved = " + Σₗ φₖₗ·xₜ₋ₗ" if self.order else ""
        return f"−Σ log Σₖ πₖ·Logistic(x; μₖ{moved}, σₖ), k = 1…{self.components}"

    @property
    def _each(self) -> int:
        """Numbers of a component."""
        return 4 + self.order if self.order else 3

    def _through(self, params: Tensor, made: Callable[[Tensor, Tensor, Tensor, int], Tensor]) -> Tensor:
        """Return what is `made` of the mixture, step after step if it remembers."""
        parts, axis = self._mixture(params), _axis(params)
        if not self.order:
            logits, mean, log_scale = parts
            return made(logits, mean, log_scale, axis)
        found = [torch.zeros_like(parts[0][:, 0, 0])] * self.order  # (B, C) each
        for logits, mean, log_scale, *memory in zip(*(part.unbind(1) for part in parts), strict=True):
            past = [found[-lag].unsqueeze(1) for lag in range(1, self.order + 1)]
            logits, mean = _moved(logits, mean, memory, past)  # (B, K, C)
            found.append(made(logits, mean, log_scale, 1))
        return torch.stack(found[self.order :], 1)

    def _mixture(self, params: Tensor) -> tuple[Tensor, ...]:
        """Return logits, means, log scales, and with an order b and φ, the components along an axis of their own."""
        axis = _axis(params)
        logits, mean, log_scale, *memory = params.unflatten(axis, (self._each, self.components, -1)).unbind(axis)
        least = math.log(self.floor)
        log_scale = least + F.softplus(log_scale.clamp(max=_WIDEST) - least)
        return (logits, mean, log_scale, *memory[:1], *_coefficients(memory[1:]))


def _axis(params: Tensor) -> int:
    return channel_axis(params.shape[1:]) % params.ndim


def _moved(logits: Tensor, mean: Tensor, memory: Sequence[Tensor], past: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return logits and means of the components after the steps of the past, the last one first."""
    if not memory:
        return logits, mean
    gate, *coefficients = memory
    logits = logits + gate * past[0]
    for coefficient, x in zip(coefficients, past, strict=True):
        mean = mean + coefficient * x
    return logits, mean


def _coefficients(partial: Sequence[Tensor]) -> list[Tensor]:
    """Return the coefficients of an autoregression with partial autocorrelations of these logits (Levinson, Durbin)."""
    found: list[Tensor] = []
    for value in partial:
        last = value.tanh()
        found = [one - last * other for one, other in zip(found, reversed(found), strict=True)] + [last]
    return found


def _expected(logits: Tensor, mean: Tensor, log_scale: Tensor, axis: int) -> Tensor:
    return (logits.softmax(axis) * mean).sum(axis)

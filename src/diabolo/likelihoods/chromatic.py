"""Colours without lightness: a distribution over bins of the a-b plane of Lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from diabolo.check import Many, Number, Whole
from diabolo.colour import CHROMA, to_lab
from diabolo.errors import ParameterError
from diabolo.flow import Shape, channel_axis, channels
from diabolo.likelihoods.choice import disturbed
from diabolo.likelihoods.likelihood import Likelihood
from diabolo.part import knob

_FAR = 128
"""No colour of sRGB has an a or b as far from 0."""


@dataclass(frozen=True)
class Chromatic(Likelihood):
    """The cross-entropy of a colour, shared out to the nearest bins, under probabilities of bins that D(z) tells.

    What may be red or green is grey in the mean; probabilities say both. The target has the channels a and b of Lab, in
    units of `diabolo.colour.CHROMA`; of several colours, all a and then all b. The bins are squares of side `grid` in
    the a-b plane, those that sRGB has colours in. A colour counts for its nearest `nearest` bins, by a normal
    distribution around it with a standard deviation of half a side.

    What is rebuilt is the annealed mean: of the probabilities to the power 1 / `temperature`, so that 1 gives the
    mean, safe and dull, and 0 the most probable bin. Most pixels of photographs have hardly any colour; with `balance`
    the probabilities are divided by ``balance·frequencies + (1 − balance) / Q`` before, with the share of each of the Q
    bins in training, which estimators fill in. So rare colours get a better chance, as they do if their pixels count
    for more in training; but this can be chosen afterwards.

    References
    ----------
    Zhang, Isola, Efros, "Colorful image colorization", ECCV 2016, sections 2.1 to 2.3; balance after training: Menon et
    al., "Long-tail learning via logit adjustment", ICLR 2021.

    Examples
    --------
    >>> import torch
    >>> orange = torch.tensor([2.1, 2.9])[None, :, None, None]  # a picture of one pixel, (1, 2, 1, 1)
    >>> likelihood = Chromatic(temperature=1.0)
    >>> sure = 20 * likelihood.shares(orange)  # (1, 109, 1, 1)
    >>> likelihood.mean(sure).flatten().round(decimals=1)
    tensor([2.3000, 3.0000])
    """

    tells_noise = True

    grid: float = knob(16.0, Number(4, 64), "side of a bin, in units of Lab")
    nearest: int = knob(5, Whole(1, 9), "bins that a colour counts for")
    temperature: float = knob(0.38, Number(0, 1), "of the annealed mean: 1 is the mean, 0 the most probable bin")
    balance: float = knob(0.05, Number(0, 1), "how far rare colours are preferred: 1 as if all were as frequent")
    frequencies: tuple[float, ...] = knob((), Many(Number(0), 4096), "share of each bin in training; all alike if ()")

    @property
    def bins(self) -> Tensor:
        """Return the middles of the bins (Q, 2), in units of Lab."""
        return _bins(self.grid)

    def shape(self, shape: Shape) -> Shape:
        """Return `shape` with a logit for each bin in place of a and b.

        Raises
        ------
        ParameterError
            If channels are not pairs of a and b, or there are neither no frequencies nor one for each bin.
        """
        count, bins, axis = channels(shape), len(self.bins), 0 if len(shape) == 3 else -1
        if count % 2:
            raise ParameterError(
                f"Parameter 'likelihood' can be Chromatic for colours, of two channels a and b; got {count} channels. "
                "Convert images to Lab, or use SquaredError()."
            )
        if len(self.frequencies) not in (0, bins):
            raise ParameterError(
                f"Parameter 'frequencies' of Chromatic must be () or hold {bins} shares, one for each bin of side "
                f"{self.grid:g}; got {len(self.frequencies)}."
            )
        sizes = list(shape)
        sizes[axis] = count // 2 * bins
        return tuple(sizes)

    def counts(self, target: Tensor) -> Tensor:
        """Return how many pixels of a target (B, *shape) lie in each bin, (Q,)."""
        place, share = self._places(target)
        return torch.zeros(len(self.bins)).index_add_(0, place.flatten().cpu(), share.flatten().float().cpu())

    def seen(self, counts: Tensor) -> Chromatic:
        """Return this with the frequencies of such counts (Q,)."""
        shares = (counts.double() / counts.sum()).tolist()
        return self(frequencies=tuple(float(f"{share:.6g}") for share in shares))

    def shares(self, target: Tensor) -> Tensor:
        """Return what share of the colour each bin has, (B, *self.shape(shape)): what D(z) should tell."""
        place, share = self._places(target)
        axis = channel_axis(target.shape[1:]) % target.ndim
        sizes = list(place.shape)
        sizes[axis] = len(self.bins)
        return share.new_zeros(sizes).scatter_(axis, place, share).flatten(axis, axis + 1)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return -Σ share·log softmax(D(z)) of each colour, half for a and half for b."""
        place, share = self._places(target)
        logits, axis = self._logits(params)
        cost = (share * (logits.logsumexp(axis, keepdim=True) - logits.gather(axis, place))).sum(axis)  # (B, V, ...)
        return torch.cat([cost, cost], axis) / 2

    def mean(self, params: Tensor) -> Tensor:
        """Return the annealed mean of the bins."""
        logits, axis = self._logits(params)
        logits = self._balanced(logits)
        if self.temperature < 1e-3:
            return self._colours(logits.argmax(axis), axis, params.dtype)
        shares = (logits / self.temperature).softmax(axis)
        return (shares.movedim(axis, -1) @ self.bins.to(params) / CHROMA).movedim(-1, axis).flatten(axis, axis + 1)

    def sample(self, params: Tensor) -> Tensor:
        """Draw a bin for each colour, and return its middle."""
        logits, axis = self._logits(params)
        return self._colours(disturbed(self._balanced(logits)).argmax(axis), axis, params.dtype)

    def equation(self) -> str:
        """Return the formula."""
        return f"−Σ share(x)·log softmax(D(z)) over {len(self.bins)} bins of a and b"

    def _logits(self, params: Tensor) -> tuple[Tensor, int]:
        """Return params as (B, Q, V, ...), or with those axes last, and the axis of the bins."""
        axis = channel_axis(params.shape[1:]) % params.ndim
        return params.unflatten(axis, (len(self.bins), -1)), axis

    def _balanced(self, logits: Tensor) -> Tensor:
        """Return logits (B, Q, ...) of probabilities with which rare colours have the chance that `balance` gives."""
        if not (self.balance and self.frequencies):
            return logits
        share = self.balance * logits.new_tensor(self.frequencies) + (1 - self.balance) / len(self.bins)
        return logits - share.clamp_min(1e-6).log().view(-1, *[1] * (logits.ndim - 2))

    def _colours(self, place: Tensor, axis: int, dtype: torch.dtype) -> Tensor:
        middles = self.bins.to(place.device, dtype) / CHROMA
        return middles[place].movedim(-1, axis).flatten(axis, axis + 1)

    def _places(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest bins of each colour and what share of it they have, along the axis of the bins."""
        axis = channel_axis(target.shape[1:]) % target.ndim
        ab = CHROMA * target.unflatten(axis, (2, -1)).movedim(axis, -1)  # (B, V, ..., 2)
        cell = ab.round().clamp(-_FAR, _FAR).long() + _FAR
        table = _nearest(self.grid, self.nearest).to(target.device)
        place = table[cell[..., 0] * (2 * _FAR + 1) + cell[..., 1]]  # (B, V, ..., K)
        away = (ab.unsqueeze(-2) - self.bins.to(target)[place]).square().sum(-1)
        share = (-2 * away / self.grid**2).softmax(-1)
        return place.movedim(-1, axis), share.movedim(-1, axis)


def _remembered(made: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Make a table once: with numbers in it also where a model is being built that has none yet."""

    @lru_cache(16)
    def table(*which: float) -> Tensor:
        with torch.device("cpu"), torch.inference_mode(False), torch.no_grad():
            return made(*which)

    return table


@_remembered
def _bins(grid: float) -> Tensor:
    """Return the middles of squares that colours of sRGB lie in, (Q, 2)."""
    level = torch.linspace(0, 1, 33, dtype=torch.float64)
    rgb = torch.stack(torch.meshgrid(level, level, level, indexing="ij")).flatten(2)  # (3, 33, 1089)
    return torch.unique((to_lab(rgb)[1:].flatten(1).T / grid).round(), dim=0).float() * grid


@_remembered
def _nearest(grid: float, count: int) -> Tensor:
    """Return the nearest bins of each whole a and b, ((2·_FAR + 1)², count)."""
    whole = torch.arange(-_FAR, _FAR + 1, dtype=torch.float32)
    bins = _bins(grid)
    return torch.cdist(torch.cartesian_prod(whole, whole), bins).topk(min(count, len(bins)), largest=False).indices

"""A code of several levels, of which each says what to expect of the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Many, Maybe, Number, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Code, Shape
from diabolo.latents.free_bits import clashes, demand_none, floored
from diabolo.latents.gaussian import still
from diabolo.latents.importance import SAMPLES, Bound
from diabolo.latents.latent import Latent, LatentModule
from diabolo.part import Some, knob
from diabolo.priors import Normal, Prior, PriorModule
from diabolo.priors.diagonal import LOG_2_PI, moments

_HALF = "one, of half the code"


@dataclass(frozen=True)
class Ladder(Latent):
    """p(z) = p(z₁)·Πᵢ p(zᵢ | z₁…zᵢ₋₁) and q(z|x) likewise, at a cost of β·Σᵢ KL(q ‖ p): a hierarchical latent.

    The code is the levels side by side, the highest first. What x says of a level, N(μ̂, σ̂²) with μ̂, log σ̂² = h, and
    what the levels above say of it, its prior N(m, s²), meet in the posterior in proportion to their precisions; what x
    says of the highest is its posterior, and its prior is N(0, I) unless another is given, which is then trained with
    the rest. The nets that give m and s start at N(0, I). With `samples` > 1 the loss is the importance-weighted bound,
    as for `Gaussian`.

    While training, a dimension whose KL, averaged over the batch, lies below `free_bits` is not pushed further down.
    Without noise, levels are their means.

    References
    ----------
    Sønderby et al., "Ladder variational autoencoders", NeurIPS 2016, equations 17 to 19.

    Examples
    --------
    >>> module = Ladder(levels=(2,)).build(6)
    >>> module(torch.zeros(3, 12), noise=True).info["kl"].shape, module.sample(5).shape
    (torch.Size([3, 6]), torch.Size([5, 6]))
    """

    has_prior: ClassVar[bool] = True

    levels: tuple[int, ...] | None = knob(
        None, Maybe(Many(Whole(1, 2**20), 64), _HALF), "sizes of all levels but the lowest, which has the rest"
    )
    hidden: int = knob(256, Whole(1, 2**16), "width of the two hidden layers of the net below each level")
    beta: float = knob(1.0, Number(0), "cost of one nat of KL divergence from the prior")
    free_bits: float = knob(0.0, Number(0), "nats per dimension that are not pushed down in training")
    samples: int = knob(1, SAMPLES, "draws per sample; above 1, the importance-weighted bound")
    prior: Prior = knob(Normal(), Some("priors"), "density that codes of the highest level are compared with")

    def width(self, n: int) -> int:
        """Return 2n: mean and log variance of each entry."""
        return 2 * n

    def build(self, n: int) -> LadderModule:
        """Return the module with the nets between levels."""
        demand_none(self, *clashes(self))
        return LadderModule(self, self._sizes(n))

    def _sizes(self, n: int) -> tuple[int, ...]:
        above = (max(1, n // 2),) if self.levels is None else self.levels
        if not above or sum(above) >= n:
            raise ParameterError(
                f"Parameter 'levels' of Ladder must hold sizes that leave some of the code, {n}, to the lowest level; "
                f"got {self.levels}. Give smaller ones, such as ({max(1, n // 2)},), or a code of two numbers or more."
            )
        return (*above, n - sum(above))

    def equation(self) -> str:
        """Return the formula."""
        ratio = "Σᵢ log q(zᵢ|x, z₁…zᵢ₋₁)/p(zᵢ|z₁…zᵢ₋₁)"
        top = "" if isinstance(self.prior, Normal) else f", p(z₁) = {self.prior.equation()}"
        if self.samples > 1:
            return f"{self.beta:g}·{ratio}{top}, the mean of {self.samples} draws inside −log mean exp(−loss)"
        return f"{self.beta:g}·Σᵢ KL(q(zᵢ|x, z₁…zᵢ₋₁) ‖ p(zᵢ|z₁…zᵢ₋₁)){top}"


class LadderModule(LatentModule):
    """h (B, 2n) → code with draws z (K * B, n); no "kl" where the highest level has a prior without a closed form."""

    part: Ladder

    def __init__(self, part: Ladder, sizes: tuple[int, ...]) -> None:
        super().__init__(part)
        ends = list(accumulate(sizes))
        self.slices = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        self.prior = part.prior.build(sizes[0])
        self.nets = nn.ModuleList(
            _Below(above, part.hidden, size) for above, size in zip(ends, sizes[1:], strict=False)
        )

    def forward(self, h: Tensor, noise: bool) -> Code:
        return self._coded(h, noise, self.prior)

    def of(self, x: Tensor, h: Tensor, noise: bool) -> Code:
        return self._coded(h, noise, self.prior.of(x))

    def _coded(self, h: Tensor, noise: bool, prior: PriorModule) -> Code:
        if not noise:
            levels = self._down(h, torch.zeros_like(h[:, : h.shape[1] // 2]))
            kls, z = _kls(levels, prior), _joined(levels)
            each = [still(prior, *levels[0].own) if kl is None else kl.sum(1) for kl in kls]
            return Code(z, z, self.part.beta * torch.stack(each).sum(0), _told(kls, 1))
        count = self.part.samples
        eps = torch.randn(count * len(h), h.shape[1] // 2, dtype=h.dtype, device=h.device)
        levels = self._down(h.repeat(count, 1), eps)
        mean = _joined(self._down(h, torch.zeros_like(eps[: len(h)])))  # penalties may look at it
        info, ratio = _told(_kls(levels, prior), count), _ratio(levels, prior)
        cost = floored(info["kl"], self.part.free_bits).sum(1) if info else ratio.view(count, -1).mean(0)
        return Code(_joined(levels), mean, self.part.beta * cost, info | {"log_ratio": ratio})

    def bound(self, code: Code, distortion: Tensor) -> tuple[Tensor, Tensor, Code]:
        if len(distortion) == len(code.rate):
            return distortion, code.rate, code
        return *Bound(self.part.samples).of(distortion, code.info["log_ratio"], self.part.beta), code

    def draws(self, h: Tensor, count: int, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        eps = torch.randn(count * len(h), h.shape[1] // 2, dtype=h.dtype, device=h.device)
        levels = self._down(h.repeat(count, 1), eps)
        return _joined(levels), _ratio(levels, self.prior.given(condition))

    def sample(self, count: int) -> Tensor:
        z = self.prior.sample(count)
        for net in self.nets:
            m, log_s2 = moments(net(z))
            z = torch.cat([z, torch.addcmul(m, (0.5 * log_s2).exp(), torch.randn_like(m))], 1)
        return z

    def attach(self, shape: Shape, encoder: nn.Module) -> None:
        self.prior.attach(shape, _Highest(encoder, self.slices[0].stop))

    def begin(self, blocks: Iterable[Tensor]) -> None:
        self.prior.begin(blocks)

    def _down(self, h: Tensor, eps: Tensor) -> list[_Level]:
        """Return the levels, each made of its part of eps (B, n), given those above."""
        said, log_said = moments(h)
        levels: list[_Level] = []
        for net, place in zip([None, *self.nets], self.slices, strict=True):
            own, expected = (said[:, place], log_said[:, place]), None
            if net is not None:
                expected = moments(net(_joined(levels)))
                own = _met(*own, *expected)
            z = torch.addcmul(own[0], (0.5 * own[1]).exp(), eps[:, place])
            levels.append(_Level(z, eps[:, place], own, expected))
        return levels


class _Level(NamedTuple):
    """Draws z (B, size) of a level, and the mean and log variance of what they are draws of."""

    z: Tensor
    eps: Tensor
    own: tuple[Tensor, Tensor]
    expected: tuple[Tensor, Tensor] | None
    """What the levels above say of it; None for the highest, of which the prior says something."""


class _Highest(nn.Module):
    """The encoder, and of what it says only the highest level: (B, 2 * size)."""

    def __init__(self, encoder: nn.Module, size: int) -> None:
        super().__init__()
        self.encoder, self.size = encoder, size

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        h, *rest = self.encoder(x)
        return torch.cat([half[:, : self.size] for half in h.chunk(2, 1)], 1), *rest


class _Below(nn.Module):
    """What the levels above (B, above) say of the next one: mean and log variance, (B, 2 * size)."""

    def __init__(self, above: int, hidden: int, size: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(above, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 2 * size)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, above: Tensor) -> Tensor:
        return self.last(F.silu(self.second(F.silu(self.first(above)))))


def _met(mean: Tensor, log_var: Tensor, m: Tensor, log_s2: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and log variance of the product of two normal distributions."""
    share = torch.sigmoid(log_s2 - log_var)  # precision of the first, in units of both together
    return m + share * (mean - m), log_var + F.logsigmoid(log_s2 - log_var)


def _joined(levels: Sequence[_Level]) -> Tensor:
    """Return the levels side by side, (B, n)."""
    return torch.cat([level.z for level in levels], 1)


def _kls(levels: Sequence[_Level], prior: PriorModule) -> list[Tensor | None]:
    """Return the KL of each entry of each level (B, size), or None where the prior has no closed form of it."""
    found: list[Tensor | None] = []
    for _, _, (mean, log_var), expected in levels:
        if expected is None:
            found.append(prior.kl(mean, log_var))
            continue
        m, log_s2 = expected
        apart = (log_var - log_s2).exp() + (mean - m).square() * (-log_s2).exp()
        found.append(0.5 * (apart - 1 + log_s2 - log_var))
    return found


def _ratio(levels: Sequence[_Level], prior: PriorModule) -> Tensor:
    """Return log q(z|x) / p(z), (B,)."""
    highest, *others = levels
    ratio = prior.ratio(highest.z, highest.eps, highest.own[1])
    for z, _, own, expected in others:
        if expected is not None:
            ratio = ratio + (_log_density(z, *own) - _log_density(z, *expected))
    return ratio


def _told(kls: Sequence[Tensor | None], count: int) -> dict[str, Tensor]:
    """Return the KL of each entry (B, n) as "kl", averaged over draws; nothing, if that of the highest is not known."""
    known = [kl for kl in kls if kl is not None]
    if len(known) < len(kls):
        return {}
    kl = torch.cat(known, 1)
    return {"kl": kl.view(count, -1, kl.shape[1]).mean(0)}


def _log_density(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    return -0.5 * ((z - mean).square() * (-log_var).exp() + log_var + LOG_2_PI).sum(1)

"""A net that compresses images at several rates, as it is trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from diabolo.coders.transform.context_net import ContextNet
from diabolo.files import under
from diabolo.flow import Batch, Code, Output
from diabolo.latents.factorized import log_bin
from diabolo.nets.fold import places

MIDDLE = 64.0
"""The step, in levels of 8 bits, for which t = 0; t is the octaves that a step is larger."""

_FINEST, _COARSEST = math.log2(18 / MIDDLE), math.log2(220 / MIDDLE)
_JUDGED = (-1.5, -0.5, 0.5, 1.5)
_FARTHEST = 16.0  # nats
_WORTH = 0.134  # squared steps of error that a bit is worth, as video coders choose: 0.85 · 2^(-8/3)


class TransformNet(nn.Module):
    """Images x (B, C, h, w) in levels about 0 → squared error + rate, with steps of random size.

    The net sees images in steps, and its code is rounded. Where the size of the step matters beyond that, in gains and
    biases, the weights are θ + t·θ′: one net has a rate for each t. A bit is worth a share of a squared step, at
    whatever step. The rate is that of the whole code; its gradient reaches the encoder by way of a code with noise.

    References
    ----------
    Ballé, Laparra, Simoncelli, "End-to-end optimized image compression", ICLR 2017; gains: Cui et al., "Asymmetric
    gained deep image compression with continuous rate adaptation", CVPR 2021; rounding for the one and noise for the
    other: Minnen, Singh, ICIP 2020, section 3.3; a bit's worth: Sullivan, Wiegand, "Rate-distortion optimization for
    video compression", IEEE Signal Processing Magazine 1998.

    Parameters
    ----------
    modules : nn.ModuleDict
        Built "encoder" and "decoder" of a net whose code is a grid.
    context : ContextNet
        What guesses their code.
    unit : int
        Points along each axis that are one place of the code.
    """

    def __init__(self, modules: nn.ModuleDict, context: ContextNet, unit: int) -> None:
        super().__init__()
        self.unit = unit
        self.net = nn.ModuleDict({**dict(modules.items()), "context": context})
        sloped = {name.replace(".", "/"): torch.zeros_like(p) for name, p in self._sloped()}
        self.slopes = nn.ParameterDict(sloped)

    def forward(self, batch: Batch, noise: bool = True) -> Output:
        """Cost a batch: in training at a step of random size, else at several of fixed ones, so that costs compare."""
        drawn = torch.empty((), device=batch.x.device).uniform_(_FINEST, _COARSEST)
        outputs = [self._cost(batch.x, t) for t in ((drawn,) if self.training else _JUDGED)]
        distortion, rate = (
            torch.stack(each).mean(0) for each in zip(*((o.distortion, o.rate) for o in outputs), strict=True)
        )
        return replace(outputs[-1], distortion=distortion, rate=rate)

    @torch.no_grad()
    def begin(self, levels: Tensor) -> None:
        """Start with distributions as wide as the codes of some images (B, C, h, w) are at the middle step."""
        h, _ = self._call("encoder", self.at(0.0), levels / MIDDLE)
        y = h.unflatten(1, (-1, *places(tuple(levels.shape[2:]), self.unit)))
        cast(ContextNet, self.net["context"]).begin(y.std((0, 2, 3)))

    def _cost(self, levels: Tensor, t: Tensor | float) -> Output:
        x, weights = levels / (MIDDLE * 2**t), self.at(t)
        h, sized = self._call("encoder", weights, x)
        y = h.unflatten(1, (-1, *places(tuple(x.shape[2:]), self.unit)))
        q = y.round()
        middle, log_scale = self._call("context", weights, q.detach())
        rate = -log_bin(q.detach() - middle, log_scale).sum((1, 2, 3))
        disturbed = y + torch.rand_like(y) - 0.5
        pull = -log_bin(disturbed - middle.detach(), log_scale.detach())
        pull = pull.clamp_max(_FARTHEST).sum((1, 2, 3))  # the encoder is not bent because a guess is far off
        params = self._call("decoder", weights, (y + (q - y).detach()).flatten(1), sized)
        error = (params - x).square().sum((1, 2, 3)) * (math.log(2) / _WORTH)
        share = 2 ** (t / 2)  # so that coarse steps, which cost few bits, count too
        code = Code(q.flatten(1), q.flatten(1), rate)
        return Output(x, code, params, share * error, share * (rate + pull - pull.detach()))

    def at(self, t: Tensor | float) -> dict[str, Tensor]:
        """Return the weights at t octaves above the middle step."""
        weights, slopes = self.apart()
        return {name: w + t * slopes[name] if name in slopes else w for name, w in weights.items()}

    def apart(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the weights at the middle step by name, and what some of them change by with each octave."""
        slopes = {name.replace("/", "."): slope for name, slope in self.slopes.items()}
        return dict(self.net.named_parameters()), slopes

    def _call(self, name: str, weights: Mapping[str, Tensor], *inputs: Any) -> Any:
        return functional_call(self.net[name], under(f"{name}.", weights), inputs)

    def _sloped(self) -> Iterator[tuple[str, Tensor]]:
        """Yield gains and biases: what depends on the step; of the context only what follows the first sums."""
        for name, weight in self.net.named_parameters():
            context = name.startswith("context.")
            if name.endswith("log_gain") or (name.endswith(".bias") and (not context or name.count(".") == 3)):
                yield name, weight

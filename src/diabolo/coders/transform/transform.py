"""Lossy images: an autoencoder whose rounded code is written with what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from diabolo.check import Whole, listed, shorten
from diabolo.coders.coder import Arrays, Coder, Setting
from diabolo.coders.transform.coding import Image, TransformCoding, rounded
from diabolo.coders.transform.context import Context, Integers
from diabolo.coders.transform.context_net import ContextNet
from diabolo.coders.transform.net import TransformNet
from diabolo.errors import DataError, FileError, ParameterError
from diabolo.files import under
from diabolo.flow import Batch
from diabolo.nets import Net
from diabolo.nets.lapped import Lapped
from diabolo.nets.net import Local
from diabolo.outline import outline
from diabolo.part import Some, knob
from diabolo.seeding import seeded
from diabolo.training import History, Training, split, train
from diabolo.training.crops import SYMMETRIES, Crops

TRAINING = Training(steps=4000, batch_size=8, learning_rate=1e-3, weight_decay=0.0, decay=0.7)
"""How a transform is trained if nothing is said."""

_SIDE, _EPOCH, _JUDGED = 128, 50, 16  # points along a crop; steps of an epoch, at most, and crops to judge it by
_LIMIT = 2**31  # multiples of the unit that a weight stays below
_MOST = 2**12  # channels of an image, or of a code


@dataclass(frozen=True)
class Transform(Coder):
    """Round the code of an image, and write its numbers with the counts that those before let expect.

    The net, the distributions and the several rates are learned together: see `TransformNet`. The decoder smooths what
    rounding did, so images come back without the blocks of JPEG.

    References
    ----------
    Ballé, Laparra, Simoncelli, "End-to-end optimized image compression", ICLR 2017; Minnen, Ballé, Toderici, "Joint
    autoregressive and hierarchical priors for learned image compression", NeurIPS 2018; the same on every machine:
    Ballé, Johnston, Minnen, "Integer networks for data compression with latent-variable models", ICLR 2019.

    Examples
    --------
    >>> Transform(Lapped(smoothing=2)).equation()
    '‖x − D(q)‖² / (0.134·Δ²) − Σ log₂ p(q_i | q_<i), q = round(E(x / Δ))'
    """

    samples = "images"
    exact = False

    net: Net = knob(Lapped(), Some("nets"), "encoder and decoder, of images of any size, whose code is a grid")
    hidden: int = knob(48, Whole(1, 1024), "hidden units of what guesses the code")

    def learn(self, samples: Sequence[Image], setting: Setting) -> TransformCoding:
        """Train on images (C, H, W) of uint8, of any sizes.

        Raises
        ------
        DataError
            If they are no such images, or differ in their channels.
        ParameterError
            If the net takes images of one size only, or does not decode codes alone.
        """
        colours = _colours(samples)
        local, training = self._local(), setting.training or TRAINING
        batch = training.batch_size or TRAINING.batch_size or 1
        channels = setting.n or _channels(colours, local.unit)
        with seeded(setting.seed, setting.device):
            nets = self._modules(colours, channels)
            context_net = ContextNet(channels, self.hidden)
            model = TransformNet(nets, context_net, local.unit).to(setting.device)
        learnt, held = split(len(samples), training.validation, setting.seed)
        counts = (batch * min(_EPOCH, training.steps or _EPOCH), _JUDGED)
        lessons, exam = (
            _crops([samples[int(i)] for i in which], count, setting.device)
            for which, count in zip((learnt, held if len(held) else learnt), counts, strict=True)
        )
        model.begin(next(iter(lessons.epoch(_JUDGED, setting.seed))).x)
        history = train(
            model,
            lessons,
            exam,
            training(batch_size=batch),
            seed=setting.seed,
            callbacks=setting.callbacks,
            checkpoint=None if setting.checkpoint is None else Path(setting.checkpoint),
        )
        weights, slopes = model.apart()
        context = Context.of(context_net.cpu(), under("context.", slopes))
        return self._coding(colours, channels, _whole(weights), _whole(slopes), context, history)

    def restore(self, plain: dict[str, Any], arrays: Arrays) -> TransformCoding:
        """Return the transform with its weights.

        Raises
        ------
        FileError
            If there are others, or not all.
        """
        colours, channels = (_count(plain, name) for name in ("colours", "channels"))
        context = Context.from_arrays(channels, self.hidden, under("context.", arrays))
        weights, slopes = under("net.", arrays), under("slope.", arrays)
        every = [*weights.values(), *slopes.values()]
        if not all(np.issubdtype(a.dtype, np.integer) and np.abs(a).max(initial=0) < _LIMIT for a in every):
            raise FileError("The file describes weights of a transform that no training leads to; it was edited.")
        return self._coding(colours, channels, weights, slopes, context, History(stopped="loaded"))

    def equation(self) -> str:
        """Return the loss that is learned, in bits."""
        return "‖x − D(q)‖² / (0.134·Δ²) − Σ log₂ p(q_i | q_<i), q = round(E(x / Δ))"

    def _coding(
        self,
        colours: int,
        channels: int,
        weights: dict[str, Integers],
        slopes: dict[str, Integers],
        context: Context,
        history: History,
    ) -> TransformCoding:
        local = self._local()
        with outline():
            shapes = {name: tuple(p.shape) for name, p in self._modules(colours, channels).named_parameters()}
        if {name: a.shape for name, a in weights.items()} != shapes or any(
            shapes.get(name) != a.shape for name, a in slopes.items()
        ):
            raise FileError("The file describes a transform with other weights than its net has; it was edited.")
        modules = self._modules(colours, channels)
        return TransformCoding(modules, local, colours, weights, slopes, context, history)

    def _modules(self, colours: int, channels: int) -> nn.ModuleDict:
        """Return encoder and decoder, built for one block: they compute images of any size."""
        unit = self._local().unit
        shape = (colours, unit, unit)
        encoder, decoder = self.net.build(shape, channels, channels, shape)
        return nn.ModuleDict({"encoder": encoder, "decoder": decoder})

    def _local(self) -> Local:
        local = self.net.local
        if local is None or not self.net.decodes_alone:
            raise ParameterError(
                f"Parameter 'net' of Transform must compute images of any size and decode codes alone; got "
                f"{self.net!r}. Use Lapped()."
            )
        return local


def _crops(images: Sequence[Image], count: int, device: torch.device) -> Crops:
    tensors = [torch.from_numpy(np.ascontiguousarray(image)) for image in images]
    return Crops.of(tensors, _SIDE, _lesson, count, SYMMETRIES[-1], device)


def _lesson(crops: Tensor) -> Batch:
    return Batch(crops.float() - 128)


def _colours(images: Sequence[Image]) -> int:
    """Return how many channels all images have."""
    kinds = {(image.ndim, str(image.dtype), image.shape[0] if image.ndim == 3 else 0) for image in images}
    if len(kinds) != 1 or next(iter(kinds))[:2] != (3, "uint8") or any(not image.size for image in images):
        raise DataError(
            "Images to learn from must be arrays (C, H, W) of uint8 with equally many channels; got "
            f"{listed(sorted(kinds))} as axes, type and channels. Convert them, or learn each kind apart."
        )
    return next(iter(kinds))[2]


def _channels(colours: int, unit: int) -> int:
    """Return how many numbers of the code a block needs, of blocks with so many points along each axis."""
    return max(1, min(colours * unit**2, round(24 * (1 + colours) * (unit / 8) ** 2)))


def _whole(weights: Mapping[str, Tensor]) -> dict[str, Integers]:
    return {name: rounded(weight) for name, weight in weights.items() if not name.startswith("context.")}


def _count(plain: Mapping[str, Any], name: str) -> int:
    value = plain.get(name)
    if type(value) is not int or not 0 < value <= _MOST:
        raise FileError(f"The file gives {shorten(value)} as the {name} of a transform; it was edited or is foreign.")
    return value

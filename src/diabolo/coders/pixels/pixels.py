"""Images, each pixel at the cost that those before it leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diabolo.check import Maybe, shorten
from diabolo.check import Whole as Count
from diabolo.coders.coder import Arrays, Coder, Coding, Setting
from diabolo.coders.pixels.coding import PixelCoding, bytes_of
from diabolo.coders.pixels.context import Bytes, Context, PixelSource
from diabolo.coders.pixels.counts import PixelCounts
from diabolo.coders.pixels.net import PixelNet
from diabolo.coders.pixels.shades import VALUES, Shades
from diabolo.errors import DataError, FileError
from diabolo.files import under
from diabolo.part import knob
from diabolo.seeding import seeded
from diabolo.training import History, Training, train

_REACH = Count(1, 8)
_HIDDEN = 32
_SMALL = 64  # rows and columns of images in which the place of a pixel says something
_CHANNELS = 16  # of bytes
_ENOUGH = 2**12  # pixels from which some are held out
_BEGINNING = 2**15  # pixels from which linear weights begin

TRAINING = Training(steps=3000, batch_size=4096, learning_rate=2e-3, weight_decay=0.0, decay=0.5, precision="float32")
"""How the net of a channel is trained if nothing is said."""


@dataclass(frozen=True)
class Pixels(Coder):
    """Write each byte of images at the cost of −log₂ p(byte | what is above and to the left), by nets that learned p.

    An autoencoder whose code at each pixel knows the pixels before it only, one for each channel; later channels know
    the earlier ones at the same place. What is around a pixel is enough for photographs of any size; in small images
    that are all of one size the net also knows where it is.

    References
    ----------
    van den Oord, Kalchbrenner, Kavukcuoglu, "Pixel recurrent neural networks", ICML 2016, equations 1 and 2; a net of
    causal neighbours: Theis, Bethge, "Generative image modeling using spatial LSTMs", NIPS 2015, equation 2.

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(0, 4, (4, 1, 8, 8), dtype=np.uint8)
    >>> coding = Pixels().learn(images, Setting(training=Training(epochs=1)))
    >>> bool((coding.decode(coding.encode(images), images.shape) == images).all())
    True
    """

    samples = "images"

    reach: int | None = knob(
        None, Maybe(_REACH, "3 for one channel, 2 for several"), "rows above, and columns to either side, it knows"
    )

    def learn(self, samples: NDArray[Any] | Sequence[NDArray[Any]], setting: Setting) -> Coding:
        """Train on images (N, C, H, W) of uint8 or uint16, or on several such arrays of different sizes.

        Raises
        ------
        DataError
            If they are no images, or have too many channels.
        """
        arrays = [samples] if isinstance(samples, np.ndarray) else list(samples)
        images, channels = _images(arrays)
        context = Context(channels, self.reach or (3 if channels == 1 else 2))
        canvases, counts, histories = [context.laid(array) for array in images], [], []
        for channel in range(channels):
            source = PixelSource(canvases, context, channel, setting.device)
            net, shades = _begun(images, context, channel, setting)
            net.begin_linear(next(source.epoch(_BEGINNING, setting.seed)))
            histories.append(_trained(net, source, setting))
            counts.append(PixelCounts(net.known, shades, net.integers()))
        history = histories.pop()
        history.stages = histories
        return PixelCoding(context, counts, arrays[0].dtype.itemsize, history)

    def restore(self, plain: dict[str, Any], arrays: Arrays) -> Coding:
        """Return the nets with their weights."""
        reach, depth, channels = (cast(Any, plain.get(name)) for name in ("reach", "depth", "channels"))
        if reach not in _REACH or depth not in Count(1, 2) or channels not in Count(1, _CHANNELS) or channels % depth:
            raise FileError(f"The file describes no net of pixels ({shorten(plain)}); it was edited or is foreign.")
        if {name.split(".")[0] for name in arrays} != {str(channel) for channel in range(channels)}:
            raise FileError("The file describes nets of other pixels than it says; it was edited or is foreign.")
        context, counts = Context(channels, reach), []
        for channel in range(channels):
            weights = under(f"{channel}.", arrays)
            shades = Shades.from_arrays(under("shades.", weights))
            own = {name: value for name, value in weights.items() if not name.startswith("shades.")}
            counts.append(PixelCounts(len(context.places(channel)), shades, own))
        return PixelCoding(context, counts, depth, History())

    def equation(self) -> str:
        """Return the chain rule."""
        return "−Σ_i log₂ p(x_i | pixels above and to the left)"


def _images(arrays: Sequence[NDArray[Any]]) -> tuple[list[Bytes], int]:
    """Return images as bytes, and how many channels of bytes they have."""
    images = [bytes_of(array) for array in arrays]
    kinds = {(array.shape[1], array.dtype) for array in arrays}
    pixels = sum(array[:, :1].size for array in images)
    channels = images[0].shape[1] if images else 0
    if len(kinds) != 1 or not pixels or not 1 <= channels <= _CHANNELS:
        raise DataError(
            f"Images to learn from must have pixels, 1 to {_CHANNELS} channels of a byte, and all the same; got "
            f"{shorten([array.shape for array in arrays])}: choose others."
        )
    return images, channels


def _begun(images: Sequence[Bytes], context: Context, channel: int, setting: Setting) -> tuple[PixelNet, Shades]:
    """Return the net of a channel before it is trained, and the cells of its values."""
    often = [np.bincount(array[:, channel].ravel(), minlength=VALUES) for array in images]
    shades = Shades.of(np.sum(often, 0))
    sizes = {array.shape[2:] for array in images}
    size = sizes.pop() if len(sizes) == 1 else (0, 0)
    hidden = setting.n or _HIDDEN
    with seeded(setting.seed):
        net = PixelNet(
            len(context.places(channel)),
            shades,
            (hidden, max(1, 2 * hidden // 3)),
            size if max(size) <= _SMALL else (0, 0),
            sum(array[:, :1].size for array in images),
        )
    return net.to(setting.device), shades


def _trained(net: PixelNet, source: PixelSource, setting: Setting) -> History:
    training, held = setting.training or TRAINING, None
    if training.validation > 0 and net.count >= _ENOUGH:
        source, held = source.split()
    path = None if setting.checkpoint is None else Path(f"{setting.checkpoint}.{source.channel}")
    return train(net, source, held, training, seed=setting.seed, callbacks=setting.callbacks, checkpoint=path)

"""Which axis of images the channels are: the first, where others have them last."""

from __future__ import annotations

from collections.abc import Collection

from diabolo.errors import warn
from diabolo.flow import Shape


def channels_come_last(shape: Shape) -> bool:
    """Tell whether a sample of `shape` looks like an image with the channels last, as many programs keep them.

    Examples
    --------
    >>> channels_come_last((32, 32, 3)), channels_come_last((3, 32, 32)), channels_come_last((50, 3))
    (True, False, False)
    """
    return len(shape) == 3 and shape[2] in (1, 3, 4) and shape[0] > 4


def channels_to_the_front(shapes: Collection[Shape]) -> str:
    """Return what to do, as a sentence, with images that all look as if their channels came last; else nothing.

    Examples
    --------
    >>> channels_to_the_front([(32, 32, 3), (40, 32, 3)])
    ' If the channels come last, pass [np.moveaxis(x, -1, 0) for x in X].'
    """
    last = bool(shapes) and all(map(channels_come_last, shapes))
    return " If the channels come last, pass [np.moveaxis(x, -1, 0) for x in X]." if last else ""


def warn_of_channels_last(shape: Shape) -> None:
    """Warn where samples of `shape` look like images with the channels last.

    Examples
    --------
    >>> warn_of_channels_last((3, 32, 32))
    """
    if channels_come_last(shape):
        told = f"X holds images (N, {', '.join(map(str, shape))}), which are taken to have {shape[0]} channels"
        warn(f"{told}; if the channels come last, pass np.moveaxis(X, -1, 1).")

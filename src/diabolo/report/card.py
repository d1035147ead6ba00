"""One latent of a sparse code: how strongly it is active, what its atom looks like, what it answers to most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, DIVERGING, INK, ORANGE, blank, counted, picture, plain, title, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BARS, _WEIGHTS, _EXAMPLES = 30, 10, 8


def card(values: np.ndarray, atom: np.ndarray | None = None, names: Sequence[str] = ()) -> Figure:
    """Draw a histogram of the values of a latent where it is active, and beside it its atom.

    Of an atom (D,) or (L, D) the ten numbers that are largest, whatever their sign, become bars; one of three axes
    (C, H, W) becomes a picture.

    Parameters
    ----------
    values : ndarray (count,)
        Values that differ from 0; there may be none.
    atom : ndarray (*shape), optional
        Its atom.
    names : sequence of str
        A name for each number of the atom; their places by default.

    Raises
    ------
    DataError
        If there is not one name for each number of the atom.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = card(np.array([1.0, 2.0]), np.array([0.1, -0.9]), ["height", "width"])
    >>> [label.get_text() for label in figure.axes[1].get_yticklabels()]
    ['width', 'height']
    """
    figure = blank(7 if atom is not None else 3.6, 2.2)
    panels = figure.subplots(1, 1 if atom is None else 2, squeeze=False)[0]
    axes = plain(panels[0], "value", "samples")
    if len(values):
        axes.hist(values, _BARS, color=BLUE, rwidth=0.95)
    counted(axes.yaxis)
    title(axes, f"Active in {len(values)} samples")
    if atom is not None and atom.ndim == 3:
        _picture(panels[1], atom)
    elif atom is not None:
        _bars(panels[1], atom, names)
    return figure


def examples(samples: Sequence[np.ndarray], labels: Sequence[str]) -> Figure:
    """Draw the first eight samples in a row, each in its size, below labels: pictures (C, H, W), or series (T, C).

    Raises
    ------
    DataError
        If there are none, one has other axes, or there is not one label for each.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> [axes.get_title(loc="left") for axes in examples([np.zeros((1, 4, 4)), np.ones((1, 6, 4))], ["a", "b"]).axes]
    ['a', 'b']
    """
    samples, labels = samples[:_EXAMPLES], labels[:_EXAMPLES]
    axes_of = {np.ndim(sample) for sample in samples}
    if len(axes_of) != 1 or not axes_of <= {2, 3} or len(labels) != len(samples):
        raise DataError(
            "examples needs pictures (C, H, W) or series (T, C), and a label for each; got "
            f"{[np.shape(sample) for sample in samples]} and {len(labels)} labels."
        )
    arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
    low, high = (float(end([end(each[np.isfinite(each)], initial=0.0) for each in arrays])) for end in (np.min, np.max))
    figure = blank(1.15 * len(arrays) if 3 in axes_of else 1.9 * len(arrays), 1.5)
    for axes, sample, label in zip(figure.subplots(1, len(arrays), squeeze=False)[0], arrays, labels, strict=True):
        if sample.ndim == 3:
            picture(axes, _pixels((sample - low) / ((high - low) or 1.0)))
        else:
            plain(axes).plot(sample, linewidth=1.0)
        axes.set_title(words(label, 18), loc="left", color=INK, fontsize=7)
    return figure


def _bars(axes: Axes, atom: np.ndarray, names: Sequence[str]) -> None:
    flat = atom.ravel()
    if names and len(names) != len(flat):
        raise DataError(f"card needs a name for each of {len(flat)} numbers of the atom; got {len(names)}.")
    largest = np.argsort(-np.abs(flat), kind="stable")[:_WEIGHTS]
    plain(axes, "weight in the atom")
    axes.barh(range(len(largest)), flat[largest], height=0.7, color=[BLUE if w >= 0 else ORANGE for w in flat[largest]])
    axes.set_yticks(range(len(largest)), [words(names[i] if names else i, 24) for i in largest])
    axes.invert_yaxis()
    axes.grid(False)
    axes.axvline(0, color=INK, linewidth=0.6)
    title(axes, "Largest weights")


def _picture(axes: Axes, atom: np.ndarray) -> None:
    far = float(np.abs(atom).max()) or 1.0
    picture(axes, atom.mean(0), DIVERGING, (-far, far))
    title(axes, "Atom")


def _pixels(image: np.ndarray) -> np.ndarray:
    image = np.nan_to_num(image.clip(0, 1))
    return np.moveaxis(image, 0, -1) if len(image) == 3 else image.mean(0)

"""How good colours are: beside the truth, grey and one colour for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.colour import full, shown, to_lab, to_rgb, unit
from diabolo.estimators.colorization.colouring import together
from diabolo.metrics import ab_rmse, colourfulness, psnr
from diabolo.model import count_weights
from diabolo.report import Page, curves, walks

if TYPE_CHECKING:
    from diabolo.estimators.colorization.colorizer import Colorizer

Images = Sequence[NDArray[Any]]

_SHOWN = 8
"""Images on a page, at most."""

_ROUNDED = 60.0
"""dB that an image has at most: about what rounding to bytes leaves."""

_COLOURLESS = 1e-3
"""Units of Lab below which images have no colours but what rounding leaves."""


@dataclass(frozen=True)
class Colours:
    """Images in colour, what was made of their lightness, and the least that could be.

    Parameters
    ----------
    truth, made, grey, same : sequence of arrays (3, H, W)
        Of one type: the originals, the coloured ones, those without colour and those of one colour for all.
    """

    truth: Images
    made: Images
    grey: Images
    same: Images

    @property
    def facts(self) -> dict[str, float]:
        """The measures; see `Colorizer.quality`."""
        colourful = [float(colourfulness(each).mean()) for each in (self.truth, self.made, self.same)]
        return {
            "psnr": _psnr(self.truth, self.made),
            "psnr, grey": _psnr(self.truth, self.grey),
            "psnr, one colour": _psnr(self.truth, self.same),
            "ab rmse": ab_rmse(self.truth, self.made),
            "ab rmse, grey": ab_rmse(self.truth, self.grey),
            "ab rmse, one colour": ab_rmse(self.truth, self.same),
            "colourfulness": colourful[1] / max(colourful[0], 1e-9),
            "colourfulness, one colour": colourful[2] / max(colourful[0], 1e-9),
        }

    @property
    def share(self) -> float:
        """The share of what colours vary that is told (R²); where they do not vary, 1 if all is told and else 0."""
        told, one = ab_rmse(self.truth, self.made), ab_rmse(self.truth, self.same)
        return 1.0 - (told / one) ** 2 if one >= _COLOURLESS else float(told < _COLOURLESS)


def compared(truth: Images, made: Images, mean_colour: Sequence[float]) -> Colours:
    """Return images and what was made of them, beside what has no colour, or one for all."""
    return Colours(truth, made, *(_plain(truth, colour) for colour in ((0.0, 0.0), mean_colour)))


def report(colorizer: Colorizer, colours: Colours) -> Page:
    """Return the page of a colorizer."""
    page = Page(f"Colorizer: {count_weights(colorizer.model_):,} weights")
    page.paragraph(f"{colorizer.recipe_}\n{colorizer.recipe_.equation()}")
    page.table(_rows(colours.facts))
    page.heading("Lightness, coloured, original")
    size = [min(image.shape[axis] for image in colours.truth) for axis in (1, 2)]
    rows = [_few(each, size) for each in (colours.grey, colours.made, colours.truth)]
    page.figure(walks(np.stack(rows), "images", ["lightness", "coloured", "original"]))
    if len(colorizer.history_):
        page.heading("Training")
        page.figure(curves(colorizer.history_.columns))
    return page


def _rows(facts: dict[str, float]) -> list[dict[str, object]]:
    """Return a row for each that is compared."""
    rows = []
    for name, ending in (("coloured", ""), ("grey", ", grey"), ("one colour for all", ", one colour")):
        measures = {key: facts.get(f"{key}{ending}", 0.0) for key in ("psnr", "ab rmse", "colourfulness")}
        rows.append({"": name, **measures})
    return rows


def _few(images: Images, size: Sequence[int]) -> NDArray[np.float64]:
    """Return the first images in [0, 1], cut to one size from their middle."""
    height, width = size
    few = [unit(image).double().numpy() for image in images[:_SHOWN]]
    starts = [((image.shape[1] - height) // 2, (image.shape[2] - width) // 2) for image in few]
    cut = [image[:, y : y + height, x : x + width] for image, (y, x) in zip(few, starts, strict=True)]
    return np.stack(cut)


def _plain(images: Images, colour: Sequence[float]) -> list[NDArray[Any]]:
    """Return images with their lightness and one a and b."""
    done: list[NDArray[Any]] = []
    for part in together(images):
        light = to_lab(unit(_stacked(images, part)))[:, :1]
        ab = torch.tensor(colour).to(light).view(1, 2, 1, 1).expand(len(part), 2, *light.shape[2:])
        dtype = images[part[0]].dtype
        rgb = to_rgb(shown(torch.cat([light, ab], 1))).numpy() * full(dtype)
        done += list((rgb.round() if dtype.kind != "f" else rgb).astype(dtype))
    return done


def _psnr(truth: Images, made: Images) -> float:
    """Return the mean over images, none above what rounding to bytes leaves: where both are grey it is infinite."""
    white = full(truth[0].dtype)
    each = [psnr(_stacked(truth, part), _stacked(made, part), white) for part in together(truth)]
    return float(np.minimum(np.concatenate(each), _ROUNDED).mean())


def _stacked(images: Images, part: Sequence[int]) -> NDArray[Any]:
    return np.stack([images[i] for i in part])

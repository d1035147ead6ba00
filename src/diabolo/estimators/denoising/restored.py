"""What a denoiser makes of samples, and how good that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.corruptions import MaskPatches
from diabolo.data import Scaling
from diabolo.errors import CapabilityError, DataError, warn
from diabolo.estimators.denoising.noise import level
from diabolo.estimators.denoising.restoring import clean_of
from diabolo.estimators.signals import Signals, scaled, scaling_of
from diabolo.estimators.through import through
from diabolo.estimators.tiles import POINTS, Watch
from diabolo.metrics.residual import Residual, residual_of
from diabolo.metrics.restoration import psnr, snr
from diabolo.model import count_weights
from diabolo.report import Page, curves, gallery

if TYPE_CHECKING:
    from diabolo.estimators.denoising.denoiser import Denoiser

Array = NDArray[Any]

_NOISIER = 1.25
"""How much more noise than in training is warned of."""

_TURNS = 5
"""Turns in which the cells of a row are hidden, each once."""

_SHOWN = 12
"""Samples on a page."""

_LOOKED_AT = 200
"""Samples that a page is about, at most."""


@torch.inference_mode()
def restored(denoiser: Denoiser, found: Signals, strength: float, watch: Watch | None = None) -> Any:
    """Return samples without their noise, in the user's units.

    Warns
    -----
    DiaboloWarning
        If they are noisier than those in training.
    """
    if found.kind == "table":
        rows = np.asarray(found.arrays)
        hiding = isinstance(denoiser.recipe_.corruption, MaskPatches)
        clean = _unseen(denoiser, rows) if hiding else denoiser._rebuilt(rows)
        clean[:, denoiser.constant_] = denoiser.scaling_.shift[denoiser.constant_]
        return clean if strength == 1 else rows + strength * (clean - rows)
    _demand_size(denoiser, found)
    scaling = scaling_for(denoiser, found)
    _warn(denoiser, found, scaling)
    model, local = denoiser.model_, denoiser.recipe_.net.local
    device = next(model.parameters()).device
    every = through(lambda x: model.reconstruct(x.to(device)), found.arrays, scaling, local, POINTS, watch)
    pairs = zip(found.arrays, every, strict=True)
    clean = ((given, scaling.undo(each[None], given.dtype)[0]) for given, each in pairs)
    return [given + strength * (each - given) for given, each in clean]


def _unseen(denoiser: Denoiser, rows: Array) -> Array:
    """Return for each cell what the model makes of it while it is hidden, as it was in training: it is not copied."""
    found, width = np.empty(rows.shape), rows.shape[1]
    for turn in range(min(_TURNS, width)):
        hidden = slice(turn, None, _TURNS)
        seen = rows.astype(np.float64)
        seen[:, hidden] = denoiser.scaling_.shift[hidden]  # 0, once scaled
        found[:, hidden] = denoiser._rebuilt(seen)[:, hidden]
    return found


def scaling_for(denoiser: Denoiser, found: Signals) -> Scaling:
    """Return the scaling of training; of images of another type, such as 16 bits for 8, that of their own range."""
    if found.kind == "images" and found.type != denoiser.type_:
        return scaling_of(found)
    return denoiser.scaling_


def _demand_size(denoiser: Denoiser, found: Signals) -> None:
    """Raise unless samples have the size that the net was built for, where it takes but one."""
    if denoiser.recipe_.net.local is not None:
        return
    sizes = {tuple(x.shape) for x in found.arrays}
    if sizes != {denoiser.shape_}:
        raise DataError(
            f"X must hold samples of shape {denoiser.shape_} for the net {denoiser.recipe_.net}, as in training; got "
            f"{sorted(sizes)[:3]}. Resize them, or fit with a net for any size, such as ResUNet()."
        )


def _warn(denoiser: Denoiser, found: Signals, scaling: Scaling) -> None:
    few = found.arrays[:: -(-len(found.arrays) // _SHOWN)]
    noise = float(np.median([level(scaled(scaling, x).numpy())[0] for x in few]))
    if noise > _NOISIER * denoiser.noise_[1] + 1e-3:
        unit = "of the range of the images" if found.kind == "images" else "standard deviations"
        warn(
            f"X has noise of about {noise:.3g} {unit}; the denoiser learned from {denoiser.noise_[0]:.3g} to "
            f"{denoiser.noise_[1]:.3g}. Check the units of X, or fit with more, such as corruption=BlindNoise(0, "
            f"{1.5 * noise:.2g}).",
        )


def quality(denoiser: Denoiser, found: Signals) -> Residual:
    """Return what was removed from samples, in numbers.

    Raises
    ------
    CapabilityError
        If they are rows of a table, whose columns are no neighbours.
    """
    if found.kind == "table":
        raise CapabilityError(
            "quality is for images and series, whose noise can be told from their structure; X is a table. Compare "
            "with clean rows instead, with report(X, y)."
        )
    return _removed(found, restored(denoiser, found, 1.0))


def _removed(found: Signals, clean: Any) -> Residual:
    """Return what there was in samples that is not in the clean ones; of several sizes, what all of them cover."""
    if found.form is not None:
        return residual_of(np.asarray(found.arrays), np.stack(clean))
    side = tuple(min(lengths) for lengths in zip(*(x.shape for x in found.arrays), strict=True))
    place = tuple(map(slice, side))
    return residual_of(np.stack([x[place] for x in found.arrays]), np.stack([x[place] for x in clean]))


def report(denoiser: Denoiser, given: Signals, y: Any = None) -> Page:
    """Return the page of a denoiser on noisy samples, and their clean ones y, if they are known."""
    wanted = clean_of(given, y, getattr(denoiser, "feature_names_in_", None))
    found, known = _few(given), None if wanted is None else _few(wanted)
    page = Page(f"Denoiser of {found.kind}")
    page.paragraph(f"{denoiser.recipe_}\n{denoiser.recipe_.equation()}")
    clean = restored(denoiser, found, 1.0)
    page.table([_facts(denoiser, found, clean, known)])
    if found.kind != "table":
        page.heading("Noisy, restored, and what was removed")
        _pictures(page, found, clean)
        page.heading("Was it noise?")
        page.paragraph(str(_removed(found, clean)))
    if len(denoiser.history_):
        page.heading("Training")
        page.figure(curves(denoiser.history_.columns))
    return page


def _few(found: Signals) -> Signals:
    return Signals(found.arrays[:_LOOKED_AT], found.form)


def _pictures(page: Page, found: Signals, clean: Any) -> None:
    side = tuple(min(lengths) for lengths in zip(*(x.shape for x in found.arrays[:4]), strict=True))
    place = tuple(map(slice, side))
    rows = [(x[place], z[place], x[place] - z[place]) for x, z in zip(found.arrays[:4], clean, strict=False)]
    kind = "images" if found.kind == "images" else "series"
    for row in zip(*rows, strict=True):
        page.figure(gallery(np.stack([np.asarray(x, dtype=np.float64) for x in row]), kind))


def _facts(denoiser: Denoiser, found: Signals, clean: Any, known: Signals | None) -> dict[str, object]:
    facts: dict[str, object] = {
        "samples": len(found.arrays),
        "weights": count_weights(denoiser.model_),
        "epochs": len(denoiser.history_),
        "ended": denoiser.history_.stopped,
    }
    if known is not None:
        span = float(scaling_for(denoiser, found).scale.max()) if found.kind == "images" else 0.0
        facts["noisy, dB"] = _decibels(known.arrays, found.arrays, span)
        facts["restored, dB"] = _decibels(known.arrays, clean, span)
    return facts


def _decibels(truth: Any, estimate: Any, span: float) -> float:
    """Return the PSNR of images that span so much, and the SNR of anything else."""
    if not span:
        return _snr(truth, estimate)
    return float(np.mean([psnr(a[None], b[None], span)[0] for a, b in zip(truth, estimate, strict=True)]))


def _snr(truth: Any, estimate: Any) -> float:
    return float(
        np.mean([snr(np.atleast_2d(a)[None], np.atleast_2d(b)[None])[0] for a, b in zip(truth, estimate, strict=True)])
    )

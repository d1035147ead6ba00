"""What a compressor reports: sizes and errors on the user's own data, those of others beside."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.fidelity import PSNR, Fidelity, Rate
from diabolo.data.package import package
from diabolo.errors import CapabilityError
from diabolo.estimators.compression import by_column, formats, others
from diabolo.estimators.compression.formats import Image, Point, are_images
from diabolo.estimators.compression.opening import described
from diabolo.estimators.compression.others import Other
from diabolo.estimators.compression.tables import Tables
from diabolo.report import Page, comparison, curves
from diabolo.report.canvas import BLUE, CLASSES, blank, legend, plain, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from diabolo.estimators.compression.compressor import Compressor

_MOST = 2**21
"""Bytes of samples that are looked at: others take up to ten seconds for each million."""

_IMAGES, _COLUMNS, _BARS = 8, 20, 61
"""How many images, columns and bars are shown."""

_DECIBELS = (26.0, 30.0, 34.0, 38.0, 42.0)
"""Where a model of images is looked at."""


def report(compressor: Compressor, X: Any) -> Page:
    """Return the page of a fitted compressor on X."""
    X = X if hasattr(X, "columns") else list(X) if isinstance(X, list | tuple) else np.asarray(X)
    some = _some(X)
    data = compressor.compress(some)
    about, back = described(data), compressor.decompress(data)
    page = Page(f"Compressor: {about['raw bytes']:,} bytes become {about['bytes']:,}")
    facts = compressor.facts()
    page.paragraph(f"{facts['coder']}\n{facts['bits']}\n{about['promise']}")
    if len(some) < len(X):
        page.paragraph(f"{_of_all(compressor, X)}Looked at are the first {len(some):,} of {len(X):,} samples.")
    _sizes(page, compressor, some, about)
    if are_images(some):
        _rates(page, compressor, some, back, about["bytes"])
    _errors(page, compressor, some, back, about)
    if isinstance(compressor.packing_, Tables):
        page.heading("Bits of each column")
        page.table(by_column.bits(compressor.packing_, some)[:_COLUMNS])
        page.paragraph("Each by itself, without what columns and rows say of each other.")
    if len(compressor.history_):
        page.heading("Loss over training")
        page.figure(curves(compressor.history_.columns), "loss per epoch")
    return page


def _some(X: Any) -> Any:
    """Return the first samples, as many as can be looked at in short time."""
    if isinstance(X, list):
        return X[:_IMAGES]
    if hasattr(X, "columns"):
        size = X.memory_usage(index=False).sum() if hasattr(X, "iloc") else X.estimated_size()
    else:
        size = X.nbytes
    return X[: _IMAGES if are_images(X) else max(1, int(len(X) * min(1.0, _MOST / max(1, size))))]


def _of_all(compressor: Compressor, X: Any) -> str:
    """Return what becomes of all samples, where that is quickly known."""
    if not isinstance(compressor.packing_, Tables):
        return ""
    about = described(compressor.compress(X))
    return f"All together {about['raw bytes']:,} bytes become {about['bytes']:,}, the model among them. "


def _sizes(page: Page, compressor: Compressor, X: Any, about: dict[str, Any]) -> None:
    """Add what the file takes, and what others make of the same samples."""
    raw, size, model = about["raw bytes"], about["bytes"], about["model bytes"]
    near = "exactly" if about["worst error"] == 0 else about["promise"]
    ours = [("this file, its model in it", size, near), ("without the model", size - model, near)]
    beside = [(each.name, each.size, "exactly" if each.exact else near) for each in _others(compressor, X)]
    page.heading("Bytes of whole files")
    table = [
        {"file": name, "bytes": count, "times smaller than in memory": raw / max(1, count), "comes back": how}
        for name, count, how in sorted([*ours, *beside], key=lambda row: row[1])
    ]
    page.table(table)
    bars = {name: count / 1000 for name, count, _ in [*ours, *beside]}
    page.figure(comparison(bars, "kilobytes"), "kilobytes of whole files")
    missing = _missing(X)
    if missing:
        page.paragraph(f"Not compared, since they are not installed: {missing}.")


def _others(compressor: Compressor, X: Any) -> list[Other]:
    """Return what others make of X."""
    if are_images(X):
        return list(formats.exact(list(X)))
    if hasattr(X, "columns"):
        return list(others.of_frame(X))
    if isinstance(X, list):
        return []
    rows, packing = by_column.points(X), compressor.packing_
    found = list(others.of_array(rows))
    if isinstance(packing, Tables) and rows.dtype.kind == "f" and any(packing.leveling.errors):
        if all(grid is not None for grid in packing.leveling.grids):
            found.append(others.of_levels(by_column.levels(packing, X)))
        if np.isfinite(rows).all():
            found += others.of_field(np.moveaxis(X, 1, -1) if X.ndim == 4 else X, packing.leveling.errors)
    return found


def _missing(X: Any) -> str:
    """Return what could be compared if it were installed."""
    try:
        package("imagecodecs")
    except CapabilityError:
        return (
            "JPEG XL (imagecodecs)" if are_images(X) else "" if hasattr(X, "columns") else "SZ3 and zfp (imagecodecs)"
        )
    return ""


def _rates(page: Page, compressor: Compressor, images: Sequence[Image], back: Sequence[Image], size: int) -> None:
    """Add how near images come back for how many bits a pixel, beside formats of images."""
    ours = formats.distortion(images, back)
    if not np.isfinite(ours):
        return
    drawn = formats.curves(images)
    if isinstance(compressor.fidelity, PSNR | Rate):
        drawn["without the model"] = [_at(compressor, PSNR(decibels), images) for decibels in _DECIBELS]
    drawn["this file, its model in it"] = [(formats.bits(size, images), ours)]
    page.heading("Rate and distortion")
    page.figure(_curve(drawn), "the higher and the farther left, the better")


def _at(compressor: Compressor, fidelity: Fidelity, images: Sequence[Image]) -> Point:
    """Return bits a pixel and decibels where another promise is given: one model serves all."""
    other = copy(compressor).set_params(fidelity=fidelity)
    data = other.compress(images, embed=False)
    return formats.bits(len(data), images), formats.distortion(images, other.decompress(data))


def _curve(drawn: dict[str, list[tuple[float, float]]]) -> Figure:
    figure = blank(6, 3.8)
    axes = plain(figure.add_subplot(), "bits per pixel", "mean PSNR, dB")
    for (name, points), colour in zip(drawn.items(), CLASSES, strict=False):
        bits, decibels = zip(*(point for point in points if np.isfinite(point[1])), strict=True)
        axes.plot(bits, decibels, color=colour, linewidth=1.4, marker="o" if len(points) == 1 else ".", label=name)
    axes.set_xscale("log")
    title(axes, "Whole files, the model counted where it is in them")
    legend(axes)
    return figure


def _errors(page: Page, compressor: Compressor, X: Any, back: Any, about: dict[str, Any]) -> None:
    """Add how far numbers come back from what they were."""
    page.heading("Errors")
    if about["worst error"] == 0:
        page.paragraph("None: each part was read back while it was written, and was as before.")
        return
    packing = compressor.packing_
    page.paragraph(f"Promised: {about['promise']}. The largest error is {about['worst error']:g}.")
    if isinstance(packing, Tables):
        shares = by_column.errors(packing, X, back)
        page.figure(_histogram(shares, "error, as a share of the largest allowed"), "errors of numbers")
    else:
        off = [np.ravel(now.astype(np.float64) - was) for was, now in zip(X, back, strict=True)]
        page.figure(_histogram(np.concatenate(off), "error of a pixel"), "errors of pixels")


def _histogram(errors: NDArray[np.float64], what: str) -> Figure:
    figure = blank(6, 3)
    axes = plain(figure.add_subplot(), what, "numbers")
    axes.hist(errors, _BARS, color=BLUE)
    title(axes, f"{len(errors):,} numbers that may be off")
    return figure

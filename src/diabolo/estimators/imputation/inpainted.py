"""The report of an imputer on images and series: gaps, what fills them, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diabolo.estimators.signals import Signals
from diabolo.model import count_weights
from diabolo.report import Page, curves, gallery

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer

Array = NDArray[Any]

_SHOWN = 4
"""Samples with gaps that are shown."""


def report(imputer: Imputer, found: Signals) -> Page:
    """Return the page of an imputer on samples."""
    gone = [np.isnan(x) for x in found.arrays]
    share = sum(int(x.sum()) for x in gone) / sum(x.size for x in gone)
    page = Page(f"Imputer of {found.kind}: {100 * share:.1f} % of the cells missing")
    page.paragraph(f"{imputer.recipe_}\n{imputer.recipe_.equation()}")
    facts = {"samples": len(gone), "with gaps": sum(bool(x.any()) for x in gone)}
    facts |= {"weights": count_weights(imputer.model_), "epochs": len(imputer.history_)}
    errors = {f"error held out, {name}": value for name, value in imputer.errors_.items()}
    page.table([{**facts, "ended": imputer.history_.stopped, **errors}])
    few = [x for x, own in zip(found.arrays, gone, strict=True) if own.any()][:_SHOWN]
    if few:
        page.heading("With gaps, and filled")
        _pictures(page, imputer, few, "images" if found.kind == "images" else "series")
    if len(imputer.history_):
        page.heading("Loss over training")
        page.figure(curves(imputer.history_.columns), "loss per epoch")
    return page


def _pictures(page: Page, imputer: Imputer, few: list[Array], kind: Any) -> None:
    side = tuple(map(slice, (min(lengths) for lengths in zip(*(x.shape for x in few), strict=True))))
    for row in (few, imputer.transform(few)):
        page.figure(gallery(np.nan_to_num(np.stack([np.asarray(x, np.float64)[side] for x in row])), kind))

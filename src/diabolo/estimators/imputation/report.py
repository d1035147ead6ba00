"""The report of an imputer: what is missing, what fills it, how well hidden cells were filled, how training went."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.imputation.filler import LEVELS, Filler
from diabolo.estimators.imputation.tables import Tables
from diabolo.estimators.imputation.usertable import UserTable
from diabolo.estimators.signals import Signals
from diabolo.model import count_weights
from diabolo.report import Page, curves, gallery

Array = NDArray[Any]

_ROWS, _SAMPLES = 12, 4
"""Rows with missing cells that are shown, and images or series."""


def report(filler: Filler, fitted: FittedModel, errors: dict[str, float], samples: Any, strategy: str) -> Page:
    """Return the page of an imputer on samples, as its filler reads them."""
    facts = {"weights": count_weights(fitted.model), "epochs": len(fitted.history), "ended": fitted.history.stopped}
    facts |= {f"error held out, {name}": value for name, value in errors.items()}
    if isinstance(filler, Tables):
        page = _of_table(filler, fitted, facts, samples, strategy)
    else:
        page = _of_grids(filler, fitted, facts, samples, strategy)
    if len(fitted.history):
        page.heading("Loss over training")
        page.figure(curves(fitted.history.columns), "loss per epoch")
    return page


def _of_table(tables: Tables, fitted: FittedModel, facts: dict[str, Any], table: UserTable, strategy: str) -> Page:
    gone, model = table.missing, fitted.model
    page = Page(f"Imputer: {gone.shape[1]} columns, {100 * gone.mean():.1f} % of the cells missing")
    page.paragraph(f"{model.recipe.net}\nCells are hidden in training, and the model says in which bin they lie.")
    page.table([{"rows": len(gone), "rows with gaps": int(gone.any(1).sum()), "code": model.n, **facts}])
    page.heading("Columns")
    page.table([_line(tables, i, gone[:, i]) for i in range(gone.shape[1])])
    page.heading("Rows, filled")
    rows = np.flatnonzero(gone.any(1))[:_ROWS]
    names = [column.name for column in tables.gapped.columns]
    filled = _objects(tables.transform(fitted, table, strategy, False))
    marked = zip(filled[rows].tolist(), gone[rows].tolist(), rows.tolist(), strict=True)
    page.table([{"row": row} | _marked(names, values, flags) for values, flags, row in marked])
    page.paragraph("Values in brackets were missing." if len(rows) else "Nothing is missing in these rows.")
    return page


def _line(tables: Tables, i: int, gone: Array) -> dict[str, object]:
    column, spread = tables.gapped.columns[i], tables.spreads[i]
    how = "nothing was known" if column.empty else f"{len(column.texts)} categories"
    if spread is not None:
        how = f"{spread.width} bins {'of what is off a line' if spread.apart else 'of its values'}"
    held = "" if spread is None else f"{100 * np.interp(0.9, LEVELS, tables.coverage[i]):.1f} %"
    return {
        "column": column.name,
        "holds": column.content,
        "missing": f"{100 * gone.mean():.1f} %",
        "modelled by": how,
        "held out in 90 %, before they are corrected": held,
    }


def _objects(table: Any) -> Array:
    """Return a table in any form as an array of objects."""
    if hasattr(table, "rows"):  # of polars
        return np.array(table.rows(), dtype=object)
    return table.to_numpy(dtype=object) if hasattr(table, "to_numpy") else np.asarray(table)


def _marked(names: list[str], values: list[Any], flags: list[bool]) -> dict[str, object]:
    shown = (
        (name, f"{v:.5g}" if isinstance(v, float) else str(v), f)
        for name, v, f in zip(names, values, flags, strict=False)
    )
    return {name: f"[{text}]" if flag else text for name, text, flag in shown}


def _of_grids(filler: Filler, fitted: FittedModel, facts: dict[str, Any], found: Signals, strategy: str) -> Page:
    gone, recipe = [np.isnan(x) for x in found.arrays], fitted.model.recipe
    share = sum(int(x.sum()) for x in gone) / sum(x.size for x in gone)
    page = Page(f"Imputer of {found.kind}: {100 * share:.1f} % of the cells missing")
    page.paragraph(f"{recipe}\n{recipe.equation()}")
    page.table([{"samples": len(gone), "with gaps": sum(bool(x.any()) for x in gone), **facts}])
    few = [x for x, own in zip(found.arrays, gone, strict=True) if own.any()][:_SAMPLES]
    if few:
        page.heading("With gaps, and filled")
        side = tuple(map(slice, (min(lengths) for lengths in zip(*(x.shape for x in few), strict=True))))
        kind = "images" if found.kind == "images" else "series"
        for row in (few, filler.transform(fitted, Signals(few, None), strategy, False)):
            page.figure(gallery(np.nan_to_num(np.stack([np.asarray(x, np.float64)[side] for x in row])), kind))
    return page

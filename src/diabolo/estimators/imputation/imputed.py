"""The report of an imputer: what is missing, how well hidden cells were filled, and how training went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.data.cells import present
from diabolo.estimators.imputation.completing import completed
from diabolo.estimators.imputation.filling import LEVELS, best
from diabolo.estimators.imputation.imputing import answers
from diabolo.model import count_weights
from diabolo.report import Page, curves

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer

_ROWS = 12
"""Rows with missing cells that are shown."""


def report(imputer: Imputer, X: Any, cells: list[Any]) -> Page:
    """Return the page of an imputer on a table X, of which these are the cells, one array (N,) for each column."""
    gone = np.stack([~present(own) for own in cells], 1)
    page = Page(f"Imputer: {gone.shape[1]} columns, {100 * gone.mean():.1f} % of the cells missing")
    page.paragraph(f"{imputer.recipe_.net}\nCells are hidden in training, and the model says in which bin they lie.")
    page.table([_facts(imputer, gone)])
    page.heading("Columns")
    page.table([_line(imputer, i, gone[:, i]) for i in range(gone.shape[1])])
    page.heading("Rows, filled")
    rows = np.flatnonzero(gone.any(1))[:_ROWS]
    names = [column.name for column in imputer.gapped_.columns]
    table = _objects(completed(X, *answers(imputer, cells, best(imputer, imputer.strategy))))
    marked = zip(table[rows].tolist(), gone[rows].tolist(), rows.tolist(), strict=True)
    page.table([{"row": row} | _marked(names, values, flags) for values, flags, row in marked])
    page.paragraph("Values in brackets were missing." if len(rows) else "Nothing is missing in these rows.")
    if len(imputer.history_):
        page.heading("Loss over training")
        page.figure(curves(imputer.history_.columns), "loss per epoch")
    return page


def _facts(imputer: Imputer, gone: Any) -> dict[str, object]:
    facts: dict[str, object] = {
        "rows": len(gone),
        "rows with gaps": int(gone.any(1).sum()),
        "code": imputer.model_.n,
        "weights": count_weights(imputer.model_),
        "epochs": len(imputer.history_),
        "ended": imputer.history_.stopped,
    }
    return facts | {f"error held out, {name}": value for name, value in imputer.errors_.items()}


def _line(imputer: Imputer, i: int, gone: Any) -> dict[str, object]:
    column, spread = imputer.gapped_.columns[i], imputer.spreads_[i]
    how = "nothing was known" if column.empty else f"{len(column.texts)} categories"
    if spread is not None:
        how = f"{spread.width} bins {'of what is off a line' if spread.apart else 'of its values'}"
    held = "" if spread is None else f"{100 * np.interp(0.9, LEVELS, imputer.coverage_[i]):.1f} %"
    return {
        "column": column.name,
        "holds": column.content,
        "missing": f"{100 * gone.mean():.1f} %",
        "modelled by": how,
        "held out in 90 %, before they are corrected": held,
    }


def _objects(table: Any) -> Any:
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

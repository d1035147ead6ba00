"""The report of a detector: scores, threshold, and the greatest anomalies with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from diabolo.check import shorten
from diabolo.data import Stored, kind, read
from diabolo.errors import DataError
from diabolo.estimators.intake import samples
from diabolo.estimators.tabular import rows
from diabolo.report import Page, curves, pairs, scores

if TYPE_CHECKING:
    from diabolo.estimators.detector import Detector

_SHOWN = 10
"""Anomalies shown."""

_REASONS = 3
"""Columns named for each."""

_MEASURED = 20_000
"""Samples of a file on disk that are looked at, at most."""


def report(detector: Detector, X: Any, y: Any = None) -> Page:
    """Return the page of a detector on X, with known anomalies y (N,) of 0 and 1 if there are any."""
    X = read(X)
    known = None if y is None else _flags(y, len(X))
    if isinstance(X, Stored):
        index = np.arange(0, len(X), -(-len(X) // _MEASURED))
        X, known = X.back(X.take(index)), None if known is None else known[index]
    energies, threshold = -detector.score_samples(X), -detector.offset_
    page = Page(f"Detector: anomalies among {len(energies)} samples")
    page.paragraph(f"{detector.recipe_}\n{detector.recipe_.equation()}")
    page.table([_facts(detector, energies, known)])
    page.heading("Scores")
    page.figure(scores(energies, threshold, known), "Histogram of the energies, with the threshold.")
    worst = np.argsort(-energies)[:_SHOWN]
    page.heading("The greatest anomalies, and why")
    if detector.schema_ is None:
        array, _ = samples(detector, X)
        expected = np.asarray(detector.reconstruct(array[worst]))
        page.figure(pairs(array[worst], expected, kind(array.shape[1:])), "Samples, and what was expected instead.")
    else:
        page.table(_reasons(detector, detector.schema_.names, rows(X, worst), worst, energies[worst]))
    if len(detector.history_):
        page.heading("Training")
        page.figure(curves(detector.history_.columns))
    return page


def _facts(detector: Detector, energies: Any, known: Any) -> dict[str, object]:
    flagged = energies > -detector.offset_
    facts: dict[str, object] = {
        "samples": len(energies),
        "flagged": int(flagged.sum()),
        "threshold": -detector.offset_,
        "false alarms expected": float((detector.scores_ > -detector.offset_).mean() * len(energies)),
    }
    if known is not None and 0 < known.sum() < len(known):
        facts |= {
            "AUROC": float(roc_auc_score(known, energies)),
            "average precision": float(average_precision_score(known, energies)),
            "known anomalies flagged": f"{int((flagged & known).sum())} of {int(known.sum())}",
        }
    return facts


def _reasons(
    detector: Detector, names: Sequence[str], few: Any, numbers: Any, energies: Any
) -> list[dict[str, object]]:
    """Return a line for each anomaly: the columns that add most to its energy, with value and expected value."""
    parts = np.asarray(detector.explain(few), dtype=float)
    given, expected = (np.asarray(table, dtype=object) for table in (few, detector.reconstruct(few)))
    lines = []
    for i, number in enumerate(numbers):
        line: dict[str, object] = {"row": int(number), "energy": float(energies[i])}
        for rank, j in enumerate(np.argsort(-parts[i])[:_REASONS]):
            told = f"{names[j]} = {_short(given[i, j])}, expected {_short(expected[i, j])} ({parts[i, j]:.1f} nats)"
            line[f"reason {rank + 1}"] = told
        lines.append(line)
    return lines


def _flags(y: Any, count: int) -> Any:
    """Return known anomalies (N,) as booleans."""
    given = np.asarray(y)
    if given.shape != (count,) or not np.isin(given, (0, 1)).all():
        raise DataError(
            f"y must hold {count} numbers, 1 or true for known anomalies and 0 or false for usual samples; got "
            f"{shorten(given.ravel()[:5].tolist())} in shape {given.shape}. Compare labels with that of an anomaly."
        )
    return given.astype(bool)


def _short(value: object) -> str:
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return "missing"
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)

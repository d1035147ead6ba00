"""The report of a detector: scores, threshold, and the greatest anomalies with their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from diabolo.check import shorten
from diabolo.data import Form, Stored, kind, read
from diabolo.data.cells import names_of, read_column
from diabolo.errors import DataError
from diabolo.estimators.detection.clock import without
from diabolo.estimators.detection.findings import REASONS, cells_of, reasons
from diabolo.estimators.sources import gathered
from diabolo.estimators.tabular import rows
from diabolo.report import Page, course, curves, heat, pairs, scores

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

Energies = NDArray[np.float64]

_SHOWN = 10
"""Anomalies shown."""

_SERIES = 3
"""Series shown, where X holds many."""

_MEASURED = 20_000
"""Samples of a file on disk that are looked at, at most."""


def report(detector: Detector, X: Any, y: Any = None) -> Page:
    """Return the page of a detector on X, with known anomalies y (N,) of 0 and 1 if there are any."""
    X = read(X)
    known = None if y is None else _flags(y, len(X))
    if isinstance(X, Stored) and detector.window_ is None:
        index = np.arange(0, len(X), -(-len(X) // _MEASURED))
        X, known = X.back(X.with_gaps().take(index)), None if known is None else known[index]
    X = gathered(X)
    energies, threshold = -detector.score_samples(X), -detector.offset_
    page = Page(f"Detector: anomalies among {len(energies)} samples")
    page.paragraph(f"{detector.recipe_}\n{detector.recipe_.equation()}")
    page.table([_facts(detector, energies, known)])
    page.heading("Scores")
    page.figure(scores(energies, threshold, known), "Histogram of the energies, with the threshold.")
    page.heading("The greatest anomalies, and why")
    if detector.window_ is None:
        _samples(page, detector, X, energies)
    elif detector.single_:
        _stretches(page, detector, X, energies)
    else:
        _maps(page, detector, X, energies)
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
    }
    rate = detector.threshold_.false_alarm_rate
    if rate is not None and _calibrated(detector):
        facts["false alarms expected"] = rate * len(energies)
    if known is not None and 0 < known.sum() < len(known):
        facts |= {
            "AUROC": float(roc_auc_score(known, energies)),
            "average precision": float(average_precision_score(known, energies)),
            "known anomalies flagged": f"{int((flagged & known).sum())} of {int(known.sum())}",
        }
    return facts


def _calibrated(detector: Detector) -> bool:
    """Tell whether samples were held out of what a detector learned, so that a false alarm rate can be promised."""
    return detector.false_alarm_rate is not None if detector.memory_ is None else detector.memory_.calibrates


def _samples(page: Page, detector: Detector, X: Any, energies: Energies) -> None:
    """Show the samples of the highest energies."""
    worst = np.argsort(-energies)[:_SHOWN]
    if detector.schema_ is not None:
        page.table(_lines(worst, energies[worst], reasons(detector, rows(X, worst), REASONS)))
        return
    few = Form.of(X).array(X)[worst]
    expected = np.asarray(detector.reconstruct(few))
    page.figure(pairs(few, expected, kind(few.shape[1:])), "Samples, and what was expected instead.")


def _stretches(page: Page, detector: Detector, X: Any, energies: Energies) -> None:
    """Show one series with its energies, and the points of the highest, each more than a window from the others."""
    page.figure(_course(detector, X, energies), "The series; what is flagged is shaded.")
    worst = _apart(energies, detector.window_ or 1)
    page.table(_lines(worst, energies[worst], [told[worst] for told in reasons(detector, X, REASONS)]))


def _course(detector: Detector, X: Any, energies: Energies) -> Any:
    X = without(X, detector.clock_)
    names = names_of(X) if hasattr(X, "columns") else detector.schema_.names if detector.schema_ else ()
    numbers = np.column_stack([_drawable(cells) for cells in cells_of(X).T])
    return course(numbers, energies, -detector.offset_, list(names))


def _maps(page: Page, detector: Detector, X: Any, energies: Energies) -> None:
    """Show images with their heat maps, or series with their energies."""
    worst = np.argsort(-energies)[:_SHOWN]
    if detector.schema_ is not None:
        for number in worst[:_SERIES]:
            page.figure(_course(detector, X[number], detector.energy_map([X[number]])[0]), f"Series {number}.")
        return
    few = [Form.of(X[i]).array(X[i]) for i in worst]
    page.figure(
        heat(few, detector.energy_map(few), -detector.offset_), "Images, and the energy at each of their pixels."
    )


def _apart(energies: Energies, distance: int) -> NDArray[np.int64]:
    """Return the points of the highest energies, at least so far apart."""
    left, found = energies.copy(), []
    while len(found) < _SHOWN and left.max() > -np.inf:
        found.append(at := int(left.argmax()))
        left[max(0, at - distance) : at + distance + 1] = -np.inf
    return np.array(found)


def _lines(numbers: Any, energies: Any, told: Any) -> list[dict[str, object]]:
    """Return a line for each anomaly: the columns that add most to its energy, with value and expected value."""
    lines = []
    for number, energy, *each in zip(numbers, energies, *told, strict=True):
        line: dict[str, object] = {"row": int(number), "energy": float(energy)}
        for rank, (name, nats, value, expected) in enumerate(zip(*each, strict=True)):
            beside = "unusual beside the rest" if expected == value else f"expected {expected}"
            line[f"reason {rank + 1}"] = f"{name} = {value}, {beside} ({nats:.1f} nats)"
        lines.append(line)
    return lines


def _drawable(cells: Any) -> Any:
    """Return a column as numbers to draw: text by its order."""
    content, values = read_column("", cells)
    return values.astype(np.float64) if content == "number" else np.unique(cells.astype(str), return_inverse=True)[1]


def _flags(y: Any, count: int) -> Any:
    """Return known anomalies (N,) as booleans."""
    given = np.asarray(y)
    if given.shape != (count,) or not np.isin(given, (0, 1)).all():
        raise DataError(
            f"y must hold {count} numbers, 1 or true for known anomalies and 0 or false for usual samples; got "
            f"{shorten(given.ravel()[:5].tolist())} in shape {given.shape}. Compare labels with that of an anomaly."
        )
    return given.astype(bool)

"""The report of a generator: new samples, reconstructions, and what its code holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.data import kind
from diabolo.errors import CapabilityError
from diabolo.estimators.generation import drawing
from diabolo.estimators.generation.intake import numbers_of
from diabolo.estimators.generation.walks import along, levels
from diabolo.generation import summary
from diabolo.model import count_weights
from diabolo.report import Page, code_map, curves, gallery, pairs, units, walks

if TYPE_CHECKING:
    from diabolo.estimators.generation.generator import Generator

Array = NDArray[Any]

_LOOKED_AT = 1000
"""Samples that are scored, at most."""

_DRAWS = 100
"""Codes drawn for each of them."""

_NEW, _ROWS = 72, 12
"""New samples shown: images or series, and rows of a table."""

_WALKS = 8
"""Dimensions that are walked along, at most."""


def report(generator: Generator, X: Any, y: Any = None) -> Page:
    """Return the page of a generator on X, with what is known about its samples, or their colours, y."""
    numbers = numbers_of(generator, generator.form_, X)
    step = -(-len(numbers) // _LOOKED_AT)
    numbers, y = numbers[::step], _every(y, step)
    condition = y if generator.conditions_ is not None else None
    page = Page(f"Generator: {generator.n_components} numbers for {' × '.join(map(str, generator._given))}")
    page.paragraph(f"{generator.recipe_}\n{generator.recipe_.equation()}")
    page.table([_facts(generator, numbers, condition)])
    page.heading("New samples")
    _new(page, generator)
    page.heading("Input and reconstruction")
    few = numbers[:10]
    told = drawing.told(generator.conditions_, _every(condition, 1, len(few)), len(few))
    rebuilt = drawing.rebuilt(generator._blocks(few), told, len(few), generator.scaling_)
    page.figure(pairs(few, rebuilt, kind(generator.shape_)))
    page.heading("Along dimensions of the code")
    _along(page, generator)
    page.heading("What dimensions cost")
    if np.isfinite(generator.kl_).all():
        page.figure(units(generator.kl_))
    page.paragraph(generator._known.collapse if generator.collapsed_ else "No dimension has collapsed.")
    page.heading("Map of the code")
    page.figure(code_map(generator._encoded(numbers, condition), _colour(y)))
    if len(generator.history_):
        page.heading("Rate and distortion over training")
        page.figure(curves(generator.history_.columns, ("distortion", "rate")))
        page.figure(curves(generator.history_.columns))
    return page


def _facts(generator: Generator, numbers: Array, condition: Any) -> dict[str, object]:
    facts: dict[str, object] = {
        "samples": len(numbers),
        "code": generator.n_components,
        "weights": count_weights(generator.model_),
        "epochs": len(generator.history_),
        "ended": generator.history_.stopped,
    }
    try:
        terms = drawing.likelihoods(generator._fitted, generator._known, numbers, condition, _DRAWS, seed=0)
    except CapabilityError:  # a latent without densities
        return facts
    return facts | summary(terms.tolist(), int(np.prod(generator._given)))


def _new(page: Page, generator: Generator) -> None:
    """Show new samples, the same in each report."""
    found = kind(generator.shape_)
    if found == "table":
        page.table(_lines(generator.sample(_ROWS, seed=0)))
    else:
        page.figure(gallery(np.asarray(generator.sample(_NEW, seed=0)), found))


def _along(page: Page, generator: Generator) -> None:
    """Show what the dimensions do that cost most, or vary most, for the most frequent condition."""
    by = generator.kl_ if np.isfinite(generator.kl_).all() else generator.codes_[1]
    dimensions = np.argsort(-by, kind="stable")[:_WALKS].tolist()
    known = generator.codes_
    codes = [along(known[0], dimension, levels(known, dimension, None)) for dimension in dimensions]
    drawn = [drawing.decoded(generator._fitted, walk, _usual(generator, len(walk))) for walk in codes]
    found = kind(generator.shape_)
    if found != "table":
        page.figure(walks(np.stack(drawn), found, [f"dimension {d}" for d in dimensions]))
        return
    for dimension, walk, numbers in zip(dimensions, codes, drawn, strict=True):
        lines = zip(walk[:, dimension].tolist(), _lines(generator._back(numbers)), strict=True)
        page.table([{"dimension": dimension, "code": level} | line for level, line in lines])


def _usual(generator: Generator, count: int) -> Tensor | None:
    """Return the most frequent condition, so many times."""
    known = generator.conditions_
    return None if known is None else torch.from_numpy(known.rows[[known.shares.argmax()] * count])


def _lines(rows: Any) -> list[dict[str, object]]:
    """Return rows of a table in any form as lines of a page."""
    if hasattr(rows, "to_dicts"):
        return rows.to_dicts()
    if hasattr(rows, "to_dict"):
        return [{str(name): value for name, value in line.items()} for line in rows.to_dict("records")]
    return [{str(i): value for i, value in enumerate(line)} for line in np.asarray(rows).tolist()]


def _every(y: Any, step: int, count: int | None = None) -> Any:
    """Return every so manyth row of what is known, and so many of these."""
    if y is None:
        return None
    rows = y.iloc[::step] if hasattr(y, "iloc") else y[::step] if hasattr(y, "shape") else list(y)[::step]
    return rows if count is None else rows[:count]


def _colour(y: Any) -> Array | None:
    """Return colours for the map: numbers, or up to ten labels."""
    if y is None or hasattr(y, "columns") or np.ndim(y) != 1:
        return None
    colour = np.asarray(y)
    return colour if colour.dtype.kind in "iuf" or len(np.unique(colour.astype(str))) <= 10 else None

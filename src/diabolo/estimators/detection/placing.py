"""Where a detector's model places pieces, and how rare they are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Scaling
from diabolo.density import Density
from diabolo.errors import CapabilityError
from diabolo.estimators.detection.pieces import Cuts, Pieces, Stretches
from diabolo.estimators.detection.threshold import columns_of
from diabolo.estimators.detection.unheard import Unheard
from diabolo.estimators.start import Start
from diabolo.estimators.tabular import suited
from diabolo.likelihoods import Auto, SquaredError
from diabolo.model import Autoencoder, Recipe
from diabolo.nearness import BESIDE, GRAIN, ROWS, Measure, Placed
from diabolo.training import resolve

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

Array = NDArray[Any]
At = tuple[Autoencoder, torch.device, bool]
"""A model in the precision of its scores, its device, and whether that is float64."""

BLOCK = 1024
"""Pieces that are compared with the training pieces at a time."""

_LEARNT = 2**25
"""Numbers that a model learns from, at most; of more pieces, some are drawn."""

_FEW = 2
"""Columns up to which a row tells too little of itself to say who is usual."""


def started(detector: Detector, pieces: Pieces, recipe: Recipe, seed: int) -> Start:
    """Return what training starts from: numbers of a table are scaled by its schema, others anew."""
    array, _ = pieces.take(_drawn(len(pieces), max(2, _LEARNT // pieces.width), seed))
    size, scaling, schema = pieces.width, None, detector.schema_
    if schema is not None:
        scaling = Scaling(np.zeros(schema.width), np.ones(schema.width))
        size = size * len(schema.fields) // schema.width
        recipe = suited(recipe, schema) if array.ndim == 2 else suited(_any_numbers(recipe), schema)
    n = detector.n_components or min(max(round(size / 4), 1), 64)
    return Start.of(array, recipe, n, detector.schedule.validation, seed, resolve(detector.device), scaling)


def placed(
    detector: Detector, pieces: Pieces, index: NDArray[np.int64] | None = None, at: At | None = None
) -> Iterator[Placed]:
    """Yield where pieces lie, in blocks, in float64; the model may be `at` hand already."""
    model, device, _ = at or detector._at(precise=True)
    every, unheard = np.arange(len(pieces)) if index is None else index, Unheard.of(detector.schema_)
    for few in np.array_split(every, max(1, -(-len(every) // BLOCK))):
        array, counts = pieces.take(few)
        scaled = detector.scaling_.tensor(np.ascontiguousarray(array), dtype=torch.float64)
        counted = None if counts is None else torch.from_numpy(counts)
        found = Placed.by(model, detector.scaling_.batch(scaled).to(device), counted)
        yield found if unheard is None else unheard.far(found)


def density_of(detector: Detector, pieces: Pieces, seed: int) -> Density:
    """Return the density of pieces that were learned from; the seed chooses those that are kept.

    Windows of series are shuffled: neighbours are looked for among every second, third or fourth of those kept, which
    in their order would begin at some phases of a period only.
    """
    generator = torch.Generator().manual_seed(seed)
    few = Density.few(len(pieces), pieces.width, generator)
    if isinstance(pieces, Stretches):
        few = few[torch.randperm(len(few), generator=generator)]
    return Density.fit(Placed.joined(placed(detector, pieces, few.numpy())), measure_of(detector))


def energies(detector: Detector, pieces: Pieces) -> NDArray[np.float64]:
    """Return the energies of samples (N,)."""
    return pieces.scores(of_pieces(detector, pieces))


def of_pieces(detector: Detector, pieces: Pieces, at: At | None = None) -> NDArray[np.float64]:
    """Return the energies of the pieces themselves (P,); the model may be `at` hand already."""
    return np.concatenate([detector.density_.energy(each).numpy() for each in placed(detector, pieces, at=at)])


def energy_map(detector: Detector, pieces: Pieces) -> Any:
    """Return the energies of the points of samples, as an array, or as a list where sizes differ.

    Raises
    ------
    CapabilityError
        If samples are taken whole.
    """
    if not isinstance(pieces, Cuts):
        raise CapabilityError(
            "energy_map needs a Detector with a window, such as Detector(window='auto'), fitted anew; this one takes "
            "samples whole."
        )
    return pieces.maps(of_pieces(detector, pieces))


def measure_of(detector: Detector) -> Measure:
    """Return what is near for pieces as a detector takes them."""
    if detector.window_ is not None:
        return GRAIN if len(detector.shape_) == 3 else BESIDE
    return ROWS if detector.schema_ is not None and columns_of(detector) > _FEW else BESIDE


def _drawn(count: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return the rising numbers of all pieces, or of as many as may be."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def _any_numbers(recipe: Recipe) -> Recipe:
    """Return the recipe with the likelihood of any numbers, if it leaves that open: windows hold all sorts."""
    return recipe.revise(likelihood=SquaredError()) if isinstance(recipe.likelihood, Auto) else recipe

"""Where a detector's model places pieces, and how rare they are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Scaling, Schema
from diabolo.density import Density
from diabolo.errors import CapabilityError
from diabolo.estimators.detection.pieces import Cuts, Pieces, Stretches
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.detection.unheard import Unheard
from diabolo.estimators.fitted import FittedModel
from diabolo.flow import Shape
from diabolo.model import Autoencoder
from diabolo.nearness import Measure, Placed

BLOCK = 1024
"""Pieces that are compared with the training pieces at a time."""


@dataclass(frozen=True, eq=False)
class Placing:
    """A model at hand to place pieces, in the precision of scores: float64, where its device can.

    Parameters
    ----------
    model : Autoencoder
        The model, in that precision.
    scaling : Scaling
        Of what it takes.
    unheard : Unheard or None
        What a table never said in training.
    """

    model: Autoencoder
    scaling: Scaling
    unheard: Unheard | None

    @classmethod
    def of(cls, fitted: FittedModel, schema: Schema | None) -> Placing:
        """Return that of a fitted model, whose weights stay as they are, and of the schema of what it takes, if any."""
        return cls(fitted.precise().eval(), fitted.scaling, Unheard.of(schema))

    @property
    def shape(self) -> Shape:
        """The shape of a piece."""
        return self.model.shape

    def placed(self, pieces: Pieces, index: NDArray[np.int64] | None = None) -> Iterator[Placed]:
        """Yield where pieces lie, those of an index or all, in blocks, in float64."""
        every, device = np.arange(len(pieces)) if index is None else index, next(self.model.parameters()).device
        for few in np.array_split(every, max(1, -(-len(every) // BLOCK))):
            array, counts = pieces.take(few)
            scaled = self.scaling.tensor(np.ascontiguousarray(array), dtype=torch.float64)
            counted = None if counts is None else torch.from_numpy(counts)
            places = Placed.by(self.model, self.scaling.batch(scaled).to(device), counted)
            yield places if self.unheard is None else self.unheard.far(places)

    def density(self, pieces: Pieces, measure: Measure, seed: int) -> Density:
        """Return the density of pieces that were learned from; the seed chooses those that are kept.

        Windows of series are shuffled: neighbours are looked for among every second, third or fourth of those kept,
        which in their order would begin at some phases of a period only.
        """
        generator = torch.Generator().manual_seed(seed)
        few = Density.few(len(pieces), pieces.width, generator)
        if isinstance(pieces, Stretches):
            few = few[torch.randperm(len(few), generator=generator)]
        return Density.fit(Placed.joined(self.placed(pieces, few.numpy())), measure)


@dataclass(frozen=True, eq=False)
class Scorer:
    """How rare pieces are where a model places them.

    Parameters
    ----------
    placing : Placing
        The model that places them.
    density : Density
        The training pieces, placed by it.
    """

    placing: Placing
    density: Density

    @classmethod
    def of(cls, fitted: FittedModel, reading: Reading, learnt: Pieces, seed: int) -> Scorer:
        """Return that of a model and of the pieces it has learned from."""
        placing = Placing.of(fitted, reading.schema)
        return cls(placing, placing.density(learnt, reading.measure(placing.shape), seed))

    def energies(self, pieces: Pieces) -> NDArray[np.float64]:
        """Return the energies of samples (N,)."""
        return pieces.scores(self.of_pieces(pieces))

    def of_pieces(self, pieces: Pieces) -> NDArray[np.float64]:
        """Return the energies of the pieces themselves (P,)."""
        return np.concatenate([self.density.energy(each).numpy() for each in self.placing.placed(pieces)])

    def energy_map(self, pieces: Pieces) -> Any:
        """Return the energies of the points of samples, as an array, or as a list where sizes differ.

        Raises
        ------
        CapabilityError
            If samples are taken whole.
        """
        if not isinstance(pieces, Cuts):
            raise CapabilityError(
                "energy_map needs a Detector with a window, such as Detector(window='auto'), fitted anew; this one "
                "takes samples whole."
            )
        return pieces.maps(self.of_pieces(pieces))

"""Cross-fitting: scores of few training samples by models that have not seen them, which are those of new ones.

A model of few samples knows them: what it cannot rebuild of them is less than of new ones, and a line drawn from their
scores flags a great part of these (docs/decisions/0006).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diabolo.estimators.detection.pieces import Pieces, Whole
from diabolo.estimators.detection.placing import density_of, energies, started
from diabolo.estimators.detection.threshold import columns_of
from diabolo.estimators.fitted import FittedModel
from diabolo.model import Recipe

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

Scores = NDArray[np.float64]

_FOLDS, _ENOUGH = 3, 200
"""Parts of the samples, each scored by a model of the others; no more of them once there are so many scores."""

_LEAST, _FEW, _MOST = 10, 300, 50
"""Samples from which on there are folds, up to which there always are, and, for each column, a model knows its samples.
"""

_EPOCH = 2048
"""Samples of an epoch, which are repeated up to there: so many steps take longer in many short epochs."""


def out_of_fold(detector: Detector, pieces: Pieces, recipe: Recipe, seed: int) -> Scores | None:
    """Return the rising scores of training samples by models that have not seen them; None where there are no folds.

    There are none where samples are cut into windows, are too few, or so many that a model does not know them.
    """
    count = len(pieces)
    if not isinstance(pieces, Whole) or not _LEAST <= count <= max(_FEW, _MOST * columns_of(detector)):
        return None
    order = np.random.default_rng(seed).permutation(count)
    folds = (np.sort(order[i::_FOLDS]) for i in range(min(_FOLDS, -(-_ENOUGH // (count // _FOLDS)))))
    return np.sort(np.concatenate([_scored(detector, pieces, fold, recipe, seed) for fold in folds]))


def unseen(detector: Detector) -> Scores:
    """Return the rising scores that those of new samples compare with: of samples that no model has seen, if any."""
    return detector.scores_ if detector.out_of_fold_ is None else detector.out_of_fold_


def _scored(detector: Detector, pieces: Whole, fold: NDArray[np.int64], recipe: Recipe, seed: int) -> Scores:
    """Return the scores of a fold by a model of all other samples."""
    other, rest = copy.copy(detector), np.setdiff1d(np.arange(len(pieces)), fold)
    schedule, kept = detector.schedule, pieces.part(rest)
    if schedule.steps:  # half of them do: see docs/decisions/0006
        schedule = schedule(steps=-(-schedule.steps // 2))
    often = max(1, _EPOCH // len(rest)) if schedule.steps and not schedule.validation else 1
    other._keep(FittedModel.of(started(other, pieces.part(np.tile(rest, often)), recipe, seed), schedule))
    other.density_ = density_of(other, kept, seed)
    return energies(other, pieces.part(fold))

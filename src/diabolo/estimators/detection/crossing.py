"""Cross-fitting: scores of few training samples by models that have not seen them, which are those of new ones.

A model of few samples knows them: what it cannot rebuild of them is less than of new ones, and a line drawn from their
scores flags a great part of these (docs/decisions/0006).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diabolo.estimators.detection.pieces import Pieces, Whole
from diabolo.estimators.detection.placing import Scorer
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.detection.trainer import Trainer
from diabolo.model import Recipe
from diabolo.training import Training
from diabolo.training.plan import Plan

Scores = NDArray[np.float64]

_FOLDS, _ENOUGH = 3, 200
"""Parts of the samples, each scored by a model of the others; no more of them once there are so many scores."""

_LEAST, _FEW, _MOST = 10, 300, 50
"""Samples from which on there are folds, up to which there always are, and, for each column, a model knows its samples.
"""

_EPOCH = 2048
"""Samples of an epoch, which are repeated up to there: so many steps take longer in many short epochs."""


def out_of_fold(trainer: Trainer, reading: Reading, pieces: Pieces) -> Scores | None:
    """Return the rising scores of training samples by models that have not seen them; None where there are no folds.

    There are none where samples are cut into windows, are too few, or so many that a model does not know them.
    """
    count = len(pieces)
    if not isinstance(pieces, Whole) or not _LEAST <= count <= max(_FEW, _MOST * reading.values(pieces.shape)):
        return None
    order = np.random.default_rng(trainer.seed).permutation(count)
    folds = (np.sort(order[i::_FOLDS]) for i in range(min(_FOLDS, -(-_ENOUGH // (count // _FOLDS)))))
    return np.sort(np.concatenate([_scored(trainer, reading, pieces, fold) for fold in folds]))


def _scored(trainer: Trainer, reading: Reading, pieces: Whole, fold: NDArray[np.int64]) -> Scores:
    """Return the scores of a fold by a model of all other samples."""
    rest, training = np.setdiff1d(np.arange(len(pieces)), fold), trainer.training
    if training.steps:  # half of them do: see docs/decisions/0006
        training = training(steps=-(-training.steps // 2))
    repeated = pieces.part(np.tile(rest, _often(trainer.recipe, training, len(rest))))
    fitted = replace(trainer, training=training).trained(repeated, reading.schema)
    return Scorer.of(fitted, reading, pieces.part(rest), trainer.seed).energies(pieces.part(fold))


def _often(recipe: Recipe, training: Training, count: int) -> int:
    """Return how often an epoch has each of `count` samples: no epoch is longer than the whole run was to be.

    Once where a penalty looks at neighbours, which would be repetitions, or where some are held out.
    """
    if not training.steps or training.validation or any(penalty.pairing() for penalty in recipe.penalties):
        return 1
    wanted = min(_EPOCH, training.steps * Plan.of(training, _EPOCH).batch_size)
    return max(1, wanted // count)

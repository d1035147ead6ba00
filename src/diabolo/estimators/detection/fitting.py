"""A fit of a detector from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.estimators.detection.crossing import out_of_fold
from diabolo.estimators.detection.intake import learn
from diabolo.estimators.detection.memory import HELD, Memory
from diabolo.estimators.detection.placing import Scorer
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.detection.trainer import Trainer
from diabolo.estimators.detection.usual import Usual
from diabolo.estimators.fitted import FittedModel
from diabolo.training import Callback

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector


def fitted(
    detector: Detector, X: Any, callbacks: Sequence[Callback], checkpoint: str | PathLike[str] | None
) -> tuple[Reading, FittedModel, Usual]:
    """Return how X is read, a model of it, and what is usual there; the detector itself learns the columns only.

    Raises
    ------
    DataError, ParameterError, TrainingError
        As of `Detector.fit`.
    """
    recipe, seed, calibrates = detector.check_parameters(), detector._seed(), detector.false_alarm_rate is not None
    reading, learnt, judged = learn(detector, detector.window, X, HELD if calibrates else 0.0, seed)
    training = detector.training or learnt.schedule
    trainer = Trainer(recipe, detector.n_components, training, detector.device, seed)
    model = trainer.trained(learnt, reading.schema, callbacks, checkpoint)
    scorer = Scorer.of(model, reading, learnt, seed)
    energies = scorer.of_pieces(judged)
    usual = Usual(
        scorer.density,
        np.sort(judged.scores(energies)),
        ends=np.sort(energies) if reading.window and reading.schema else None,
        out_of_fold=None if calibrates else out_of_fold(trainer, reading, learnt),
        memory=None if reading.window else Memory.of(learnt, judged if calibrates else None, seed),
    )
    return reading, model, usual

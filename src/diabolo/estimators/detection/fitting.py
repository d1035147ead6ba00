"""A fit of a detector from the beginning: all of it happens to a copy, so that an error leaves what was fitted."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.estimators.detection.crossing import out_of_fold
from diabolo.estimators.detection.intake import learn
from diabolo.estimators.detection.memory import HELD, Memory
from diabolo.estimators.detection.placing import density_of, of_pieces, started
from diabolo.estimators.fitted import FittedModel
from diabolo.training import Callback

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector


def fitted(
    detector: Detector, X: Any, callbacks: Sequence[Callback], checkpoint: str | PathLike[str] | None
) -> Detector:
    """Return a copy of a detector that has learned what is usual from X; see `Detector.fit`.

    Raises
    ------
    DataError, ParameterError, TrainingError
        As of `Detector.fit`.
    """
    recipe, seed = detector.check_parameters(), detector._seed()
    fresh, rate = copy.copy(detector), detector.false_alarm_rate
    learnt, judged = learn(fresh, X, 0.0 if rate is None else HELD, seed)
    start, schedule = started(fresh, learnt, recipe, seed), fresh.training or learnt.schedule
    fresh._keep(FittedModel.of(start, schedule, callbacks, checkpoint))
    fresh.density_ = density_of(fresh, learnt, seed)
    each = of_pieces(fresh, judged)
    fresh.scores_ = np.sort(judged.scores(each))
    fresh.ends_ = np.sort(each) if fresh.window_ and fresh.schema_ else None
    fresh.out_of_fold_ = out_of_fold(fresh, learnt, recipe, seed) if rate is None else None
    fresh.memory_ = None if fresh.window_ else Memory.of(learnt, None if rate is None else judged, seed)
    fresh.drift_ = None
    return fresh.set_threshold(contamination=fresh.contamination, false_alarm_rate=rate)

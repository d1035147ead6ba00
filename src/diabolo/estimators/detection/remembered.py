"""What a detector learned besides its model, as it is saved and taken up again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo import files
from diabolo.density import Density
from diabolo.errors import FileError
from diabolo.estimators.detection.memory import Memory
from diabolo.estimators.detection.pieces import side_of
from diabolo.estimators.detection.placing import measure_of
from diabolo.estimators.detection.threshold import Threshold
from diabolo.estimators.detection.windowed import WINDOW
from diabolo.estimators.tabular import restored
from diabolo.nearness import BESIDE, ROWS, Measure

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector


def remembered(detector: Detector) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what to save: plain JSON, and arrays."""
    schema = None if detector.schema_ is None else detector.schema_.to_json()
    arrays = {f"density.{name}": value for name, value in detector.density_.arrays().items()}
    memory = {} if detector.memory_ is None else detector.memory_.arrays()
    arrays |= {f"memory.{name}": value for name, value in memory.items()}
    ends = {} if detector.ends_ is None else {"ends": torch.from_numpy(detector.ends_)}
    folds = {} if detector.out_of_fold_ is None else {"out_of_fold": torch.from_numpy(detector.out_of_fold_)}
    plain = {"schema": schema, "threshold": detector.threshold_.to_json()}
    return plain, arrays | ends | folds | {"scores": torch.from_numpy(detector.scores_)}


def recall(detector: Detector, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
    """Take up what `remembered` gave.

    Raises
    ------
    FileError
        If it is foreign or was edited.
    """
    detector.schema_ = restored(plain["schema"], detector.shape_, detector.n_features_in_)
    density, memory = files.under("density.", arrays), files.under("memory.", arrays)
    _demand_windows(detector)
    windowed = detector.window_ is not None
    detector.memory_, detector.drift_ = None if windowed else Memory.from_arrays(memory, detector.shape_), None
    width, n = math.prod(detector.shape_), detector.model_.n
    detector.density_ = Density.from_arrays(density, width, n, _measure(detector, density))
    detector.scores_ = _scores(arrays["scores"])
    detector.out_of_fold_ = _scores(arrays["out_of_fold"]) if "out_of_fold" in arrays else None
    detector.ends_ = _scores(arrays["ends"]) if windowed and detector.schema_ else None
    said = {"contamination": detector.contamination, "false_alarm_rate": detector.false_alarm_rate}
    detector.threshold_ = Threshold(**plain.get("threshold", said))  # older files have none
    detector.threshold_.check(type(detector).__name__)
    if not np.isfinite(detector.offset_):
        raise FileError("its threshold is no finite number")


def _measure(detector: Detector, density: dict[str, Tensor]) -> Measure:
    """Return what was near to a detector when it was saved: older ones took tables as they take series."""
    measure = measure_of(detector)
    older = measure is ROWS and density.get("scales", torch.empty(0)).numel() == 1 + len(BESIDE.each)
    return BESIDE if older else measure


def _scores(array: Tensor) -> NDArray[np.float64]:
    if array.ndim != 1 or not len(array) or not bool(array.isfinite().all()):
        raise FileError("its scores are not finite numbers")
    return array.numpy()


def _demand_windows(detector: Detector) -> None:
    size, shape = detector.window_, detector.shape_
    clock = detector.clock_ is None or isinstance(detector.clock_, str)
    single = isinstance(detector.single_, bool) and (not detector.single_ or (size is not None and len(shape) == 2))
    if not clock or not single or isinstance(size, str) or size not in WINDOW:
        raise FileError(f"it has no sound window ({size!r}, {detector.clock_!r})")
    if (detector.schema_ is None) == (len(shape) == (1 if size is None else 2)):
        raise FileError(f"it has no sound window ({size!r}), for its model takes samples of shape {shape}")
    if size is not None and shape[:1] != (size,) and shape[1:] != (side_of(size),) * 2:
        raise FileError(f"its windows have {size} points, but its model takes samples of shape {shape}")

"""Points of a series as they come: each is scored by the window that ends with it, and no more is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo import files
from diabolo.data.windows import Windows
from diabolo.errors import CapabilityError, FileError
from diabolo.estimators.detection.pieces import Stretches
from diabolo.estimators.detection.serial import axes_of, encode
from diabolo.estimators.detection.threshold import Threshold

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

_KEY = "stream"
"""Where in a document the state of a stream tells what it depends on."""


class Stream:
    """A series that is scored while it comes in; `Detector.stream` makes it.

    The score of a point is minus the energy of the window that ends with it, which is what `score_samples` gives to the
    last point of the series so far. Points before it in a whole series have the mean of windows that look ahead as
    well, which a stream cannot. Work and memory are those of one window, however much has gone by.

    Parameters
    ----------
    detector : Detector
        A fitted one, with a window of series; fitted anew, it needs a new stream.
    path : path, optional
        Where the state of a stream was saved that this one goes on from.

    Raises
    ------
    CapabilityError
        If the detector has no window, or one of images.
    FileError
        If the state is foreign, was edited, or is of a detector of other columns or windows.

    Examples
    --------
    >>> from diabolo import Detector
    >>> X = np.sin(np.arange(600) / 4)
    >>> detector = Detector(window=25, random_state=0).fit(X)
    >>> stream = detector.stream()
    >>> scores = stream.score_next(X[:100])  # the first 24 points are waiting for a window
    >>> int(np.isnan(scores).sum())
    24
    >>> (stream.score_next(X[100]) < stream.offset()).tolist(), (stream.score_next(5.0) < stream.offset()).tolist()
    ([False], [True])
    """

    def __init__(self, detector: Detector, path: str | PathLike[str] | None = None) -> None:
        reading = detector._reading
        if reading.window is None or reading.schema is None:
            raise CapabilityError(
                "stream needs a Detector with a window, such as Detector(window='auto'), fitted on series; this one "
                "takes whole samples or images."
            )
        self._detector, self._reading, self._scorer = detector, reading, detector._scorer
        self._size, self._schema = reading.window, reading.schema
        self._framed = hasattr(detector, "feature_names_in_")
        self._values = np.empty((0, self._schema.width))  # (K, P), the last points, fewer than a window
        self._counts = np.empty((0, self._schema.width), dtype=bool)
        if path is not None:
            self._restore(path)

    def score_next(self, x: Any) -> NDArray[np.float64]:
        """Return how usual the next points are, (B,): the lower, the more of an anomaly; NaN until a window is full.

        Parameters
        ----------
        x : array, data frame or tensor (B, C)
            The points, in any number, in the form of a series that the detector scores; one alone may be (C,), or a
            row of a data frame, such as ``frame.iloc[7]``, which goes by its names.

        Raises
        ------
        DataError
            If they are not what was learned; the stream is then as it was.
        """
        new, counts = encode(self._detector, self._reading, _in_rows(x, self._schema.names, self._framed))
        values = np.concatenate([self._values, new])
        counts = np.concatenate([self._counts, np.ones(new.shape, bool) if counts is None else counts])
        scores = np.full(len(new), np.nan)
        if len(values) >= self._size:
            ends, seen = (Windows(self._size).of([each]) for each in (values, counts))
            scores[-len(ends) :] = -self._scorer.of_pieces(Stretches(ends, None if counts.all() else seen))
        self._values, self._counts = (each[1 - self._size :].copy() for each in (values, counts))
        return scores

    def offset(self, *, contamination: float | str | None = None, false_alarm_rate: float | None = None) -> float:
        """Return the score below which a point is to be flagged; if nothing is said, by the detector's `threshold_`.

        It is drawn as `Detector.set_threshold` draws it, but from single windows: their energies vary more than the
        means over windows that `offset_` is for.

        Raises
        ------
        ParameterError
            If a parameter is not allowed.
        DataError
            If there are too few windows for so low a rate.
        """
        if contamination is None and false_alarm_rate is None:
            threshold = self._detector.threshold_
        else:
            threshold = Threshold("auto" if contamination is None else contamination, false_alarm_rate)
        threshold.check(type(self).__name__)
        columns = self._reading.values(self._scorer.placing.shape)
        return -threshold.of(cast(NDArray[np.float64], self._detector.ends_), columns=columns)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the state, less than a window of points, to a folder, or to one zip if `path` ends in ".zip".

        ``detector.stream(path)`` goes on from there; the detector is saved by itself.

        Raises
        ------
        FileError
            If something other than the state of a stream is there already.
        """
        if files.real(path).exists() and _KEY not in files.load(Path(path))[0]:
            raise FileError(f"{path} exists and is no state of a stream; choose another path.")
        arrays = {"values": torch.from_numpy(self._values), "counts": torch.from_numpy(self._counts)}
        files.save(Path(path), {_KEY: self._known()}, arrays)

    def _restore(self, path: str | PathLike[str]) -> None:
        document, arrays = files.load(Path(path))
        if document.get(_KEY) != self._known():
            raise FileError(
                f"{path} is no state of a stream of this detector, or of one with other columns or windows."
            )
        values, counts = arrays.get("values", torch.empty(0)), arrays.get("counts", torch.empty(0))
        shape, kinds = tuple(values.shape), (values.dtype, counts.dtype)
        sound = kinds == (torch.float64, torch.bool) and shape == tuple(counts.shape) and bool(values.isfinite().all())
        if not sound or len(shape) != 2 or shape[0] >= self._size or shape[1] != self._schema.width:
            raise FileError(f"{path} holds no sound state of a stream; it was edited: begin a new stream.")
        self._values, self._counts = values.numpy(), counts.numpy()

    def _known(self) -> dict[str, Any]:
        """Return what a state depends on, as plain JSON."""
        return {"window": self._size, "schema": self._schema.to_json()}


def _in_rows(x: Any, names: Sequence[str], framed: bool) -> Any:
    """Return points as rows: one alone may come without its axis, as may those of one channel."""
    if framed and hasattr(x, "to_frame") and set(names) <= set(map(str, getattr(x, "index", ()))):
        return x.to_frame().T  # a row of a data frame of pandas
    if hasattr(x, "columns") or axes_of(x) > 1:
        return x
    array = x if isinstance(x, np.ndarray | torch.Tensor) else np.array(x, dtype=object)
    return array.reshape((-1, 1) if len(names) == 1 else (1, -1))

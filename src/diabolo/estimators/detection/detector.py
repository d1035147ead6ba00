"""Anomaly detection in tables, series and images, with reasons and with thresholds that hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Maybe, Whole, demand
from diabolo.corruptions import GaussianNoise
from diabolo.data import Schema, read
from diabolo.data.pictures import by_file
from diabolo.density import Density
from diabolo.estimators.base import Estimator
from diabolo.estimators.detection.drifting import drift
from diabolo.estimators.detection.explaining import expected, explained
from diabolo.estimators.detection.findings import findings
from diabolo.estimators.detection.fitting import fitted
from diabolo.estimators.detection.incremental import Pace, learn_on
from diabolo.estimators.detection.intake import samples
from diabolo.estimators.detection.memory import SPAN, Memory
from diabolo.estimators.detection.pieces import SAMPLES, Pieces
from diabolo.estimators.detection.placing import Placing, Scorer
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.detection.report import report
from diabolo.estimators.detection.saving import drawn, recalled, saved
from diabolo.estimators.detection.streaming import Stream
from diabolo.estimators.detection.threshold import Threshold, offset_of, warn_of_strangers
from diabolo.estimators.detection.usual import Usual
from diabolo.estimators.detection.windowed import WINDOW
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.sources import gathered, part_by_part
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.flow import Shape
from diabolo.metrics import Drift, p_values
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.report import Page
from diabolo.training import Callback, Training


class Detector(OutlierMixin, Estimator):
    """Anomaly detection with an autoencoder: samples unlike those it was fitted on, and why.

    A small denoising autoencoder is trained for a few hundred steps. A sample is placed by what the model cannot
    rebuild of it and by its code, and its score is its energy there among the training samples: see `Density`. It does
    not matter whether the training samples are all usual or hold some anomalies too.

    Parameters
    ----------
    n_components : int, optional
        Size of the code; by default a quarter of the columns, or of the numbers of a sample; from 1 to 64.
    recipe : Recipe or str
        The composition, or the name of one: see ``diabolo recipes``.
    training : Training, optional
        How it is trained; by default for 400 steps of 256 samples, or 50 of 64 windows of series.
    random_state : int, RandomState or None
        Decides initial weights, order and noise: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    contamination : float or "auto"
        Share of the training samples that are anomalies: so many are flagged. "auto" flags scores far out.
    false_alarm_rate : float, optional
        The probability that a usual sample is flagged. A fifth of the training samples is then held out to calibrate
        the threshold, so that the rate holds for whatever the model is; they should be usual ones.
    window : int or "auto", optional
        For long series and large images: they are cut into windows of so many points (pixels along both axes), and a
        point is as unusual as the windows that cover it. X is then one series (T,), (T, C) or a data frame in the
        order of time, and its points are the samples; or many series or images, of one size or, as a list, of several.
        Series may hold what tables may. "auto" takes the period of the series, or 16 pixels.
    memory : int, optional
        Of `partial_fit`: how many samples back are remembered, their mean age; by default as many as it was fitted on,
        or 10,000 if that is more.

    Attributes
    ----------
    offset_ : float
        The threshold: samples with a `score_samples` below it are flagged.
    scores_ : ndarray (m,)
        Rising scores of the samples that `p_values` and thresholds compare with: those held out, or trained on.
    out_of_fold_ : ndarray (m,) or None
        Rising scores of few training samples by models that had not seen them; `p_values`, and thresholds other than a
        stated `contamination`, compare with these instead.
    threshold_ : Threshold
        How the line is drawn: as the parameters say, or as `set_threshold` said since.
    ends_ : ndarray (k,) or None
        Rising energies of the windows that `scores_` are of: what a stream compares with.
    schema_ : Schema or None
        The columns of a table, or of series with a window.
    window_ : int or None
        The size of windows.
    single_ : bool
        Whether X is one series, whose points are the samples.
    clock_ : str or None
        The column of a series that tells the time, which is not looked at.
    density_ : Density
        The training samples, placed.
    memory_ : Memory or None
        Samples that stand for those gone by; none where there are windows.
    drift_ : Drift or None
        Whether the latest batch of `partial_fit` was as those before it; None before one, and of a loaded detector.
    model_, recipe_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As for `Reducer`.

    Notes
    -----
    X may be a table (N, D), series (N, T, C) or images (N, C, H, W), as for `Reducer`. Tables may hold text, booleans,
    dates and missing values. Of a file too large for memory, a part is learnt from.

    Examples
    --------
    >>> import numpy as np
    >>> from diabolo import Detector
    >>> X = np.random.default_rng(0).normal(size=(500, 4)) @ np.diag([1.0, 1.0, 0.1, 10.0])
    >>> detector = Detector(random_state=0).fit(X)
    >>> detector.predict([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0]])
    array([ 1, -1])
    >>> int(detector.explain([[0.0, 0.0, 3.0, 0.0]]).argmax())
    2
    """

    verbs: ClassVar[tuple[str, ...]] = ("score_samples", "predict", "p_values", "explain", "reconstruct", "findings")
    row_verb: ClassVar[str | None] = "findings"
    scalars: ClassVar[tuple[str, ...]] = ("offset_", "window_", "single_", "clock_")
    sizes = Maybe(Whole(1, 2**20), "a quarter of the columns")
    takes_missing = True

    schema_: Schema | None
    density_: Density
    scores_: NDArray[np.float64]
    out_of_fold_: NDArray[np.float64] | None
    threshold_: Threshold
    ends_: NDArray[np.float64] | None
    offset_: float
    window_: int | None
    single_: bool
    memory_: Memory | None
    drift_: Drift | None
    clock_: str | None

    def __init__(
        self,
        n_components: int | None = None,
        *,
        recipe: Recipe | str = Recipe(MLP(hidden=(128,), activation="relu"), corruption=GaussianNoise(0.2)),
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
        contamination: float | str = "auto",
        false_alarm_rate: float | None = None,
        window: int | str | None = None,
        memory: int | None = None,
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.contamination = contamination
        self.false_alarm_rate = false_alarm_rate
        self.window = window
        self.memory = memory

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn what is usual from X; y is ignored.

        After an error the detector is as it was.

        Parameters
        ----------
        X : array, data frame, tensor or path
            At least two samples.
        y : ignored
            For the sake of pipelines.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X holds infinity or identifiers, or is too small.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.
        """
        vars(self).pop("model_", None)  # not fitted while it learns anew: see `_given`
        self._learned(*fitted(self, X, callbacks, checkpoint))
        return self.set_threshold(contamination=self.contamination, false_alarm_rate=self.false_alarm_rate)

    @all_or_nothing
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn on from a batch X, older samples fading; a detector that is not fitted is fitted on it; y is ignored.

        Model, training samples and threshold go with the samples, their scaling stays. Hand over all samples but those
        known to be anomalies.

        Raises
        ------
        CapabilityError
            If it has a window.
        DataError, ParameterError, TrainingError
            As `fit` does; the detector is then as it was.
        """
        if not self.__sklearn_is_fitted__():
            return self.fit(X)
        self.check_parameters()
        self._usual.demand_memory()
        batch = self._read(gathered(read(X)))
        pace = Pace(self.schedule, self.memory, self._seed())
        self._learned(self._reading, *learn_on(self._fitted, self._usual, self.schema_, batch, pace))
        self._draw(self.threshold_)
        return self

    def drift(self, X: Any) -> Drift:
        """Return whether samples are drawn as those that the detector goes by: a p-value, and one for each column.

        Raises
        ------
        CapabilityError
            If the detector has a window.
        """
        check_is_fitted(self)
        batch = self._read(gathered(read(X)))
        return drift(self._scorer, self._usual, self.schema_, batch)

    def set_threshold(self, *, contamination: float | str = "auto", false_alarm_rate: float | None = None) -> Self:
        """Draw the line anew, without fitting; parameters as those of the detector.

        It stays in force for `partial_fit` and `stream`, until a `fit`. A false alarm rate holds exactly if the
        detector was fitted with one, so that samples were held out; otherwise the training samples stand for them.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> detector = Detector(random_state=0).fit(X)
        >>> [int((detector.set_threshold(contamination=c).predict(X) < 0).sum()) for c in (0.05, 0.2)]
        [10, 40]
        """
        check_is_fitted(self)
        threshold = Threshold(contamination, false_alarm_rate)
        threshold.check(type(self).__name__)
        self._draw(threshold)
        warn_of_strangers(threshold, self.offset_, self.out_of_fold_)
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return how usual samples are, (N,): minus their energy in nats; the lower, the more of an anomaly."""
        return self._in_parts(lambda part: -self._scorer.energies(self._read(part)), X)

    def stream(self, path: str | PathLike[str] | None = None) -> Stream:
        """Return a new stream, which scores the points of a series as they come; or go on from a state at `path`.

        Raises
        ------
        CapabilityError
            If the detector has no window, or one of images.
        FileError
            If what is at `path` is no state of a stream of this detector.
        """
        check_is_fitted(self)
        return Stream(self, path)

    def energy_map(self, X: Any) -> Any:
        """Return how unusual each point or pixel is, in nats: (N, T) or (N, H, W), a list if sizes differ.

        One series, whose points are the samples, has (T,): minus its `score_samples`.

        Raises
        ------
        CapabilityError
            If the detector has no `window`.
        """
        return self._in_parts(lambda part: self._scorer.energy_map(self._read(part)), X)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return `score_samples` minus the threshold, (N,): below 0 are anomalies."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return 1 for usual samples and -1 for anomalies, (N,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of a score so high among usual samples, (N,); small for anomalies.

        Exact (never too small, on average over calibration samples) if fitted with a `false_alarm_rate`. For a batch,
        ``metrics.discoveries(p, rate)`` flags such that at most a share `rate` of what it flags is usual.
        """
        energies = -self.score_samples(X)
        return p_values(self._usual.unseen, energies)

    def explain(self, X: Any) -> Any:
        """Return what each value adds to the energy: (N, D) of a table, as X; the shape of X for series and images.

        The parts of a sample sum to minus its `score_samples`. What the model expected instead, `reconstruct` gives.
        """
        return self._in_parts(lambda part: explained(self._reading, self._scorer, part, self._read(part)), X)

    def reconstruct(self, X: Any) -> Any:
        """Return what the model expects instead of X, in the form and the units of X; missing values are filled in."""
        return self._in_parts(lambda part: expected(self._reading, self._scorer.placing, part, self._read(part)), X)

    def findings(self, X: Any) -> Any:
        """Return what was found as a data frame, a row for each sample.

        Beside the columns of a table X it has ``energy``, ``p_value`` and ``anomaly``, whether it is flagged; for
        tables also the columns that add most to the energy, ``reason_1`` to ``reason_3``, with what they add,
        ``nats_1``, and what the model expected there, ``expected_1``. A frame of polars gives one of polars, all else
        one of pandas; of a folder of images the index is the names of the files.

        Raises
        ------
        CapabilityError
            If pandas is not installed.
        """
        found = self._in_parts(lambda part: findings(self, part), X)
        return found if self.schema_ is not None else by_file(found, X)

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with the scores and the threshold, the greatest anomalies and why, and the loss curves.

        Parameters
        ----------
        X : array, data frame, tensor or path
            Samples to show.
        y : array of (N,), optional
            1 or true for known anomalies: the page then says how well they are found.
        """
        check_is_fitted(self)
        return report(self, X, y)

    def check_parameters(self) -> Recipe:
        Threshold(self.contamination, self.false_alarm_rate).check(type(self).__name__)
        demand("window", type(self).__name__, self.window, WINDOW)
        demand("memory", type(self).__name__, self.memory, SPAN)
        return super().check_parameters()

    @property
    def schedule(self) -> Training:
        """How it is trained, if not on windows of series."""
        return self.training or SAMPLES

    @property
    def in_parts(self) -> bool:
        """Whether rows on disk can be given part by part: not if they are the points of one series."""
        return self.window_ is None

    @property
    def _given(self) -> Shape:
        if not self.__sklearn_is_fitted__():  # it learns, and compares series with the first one
            return (self.n_features_in_,)
        return self.shape_ if self.schema_ is None else (len(self.schema_.fields),)

    @property
    def _reading(self) -> Reading:
        return Reading(self.schema_, self.window_, self.single_, self.clock_)

    @property
    def _usual(self) -> Usual:
        return Usual(self.density_, self.scores_, self.ends_, self.out_of_fold_, self.memory_, self.drift_)

    @property
    def _scorer(self) -> Scorer:
        return Scorer(Placing.of(self._fitted, self.schema_), self.density_)

    def _learned(self, reading: Reading, fitted: FittedModel, usual: Usual) -> None:
        """Take up what was learned: nothing else sets these attributes, but a file its `scalars` just before."""
        self._keep(fitted)
        self.schema_, self.window_ = reading.schema, reading.window
        self.single_, self.clock_ = reading.single, reading.clock
        self.density_, self.scores_, self.ends_ = usual.density, usual.scores, usual.ends
        self.out_of_fold_, self.memory_, self.drift_ = usual.out_of_fold, usual.memory, usual.drift

    def _draw(self, threshold: Threshold) -> None:
        """Draw the line among what was learned."""
        self.threshold_, self.offset_ = threshold, offset_of(threshold, self._reading, self.shape_, self._usual)

    def _read(self, X: Any) -> Pieces:
        return samples(self, self._reading, X)

    def _in_parts(self, method: Callable[[Any], Any], X: Any) -> Any:
        """Return what a method makes of X: rows on disk come part by part, unless they are the points of one series."""
        check_is_fitted(self)
        X = read(X)
        return part_by_part(method, X if self.in_parts else gathered(X))

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return saved(self._reading, self._usual, self.threshold_)

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        scalars = Reading(None, self.window_, self.single_, self.clock_)  # of the file, not looked at so far
        reading, usual = recalled(plain, arrays, scalars, self.shape_, self.n_features_in_, self.model_.n)
        self._learned(reading, self._fitted, usual)
        said = Threshold(self.contamination, self.false_alarm_rate)
        self.threshold_ = drawn(plain, said, self.offset_, type(self).__name__)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

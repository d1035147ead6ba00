"""Anomaly detection in tables, series and images, with reasons and with thresholds that hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Maybe, Whole
from diabolo.corruptions import GaussianNoise
from diabolo.data import Form, Scaling, Schema, Stored, joined, read
from diabolo.density import Density, Placed
from diabolo.errors import FileError
from diabolo.estimators.base import Estimator
from diabolo.estimators.findings import report
from diabolo.estimators.intake import learn, samples
from diabolo.estimators.start import Start
from diabolo.estimators.tabular import framed, per_field, restored, suited
from diabolo.estimators.threshold import Threshold
from diabolo.flow import Shape
from diabolo.metrics import p_values
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.report import Page
from diabolo.training import Callback, Training, resolve

Array = NDArray[Any]

_BLOCK = 1024
"""Samples that are compared with the training samples at a time."""

_SCORED = 20_000
"""Training samples that the threshold looks at, at most."""

_HELD = 0.2
"""Share of the samples held out to calibrate a false alarm rate."""


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
    training : Training
        How it is trained.
    random_state : int, RandomState or None
        Decides initial weights, order and noise: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    contamination : float or "auto"
        Share of the training samples that are anomalies: so many are flagged. "auto" flags scores far out.
    false_alarm_rate : float, optional
        The probability that a usual sample is flagged. A fifth of the training samples is then held out to calibrate
        the threshold, so that the rate holds for whatever the model is; they should be usual ones.

    Attributes
    ----------
    offset_ : float
        The threshold: samples with a `score_samples` below it are flagged.
    scores_ : ndarray (m,)
        Rising scores of the samples that `p_values` and thresholds compare with: those held out, or trained on.
    schema_ : Schema or None
        The columns of a table.
    density_ : Density
        The training samples, placed.
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

    verbs: ClassVar[tuple[str, ...]] = ("score_samples", "predict", "p_values", "explain", "reconstruct")
    scalars: ClassVar[tuple[str, ...]] = ("offset_",)
    sizes = Maybe(Whole(1, 2**20), "a quarter of the columns")
    takes_missing = True

    schema_: Schema | None
    density_: Density
    scores_: NDArray[np.float64]
    offset_: float

    def __init__(
        self,
        n_components: int | None = None,
        *,
        recipe: Recipe | str = Recipe(MLP(hidden=(128,), activation="relu"), corruption=GaussianNoise(0.2)),
        training: Training = Training(steps=400, batch_size=256, validation=0.0),
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
        contamination: float | str = "auto",
        false_alarm_rate: float | None = None,
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.contamination = contamination
        self.false_alarm_rate = false_alarm_rate

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn what is usual from X; y is ignored.

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
        recipe, seed = self.check_parameters(), self._seed()
        array, counts, learnt, held = learn(self, X, 0.0 if self.false_alarm_rate is None else _HELD, seed)
        self._train(self._started(array[learnt.numpy()], recipe, seed), callbacks, checkpoint)
        few = Density.few(len(learnt), int(np.prod(self.shape_)), torch.Generator().manual_seed(seed))
        self.density_ = Density.fit(Placed.joined(self._placed(array, counts, learnt[few])))
        judged = held if len(held) else learnt[:: -(-len(learnt) // _SCORED)]
        self.scores_ = np.sort(self._energies(array, counts, judged))
        return self.set_threshold(contamination=self.contamination, false_alarm_rate=self.false_alarm_rate)

    def set_threshold(self, *, contamination: float | str = "auto", false_alarm_rate: float | None = None) -> Self:
        """Draw the line anew, without fitting; parameters as those of the detector.

        A false alarm rate holds exactly if the detector was fitted with one, so that samples were held out; otherwise
        the training samples stand for them.

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
        self.offset_ = -threshold.of(self.scores_)
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return how usual samples are, (N,): minus their energy in nats; the lower, the more of an anomaly."""
        check_is_fitted(self)
        X = read(X)
        if isinstance(X, Stored):
            return joined(self.score_samples(part) for part in X.parts())
        return -self._energies(*samples(self, X))

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
        return p_values(self.scores_, energies)

    def explain(self, X: Any) -> Any:
        """Return what each value adds to the energy: (N, D) of a table, as X; the shape of X for series and images.

        The parts of a sample sum to minus its `score_samples`. What the model expected instead, `reconstruct` gives.
        """
        check_is_fitted(self)
        X = read(X)
        if isinstance(X, Stored):
            return joined(self.explain(part) for part in X.parts())
        array, counts = samples(self, X)
        parts = np.concatenate([self.density_.parts(placed).numpy() for placed in self._placed(array, counts)])
        if self.schema_ is None:
            return parts.reshape(array.shape)
        return framed(Form.of(X), self.schema_, list(per_field(self.schema_, parts).T))

    def reconstruct(self, X: Any) -> Any:
        """Return what the model expects instead of X, in the form and the units of X; missing values are filled in."""
        check_is_fitted(self)
        X = read(X)
        if isinstance(X, Stored):
            return joined(self.reconstruct(part) for part in X.parts())
        array, _ = samples(self, X)
        rebuilt = self._rebuilt(array)
        if self.schema_ is None:
            return Form.of(X).back(rebuilt)
        return framed(Form.of(X), self.schema_, self.schema_.decode(rebuilt))

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
        return super().check_parameters()

    @property
    def _given(self) -> Shape:
        return self.shape_ if self.schema_ is None else (len(self.schema_.fields),)

    def _started(self, array: Array, recipe: Recipe, seed: int) -> Start:
        """Return what training starts from: a table is scaled by its schema."""
        size, scaling = int(np.prod(array.shape[1:])), None
        if self.schema_ is not None:
            size, scaling = len(self.schema_.fields), Scaling(np.zeros(size), np.ones(size))
            recipe = suited(recipe, self.schema_)
        n = self.n_components or min(max(round(size / 4), 1), 64)
        return Start.of(array, recipe, n, self.training.validation, seed, resolve(self.device), scaling)

    def _placed(self, array: Array, counts: Array | None, rows: Tensor | None = None) -> Iterator[Placed]:
        """Yield where samples lie, in blocks, in float64."""
        model, device, _ = self._at(precise=True)
        every = np.arange(len(array)) if rows is None else rows.numpy()
        for index in np.array_split(every, max(1, -(-len(every) // _BLOCK))):
            tensor = self.scaling_.tensor(np.ascontiguousarray(array[index]), dtype=torch.float64)
            placed = Placed.by(model, self.scaling_.batch(tensor).to(device))
            if counts is not None:
                placed = replace(placed, residual=placed.residual * torch.from_numpy(counts[index]))
            yield placed

    def _energies(self, array: Array, counts: Array | None, rows: Tensor | None = None) -> NDArray[np.float64]:
        return np.concatenate([self.density_.energy(placed).numpy() for placed in self._placed(array, counts, rows)])

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        schema = None if self.schema_ is None else self.schema_.to_json()
        arrays = {f"density.{name}": value for name, value in self.density_.arrays().items()}
        return {"schema": schema}, arrays | {"scores": torch.from_numpy(self.scores_)}

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        self.schema_ = restored(plain["schema"], self.shape_, self.n_features_in_)
        density = {name.removeprefix("density."): arrays[name] for name in arrays if name.startswith("density.")}
        self.density_ = Density.from_arrays(density, int(np.prod(self.shape_)), self.model_.n)
        self.scores_ = arrays["scores"].numpy()
        if self.scores_.ndim != 1 or not len(self.scores_) or not np.isfinite([*self.scores_, self.offset_]).all():
            raise FileError("its scores are not finite numbers")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

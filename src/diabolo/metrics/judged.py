"""Judged: how well a classifier tells samples from real ones, and how well a predictor learns from samples.

Both depend on the judge and on its seed. So a score is one of several, and beside each stands what real data get from
the same judge: real samples told from other real ones, a predictor that learned from real ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from diabolo.check import Maybe, Whole, demand, shorten
from diabolo.errors import ParameterError
from diabolo.metrics.arrays import Array, alike, windows

_FOLDS = 5
_MOST = 1000
"""Series of each kind that a judge sees, at most."""

_PIECES = 10_000
"""Steps that a predictor learns from, or is tested on, at most."""


@dataclass(frozen=True)
class Judged:
    """Scores of samples, one for each seed, and of real data from the same judge.

    Examples
    --------
    >>> print(Judged((0.2, 0.3), (0.0, 0.1)))
    0.250 ± 0.071 (real data: 0.050 ± 0.071)
    """

    scores: tuple[float, ...]
    reference: tuple[float, ...]

    @property
    def score(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(self.scores))

    @property
    def floor(self) -> float:
        """The mean over the seeds of what real data get."""
        return float(np.mean(self.reference))

    def __str__(self) -> str:
        own, real = (f"{np.mean(each):.3f} ± {_deviation(each):.3f}" for each in (self.scores, self.reference))
        return f"{own} (real data: {real})"


def discriminative(real: ArrayLike, other: ArrayLike, judge: Any = None, seeds: int = 5) -> Judged:
    """Return |½ − accuracy| of a classifier that tells series from real ones: 0 if it cannot, ½ if it always can.

    For each seed, the real series are split: one half is told from as many of the others, and for reference from the
    other half, each time by cross-validation in 5 folds. Of each kind at most 1,000 series are taken, at random. Give
    real series from which the others were not made: a copy is told apart too, but from its original by luck only.

    Parameters
    ----------
    real, other : array (N, T, C), (M, T, C)
        Series of both, at least 10 real ones and 5 others.
    judge : scikit-learn classifier, optional
        It sees the steps of a series and the differences of neighbouring ones, (N, (2T − 1) C), and gets each seed as
        `random_state`; by default 100 extremely randomised trees.
    seeds : int
        How many.

    Raises
    ------
    ParameterError
        If `judge` is no classifier, or `seeds` not an integer >= 1.
    DataError
        If the arrays are not of shapes (N, T, C) and (M, T, C), too short, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Yoon, Jarrett, van der Schaar, "Time-series generative adversarial networks", NeurIPS, 2019, section 5.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise, walk = rng.normal(size=(80, 12, 1)), rng.normal(size=(40, 12, 1)).cumsum(1)
    >>> found = discriminative(noise, walk, seeds=1)
    >>> found.score > 0.3, found.floor < 0.2
    (True, True)
    """
    a, b = windows("real", real, least=2 * _FOLDS), windows("other", other, least=_FOLDS)
    alike("real", a, "other", b)
    demand("seeds", "discriminative", seeds, Whole(1))
    judge = _classifier() if judge is None else checked("discriminative", judge, "classifier")
    pairs = []
    for seed in range(seeds):
        one, two, three = _drawn(a, b, seed)
        pairs.append((_told_apart(judge, one, three, seed), _told_apart(judge, one, two, seed)))
    return _judged(pairs)


def predictive(real: ArrayLike, other: ArrayLike, lags: int | None = None, judge: Any = None, seeds: int = 5) -> Judged:
    """Return the mean absolute error on real series of a predictor that learned from others: of the next step.

    For each seed, the real series are split: the predictor learns from the others, and for reference from as many of
    one half of the real ones, and is tested on the other half. At most 1,000 series of each kind and 10,000 steps of
    those are taken, at random. The error is in standard deviations of the channel of the real series.

    Parameters
    ----------
    real, other : array (N, T, C), (M, T, C)
        Series of both, at least 10 real ones and 5 others.
    lags : int, optional
        Steps that the predictor sees, less than T; by default 24, or T // 2 if that is less.
    judge : scikit-learn regressor, optional
        It sees the last steps flattened, (K, lags · C), predicts the next one (K, C) or, of one channel, (K,), and gets
        each seed as `random_state`; by default boosted trees for each channel.
    seeds : int
        How many.

    Raises
    ------
    ParameterError
        If `judge` is no regressor, `lags` not an integer in [1, T - 1], or `seeds` not an integer >= 1.
    DataError
        If the arrays are not of shapes (N, T, C) and (M, T, C), too short, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Yoon, Jarrett, van der Schaar, "Time-series generative adversarial networks", NeurIPS, 2019, section 5; there a
    recurrent net predicts the last channel from the others too.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> walk, noise = rng.normal(size=(40, 12, 1)).cumsum(1), rng.normal(size=(20, 12, 1))
    >>> found = predictive(walk, noise, lags=2, judge=LinearRegression(), seeds=2)
    >>> found.score > 1.5 * found.floor
    True
    """
    a, b = windows("real", real, least=2 * _FOLDS), windows("other", other, least=_FOLDS)
    alike("real", a, "other", b)
    demand("lags", "predictive", lags, Maybe(Whole(1, a.shape[1] - 1), "24, or half of the steps"))
    demand("seeds", "predictive", seeds, Whole(1))
    judge = _regressor(a.shape[2]) if judge is None else checked("predictive", judge, "regressor")
    seen = lags or min(24, a.shape[1] // 2)
    mean, scale = a.mean((0, 1)), a.std((0, 1))
    scale = np.where(scale > 0, scale, 1)
    a, b = (a - mean) / scale, (b - mean) / scale
    pairs = []
    for seed in range(seeds):
        one, two, three = _drawn(a, b, seed)
        pairs.append(tuple(_error(judge, learned, one, seen, seed) for learned in (three, two)))
    return _judged(pairs)


def seeded(judge: Any, seed: int) -> Any:
    """Return a fresh judge with a seed, in every step of a pipeline that takes one.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> seeded(DecisionTreeRegressor(), 3)
    DecisionTreeRegressor(random_state=3)
    """
    from sklearn.base import clone

    fresh: Any = clone(judge)
    names = [name for name in fresh.get_params() if name.split("__")[-1] == "random_state"]
    return fresh.set_params(**dict.fromkeys(names, seed))


def checked(owner: str, judge: Any, kind: str, needed: str = "predict") -> Any:
    """Return a judge that can be cloned, fitted and asked, and is a "classifier" or "regressor".

    Raises
    ------
    ParameterError
        If it cannot.

    Examples
    --------
    >>> checked("predictive", 3, "regressor")
    Traceback (most recent call last):
    ...
    diabolo.errors.ParameterError: Parameter 'judge' of predictive must be a regressor of scikit-learn, such as ...
    """
    from sklearn.base import is_classifier, is_regressor

    able = not isinstance(judge, type) and all(hasattr(judge, name) for name in ("fit", needed, "get_params"))
    is_kind, such = (is_classifier, "RandomForestClassifier()") if kind == "classifier" else (is_regressor, "Ridge()")
    if not able or not is_kind(judge):
        raise ParameterError(
            f"Parameter 'judge' of {owner} must be a {kind} of scikit-learn, such as {such}, or None (the default "
            f"one); got {shorten(judge)}."
        )
    return judge


def _judged(pairs: list[Any]) -> Judged:
    scores, reference = zip(*pairs, strict=True)
    return Judged(scores, reference)


def _drawn(real: Array, other: Array, seed: int) -> tuple[Array, Array, Array]:
    """Return as many real series, other real ones, and others."""
    draw = np.random.default_rng(seed)
    count = min(len(real) // 2, len(other), _MOST)
    order = draw.permutation(len(real))
    return real[order[:count]], real[order[count : 2 * count]], other[draw.permutation(len(other))[:count]]


def _told_apart(judge: Any, one: Array, two: Array, seed: int) -> float:
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    X = np.concatenate([one, two])
    X = np.concatenate([X, np.diff(X, axis=1)], axis=1).reshape(len(X), -1)  # roughness is seen at once
    y = np.repeat([0, 1], [len(one), len(two)])
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    with _unfinished():
        guess = np.asarray(cross_val_predict(seeded(judge, seed), X, y, cv=folds))
    return float(abs(0.5 - np.mean(guess == y)))


def _error(judge: Any, learned: Array, tested: Array, lags: int, seed: int) -> float:
    draw = np.random.default_rng(seed)
    (past, now), (seen, truth) = (_steps(x, lags, draw) for x in (learned, tested))
    with _unfinished():
        fitted = seeded(judge, seed).fit(past, now[:, 0] if now.shape[1] == 1 else now)
        return float(np.abs(np.reshape(fitted.predict(seen), truth.shape) - truth).mean())


def _steps(x: Array, lags: int, draw: np.random.Generator) -> tuple[Array, Array]:
    """Return what comes before some steps of series (N, T, C), (K, lags * C), and the steps (K, C)."""
    count, steps, channels = x.shape
    chosen = draw.permutation(count * (steps - lags))[:_PIECES]
    row, time = chosen // (steps - lags), chosen % (steps - lags)
    past = x[row[:, None], time[:, None] + np.arange(lags)]
    return past.reshape(-1, lags * channels), x[row, time + lags]


def _classifier() -> Any:
    from sklearn.ensemble import ExtraTreesClassifier  # not before it is needed: trees take long to import

    return ExtraTreesClassifier(100)


def _regressor(channels: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.multioutput import MultiOutputRegressor

    trees = HistGradientBoostingRegressor(min_samples_leaf=5)  # with the usual 20, a hundred steps teach little
    return trees if channels == 1 else MultiOutputRegressor(trees)


@contextmanager
def _unfinished() -> Iterator[None]:
    """Let a judge stop before it has converged: it does so on both sides."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _deviation(values: tuple[float, ...]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

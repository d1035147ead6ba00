"""Transfer: what a classifier that learned from made rows is worth on real ones, beside one that learned from real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diabolo.check import Whole, demand, listed, shorten
from diabolo.errors import DataError, ParameterError
from diabolo.metrics.arrays import Array
from diabolo.metrics.columns import Column, columns
from diabolo.metrics.judged import Judged, checked, seeded


@dataclass(frozen=True)
class Transfer:
    """What is learned from made rows, and for reference from real ones, tested on other real ones.

    Parameters
    ----------
    accuracy : Judged
        Share of the rows told right.
    auroc : Judged
        Area under the ROC curve; of several classes the mean over them, of each against the others.
    """

    accuracy: Judged
    auroc: Judged

    def __str__(self) -> str:
        return f"accuracy {self.accuracy}, AUROC {self.auroc}"


def transfer(train: Any, made: Any, test: Any, target: str | int, judge: Any = None, seeds: int = 3) -> Transfer:
    """Train a classifier on made rows and test it on real ones; for reference train it on the real training rows.

    Numbers are left as they are, missing ones too; dates are their microseconds; a class is its number in the order of
    the alphabet.

    Parameters
    ----------
    train, made, test : data frame or array (N, F), (M, F), (K, F)
        Real rows that the generator was trained on, its own, and other real ones.
    target : str or int
        The column to predict, by name; of an array by place.
    judge : scikit-learn classifier, optional
        It has `predict_proba`, sees numbers (N, F - 1) with NaN, and gets each seed as `random_state`; by default a
        forest of 100 trees.
    seeds : int
        How many.

    Raises
    ------
    ParameterError
        If there is no column `target`, `judge` is no classifier, or `seeds` not an integer >= 1.
    DataError
        If the columns are not the same, a number is infinite, a target is missing, only one class is in `test`, or
        `made` holds classes that `train` does not.
    DataTypeError
        If a column mixes kinds, or holds another kind in one table than in the other.

    References
    ----------
    Esteban, Hyland, Rätsch, "Real-valued (medical) time series generation with recurrent conditional GANs", 2017,
    section 4.2. Xu, Skoularidou, Cuesta-Infante, Veeramachaneni, "Modeling tabular data using conditional GAN",
    NeurIPS, 2019, section 5.1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, test, made = rng.normal(size=(3, 200, 2))
    >>> for rows in (train, test):
    ...     rows[:, 1] = rows[:, 0] > 0
    >>> made[:, 1] = made[:, 1] > 0  # by chance
    >>> found = transfer(train, made, test, target=1, seeds=2)
    >>> found.auroc.score < 0.7, found.auroc.floor > 0.99
    (True, True)
    """
    demand("seeds", "transfer", seeds, Whole(1))
    judge = _forest() if judge is None else checked("transfer", judge, "classifier", "predict_proba")
    every = columns({"train": train, "made": made, "test": test})
    (real, real_y), (own, own_y), (tested, truth) = _split(every, _place(every, target))
    found = [
        [_score(seeded(judge, seed).fit(X, y), tested, truth) for X, y in ((own, own_y), (real, real_y))]
        for seed in range(seeds)
    ]
    return Transfer(*(Judged(tuple(one), tuple(other)) for one, other in np.transpose(found, (2, 1, 0)).tolist()))


def _place(every: list[Column], target: str | int) -> int:
    names = [column.name for column in every]
    if str(target) not in names or len(names) < 2:
        raise ParameterError(
            f"Parameter 'target' of transfer must be one of at least two columns ({listed(names)}); got "
            f"{shorten(target)}."
        )
    return names.index(str(target))


def _split(every: list[Column], place: int) -> list[tuple[Array, Array]]:
    """Return the numbers (N, F - 1) and the target (N,) of each table."""
    target, others = every[place], every[:place] + every[place + 1 :]
    missing = len(target.classes) - 1 if target.classes and target.classes[-1] is None else np.nan
    if any((np.isnan(side) | (side == missing)).any() for side in target.sides):
        raise DataError(f"Column {target.name!r} is to be predicted, and must have no missing values. Drop those rows.")
    train, made, test = target.sides
    strange = np.setdiff1d(made, train)
    if strange.size:
        value = target.classes[int(strange[0])] if target.classes else strange[0]
        raise DataError(
            f"Column {target.name!r} must hold in made only classes that train has; got {value!r}. Round such values, "
            "or drop those rows."
        )
    if len(np.unique(test)) < 2:
        raise DataError(f"Column {target.name!r} must hold at least two classes in test; got one. Give other rows.")
    return [(np.stack([c.sides[i] for c in others], axis=1), side) for i, side in enumerate((train, made, test))]


def _score(fitted: Any, tested: Array, truth: Array) -> tuple[float, float]:
    """Return accuracy and AUROC of a fitted classifier."""
    from sklearn.metrics import roc_auc_score

    chances = fitted.predict_proba(tested)
    known = fitted.classes_.tolist()
    areas = [
        roc_auc_score(truth == one, chances[:, known.index(one)] if one in known else np.zeros(len(truth)))
        for one in np.unique(truth).tolist()
    ]
    return float((fitted.predict(tested) == truth).mean()), float(np.mean(areas))


def _forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier  # not before it is needed: trees take long to import

    return RandomForestClassifier(100)

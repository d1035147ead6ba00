"""Many estimators fitted at once, as for an ensemble or a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from diabolo.check import shorten
from diabolo.errors import ParameterError
from diabolo.estimators.dictionaries.dictionary import Dictionary
from diabolo.estimators.dictionaries.together import fit_dictionaries
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.reduction.reducer import Reducer
from diabolo.estimators.unchanged import unchanged_on_failure
from diabolo.members import Members
from diabolo.training import Callback, History, train

E = TypeVar("E", Reducer, Dictionary)


def fit_together(
    estimators: Sequence[E],
    X: Any,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | PathLike[str] | None = None,
) -> list[E]:
    """Fit estimators in one pass over the data: reducers that differ in numbers only, or any dictionaries.

    Each ends as an ordinary fitted estimator. The data are read, scaled and split once, as the seed of the one with
    the largest code decides, and all see the same batches; the seed of each decides its initial weights. Reducers may
    differ in seed, size of the code and knobs that are numbers, and are computed as one: on small tables eight take
    about three times as long as one. Dictionaries may differ in everything, and share no more than the data, whose
    split the seed of the first decides.

    Parameters
    ----------
    estimators : sequence of Reducer or of Dictionary
        With the same `training` and `device`; reducers with nets of one shape.
    X : array, data frame, tensor or path
        As for `fit`.
    callbacks : sequence of Callback
        Watch the training; the model they see is a `Members`, or `Several` of dictionaries.
    checkpoint : path, optional
        As for `fit`.

    Returns
    -------
    list of estimators
        The same ones, fitted. The columns of the histories are means over all reducers, but for "held_out", which is
        their own; and sums over all dictionaries.

    Raises
    ------
    ParameterError
        If they cannot be fitted together.
    CapabilityError
        If their nets cannot be computed in one pass; those of dense layers can.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from diabolo import Reducer, Training
    >>> X = load_iris().data
    >>> grid = [Reducer(n, training=Training(epochs=50), random_state=0) for n in (1, 2, 3)]
    >>> errors = [reducer.errors_["model"] for reducer in fit_together(grid, X)]
    >>> errors == sorted(errors, reverse=True)
    True
    """
    _demand_alike(estimators)
    dictionaries = [estimator for estimator in estimators if isinstance(estimator, Dictionary)]
    reducers = [estimator for estimator in estimators if isinstance(estimator, Reducer)]
    with unchanged_on_failure(*estimators):
        if dictionaries:
            fit_dictionaries(dictionaries, X, callbacks=callbacks, checkpoint=checkpoint)
        else:
            _fit_reducers(reducers, X, callbacks, None if checkpoint is None else Path(checkpoint))
    return list(estimators)


def _fit_reducers(estimators: Sequence[Reducer], X: Any, callbacks: Sequence[Callback], file: Path | None) -> None:
    widest = max(estimators, key=lambda estimator: int(estimator.n_components))
    start = widest._prepare(X)
    starts = [
        start
        if estimator is widest
        else start.joined(estimator.check_parameters(), int(estimator.n_components), estimator._seed())
        for estimator in estimators
    ]
    for one in starts:
        if one.recipe.pretraining is not None or one.solved:
            raise ParameterError(
                f"{shorten(one.recipe, 200)} is trained in stages or solved, not in one pass; fit it apart."
            )
    members = Members([one.model for one in starts])
    source, held_out = start.batches()
    history = train(
        members,
        source,
        held_out,
        widest.schedule,
        seed=start.seed,
        callbacks=callbacks,
        checkpoint=file,
    )
    for i, (estimator, one) in enumerate(zip(estimators, starts, strict=True)):
        estimator._know(widest.n_features_in_, getattr(widest, "feature_names_in_", None))
        estimator._keep(FittedModel(members.extract(i), one.scaling, _of_member(history, i), one.pca))
        estimator._finish(start.sources.judged)


def _demand_alike(estimators: Sequence[Reducer | Dictionary]) -> None:
    alike = any(all(isinstance(estimator, kind) for estimator in estimators) for kind in (Reducer, Dictionary))
    if not estimators or not alike:
        raise ParameterError(
            "Parameter 'estimators' must hold Reducers only or Dictionaries only, at least one; got "
            f"{shorten(estimators)}."
        )
    if len({id(estimator) for estimator in estimators}) < len(estimators):
        raise ParameterError("Parameter 'estimators' must hold different ones; one of them is there twice: clone it.")
    for estimator in estimators:
        estimator.check_parameters()
    for name in ("training", "device"):
        values = {repr(getattr(estimator, name)) for estimator in estimators}
        if len(values) > 1:
            raise ParameterError(
                f"Estimators that are fitted together must have one {name!r}; got {shorten(sorted(values), 200)}."
            )


def _of_member(history: History, member: int) -> History:
    columns = {name: list(values) for name, values in history.columns.items() if not name.startswith("held_out ")}
    own = history.columns.get(f"held_out {member + 1}")
    if own is None:
        return replace(history, columns=columns)
    return replace(history, columns=columns | {"held_out": list(own)}, best_epoch=1 + own.index(min(own)))

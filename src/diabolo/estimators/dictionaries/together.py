"""Several dictionaries fitted in one pass over the data."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from diabolo.estimators.dictionaries.dictionary import Dictionary
from diabolo.estimators.dictionaries.intake import unpacked
from diabolo.several import Several
from diabolo.training import Callback, train


def fit_dictionaries(
    dictionaries: Sequence[Dictionary],
    X: Any,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | PathLike[str] | None = None,
) -> list[Dictionary]:
    """Fit dictionaries that differ in size, recipe or seed on the same batches; see `fit_together`.

    The seed of the first decides which samples are held out, and their order. The best epoch is that of all together.

    Examples
    --------
    >>> import numpy as np
    >>> from diabolo import Training
    >>> X = np.random.default_rng(0).normal(size=(200, 6))
    >>> small, large = (Dictionary(n, k=2, training=Training(epochs=5), random_state=0) for n in (8, 32))
    >>> [found.fvu_ > 0 for found in fit_dictionaries([small, large], X)]
    [True, True]
    """
    for dictionary in dictionaries:
        dictionary.check_parameters()
    first, *others = dictionaries
    with unpacked(X) as source:
        array, seed = first._take(source, reset=True), first._seed()
        start = first._begin(array, None, seed)
        for other in others:
            other._know(first.n_features_in_, getattr(first, "feature_names_in_", None))
            other._shape = first._shape
        models = [first._model(start, seed), *(other._model(start, other._seed()) for other in others)]
        history = train(
            Several(models),
            start.sources.train,
            start.sources.held_out,
            first.schedule,
            seed=seed,
            callbacks=callbacks,
            checkpoint=None if checkpoint is None else Path(checkpoint),
        )
        for dictionary, model in zip(dictionaries, models, strict=True):
            dictionary._finish(model, start, copy.deepcopy(history))
    return list(dictionaries)

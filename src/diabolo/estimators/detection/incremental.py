"""Incremental learning of a detector: its weights, its training samples and its threshold go with new samples.

Samples held out stay unseen for ever: neither weights nor neighbours come from them. So while nothing drifts, their
scores are exchangeable with those of new samples, and a false alarm rate holds as after a fit. While something drifts
it is exceeded by no more than kept samples and the next one differ in distribution (Barber, Candès, Ramdas, Tibshirani,
"Conformal prediction beyond exchangeability", Annals of Statistics, 2023).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Schema
from diabolo.density import Density
from diabolo.estimators.detection.drifting import drift
from diabolo.estimators.detection.memory import HELD, Memory, values, whole
from diabolo.estimators.detection.pieces import Pieces
from diabolo.estimators.detection.placing import Placing, Scorer
from diabolo.estimators.detection.usual import Usual
from diabolo.estimators.fitted import FittedModel
from diabolo.model import Autoencoder
from diabolo.nearness import Placed
from diabolo.shallow import PCA, begin, solvable
from diabolo.training import Plan, Rows, Training, train
from diabolo.training.batches import resident

Array = NDArray[Any]

_STEPS = 1 / 4
"""Steps, as a share of those of a fit: more of them see no more, and wear the model out."""

_BURST = 10
"""Steps are taken so many at a time: after very small batches none, or so many."""


@dataclass(frozen=True)
class Pace:
    """How fast is learned on.

    Parameters
    ----------
    training : Training
        How the model was trained: a quarter of the steps are taken.
    span : int or None
        How many samples back are remembered; see `memory.SPAN`.
    seed : int
        Decides, with the number of samples seen, what is by chance.
    """

    training: Training
    span: int | None
    seed: int


def learn_on(
    fitted: FittedModel, usual: Usual, schema: Schema | None, batch: Pieces, pace: Pace
) -> tuple[FittedModel, Usual]:
    """Return the model and what is usual once a batch of new samples has been learned on; see `Detector.partial_fit`.

    Raises
    ------
    CapabilityError
        If samples are cut into windows.
    TrainingError
        If the loss is no longer finite.
    """
    memory, before = usual.demand_memory(), Scorer(Placing.of(fitted, schema), usual.density)
    rng = np.random.default_rng([pace.seed, memory.seen])
    learnt, held = _split(batch, HELD if memory.calibrates else 0.0, rng)
    drifted = drift(before, usual, schema, batch)
    new = memory.joined(learnt, held, pace.span, rng)
    model = _solved(fitted, new) or _trained(fitted, memory, learnt, pace, rng)
    later, known = replace(fitted, model=model), whole(new.learned.x)
    placing = Placing.of(later, schema)
    scorer = Scorer(placing, Density.fit(Placed.joined(placing.placed(known))))
    scores = np.sort(scorer.energies(whole(new.held.x) if new.calibrates else known))
    folds = usual.out_of_fold
    if folds is not None:  # the model so far has not seen the batch
        folds = memory.scores(folds, before.energies(batch), pace.span, rng)
    return later, Usual(scorer.density, scores, out_of_fold=folds, memory=new, drift=drifted)


def _split(batch: Pieces, share: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return samples to learn from, and a share to hold out: of few samples one more or less, by chance."""
    x = values(batch, np.arange(len(batch)))
    order = rng.permutation(len(x))
    held = int(share * len(x) + rng.random()) if share else 0
    return x[np.sort(order[held:])], x[np.sort(order[:held])]


def _solved(fitted: FittedModel, memory: Memory) -> Autoencoder | None:
    """Return the model of what is remembered if it has a closed form, else None."""
    width, scaling = memory.learned.x[0].size, fitted.scaling
    if not solvable(fitted.model.recipe, width):
        return None
    model = copy.deepcopy(fitted.model)
    begin(PCA.fit([scaling.batch(scaling.tensor(whole(memory.learned.x).array))], width, model.n), model)
    return model


def _trained(fitted: FittedModel, memory: Memory, new: Array, pace: Pace, rng: np.random.Generator) -> Autoencoder:
    """Return the model after some steps on old and new samples (B, *shape), each drawn as often as it counts.

    A quarter of the steps of a fit are taken, in proportion to what the new samples count.
    """
    model, old, scaling = copy.deepcopy(fitted.model), memory.learned, fitted.scaling
    share = memory.share(len(new), pace.span)
    plan = Plan.of(pace.training, round(old.weight) + len(new))
    steps = _BURST * int(_STEPS * plan.steps * (1 - share) / _BURST + rng.random())
    if not steps:
        return model
    counts = np.repeat([share / len(old.x), (1 - share) / len(new)], [len(old.x), len(new)])
    drawn = torch.from_numpy(rng.choice(len(counts), steps * plan.batch_size, p=counts / counts.sum()))
    device = next(model.parameters()).device
    x = resident(scaling.tensor(whole(np.concatenate([old.x, new])).array), device)
    once = replace(pace.training, epochs=1, steps=None, batch_size=plan.batch_size)
    train(model, Rows(x, scaling.batch, drawn, device), None, once, seed=int(rng.integers(2**31)))
    return model

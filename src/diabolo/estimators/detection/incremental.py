"""Incremental learning of a detector: its weights, its training samples and its threshold go with new samples.

Samples held out stay unseen for ever: neither weights nor neighbours come from them. So while nothing drifts, their
scores are exchangeable with those of new samples, and a false alarm rate holds as after a fit. While something drifts
it is exceeded by no more than kept samples and the next one differ in distribution (Barber, Candès, Ramdas, Tibshirani,
"Conformal prediction beyond exchangeability", Annals of Statistics, 2023).
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import read
from diabolo.density import Density
from diabolo.estimators.detection.drifting import drift
from diabolo.estimators.detection.intake import samples
from diabolo.estimators.detection.memory import HELD, Memory, memory_of, values, whole
from diabolo.estimators.detection.pieces import Pieces
from diabolo.estimators.detection.placing import energies, placed
from diabolo.estimators.detection.threshold import offset_of
from diabolo.estimators.sources import gathered
from diabolo.model import Autoencoder
from diabolo.nearness import Placed
from diabolo.shallow import PCA, begin, solvable
from diabolo.training import Plan, Rows, train
from diabolo.training.batches import resident

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

Array = NDArray[Any]

_STEPS = 1 / 4
"""Steps, as a share of those of a fit: more of them see no more, and wear the model out."""

_BURST = 10
"""Steps are taken so many at a time: after very small batches none, or so many."""


def learn_on(detector: Detector, X: Any) -> None:
    """Learn on from a batch of new samples; see `Detector.partial_fit`.

    The detector changes as a whole or, after an error, not at all.

    Raises
    ------
    CapabilityError
        If it cuts samples into windows.
    DataError
        If X is not what was learned, holds what cannot be, or too few samples are held out for the false alarm rate.
    TrainingError
        If the loss is no longer finite.
    """
    memory, batch = memory_of(detector), samples(detector, gathered(read(X)))
    rng = np.random.default_rng([detector._seed(), memory.seen])
    learnt, held = _split(batch, HELD if memory.calibrates else 0.0, rng)
    later = copy.copy(detector)
    later.drift_ = drift(detector, batch)
    later.memory_ = new = memory.joined(learnt, held, detector.memory, rng)
    later.model_ = _solved(detector, new) or _trained(detector, memory, learnt, rng)
    known = whole(new.learned.x)
    later.density_ = Density.fit(Placed.joined(placed(later, known)))
    later.scores_ = np.sort(energies(later, whole(new.held.x) if new.calibrates else known))
    if detector.out_of_fold_ is not None:  # the model so far has not seen the batch
        later.out_of_fold_ = memory.scores(detector.out_of_fold_, energies(detector, batch), detector.memory, rng)
    later.offset_ = offset_of(later, later.threshold_)
    vars(detector).update(vars(later))


def _split(batch: Pieces, share: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return samples to learn from, and a share to hold out: of few samples one more or less, by chance."""
    x = values(batch, np.arange(len(batch)))
    order = rng.permutation(len(x))
    held = int(share * len(x) + rng.random()) if share else 0
    return x[np.sort(order[held:])], x[np.sort(order[:held])]


def _solved(detector: Detector, memory: Memory) -> Autoencoder | None:
    """Return the model of what is remembered if it has a closed form, else None."""
    width, scaling = memory.learned.x[0].size, detector.scaling_
    if not solvable(detector.recipe_, width):
        return None
    model = copy.deepcopy(detector.model_)
    begin(PCA.fit([scaling.batch(scaling.tensor(whole(memory.learned.x).array))], width, model.n), model)
    return model


def _trained(detector: Detector, memory: Memory, new: Array, rng: np.random.Generator) -> Autoencoder:
    """Return the model after some steps on old and new samples (B, *shape), each drawn as often as it counts.

    A quarter of the steps of a fit are taken, in proportion to what the new samples count.
    """
    model, old, scaling = copy.deepcopy(detector.model_), memory.learned, detector.scaling_
    share = memory.share(len(new), detector.memory)
    plan = Plan.of(detector.schedule, round(old.weight) + len(new))
    steps = _BURST * int(_STEPS * plan.steps * (1 - share) / _BURST + rng.random())
    if not steps:
        return model
    counts = np.repeat([share / len(old.x), (1 - share) / len(new)], [len(old.x), len(new)])
    drawn = torch.from_numpy(rng.choice(len(counts), steps * plan.batch_size, p=counts / counts.sum()))
    device = next(model.parameters()).device
    x = resident(scaling.tensor(whole(np.concatenate([old.x, new])).array), device)
    once = replace(detector.schedule, epochs=1, steps=None, batch_size=plan.batch_size)
    train(model, Rows(x, scaling.batch, drawn, device), None, once, seed=int(rng.integers(2**31)))
    return model

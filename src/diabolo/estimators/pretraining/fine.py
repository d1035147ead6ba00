"""Fine-tuning: what labels make of a pretrained model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from diabolo.corruptions import Corruption
from diabolo.data import Scaling
from diabolo.estimators.pretraining.classes import Classes
from diabolo.estimators.pretraining.consistencies import Consistency, MeanTeacher, PseudoLabels
from diabolo.estimators.pretraining.features import Features
from diabolo.estimators.pretraining.labelled import Labelled
from diabolo.estimators.pretraining.targets import Target
from diabolo.estimators.pretraining.tuned import Head, Tuned
from diabolo.estimators.pretraining.tuning import Tuning
from diabolo.seeding import seeded
from diabolo.training import Callback, History, train
from diabolo.training.batches import shuffled

_ENOUGH = 50
"""Labels that can judge: fewer are not held out."""

_MOST = 5000
"""Labels that are held out, at most."""

_NUMBERS = 2**26
"""Features that a head learns from while they stay as they are, at most: bounds the memory."""

_LOOKED_AT = 20_000
"""Samples whose features say how these are spread, at most."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What fine-tuning learns from.

    Parameters
    ----------
    samples : Tensor (N, *shape)
        As compact as they come.
    labels : Tensor (N, ...)
        As `target` has them.
    target : Target
        What is told.
    scaling : Scaling
        Of the samples.
    weak, strong : Corruption, optional
        What suits the data, if not said otherwise.
    precision : str
        What is fastest.
    seed : int
        Decides order and noise.
    device : torch.device
        Where it is computed.
    callbacks, checkpoint
        Watch and keep the training.
    """

    samples: Tensor
    labels: Tensor
    target: Target
    scaling: Scaling
    weak: Corruption | None
    strong: Corruption | None
    precision: str
    seed: int
    device: torch.device
    callbacks: Sequence[Callback] = ()
    checkpoint: Path | None = None


@dataclass(frozen=True, eq=False)
class Learnt:
    """What came of it: the head, how it went, and the labels held out (H,) with what is told of these (H, K)."""

    head: Head
    history: History
    held: Tensor
    outputs: Tensor


def tune(features: Features, lesson: Lesson, tuning: Tuning) -> Learnt:
    """Learn the labels of a lesson: a head, and in place the weights of the features.

    Raises
    ------
    ParameterError
        If the consistency has nothing to say of the target, or the noise does not suit the samples.
    TrainingError
        If the loss is no longer finite.
    """
    known = lesson.target.known(lesson.labels)
    others = torch.nonzero(~known)[:, 0]
    kept, held = held_out(torch.nonzero(known)[:, 0], lesson, tuning.validation)
    head = _head(features, lesson, lesson.target.width)
    rates = {name: tuning.rate * tuning.layer_decay**above for name, above in features.heights().items()}
    rates = {name: rate for name, rate in rates.items() if rate > 0}
    frozen = _frozen(features, head, lesson, tuning, kept, held)
    whole = _whole(features, head, lesson, tuning, rates, len(others) > 0)
    history = History()
    if tuning.frozen < 1:
        training = tuning.training(len(kept), 1 - tuning.frozen, lesson.precision)
        used = others if whole.consistency is not None else others[:0]
        ratio = _consistency(tuning, lesson.target).ratio
        count = Labelled.enough(len(kept), tuning.batch(len(kept)))
        source = Labelled(lesson.samples, lesson.scaling.batch, lesson.labels, kept, used, ratio, count, lesson.device)
        judged = replace(source, index=held, others=used[:0], count=len(held)) if len(held) else None
        history = train(
            whole,
            source,
            judged,
            training,
            seed=lesson.seed,
            callbacks=lesson.callbacks,
            checkpoint=lesson.checkpoint,
        )
        whole.settle()
    history.stages = [frozen]
    return Learnt(head, history, lesson.labels[held], _outputs(features, head, lesson, held))


def held_out(known: Tensor, lesson: Lesson, share: float) -> tuple[Tensor, Tensor]:
    """Return the numbers of labelled samples to train on, and of those to judge by, as many of each class or size."""
    count = min(round(share * len(known)), _MOST)
    if count < _ENOUGH:
        return known, known[:0]
    order = shuffled(len(known), lesson.seed)
    order = order[lesson.target.order(lesson.labels[known[order]]).argsort(stable=True)]
    chosen = torch.zeros(len(known), dtype=torch.bool)
    chosen[order[torch.linspace(0, len(known) - 1, count, dtype=torch.float64).round().long()]] = True
    return known[~chosen], known[chosen]


@torch.no_grad()
def computed(features: nn.Module, samples: Tensor, scaling: Scaling, device: torch.device, size: int = 512) -> Tensor:
    """Return the features (N, width) of samples, on the device."""
    return torch.cat([features(scaling.batch(block.to(device))).float() for block in samples.split(size)])


def _head(features: Features, lesson: Lesson, outputs: int) -> Head:
    few = lesson.samples[:: -(-len(lesson.samples) // _LOOKED_AT)]
    found = computed(features, few, lesson.scaling, lesson.device)
    scale = found.std(0, correction=0)
    return Head(found.mean(0), torch.where(scale > 1e-6, scale, 1.0), outputs).to(lesson.device)


def _frozen(features: Features, head: Head, lesson: Lesson, tuning: Tuning, kept: Tensor, held: Tensor) -> History:
    """Train the head on features that stay as they are, and are computed once."""
    if not tuning.frozen:
        return History()
    most = max(1000, _NUMBERS // features.width)
    kept = kept[shuffled(len(kept), lesson.seed)[:most].sort().values]
    rows = torch.cat([kept, held])
    found = computed(features, lesson.samples[rows], lesson.scaling, lesson.device)
    labels = lesson.labels[rows]
    index = torch.arange(len(rows))
    count = Labelled.enough(len(kept), tuning.batch(len(kept)))
    source = Labelled(found, lambda x: x, labels, index[: len(kept)], index[:0], 1, count, lesson.device)
    judged = replace(source, index=index[len(kept) :], count=len(held)) if len(held) else None
    model = Tuned(nn.Identity(), head, lesson.target, {}, tuning.averaging, None, None)
    training = tuning.training(len(kept), tuning.frozen, "float32")
    history = train(model, source, judged, training, seed=lesson.seed, callbacks=lesson.callbacks)
    model.settle()
    return history


def _whole(
    features: Features, head: Head, lesson: Lesson, tuning: Tuning, rates: dict[str, float], more: bool
) -> Tuned:
    weak = lesson.weak if tuning.weak is None else tuning.weak
    chosen = _consistency(tuning, lesson.target)
    for noise in (weak, *(value for value in chosen.get_params(deep=False).values() if isinstance(value, Corruption))):
        if noise is not None:
            noise.check_shape(features.shape)
    module = None
    if more and chosen.weight > 0:
        with seeded(lesson.seed, lesson.device):
            module = chosen.build(features.width, lesson.target, weak, lesson.strong).to(lesson.device)
    return Tuned(features, head, lesson.target, rates, tuning.averaging, weak, module)


def _consistency(tuning: Tuning, target: Target) -> Consistency:
    if tuning.consistency is not None:
        return tuning.consistency
    return PseudoLabels() if isinstance(target, Classes) else MeanTeacher()


def _outputs(features: Features, head: Head, lesson: Lesson, rows: Tensor) -> Tensor:
    if not len(rows):
        return torch.zeros(0, lesson.target.width)
    with torch.no_grad():
        return head(computed(features, lesson.samples[rows], lesson.scaling, lesson.device)).float().cpu()

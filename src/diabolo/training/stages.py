"""Training in stages: what a recipe wants trained first, then the whole."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from diabolo.files import real
from diabolo.model import Autoencoder
from diabolo.training.batches import Source
from diabolo.training.callbacks import Callback
from diabolo.training.history import History
from diabolo.training.loop import train
from diabolo.training.plan import Training


def train_in_stages(
    model: Autoencoder,
    source: Source,
    held_out: Source | None,
    training: Training,
    *,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | PathLike[str] | None = None,
) -> History:
    """Train the stages of the recipe's pretraining, if it has one, and then the whole; parameters as of `train`.

    Schedules are for the whole, whose recipe they change.

    With a checkpoint each stage has a file of its own beside it, removed once the whole is trained.

    Examples
    --------
    >>> import torch
    >>> from diabolo.model import Recipe
    >>> from diabolo.nets import MLP
    >>> from diabolo.pretrainings import Layerwise
    >>> from diabolo.training import Rows, Training, train_in_stages
    >>> model = Recipe(MLP(hidden=(8,)), pretraining=Layerwise()).build((5,), 2)
    >>> history = train_in_stages(model, Rows(torch.randn(64, 5), form=lambda x: x), None, Training(epochs=1))
    >>> len(history.stages)
    2
    """
    file = None if checkpoint is None else real(checkpoint)
    begun = file is not None and file.exists()  # the whole is in training: its stages are done, and in its history
    parts = [] if model.recipe.pretraining is None else model.recipe.pretraining.stages(model.recipe.net, model)
    stages, files = [], []
    for i, stage in enumerate(parts):
        beside = file.with_name(f"{file.name}.stage{i + 1}") if file else None
        files += [beside] if beside else []
        if not begun:
            plain = training(schedules=())
            stages.append(train(stage, source, held_out, plain, seed=seed, callbacks=callbacks, checkpoint=beside))
    history = train(model, source, held_out, training, seed=seed, callbacks=callbacks, checkpoint=file, stages=stages)
    for done in files:
        done.unlink(missing_ok=True)
    return history

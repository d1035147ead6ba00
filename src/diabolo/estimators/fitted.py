"""What a fit leaves behind: the autoencoder, and what belongs to it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

from diabolo.data import Scaling
from diabolo.estimators.start import Start
from diabolo.model import Autoencoder
from diabolo.shallow import PCA
from diabolo.training import Callback, History, Training, train_in_stages


@dataclass(frozen=True)
class FittedModel:
    """An autoencoder that has learned, how its samples are scaled, how it was trained, and PCA where that is kept."""

    model: Autoencoder
    scaling: Scaling
    history: History
    pca: PCA | None = None

    def precise(self) -> Autoencoder:
        """Return a copy of the model in float64, where its device can: a sample does not depend on those beside it."""
        here = next(self.model.parameters()).device
        return self.model if here.type == "mps" else copy.deepcopy(self.model).double()

    @classmethod
    def of(
        cls,
        start: Start,
        training: Training,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> FittedModel:
        """Train the model of a start, or solve it."""
        if start.solved:
            return cls(start.model, start.scaling, History(stopped="solved"), start.pca)
        train, held_out = start.batches()
        history = train_in_stages(
            start.model, train, held_out, training, seed=start.seed, callbacks=callbacks, checkpoint=checkpoint
        )
        return cls(start.model, start.scaling, history, start.pca)

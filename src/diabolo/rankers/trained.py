"""Autoencoders of histories, trained by the one loop."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
import torch
from scipy.sparse import csr_array, eye_array
from torch import Tensor

from diabolo import files
from diabolo.errors import FileError
from diabolo.latents import Gaussian
from diabolo.model import Autoencoder, Recipe
from diabolo.outline import outline
from diabolo.part import Some, knob
from diabolo.rankers.ranker import Floats, Matrix, Ranker, Scorer, Setting, blocks
from diabolo.recipes import OF_HISTORIES
from diabolo.schedules import WarmUp
from diabolo.seeding import seeded
from diabolo.training import History, Training, split, train_in_stages
from diabolo.training.device import brief
from diabolo.training.histories import Histories, sparse

_WIDTH = 200
"""Size of the codes where nobody says it."""

TRAINING = Training(epochs=40, batch_size=250, learning_rate=1e-3)
"""How nets of histories are trained: many users a step teach less of each, and after 60 epochs they overfit."""

_STEPS = 300
"""Steps at least: of few users there are few in an epoch."""


@dataclass(frozen=True)
class Composition(Some):
    """Allowed: a recipe."""

    role: str = Recipe.role

    def __contains__(self, value: object) -> bool:
        return isinstance(value, Recipe)

    def __str__(self) -> str:
        return "a Recipe"


@dataclass(frozen=True)
class Trained(Ranker):
    """Rebuild each history by an autoencoder, and recommend what it adds.

    References
    ----------
    Liang et al., "Variational autoencoders for collaborative filtering", WWW 2018.

    Examples
    --------
    >>> Trained().recipe.net
    Bag(hidden=(600, 600))
    """

    recipe: Recipe = knob(OF_HISTORIES["deep-vae"].recipe, Composition(), "the composition")

    def suited(self, said: Training, users: int) -> Training:
        """Return how it is trained: as said, and for the rest few users are shown more often, and a β grows at first.

        Examples
        --------
        >>> Trained().suited(Training(), 500)
        Training(epochs=150, batch_size=250, learning_rate=0.001, schedules=(WarmUp(),))
        >>> Trained().suited(Training(epochs=5, schedules=()), 500)
        Training(epochs=5, batch_size=250, learning_rate=0.001, schedules=())
        """
        steps = math.ceil(users / cast(int, said.batch_size or TRAINING.batch_size))
        epochs = max(cast(int, TRAINING.epochs), _STEPS // steps)
        schedules = (WarmUp(),) if isinstance(self.recipe.latent, Gaussian) else None
        return said.filled(TRAINING(epochs=epochs, schedules=schedules))

    def learn(self, histories: Matrix, setting: Setting) -> Scorer:
        """Train, watched by users held out."""
        training = self.suited(setting.training or Training(), histories.shape[0])
        if training.precision == "auto":
            training = training(precision=brief(setting.device))
        learnt, held = split(histories.shape[0], training.validation, setting.seed)
        n = setting.n or _WIDTH
        with seeded(setting.seed, setting.device):
            model = self.recipe.build((histories.shape[1],), n).to(setting.device)
        sources = [Histories(histories, index, setting.device) for index in (learnt, held)]
        history = train_in_stages(
            model,
            sources[0],
            sources[1],
            training,
            seed=setting.seed,
            callbacks=setting.callbacks,
            checkpoint=setting.checkpoint,
        )
        return Rebuilt(model, history)

    def restore(self, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> Scorer:
        """Return the model with its weights."""
        n = plain.get("n")
        if type(n) is not int or not 1 <= n <= 2**20:
            raise FileError(f"the code of its model has the impossible size {n!r}")
        with outline():  # costs nothing, however large the file says the model is
            sizes = self.recipe.build((items,), n).state_dict()
        files.match({name: tuple(value.shape) for name, value in sizes.items()}, arrays)
        with seeded(0):
            model = self.recipe.build((items,), n)
        model.load_state_dict(arrays)
        return Rebuilt(model.eval(), History.from_json(plain.get("history", {})))

    def equation(self) -> str:
        """Return the loss of the recipe."""
        return f"s = D(E(x)), {self.recipe.equation()}"


class Rebuilt(Scorer):
    """s = D(E(x)): what an autoencoder makes of a history.

    Parameters
    ----------
    model : Autoencoder
        For samples of shape (I,).
    history : History
        How it was trained.
    """

    def __init__(self, model: Autoencoder, history: History) -> None:
        self.model, self._history = model, history

    @property
    def items(self) -> int:
        """How many items there are."""
        return self.model.shape[0]

    @property
    def history(self) -> History:
        """How it was trained."""
        return self._history

    @torch.inference_mode()
    def scores(self, histories: Matrix) -> Floats:
        """Return the params of the likelihood where these are one number for each item, otherwise its mean."""
        likelihood, shape = self.model.recipe.likelihood, self.model.target
        told = [self.model.params(x) for x in self._batches(histories)]
        told = told if likelihood.shape(shape) == shape else map(likelihood.mean, told)
        return np.concatenate([np.empty((0, self.items), np.float32), *(each.float().cpu().numpy() for each in told)])

    def embeddings(self, n: int | None = None) -> Floats:
        """Return the codes of histories of one item each, (I, n)."""
        return self._alone[:, :n]

    @torch.inference_mode()
    def codes(self, histories: Matrix, n: int | None = None) -> Floats:
        """Return the deterministic codes, their first `n` numbers."""
        blocks = [self.model.encode(x).mean for x in self._batches(histories)]
        empty = np.empty((0, self.model.n), np.float32)[:, :n]
        return np.concatenate([empty, *(z[:, :n].float().cpu().numpy() for z in blocks)])

    @cached_property
    def _alone(self) -> Floats:
        """The codes of histories of one item each."""
        return self.codes(csr_array(eye_array(self.items, format="csr"), dtype=np.float32))

    def to(self, device: torch.device) -> Self:
        """Move the model."""
        self.model.to(device)
        return self

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the weights, the size of the code and how training went."""
        return {"n": self.model.n, "history": self._history.to_json()}, dict(self.model.state_dict())

    def _batches(self, histories: Matrix) -> Iterator[Tensor]:
        device = next(self.model.parameters()).device
        return (sparse(histories[block]).to(device) for block in blocks(histories))

"""TopK dictionaries of sparsify, through its own trainer.

The trainer reads a language model. Ours is one whose only layer looks a token up: the token is the number of a vector.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import redirect_stdout
from functools import partial
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks.workers.atoms import Read, Wanted, learning
from benchmarks.workers.protocol import serve

with redirect_stdout(sys.stderr):  # it prints when imported, which is no answer
    from sparsify import SparseCoderConfig, TrainConfig, Trainer


class Table(nn.Module):
    """A layer whose state for a token is the vector of that number."""

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.vectors = vectors

    def forward(self, ids: Tensor) -> Tensor:
        return self.vectors[ids]


class LookUp(nn.Module):
    """As much of a language model as the trainer asks for."""

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Table(vectors)])
        self.config = SimpleNamespace(num_hidden_layers=1)
        self.device = vectors.device
        self.dummy_inputs = {"input_ids": torch.zeros(1, 1, dtype=torch.long)}

    @property
    def base_model(self) -> nn.Module:
        """What the names of layers count from."""
        return self

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.layers[0](input_ids)


class Numbers(Dataset):
    """The numbers of all vectors, a batch a text."""

    def __init__(self, steps: int, batch: int) -> None:
        self.ids = torch.arange(steps * batch).reshape(steps, batch)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, i: int) -> dict[str, Tensor]:
        return {"input_ids": self.ids[i]}


class Unsaved(Trainer):
    """The trainer, without the file that it writes at the end."""

    def save(self) -> None:
        """Write nothing."""


def learn(optimizer: str, X: np.ndarray, wanted: Wanted) -> Read:
    """Train with an optimiser of theirs; Adam without warm-up, which is longer than all that is measured."""
    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig(
            SparseCoderConfig(num_latents=wanted.latents, k=wanted.k),
            batch_size=1,
            optimizer=optimizer,
            lr=wanted.rate,
            lr_warmup_steps=0,
            init_seeds=[wanted.seed],
            log_to_wandb=False,
            save_dir=folder,
        )
        trainer = Unsaved(config, Numbers(wanted.steps, wanted.batch), LookUp(torch.from_numpy(X)))
        trainer.fit()
    for schedule_free in trainer.optimizers if optimizer == "signum" else ():
        schedule_free.eval()  # the averaged weights, which it would save
    (coder,) = trainer.saes.values()

    def read(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            values, places, _ = coder.encode(torch.from_numpy(vectors))
            fired = torch.zeros(wanted.latents, dtype=torch.bool)
            fired[places[values > 0]] = True
            return coder.decode(values, places).numpy(), fired.numpy()

    return read


if __name__ == "__main__":
    serve({"learn": learning({name: partial(learn, name) for name in ("adam", "signum")})})

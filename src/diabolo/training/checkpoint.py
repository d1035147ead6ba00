"""Checkpoints: one file, written whole or not at all, from which a killed run goes on as if it had not been."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from diabolo.errors import FileError
from diabolo.files import load_tensors, real, save_tensors, under
from diabolo.seeding import places, seeded
from diabolo.training.batches import Source
from diabolo.training.history import History
from diabolo.training.run import Run

_AT_ONCE = 512  # samples


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept, and which run it is; with no `path`, nowhere."""

    path: Path | None
    identity: str = ""

    @classmethod
    def of(cls, path: Path | None, run: Run, sources: Sequence[Source | None], seed: int) -> Checkpoint:
        """Return the checkpoint of this run; its identity is a hash of what decides the outcome, all samples too."""
        return cls(None) if path is None else cls(real(path), _identity(run, sources, seed))

    def save(self, run: Run) -> None:
        """Write the state of the run, atomically."""
        if self.path is None:
            return
        arrays = {f"model.{name}": value for name, value in run.model.state_dict().items()}
        arrays |= {f"best.{name}": value for name, value in run.best_weights.items()}
        arrays |= {f"optimiser.{name}": value for name, value in run.optimiser.state().items()}
        state = {"epoch": run.epoch, "epochs": run.plan.epochs, "best": run.best.tolist(), "stopping": run.stopping}
        state["history"] = run.history.to_json()
        save_tensors(self.path, arrays, {"identity": self.identity, "state": json.dumps(state)})

    def resume(self, run: Run) -> None:
        """Set the run to the state in the file, if there is one.

        Raises
        ------
        FileError
            If the file is not a checkpoint, or one of another run.
        """
        if self.path is None or not self.path.exists():
            return
        try:
            arrays, metadata = load_tensors(self.path)
        except FileError as error:
            raise FileError(
                f"Parameter 'checkpoint' must name a new file, or one that a fit has kept; {self.path} is neither. "
                "Name another file, or delete it if it was cut."
            ) from error
        if metadata.get("identity") != self.identity:
            raise FileError(
                f"{self.path} is a checkpoint of another run (other data, also held out, recipe, training or seed), "
                "or of an older diabolo; delete it or name another file."
            )
        state = json.loads(metadata["state"])
        run.model.load_state_dict(under("model.", arrays))
        run.best_weights = {k: v.to(run.model.state_dict()[k].device) for k, v in under("best.", arrays).items()}
        run.optimiser.load(under("optimiser.", arrays))
        run.epoch, run.stopping = state["epoch"], state["stopping"]
        run.best = torch.tensor(state["best"], dtype=torch.float64)
        run.plan = replace(run.plan, epochs=state["epochs"])
        run.history = History.from_json(state["history"])


def _identity(run: Run, sources: Sequence[Source | None], seed: int) -> str:
    """Return a hash of the run and of all samples, those to train on and those to judge by."""
    here = [source for source in sources if source is not None and len(source)]
    shapes = {name: list(value.shape) for name, value in run.model.state_dict().items()}
    recipe = getattr(run.model, "recipe", None)
    told: dict[str, Any] = {
        "training": run.training.to_json(),
        "seed": seed,
        "samples": [*map(len, here)],
        "shapes": shapes,
    }
    told["recipe"] = recipe.to_json() if recipe else type(run.model).__name__
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    with seeded(0, *places(run.model)):  # some sources add noise
        for batch in chain.from_iterable(source.epoch(_AT_ONCE, None) for source in here):
            parts = (batch.x.indices(), batch.x.values()) if batch.x.is_sparse else (batch.x,)
            for seen in (*parts, batch.target, batch.weight, batch.condition):
                digest.update(b"" if seen is None else seen.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()

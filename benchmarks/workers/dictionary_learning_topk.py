"""TopK dictionaries of dictionary_learning, through its own training, fed from an array.

Its package imports nnsight to read language models, which brings torchvision; what pip finds of that needs CUDA, and
then neither can be imported beside a torch for processors. Nothing here reads a language model, so that the names which
the package imports from it are enough.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import torch

from benchmarks.workers.atoms import Read, Wanted, learning
from benchmarks.workers.protocol import serve

unread = ModuleType("nnsight")
unread.LanguageModel = unread.NNsight = object  # type: ignore[attr-defined]
sys.modules["nnsight"] = unread

from dictionary_learning.trainers.top_k import TopKTrainer  # noqa: E402
from dictionary_learning.training import trainSAE  # noqa: E402


def learn(X: np.ndarray, wanted: Wanted) -> Read:
    """Train with no warm-up, which is longer than all that is measured; everything else at its default."""
    made: list[TopKTrainer] = []

    def trainer(**knobs: Any) -> TopKTrainer:
        made.append(TopKTrainer(**knobs))  # what was trained is not given back
        return made[-1]

    settings = {
        "trainer": trainer,
        "steps": wanted.steps,
        "activation_dim": X.shape[1],
        "dict_size": wanted.latents,
        "k": wanted.k,
        "layer": 3,
        "lm_name": "MiniLM",
        "lr": wanted.rate,
        "warmup_steps": 0,
        "seed": wanted.seed,
        "device": "cpu",
    }
    trainSAE(torch.from_numpy(X).split(wanted.batch), [settings], wanted.steps, device="cpu")
    coder = made[0].ae

    def read(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            codes = coder.encode(torch.from_numpy(vectors))
            return coder.decode(codes).numpy(), (codes > 0).any(0).numpy()

    return read


if __name__ == "__main__":
    serve({"learn": learning({"adam": learn})})

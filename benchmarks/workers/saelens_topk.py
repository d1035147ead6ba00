"""TopK dictionaries of SAELens, through its own trainer, fed from an array."""

from __future__ import annotations

import numpy as np
import torch
from sae_lens import SAETrainer, TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.config import SAETrainerConfig

from benchmarks.workers.atoms import Read, Wanted, learning
from benchmarks.workers.protocol import serve


def learn(X: np.ndarray, wanted: Wanted) -> Read:
    """Train with a constant rate, 3e-4 if none is named, everything else at its default."""
    rate = wanted.rate or 3e-4
    torch.manual_seed(wanted.seed)
    sae = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=X.shape[1], d_sae=wanted.latents, k=wanted.k))
    config = SAETrainerConfig(
        total_training_samples=len(X), train_batch_size_samples=wanted.batch, lr=rate, lr_end=rate
    )
    sae = SAETrainer(config, sae, iter(torch.from_numpy(X).split(wanted.batch))).fit()

    def read(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            codes = sae.encode(torch.from_numpy(vectors))
            return sae.decode(codes).numpy(), (codes > 0).any(0).numpy()

    return read


if __name__ == "__main__":
    serve({"learn": learning({"adam": learn})})

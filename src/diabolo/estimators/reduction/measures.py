"""How good a map of samples is, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from diabolo.data import Scaling
from diabolo.metrics import continuity, distance_correlation, knn_accuracy, stress, triplets_kept, trustworthiness

_NEIGHBOURS, _VOTES, _CLASSES = 12, 10, 50


def measures(scaling: Scaling, samples: Any, codes: Any, colour: Any = None) -> dict[str, float]:
    """Return the measures of a map of samples (N, *shape) at codes (N, n): nothing of fewer than five.

    Distances of samples are those of scaled ones. With classes for a colour (N,), at most 50 of them, there is also how
    often the ten nearest of every other sample tell the class of the rest.
    """
    count = len(codes)
    if count < 5:
        return {}
    x = scaling.batch(scaling.tensor(samples)).numpy()
    near = min(_NEIGHBOURS, (count - 1) // 2)
    found = {
        "trustworthiness": trustworthiness(x, codes, near),
        "continuity": continuity(x, codes, near),
        "distance correlation": distance_correlation(x, codes),
        "triplets kept": triplets_kept(x, codes),
        "stress": stress(x, codes),
    }
    labels = None if colour is None else np.asarray(colour)
    if labels is not None and _few(labels):
        votes = min(_VOTES, (count + 1) // 2)
        found[f"class told by {votes} nearest"] = knn_accuracy(
            codes[::2], labels[::2], codes[1::2], labels[1::2], votes
        )
    return found


def _few(labels: Any) -> bool:
    """Tell whether a colour is one of few classes: not a number of any size."""
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.round(labels))).all():
        return False
    return len(np.unique(labels.astype(str) if labels.dtype.kind == "O" else labels)) <= min(_CLASSES, len(labels) // 2)

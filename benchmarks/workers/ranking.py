"""Lists of items: the best of scores, and how good they are. The same for every side."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from benchmarks.workers.interactions import size

LENGTH = 100
"""How many items are recommended to each user."""


def best(scores: np.ndarray, histories: csr_array) -> np.ndarray:
    """Return the items of the highest scores (B, I) that are not in the histories, the highest first, (B, 100)."""
    scores = np.array(scores, np.float32)
    scores[np.repeat(np.arange(len(scores)), np.diff(histories.indptr)), histories.indices] = -np.inf
    items = np.argpartition(-scores, LENGTH, axis=1)[:, :LENGTH]
    order = np.argsort(-np.take_along_axis(scores, items, 1), axis=1, kind="stable")
    return np.take_along_axis(items, order, 1)


def ndcg(items: np.ndarray, targets: csr_array, k: int) -> np.ndarray:
    """Return for each user (B,) the discounted gain of the first k items, over that of the best list there is."""
    gains = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(gains)[np.minimum(np.diff(targets.indptr), k) - 1]
    return hits(items[:, :k], targets) @ gains / ideal


def recall(items: np.ndarray, targets: csr_array, k: int, capped: bool) -> np.ndarray:
    """Return for each user (B,) how many targets are among the first k items, over all, or at most k where capped."""
    counts = np.diff(targets.indptr)
    return hits(items[:, :k], targets).sum(1) / (np.minimum(counts, k) if capped else counts)


def hits(items: np.ndarray, targets: csr_array) -> np.ndarray:
    """Return which items (B, n) are targets of their users (B, I); a negative one stands for none."""
    rows, width = np.arange(len(items), dtype=np.int64), size(targets)[1]
    keys = np.repeat(rows, np.diff(targets.indptr)) * width + targets.indices
    return (items >= 0) & np.isin(rows[:, None] * width + items, keys)

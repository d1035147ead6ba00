"""Metrics: from anomaly scores to decisions, and how good those are; a higher score is more anomalous everywhere."""

from diabolo.metrics.conformal import cutoff, discoveries, p_values
from diabolo.metrics.drift import Drift, drift
from diabolo.metrics.events import best_event_f1, event_recall_at, ranges, vus_pr
from diabolo.metrics.tail import Tail

__all__ = [
    "Drift",
    "Tail",
    "best_event_f1",
    "cutoff",
    "discoveries",
    "drift",
    "event_recall_at",
    "p_values",
    "ranges",
    "vus_pr",
]

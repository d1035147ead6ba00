"""Metrics: from anomaly scores to decisions and how good those are; how good samples and ranked lists of items are.

A higher anomaly score is more anomalous everywhere. Samples are compared with real ones in numbers that say nothing by
themselves: print beside them what other real samples get.
"""

from diabolo.metrics.activity import Activity, activity
from diabolo.metrics.baselines import autoregressive, bootstrapped
from diabolo.metrics.colour import ab_rmse, colourfulness, colourfulness_ratio
from diabolo.metrics.conformal import cutoff, discoveries, p_values
from diabolo.metrics.coverage import Coverage, coverage
from diabolo.metrics.disentangled import DCI, dci, mig
from diabolo.metrics.distances import distance_correlation, stress, triplets_kept
from diabolo.metrics.drift import Drift, drift
from diabolo.metrics.events import best_event_f1, event_recall_at, ranges, vus_pr
from diabolo.metrics.frechet import frechet
from diabolo.metrics.hits import average_precision, capped_recall, hit_rate, ndcg, recall, reciprocal_rank
from diabolo.metrics.judged import Judged, discriminative, predictive
from diabolo.metrics.maps import continuity, knn_accuracy, trustworthiness
from diabolo.metrics.memorising import Memorising, memorising
from diabolo.metrics.ranged import best_range_f1, range_precision_recall
from diabolo.metrics.ranking import Measured, Ranking, novelty, shown
from diabolo.metrics.residual import Residual, residual_of
from diabolo.metrics.restoration import noise_level, psnr, snr, ssim
from diabolo.metrics.retrieval import retrieval_recall
from diabolo.metrics.rows import closest, column_shapes, pair_trends
from diabolo.metrics.series import autocorrelation_distance, spectrum_distance
from diabolo.metrics.sparsity import Sparsity, fvu, sparsity
from diabolo.metrics.stability import stability
from diabolo.metrics.tail import Tail
from diabolo.metrics.transfer import Transfer, transfer

__all__ = [
    "DCI",
    "Activity",
    "Coverage",
    "Drift",
    "Judged",
    "Measured",
    "Memorising",
    "Ranking",
    "Residual",
    "Sparsity",
    "Tail",
    "Transfer",
    "ab_rmse",
    "activity",
    "autocorrelation_distance",
    "autoregressive",
    "average_precision",
    "best_event_f1",
    "best_range_f1",
    "bootstrapped",
    "capped_recall",
    "closest",
    "colourfulness",
    "colourfulness_ratio",
    "column_shapes",
    "continuity",
    "coverage",
    "cutoff",
    "dci",
    "discoveries",
    "discriminative",
    "distance_correlation",
    "drift",
    "event_recall_at",
    "frechet",
    "fvu",
    "hit_rate",
    "knn_accuracy",
    "memorising",
    "mig",
    "ndcg",
    "noise_level",
    "novelty",
    "p_values",
    "pair_trends",
    "predictive",
    "psnr",
    "range_precision_recall",
    "ranges",
    "recall",
    "reciprocal_rank",
    "residual_of",
    "retrieval_recall",
    "shown",
    "snr",
    "sparsity",
    "spectrum_distance",
    "ssim",
    "stability",
    "stress",
    "transfer",
    "triplets_kept",
    "trustworthiness",
    "vus_pr",
]

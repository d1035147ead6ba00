"""Consistencies: what unlabelled samples cost in fine-tuning. A new file in this folder enters the table of parts."""

from diabolo.estimators.pretraining.consistencies.consistency import (
    Consistency,
    ConsistencyModule,
    Student,
    corrupted,
)
from diabolo.estimators.pretraining.consistencies.generative import Generative
from diabolo.estimators.pretraining.consistencies.mean_teacher import MeanTeacher
from diabolo.estimators.pretraining.consistencies.pseudo_labels import PseudoLabels
from diabolo.estimators.pretraining.consistencies.views import Viewed
from diabolo.part import discover

discover(__name__, __path__)

__all__ = [
    "Consistency",
    "ConsistencyModule",
    "Generative",
    "MeanTeacher",
    "PseudoLabels",
    "Student",
    "Viewed",
    "corrupted",
]

"""Estimators: one job per folder, behind scikit-learn's conventions."""

from diabolo.estimators.base import Estimator
from diabolo.estimators.colorization.colorizer import Colorizer
from diabolo.estimators.compression.compressor import Compressor
from diabolo.estimators.compression.opening import decompress, opened
from diabolo.estimators.denoising.denoiser import Denoiser
from diabolo.estimators.detection.detector import Detector
from diabolo.estimators.dictionaries.dictionary import Dictionary
from diabolo.estimators.files import ESTIMATORS, load
from diabolo.estimators.generation.generator import Generator
from diabolo.estimators.imputation.imputer import Imputer
from diabolo.estimators.job import Job
from diabolo.estimators.pretraining.classifier import Classifier
from diabolo.estimators.pretraining.pretrainer import Pretrainer
from diabolo.estimators.pretraining.regressor import Regressor
from diabolo.estimators.pretraining.tuning import Tuning
from diabolo.estimators.recommendation.recommender import Recommender
from diabolo.estimators.reduction.reducer import Reducer
from diabolo.estimators.together import fit_together

__all__ = [
    "ESTIMATORS",
    "Classifier",
    "Colorizer",
    "Compressor",
    "Denoiser",
    "Detector",
    "Dictionary",
    "Estimator",
    "Generator",
    "Imputer",
    "Job",
    "Pretrainer",
    "Recommender",
    "Reducer",
    "Regressor",
    "Tuning",
    "decompress",
    "fit_together",
    "load",
    "opened",
]

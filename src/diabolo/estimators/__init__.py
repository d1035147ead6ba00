"""Estimators: one job per file, behind scikit-learn's conventions."""

from diabolo.estimators.base import Estimator
from diabolo.estimators.colorizer import Colorizer
from diabolo.estimators.denoiser import Denoiser
from diabolo.estimators.detector import Detector
from diabolo.estimators.files import ESTIMATORS, load
from diabolo.estimators.generator import Generator
from diabolo.estimators.imputer import Imputer
from diabolo.estimators.reducer import Reducer
from diabolo.estimators.together import fit_together

__all__ = [
    "ESTIMATORS",
    "Colorizer",
    "Denoiser",
    "Detector",
    "Estimator",
    "Generator",
    "Imputer",
    "Reducer",
    "fit_together",
    "load",
]

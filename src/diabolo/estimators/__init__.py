"""Estimators: one job per file, behind scikit-learn's conventions."""

from diabolo.estimators.base import Estimator
from diabolo.estimators.files import ESTIMATORS, load
from diabolo.estimators.reducer import Reducer

__all__ = ["ESTIMATORS", "Estimator", "Reducer", "load"]

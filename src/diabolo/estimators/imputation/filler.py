"""What an imputer knows of samples of one kind, and what it answers when asked about their missing cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diabolo.estimators.base import Estimator
from diabolo.estimators.fitted import FittedModel
from diabolo.flow import Shape
from diabolo.model import Autoencoder

LEVELS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99, 1.0)
"""Shares of probability between the ends of intervals, for which it is measured how many hidden cells they hold."""


@dataclass(frozen=True, eq=False)
class Filler(ABC):
    """What was learned of tables, or of series and images, besides the model that says what is missing.

    Parameters
    ----------
    coverage : ndarray (F, L)
        Which share of hidden cells held out lies in intervals of `LEVELS`, of each column or channel.
    """

    coverage: NDArray[Any]

    @property
    def indicated(self) -> list[int]:
        """Which columns have an indicator of what was missing, where these are wanted."""
        return []

    def level(self, place: int, coverage: float) -> float:
        """Return how much probability lies in intervals of a column or channel that hold a share of its cells."""
        return float(np.interp(coverage, self.coverage[place], LEVELS))

    @abstractmethod
    def sample_shape(self, model: Autoencoder) -> Shape:
        """Return the shape of a sample as the user has it."""

    @abstractmethod
    def read(self, estimator: Estimator, X: Any) -> Any:
        """Return samples X as the methods below take them, once they are known to be like those of training.

        Raises
        ------
        DataError, DataTypeError
            If they are not.
        """

    @abstractmethod
    def transform(self, fitted: FittedModel, samples: Any, strategy: str, add_indicator: bool) -> Any:
        """Return samples with their missing cells filled; parameters as of `Imputer`."""

    @abstractmethod
    def sample(self, fitted: FittedModel, samples: Any, n: int, seed: int | None) -> list[Any]:
        """Return samples n times, their missing cells drawn."""

    @abstractmethod
    def uncertainty(self, fitted: FittedModel, samples: Any) -> Any:
        """Return how uncertain each cell is."""

    @abstractmethod
    def intervals(self, fitted: FittedModel, samples: Any, coverage: float) -> tuple[Any, Any]:
        """Return samples with their missing cells at the low ends of intervals, and at the high ends."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what to save: plain JSON, and arrays."""

    @classmethod
    @abstractmethod
    def restore(cls, plain: dict[str, Any], arrays: dict[str, Tensor], model: Autoencoder, columns: int) -> Filler:
        """Return what `state` gave, beside a model of samples of so many columns or channels.

        Raises
        ------
        FileError
            If it is foreign or was edited.
        """

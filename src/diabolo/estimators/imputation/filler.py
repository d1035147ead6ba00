"""What an imputer does for samples of one kind: learns from them, fills their gaps, and tells how sure it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from torch import Tensor

from diabolo.flow import Shape
from diabolo.model import Recipe
from diabolo.report import Page
from diabolo.training import Callback

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer


class Filler(ABC):
    """The work of an imputer on tables, or on series and images. It remembers nothing: the imputer does."""

    @abstractmethod
    def learn(
        self,
        imputer: Imputer,
        X: Any,
        recipe: Recipe,
        seed: int,
        callbacks: Sequence[Callback],
        checkpoint: str | PathLike[str] | None,
    ) -> None:
        """Learn from X in memory: see `Imputer.fit`."""

    @abstractmethod
    def sample_shape(self, imputer: Imputer) -> Shape:
        """Return the shape of a sample as the user has it."""

    @abstractmethod
    def filled(self, imputer: Imputer, X: Any) -> Any:
        """Return X with its missing cells filled."""

    @abstractmethod
    def draw(self, imputer: Imputer, X: Any, n: int, seed: int | None) -> list[Any]:
        """Return X completed n times by draws."""

    @abstractmethod
    def unsure(self, imputer: Imputer, X: Any) -> Any:
        """Return how uncertain each cell of X is."""

    @abstractmethod
    def between(self, imputer: Imputer, X: Any, coverage: float) -> tuple[Any, Any]:
        """Return X with its missing cells at the low ends of intervals, and at the high ends."""

    @abstractmethod
    def report(self, imputer: Imputer, X: Any) -> Page:
        """Return the page of an imputer on X."""

    @abstractmethod
    def remembered(self, imputer: Imputer) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what to save: plain JSON, and arrays."""

    @abstractmethod
    def recall(self, imputer: Imputer, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        """Take up what `remembered` gave.

        Raises
        ------
        FileError
            If it is foreign or was edited.
        """

"""What a coder is: how it learns what samples are like, and writes them as bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from diabolo.part import Part
from diabolo.training import History, Setting

Arrays = dict[str, Any]
"""Arrays of numpy by name."""


class Coding(ABC):
    """What a coder learned: samples to bytes and back, the same on every machine.

    What samples are depends on the coder: rows of levels (N, D), or images (C, H, W).
    """

    @property
    def history(self) -> History:
        """How training went, where there was any."""
        return History(stopped="solved")

    @abstractmethod
    def encode(self, samples: Any) -> bytes:
        """Return samples as bytes."""

    @abstractmethod
    def decode(self, data: bytes, shape: tuple[int, ...]) -> Any:
        """Return what `encode` made of samples of this shape.

        Raises
        ------
        FileError
            If they are no such bytes.
        """

    def holds(self, data: bytes, samples: Any) -> bool:
        """Tell whether bytes that `encode` made of samples give them back: an array, by default decoded."""
        return bool(np.array_equal(self.decode(data, samples.shape).T, samples.T))

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return what was learned, to save: plain JSON, and arrays."""


class Coder(Part, role="coders"):
    """A way to learn what samples are like, and to write them as bytes."""

    samples: ClassVar[str] = "table"
    """What it writes: the levels of a "table", or "images"."""

    exact: ClassVar[bool] = True
    """Whether samples come back as they were."""

    @abstractmethod
    def learn(self, samples: Any, setting: Setting) -> Coding:
        """Learn from samples."""

    @abstractmethod
    def restore(self, plain: dict[str, Any], arrays: Arrays) -> Coding:
        """Return what `Coding.state` described.

        Raises
        ------
        FileError
            If it is no such description.
        """

    @abstractmethod
    def equation(self) -> str:
        """Return how many bits a sample x costs."""

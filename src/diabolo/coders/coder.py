"""What a coder is: how it learns what samples are like, and writes them as bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar

import torch

from diabolo.part import Part
from diabolo.training import Callback, History, Training

Arrays = dict[str, Any]
"""Arrays of numpy by name."""


@dataclass(frozen=True)
class Setting:
    """What learning needs to know besides the samples.

    Parameters
    ----------
    n : int, optional
        Size of the code, chosen by the coder if not given.
    training : Training, optional
        How a net is trained, as suits the coder if not given.
    seed : int
        Decides what is drawn at random.
    device : torch.device
        Where it is trained; bytes are always made and read on a CPU.
    callbacks, checkpoint
        Watch and keep the training of a net: see `diabolo.training.train`.
    """

    n: int | None = None
    training: Training | None = None
    seed: int = 0
    device: torch.device = torch.device("cpu")
    callbacks: Sequence[Callback] = ()
    checkpoint: str | PathLike[str] | None = None


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

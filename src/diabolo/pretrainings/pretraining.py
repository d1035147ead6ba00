"""What a pretraining is: smaller autoencoders trained before the whole one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Protocol

from torch import nn

from diabolo.nets.net import Net
from diabolo.part import Part
from diabolo.pretrainings.stage import Stage


class Stacked(Protocol):
    """What a pretraining may ask of a model."""

    encoder: nn.Module
    decoder: nn.Module


class Pretraining(Part, role="pretrainings"):
    """Stages that are trained one after the other before the whole model is."""

    @abstractmethod
    def stages(self, net: Net, model: Stacked) -> Iterator[Stage]:
        """Yield the small autoencoders to train, in order; each shares its weights with `model`.

        Raises
        ------
        CapabilityError
            If the net cannot be trained in stages.
        """

    @abstractmethod
    def equation(self) -> str:
        """Say in one phrase what is done."""

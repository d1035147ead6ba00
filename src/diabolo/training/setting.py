"""What learning needs to know besides the samples, where nets are only one way to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import torch

from diabolo.training.callbacks import Callback
from diabolo.training.plan import Training


@dataclass(frozen=True)
class Setting:
    """What a ranker, a coder or an imputer is told.

    Parameters
    ----------
    n : int, optional
        Size of the codes, chosen by what learns if not given.
    training : Training, optional
        How a net is trained, as suits it if not given.
    seed : int
        Decides what is drawn at random.
    device : torch.device
        Where it is computed.
    callbacks, checkpoint
        Watch and keep the training of a net: see `diabolo.training.train`.

    Examples
    --------
    >>> Setting(n=8).seed
    0
    """

    n: int | None = None
    training: Training | None = None
    seed: int = 0
    device: torch.device = torch.device("cpu")
    callbacks: Sequence[Callback] = ()
    checkpoint: str | PathLike[str] | None = None

"""What new samples are compared with: those that a detector has learned from, or held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diabolo.density import Density
from diabolo.errors import CapabilityError
from diabolo.estimators.detection.memory import Memory
from diabolo.metrics import Drift

Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Usual:
    """What is usual.

    Parameters
    ----------
    density : Density
        The training samples, placed.
    scores : ndarray (m,)
        Rising scores of the samples held out or, where there are none, trained on.
    ends : ndarray (k,) or None
        Rising energies of the windows that these are of, of series; None where there are none.
    out_of_fold : ndarray (m,) or None
        Rising scores of few training samples by models that had not seen them.
    memory : Memory or None
        Samples that stand for those gone by; None where there are windows.
    drift : Drift or None
        Whether the latest batch learned on was as those before it.
    """

    density: Density
    scores: Scores
    ends: Scores | None = None
    out_of_fold: Scores | None = None
    memory: Memory | None = None
    drift: Drift | None = None

    @property
    def unseen(self) -> Scores:
        """The rising scores that those of new samples compare with: of samples that no model has seen, if any."""
        return self.scores if self.out_of_fold is None else self.out_of_fold

    def demand_memory(self) -> Memory:
        """Return the memory.

        Raises
        ------
        CapabilityError
            If there is none, since samples are cut into windows, which overlap: they are not drawn one by one.
        """
        if self.memory is None:
            raise CapabilityError(
                "A Detector with a window can neither learn on nor test for drift, as windows depend on one another. "
                "Fit it anew on the latest points, or cut the series yourself and leave out 'window'."
            )
        return self.memory

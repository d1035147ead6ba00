"""Which samples are held out, to judge by as if they were new."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diabolo.errors import DataError
from diabolo.training import split

Index = NDArray[np.int64]


def parted(count: int, share: float, seed: int) -> tuple[Index, Index]:
    """Return the rising numbers of samples to learn from, and of a `share` of all that is held out.

    Raises
    ------
    DataError
        If there are too few to hold out any.

    Examples
    --------
    >>> learnt, held = parted(10, 0.2, seed=0)
    >>> len(learnt), len(held)
    (8, 2)
    """
    learnt, held = (index.numpy() for index in split(count, share, seed))
    if share and not len(held):
        raise DataError(
            f"X must hold at least 10 samples with a false_alarm_rate, since some are held out to calibrate; got "
            f"{count}. Give more, or no false_alarm_rate."
        )
    return learnt, held

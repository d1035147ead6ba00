"""Numbers of any scale as numbers of one: standardised, and compressed where they are far out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diabolo.data.cells import endless

KNEE = 3.0
"""Standard deviations beyond which the numbers of a table are compressed."""

_FAR = 1e300  # beyond it numbers are cut: float64 ends soon after


@dataclass(frozen=True)
class Standard:
    """How numbers are standardised.

    Parameters
    ----------
    knee : float
        Standard deviations beyond which they are compressed.
    constant : float
        In how much of its magnitude a constant column is measured.
    """

    knee: float
    constant: float


ROWS = Standard(knee=KNEE, constant=1.0)
"""Of a table: what is far out is far out, be it 10 or 1,000 standard deviations."""

SERIES = Standard(knee=1e6, constant=0.1)
"""Of the points of a series: a level never reached tells most, as does a switch never thrown (docs/decisions/0007)."""


def standardised(
    names: Sequence[str],
    x: np.ndarray,
    shift: np.ndarray | float,
    scale: np.ndarray | float,
    knee: float = KNEE,
) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers x (N, F) standardised and compressed, float64, 0 where missing, and which are not missing.

    Raises
    ------
    DataError
        If a column, called by its name, holds infinity.

    Examples
    --------
    >>> z, here = standardised(("a",), np.array([[7.0], [np.e + 7]]), 5.0, 1.0)
    >>> z[:, 0].tolist(), here[:, 0].tolist()
    ([2.0, 4.0], [True, True])
    """
    here = np.isfinite(x)
    z = x.astype(np.float64, order="C")
    with np.errstate(over="ignore"):
        z -= shift
        z /= scale
    if not here.all():
        if np.isinf(x).any():
            raise endless(names[int(np.isinf(x).any(0).argmax())])
        np.copyto(z, 0, where=~here)
    flat = z.reshape(-1)
    far = np.flatnonzero(np.abs(flat) > knee)
    tail = flat[far]
    flat[far] = np.copysign(knee + np.log1p(np.minimum(np.abs(tail), _FAR) - knee), tail)
    return z, here


def restored(z: np.ndarray, shift: float, scale: float, knee: float = KNEE) -> np.ndarray:
    """Return standardised numbers (N,) in their own units.

    Examples
    --------
    >>> restored(np.array([2.0, 4.0]), 5.0, 1.0).tolist() == [7.0, np.e + 7]
    True
    """
    size = np.abs(z.astype(np.float64))
    far = size > knee
    size[far] = knee + np.expm1(np.minimum(size[far] - knee, np.log1p(_FAR)))
    with np.errstate(over="ignore"):
        return np.nan_to_num(np.copysign(size, z) * scale + shift, nan=np.nan)  # infinity becomes the largest number

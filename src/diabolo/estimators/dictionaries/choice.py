"""Which latents of a dictionary are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.errors import ParameterError

_OF_A_KIND = 4
"""Latents of each kind."""

_SELDOM = 5
"""Samples that a latent is to be active in to be shown as a seldom one: fewer show nothing in common."""


def chosen(counts: NDArray[np.integer], latents: Sequence[int] | None) -> tuple[list[int], str]:
    """Return the numbers of latents to show, and in a sentence how they were chosen.

    Parameters
    ----------
    counts : ndarray (n,)
        Number of samples that each latent is active in.
    latents : sequence of int, optional
        Those asked for; by default four of the most often active, four about the median, and four of those least often
        active, though in five samples or more if there are such.

    Raises
    ------
    ParameterError
        If one asked for is not there.

    Examples
    --------
    >>> chosen(np.array([0, 5, 9]), None)[0], chosen(np.zeros(9, int), [7, 3])[0]
    ([2, 1], [7, 3])
    """
    if latents is not None:
        return _asked(latents, len(counts)), "The latents that were asked for."
    order = np.argsort(-counts, kind="stable")
    living = order[: int((counts > 0).sum())]
    if not len(living):
        return [], "No latent is active in these samples."
    middle = max(0, len(living) // 2 - _OF_A_KIND // 2)
    seldom = living[counts[living] >= min(_SELDOM, counts[living[0]])]
    groups = living[:_OF_A_KIND], living[middle : middle + _OF_A_KIND], seldom[-_OF_A_KIND:]
    return [int(latent) for latent in dict.fromkeys(np.concatenate(groups).tolist())], (
        f"The {_OF_A_KIND} that are active most often, {_OF_A_KIND} about the median of those that are active at all, "
        f"and {_OF_A_KIND} of the seldom ones, active in {_SELDOM} samples or more if there are such."
    )


def _asked(latents: Sequence[int], n: int) -> list[int]:
    some: list[Any] = list(latents) if isinstance(latents, Sequence | np.ndarray) else [latents]
    for latent in some:
        if not isinstance(latent, int | np.integer) or isinstance(latent, bool) or not 0 <= latent < n:
            raise ParameterError(
                f"Parameter 'latents' of report must hold numbers of latents, 0 to {n - 1}; got {shorten(latent)}."
            )
    return [int(latent) for latent in dict.fromkeys(some)]

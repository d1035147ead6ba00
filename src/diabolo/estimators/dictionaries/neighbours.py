"""How the atoms of a dictionary lie to one another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_ATOMS = 2048
"""Atoms whose nearest other is looked for, at most: bounds the time."""

_AT_ONCE = 2**22
"""Cosines in memory at a time."""


class Neighbours:
    """The other atom that is nearest to each of some atoms.

    Parameters
    ----------
    atoms : ndarray (n, D)
        Two atoms at least. Of more than 2,048 an even selection is looked at; their nearest may be any.

    Attributes
    ----------
    some : ndarray (m,)
        Numbers of the atoms looked at.
    others : ndarray (m,)
        The number of the atom nearest to each.
    cosines : ndarray (m,)
        The cosine between the two.

    Examples
    --------
    >>> around = Neighbours(np.array([[1.0, 0.0], [0.0, 1.0], [3.0, 3.1]]))
    >>> around.others.tolist(), around.of(0)[0], around.closest(2)
    ([2, 2, 1], 2, [1, 2])
    """

    def __init__(self, atoms: Array) -> None:
        self._unit = atoms / np.maximum(np.linalg.norm(atoms, axis=1, keepdims=True), 1e-12)
        n = len(atoms)
        self.some = np.arange(n) if n <= _ATOMS else np.linspace(0, n - 1, _ATOMS).astype(np.int64)
        step = max(1, _AT_ONCE // n)
        found = [self._nearest(self.some[start : start + step]) for start in range(0, len(self.some), step)]
        self.others, self.cosines = (np.concatenate(each) for each in zip(*found, strict=True))

    @property
    def about(self) -> str:
        """Say which atoms were looked at."""
        n = len(self._unit)
        return f"Of all {n} atoms." if len(self.some) == n else f"Of {len(self.some)} of {n} atoms, chosen evenly."

    def of(self, latent: int) -> tuple[int, float]:
        """Return the number of the atom nearest to one, and the cosine between them."""
        other, cosine = self._nearest(np.array([latent]))
        return int(other[0]), float(cosine[0])

    def closest(self, most: int = 24) -> list[int]:
        """Return the numbers of `most` atoms at most, pairs of large cosines first."""
        found: dict[int, None] = {}
        for place in np.argsort(-self.cosines, kind="stable"):
            pair = int(self.some[place]), int(self.others[place])
            if len(found | dict.fromkeys(pair)) > most:
                break
            found |= dict.fromkeys(pair)
        return list(found)

    def between(self, latents: list[int]) -> Array:
        """Return the cosines (m, m) between some atoms."""
        return self._unit[latents] @ self._unit[latents].T

    def _nearest(self, latents: Array) -> tuple[Array, Array]:
        cosines = self._unit[latents] @ self._unit.T
        cosines[np.arange(len(latents)), latents] = -np.inf
        others = cosines.argmax(1)
        return others, cosines[np.arange(len(latents)), others].clip(-1, 1)
